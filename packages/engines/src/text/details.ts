/** Puts the symbols and numbers of a clause together as the details of an order. */
import { spokenExpiry } from "./expiry.js";
import type { Item, NumberItem, SpokenSymbol } from "./items.js";
import type { Role } from "./number-roles.js";
import {
  ALL_OF_IT,
  CALL_OPTION,
  FUTURES,
  MARKET_PRICE,
  PUT_OPTION,
  SAME_QUANTITY,
  TO_MARKET,
} from "./order-phrases.js";
import type { SpokenSegment, Span } from "./words.js";

/** The details of an order that one clause states. A field is null when it is not spoken of. */
export interface Details {
  symbol: SpokenSymbol | null;
  negatedSymbol: string | null;
  quantity: number | null;
  /** Nothing but its place says that it is the quantity. */
  bareQuantity: boolean;
  /** "the same quantity", "all of it": another statement says how many. */
  refersTo: "same" | "all" | null;
  unit: "SHARES" | "LOTS";
  price: number | null;
  /** All that the words of the price may mean, `price` first; empty without a price. */
  priceReadings: readonly number[];
  market: boolean;
  trigger: number | null;
  strike: number | null;
  optionType: "CE" | "PE" | null;
  future: boolean;
  expiry: string | null;
  /** Numbers whose part in the order is not said, in order: for amendments and answers. */
  free: NumberItem[];
  negated: number[];
  /** 1, or less when a word had to be taken for another one. */
  quality: number;
  /** From the first to the last word that carries a detail; null without any. */
  span: Span | null;
}

export interface Composing {
  /** Gives bare numbers their usual places: the quantity first, then the price. */
  claimFree: boolean;
  side: "BUY" | "SELL" | null;
}

/** The details that the items of one order make. */
export function composeDetails(
  segment: SpokenSegment,
  items: readonly Item[],
  clause: Span,
  { claimFree, side }: Composing,
): Details {
  const numbers = items.filter((item): item is NumberItem => item.kind === "number");
  const named = items.filter((item) => item.kind === "symbol");
  const find = (role: Role): NumberItem | undefined => numbers.find((item) => item.role === role);
  const free = numbers.filter((item) => item.role === "free");
  const lots = find("lots");
  const symbol = named.find((item) => !item.negated)?.symbol ?? null;
  const text = segment.part(clause);
  let strike = find("strike");
  const stated = lots ?? find("quantity");
  let quantity = stated;
  let price = find("price");
  const market = MARKET_PRICE.test(text) || TO_MARKET.test(text);
  if (claimFree) {
    quantity ??= free.shift();
    if (!price && quantity && !market) price = free.shift();
  }
  const option = strike !== undefined || (lots !== undefined && symbol !== null) || / (?:call|put) option/.test(text);
  const isPut = PUT_OPTION.test(text) || (strike !== undefined && /(?:^| )pe(?= |$)/.test(text));
  const optionType = !option ? null : isPut ? "PE" : CALL_OPTION.test(text) ? "CE" : null;
  if (optionType === null && strike) {
    // A strike without call or put is a price or quantity after all.
    price ??= strike;
    strike = undefined;
  }
  const refersTo = SAME_QUANTITY.test(text) ? "same" : quantity === undefined && ALL_OF_IT.test(text) ? "all" : null;
  const [first] = items;
  const last = items.at(-1);
  return {
    symbol,
    negatedSymbol: named.find((item) => item.negated)?.symbol.symbol ?? null,
    quantity: quantity?.value ?? null,
    bareQuantity: stated === undefined && quantity !== undefined,
    refersTo,
    unit: lots ? "LOTS" : "SHARES",
    ...priceOf(price, side),
    market,
    trigger: find("trigger")?.value ?? null,
    strike: strike?.value ?? null,
    optionType,
    future: FUTURES.test(text),
    expiry: spokenExpiry(segment.words.slice(clause.from, clause.to).map((word) => word.text)),
    free,
    negated: numbers.filter((item) => item.role === "negated").map((item) => item.value),
    quality: Math.min(symbol?.quality ?? 1, ...numbers.map((item) => item.quality)),
    span: first && last ? { from: first.from, to: last.to } : null,
  };
}

/** Of a range, the limit is its worse end: what lies between was agreed to. */
export function priceOf(
  item: NumberItem | undefined,
  side: "BUY" | "SELL" | null,
): Pick<Details, "price" | "priceReadings"> {
  if (!item) return { price: null, priceReadings: [] };
  const { value, readings, upTo } = item;
  if (upTo === null) return { price: value, priceReadings: readings };
  const limit = side === "SELL" ? value : upTo;
  return { price: limit, priceReadings: [limit] };
}

/**
 * Cuts the items of a clause where a further order begins: with a second symbol ("buy 200 infosys at 1500 and 300 wipro"), or with a
 * second quantity and price of the same ("sell 200 at 830 and 200 more at 840"). A quantity before the second symbol goes with it, if
 * the first order keeps one.
 */
export function splitBySymbol(items: readonly Item[]): Item[][] {
  const orders: Item[][] = [[]];
  let symbol: string | null = null;
  for (const [at, item] of items.entries()) {
    const current = orders.at(-1) ?? [];
    if (item.kind === "symbol" && !item.negated && symbol !== null && item.symbol.symbol !== symbol) {
      const previous = current.at(-1);
      const numbers = current.filter(
        (other) => other.kind === "number" && other.role !== "price" && other.role !== "trigger",
      );
      const moves = previous !== undefined && isCount(previous) && numbers.length > 1 && current.pop();
      orders.push(moves ? [moves, item] : [item]);
    } else if (isCount(item) && isWhole(current) && isPricedNext(items.slice(at + 1), symbol)) orders.push([item]);
    else current.push(item);
    if (item.kind === "symbol" && !item.negated) symbol = item.symbol.symbol;
  }
  return orders;
}

function isCount(item: Item): boolean {
  return item.kind === "number" && /^(free|quantity|lots)$/.test(item.role);
}

/** Holds a quantity and a price. */
function isWhole(items: readonly Item[]): boolean {
  return items.some(isCount) && items.some((item) => item.kind === "number" && item.role === "price");
}

/** A price follows, of the same share where one is named again. */
function isPricedNext([next, second]: readonly Item[], symbol: string | null): boolean {
  if (next?.kind === "symbol")
    return next.symbol.symbol === symbol && second !== undefined && isPricedNext([second], symbol);
  return next?.kind === "number" && next.role === "price";
}

/**
 * "one hundred each of infosys and tcs at market": what is said once is said of each; a trailing "at market" always is. The share is that
 * of the order before where none is named.
 */
export function shareAmong(all: Details[], text: string): Details[] {
  if (all.length < 2) return all;
  const isOfEach = /(?:^| )each(?= |$)/.test(text);
  const counted = all.find(({ quantity }) => quantity !== null);
  const priced = all.find(({ price }) => price !== null);
  const isAtMarket = all.at(-1)?.market ?? false;
  let symbol: SpokenSymbol | null = null;
  return all.map((details) => {
    symbol = details.symbol ?? symbol;
    const shared = { ...details, symbol };
    if (isOfEach && counted && details.quantity === null)
      Object.assign(shared, { quantity: counted.quantity, unit: counted.unit, bareQuantity: false });
    if (isAtMarket && details.price === null) shared.market = true;
    else if (isOfEach && priced && details.price === null && !details.market)
      Object.assign(shared, { price: priced.price, priceReadings: priced.priceReadings });
    return shared;
  });
}
