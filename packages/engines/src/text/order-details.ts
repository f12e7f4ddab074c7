/** Applies the details of a statement to a known order. */
import { priceOf, type Details } from "./details.js";
import type { NumberItem } from "./items.js";
import type { OrderDraft } from "./order-draft.js";
import type { Statement } from "./statements.js";
import type { SpokenSegment } from "./words.js";

/** False when a strike, an option type or an expiry contradicts the order's. */
export function sameContract(order: OrderDraft, details: Details): boolean {
  const strike = order.number("strike");
  return (
    (details.strike === null || strike === null || strike === details.strike) &&
    (details.optionType === null || order.optionType === null || order.optionType === details.optionType)
  );
}

/** True when a quantity or a price is another one than the order's. */
export function differs(order: OrderDraft, details: Details): boolean {
  const quantity = order.number("quantity");
  return (
    (details.quantity !== null && quantity !== null && quantity !== details.quantity) ||
    (details.price !== null && order.price !== null && !details.priceReadings.includes(order.price))
  );
}

/** The fields that identify the order of a cancellation, without its quantity. */
export function withoutNumbers(details: Details): Details {
  return { ...details, quantity: null, price: null, priceReadings: [], trigger: null, market: false, free: [] };
}

/** Without a symbol a bare number may fill a gap; it must not overrule a complete statement ("sell eight" for "correct"). */
function bareNumbersOut(order: OrderDraft, details: Details): Details {
  if (details.symbol !== null || !details.bareQuantity || order.number("quantity") === null) return details;
  const price = order.has("price") ? null : details.price;
  return { ...details, quantity: null, price, priceReadings: price === null ? [] : details.priceReadings };
}

/**
 * The details of a statement about a known order, whose bare numbers go where the order knows them: "four hundred and five one
 * hundred itc" repeats the price first.
 */
export function asRepeated(order: OrderDraft, details: Details): Details {
  const quantity = order.number("quantity");
  const known = (value: number | null): boolean => value !== null && value === order.price && value !== quantity;
  const [second] = details.free;
  if (details.bareQuantity && known(details.quantity)) {
    const swapped = details.price !== null && details.price === quantity ? details.price : (second?.value ?? null);
    const left = swapped === second?.value ? details.free.slice(1) : details.free;
    const price = { price: details.quantity, priceReadings: [details.quantity ?? 0] };
    return { ...details, quantity: swapped, ...price, free: left };
  }
  return bareNumbersOut(order, details);
}

/** An answer may only fill missing fields: a stray number must not overwrite an order. */
export function fillGap(order: OrderDraft, details: Details, asked: "quantity" | "price" | null): Details | null {
  const free = [...details.free];
  const needsQuantity = order.number("quantity") === null;
  const needsPrice = !order.has("price");
  let quantity = needsQuantity ? details.quantity : null;
  let price = needsPrice && details.price !== null ? pick(details) : null;
  if (needsPrice && price === null && asked === "price") price = fromItem(free.shift());
  if (needsQuantity && quantity === null) quantity = free.shift()?.value ?? null;
  const trigger = order.number("trigger") === null ? details.trigger : null;
  const market = needsPrice && price === null && details.market;
  if (quantity === null && price === null && trigger === null && !market) return null;
  return { ...details, quantity, ...(price ?? { price: null, priceReadings: [] }), trigger, market };
}

type Price = Pick<Details, "price" | "priceReadings">;

function pick({ price, priceReadings }: Details): Price {
  return { price, priceReadings };
}

function fromItem(item: NumberItem | undefined): Price | null {
  return item ? priceOf(item, null) : null;
}

/**
 * Assigns the bare numbers of a correction: to the value that they replace, else to the nearest one. "only three hundred" is a
 * quantity.
 */
export function amendment(order: OrderDraft, details: Details, isOnly: boolean): Details {
  const result = { ...details };
  const quantity = order.number("quantity");
  for (const item of details.free) {
    const replacesPrice = order.price !== null && details.negated.includes(order.price);
    const replacesQuantity = quantity !== null && details.negated.includes(quantity);
    const isNearPrice = !isOnly && nearer(item.value, order.price, quantity);
    const toPrice = replacesPrice !== replacesQuantity ? replacesPrice : isNearPrice;
    if (!toPrice) result.quantity ??= item.value;
    else if (result.price === null) Object.assign(result, priceOf(item, order.side));
  }
  return result;
}

/** True when `value` is nearer (as a ratio) to the price than to the quantity. */
function nearer(value: number, price: number | null, quantity: number | null): boolean {
  const far = (known: number | null): number => (known ? Math.abs(Math.log(value / known)) : Infinity);
  return far(price) < far(quantity);
}

/** "modify my order in infosys to fifteen ten": a price, as the quantity of a pending order rarely changes. */
export function placeFree(order: OrderDraft, details: Details): Details {
  const price = details.price === null && order.price === null ? fromItem(details.free[0]) : null;
  return price ? { ...details, ...price } : details;
}

/** Without labels the speaker is unknown: then a repetition of an order counts as the other speaker. */
export function isOtherSpeaker(order: OrderDraft, segment: SpokenSegment): boolean {
  const speaker = segment.source.speaker ?? null;
  return speaker === null || order.speaker === null || speaker !== order.speaker;
}

/** A whole order that is known already. */
export function saysTheSame(order: OrderDraft, { side, details }: Statement): boolean {
  const isKnown = order.symbol === details.symbol?.symbol && (side === null || order.side === side);
  return isKnown && order.number("quantity") === details.quantity && !differs(order, details);
}

/** The client names another quantity or price than before. */
export function statesAnother(order: OrderDraft, { details }: Statement): boolean {
  return differs(order, details) || (details.market && order.price !== null);
}

/** "buy two hundred axis bank" right behind the client's "sell two hundred axis bank": no second order. */
export function isReadBackWrongly(last: OrderDraft, { kind, side, details, segment, another }: Statement): boolean {
  if (last.action !== "NEW" || kind !== "order" || another || segment.source.speaker === "client") return false;
  const isReadBack = segment.index - last.lastSegment === 1 && isOtherSpeaker(last, segment);
  const isSame = details.symbol?.symbol === last.symbol && details.quantity === last.number("quantity");
  const isOtherSide = !last.sideAssumed && last.side !== null && last.side !== side;
  return isReadBack && isSame && isOtherSide && sameContract(last, details);
}
