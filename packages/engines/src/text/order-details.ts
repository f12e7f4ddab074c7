/** Applies the details of a statement to a known order. */
import type { OrderDraft } from "./order-draft.js";
import type { Details } from "./statement-items.js";

/** False when a strike or an option type contradicts the order's. */
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
    (details.price !== null && order.price !== null && order.price !== details.price)
  );
}

/** The fields that identify the order of a cancellation, without its quantity. */
export function withoutNumbers(details: Details): Details {
  return { ...details, quantity: null, price: null, trigger: null, market: false, free: [] };
}

/** Without a symbol a bare number may fill a gap; it must not overrule a complete statement ("sell eight" for "correct"). */
export function bareNumbersOut(order: OrderDraft, details: Details): Details {
  if (details.symbol !== null || !details.bareQuantity || order.number("quantity") === null) return details;
  return { ...details, quantity: null, price: order.has("price") ? null : details.price };
}

/** An answer may only fill missing fields: a stray number must not overwrite an order. */
export function fillGap(order: OrderDraft, details: Details, asked: "quantity" | "price" | null): Details | null {
  const free = [...details.free];
  const needsQuantity = order.number("quantity") === null;
  const needsPrice = !order.has("price");
  let quantity = needsQuantity ? details.quantity : null;
  let price = needsPrice ? details.price : null;
  if (needsPrice && price === null && asked === "price") price = free.shift() ?? null;
  if (needsQuantity && quantity === null) quantity = free.shift() ?? null;
  const trigger = order.number("trigger") === null ? details.trigger : null;
  const market = needsPrice && price === null && details.market;
  if (quantity === null && price === null && trigger === null && !market) return null;
  return { ...details, quantity, price, trigger, market };
}

/** Assigns the bare numbers of a correction: to the value that they replace, else to the nearest one. */
export function amendment(order: OrderDraft, details: Details): Details {
  const result = { ...details };
  const quantity = order.number("quantity");
  for (const value of details.free) {
    const replacesPrice = order.price !== null && details.negated.includes(order.price);
    const replacesQuantity = quantity !== null && details.negated.includes(quantity);
    const toPrice = replacesPrice !== replacesQuantity ? replacesPrice : nearer(value, order.price, quantity);
    if (toPrice) result.price ??= value;
    else result.quantity ??= value;
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
  return { ...details, price: details.price ?? (order.price === null ? (details.free[0] ?? null) : null) };
}
