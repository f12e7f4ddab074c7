import { isNumberWord, parseNumber } from "./numbers.js";
import { CALL_OPTION, FUTURES, MARKET_PRICE, PUT_OPTION } from "./phrases.js";
import type { SymbolMatcher } from "./symbols.js";
import type { SpokenSegment, Span } from "./words.js";

/** The meaning of a number in an order; `free` when no word near it tells, `negated` after "not". */
type Role = "quantity" | "lots" | "price" | "trigger" | "strike" | "negated" | "free";

interface SpokenSymbol {
  symbol: string;
  spoken: string;
  quality: number;
}

export type Item = Span &
  (
    | { kind: "symbol"; symbol: SpokenSymbol; negated: boolean }
    | { kind: "number"; role: Role; value: number; quality: number }
  );

/** The details of an order that one clause states. A field is null when it is not spoken of. */
export interface Details {
  symbol: SpokenSymbol | null;
  negatedSymbol: string | null;
  quantity: number | null;
  /** Nothing but its place says that it is the quantity. */
  bareQuantity: boolean;
  unit: "SHARES" | "LOTS";
  price: number | null;
  market: boolean;
  trigger: number | null;
  strike: number | null;
  optionType: "CE" | "PE" | null;
  future: boolean;
  expiry: string | null;
  /** Numbers whose part in the order is not said, in order: for amendments and answers. */
  free: number[];
  negated: number[];
  /** 1, or less when a word had to be taken for another one. */
  quality: number;
  /** From the first to the last word that carries a detail; null without any. */
  span: Span | null;
}

const SHARES = /^(shares?|quantity|qty|stocks?|units?|nos|scrips?|equities|equity)$/;
const LOTS = /^lots?$/;
const STRIKE_NEXT = /^(call|calls|put|puts|ce|pe|strike)$/;
const NOT_OF_THE_ORDER =
  /^(am|pm|o'?clock|oclock|minutes?|hours?|days?|weeks?|months?|years?|percent|points?|times|st|nd|rd|th|people|seconds?)$/;
const MONTH = /^(january|february|march|april|may|june|july|august|september|october|november|december)$/;
const EXPIRY = /(?:^| )((?:current|next|near|this|far) month|weekly|monthly|(?:current|next|this) week)(?= |$)/;

const TRIGGER_BEFORE =
  /(?:^| )(?:trigger|stop loss|stoploss|sl|s l)(?: (?:price|is|at|of|to|as|should|will|be|rupees|rs))*$/;
const PRICE_BEFORE =
  /(?:^| )(?:at|limit|price|rate|for|rupees|rs|around|upto|up to|level)(?: (?:is|at|of|to|as|rupees|rs|a|limit|price|only|now))*$/;
const STRIKE_BEFORE = /(?:^| )(?:strike(?: price)?|(?:call|put|ce|pe)(?: option)? of)(?: is)?$/;
const QUANTITY_BEFORE = /(?:^| )(?:quantity|qty)(?: (?:is|of|to|will|be))*$/;
const NEGATED_BEFORE = /(?:^| )(?:not|instead of|rather than|change (?:it )?from|change from)$/;
/** "two" and "four" before a scale, as recognisers write them. */
const MISHEARD_DIGIT: Readonly<Record<string, number>> = { to: 2, too: 2, for: 4 };
const TAKES_A_QUANTITY = /^(buy|buying|sell|selling|purchase|it)$/;

/** Reads the symbols and numbers of a clause. `skip` holds the words that belong to the client's identity. */
export function readItems(
  segment: SpokenSegment,
  clause: Span,
  symbols: SymbolMatcher,
  skip: ReadonlySet<number>,
): Item[] {
  const words = segment.words.slice(0, clause.to);
  const texts = words.map((word) => word.text);
  const items: Item[] = [];
  let heardAt = false;
  for (let at = clause.from; at < clause.to;) {
    if (skip.has(at)) {
      at++;
      continue;
    }
    const match = symbols.matchAt(words, at);
    if (match) {
      const to = at + match.count;
      const spoken = segment.part({ from: at, to });
      const negated = /(?:^| )(?:not|instead of)$/.test(before(segment, clause, at));
      items.push({
        kind: "symbol",
        symbol: { symbol: match.symbol, spoken, quality: match.quality },
        negated,
        from: at,
        to,
      });
      at = to;
      continue;
    }
    const number = isNumberWord(texts[at] ?? "") ? parseNumber(texts, at) : null;
    if (!number) {
      at++;
      continue;
    }
    const item = { kind: "number" as const, from: at, to: number.end };
    // "at fifteen hundred" heard as "eight fifteen hundred": no number continues like that.
    if (texts[at] === "eight" && number.end === at + 1 && isNumberWord(texts[number.end] ?? "") && items.length > 0) {
      heardAt = true;
      at = number.end;
      continue;
    }
    const previous = texts[at - 1] ?? "";
    const digit = MISHEARD_DIGIT[previous];
    const misheard =
      digit !== undefined &&
      /^(hundred|thousand|lakh)$/.test(texts[at] ?? "") &&
      TAKES_A_QUANTITY.test(texts[at - 2] ?? "");
    const role = heardAt ? "price" : misheard ? "quantity" : roleOf(segment, clause, at, number.end, number.rupees);
    if (role !== null) {
      const scale = texts[at] === "hundred" ? 100 : texts[at] === "thousand" ? 1e3 : 1e5;
      const value = misheard ? number.value + (digit - 1) * scale : number.value;
      items.push({ ...item, role, value, quality: heardAt ? 0.8 : misheard ? 0.7 : 1 });
    }
    heardAt = false;
    at = number.end;
  }
  return items;
}

/** The up to five words before `at`, within the clause. */
function before(segment: SpokenSegment, clause: Span, at: number): string {
  return segment.part({ from: Math.max(clause.from, at - 5), to: at });
}

/** null for a number that is not part of an order: a time, a date, a percentage. */
function roleOf(segment: SpokenSegment, clause: Span, from: number, to: number, rupees: boolean): Role | null {
  const next = segment.words[to]?.text ?? "";
  const nextButOne = segment.words[to + 1]?.text ?? "";
  const lead = before(segment, clause, from);
  if (NOT_OF_THE_ORDER.test(next) || MONTH.test(next) || MONTH.test(segment.words[from - 1]?.text ?? "")) return null;
  if (/^(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)$/.test(next)) return null;
  if (NEGATED_BEFORE.test(lead)) return "negated";
  if (SHARES.test(next) || (next === "more" && SHARES.test(nextButOne))) return "quantity";
  if (LOTS.test(next)) return "lots";
  if (STRIKE_NEXT.test(next)) return "strike";
  if (TRIGGER_BEFORE.test(lead)) return "trigger";
  if (QUANTITY_BEFORE.test(lead)) return "quantity";
  if (STRIKE_BEFORE.test(lead)) return "strike";
  if (rupees || PRICE_BEFORE.test(lead)) return "price";
  return "free";
}

type NumberItem = Extract<Item, { kind: "number" }>;

/**
 * Puts the items of one order together. `claimFree` gives bare numbers their usual places: the quantity first, then the
 * price.
 */
export function composeDetails(
  segment: SpokenSegment,
  items: readonly Item[],
  clause: Span,
  claimFree: boolean,
): Details {
  const numbers = items.filter((item): item is NumberItem => item.kind === "number");
  const named = items.filter((item) => item.kind === "symbol");
  const take = (role: Role): number | null => numbers.find((item) => item.role === role)?.value ?? null;
  const free = numbers.filter((item) => item.role === "free").map((item) => item.value);
  const lots = take("lots");
  const symbol = named.find((item) => !item.negated)?.symbol ?? null;
  const text = segment.part(clause);
  let strike = take("strike");
  const stated = lots ?? take("quantity");
  let quantity = stated;
  let price = take("price");
  const market = MARKET_PRICE.test(text);
  if (claimFree) {
    quantity ??= free.shift() ?? null;
    if (price === null && quantity !== null && !market) price = free.shift() ?? null;
  }
  const option = strike !== null || (lots !== null && symbol !== null) || / (?:call|put) option/.test(text);
  const optionType = !option ? null : PUT_OPTION.test(text) ? "PE" : CALL_OPTION.test(text) ? "CE" : null;
  if (optionType === null && strike !== null) {
    // A strike without call or put is a price or quantity after all.
    price ??= strike;
    strike = null;
  }
  const first = items[0];
  const last = items.at(-1);
  return {
    symbol,
    negatedSymbol: named.find((item) => item.negated)?.symbol.symbol ?? null,
    quantity,
    bareQuantity: stated === null && quantity !== null,
    unit: lots === null ? "SHARES" : "LOTS",
    price,
    market,
    trigger: take("trigger"),
    strike,
    optionType,
    future: FUTURES.test(text),
    expiry: expiryIn(segment, clause),
    free,
    negated: numbers.filter((item) => item.role === "negated").map((item) => item.value),
    quality: Math.min(symbol?.quality ?? 1, ...numbers.map((item) => item.quality)),
    span: first && last ? { from: first.from, to: last.to } : null,
  };
}

/** The expiry as spoken: a month, or "weekly", "next month". "may" alone is more often a verb. */
function expiryIn(segment: SpokenSegment, clause: Span): string | null {
  for (let at = clause.from; at < clause.to; at++) {
    const word = segment.words[at]?.text ?? "";
    if (
      MONTH.test(word) &&
      (word !== "may" || /^(expiry|series|contract|futures?)$/.test(segment.words[at + 1]?.text ?? ""))
    )
      return word;
  }
  return EXPIRY.exec(segment.part(clause))?.[1] ?? null;
}

/**
 * Cuts the items of a clause where a second symbol begins a further order: "buy 200 infosys at 1500 and 300 wipro". A
 * quantity before the second symbol goes with it, if the first order keeps one.
 */
export function splitBySymbol(items: readonly Item[]): Item[][] {
  const orders: Item[][] = [[]];
  let symbol: string | null = null;
  for (const item of items) {
    const current = orders.at(-1) ?? [];
    if (item.kind === "symbol" && !item.negated && symbol !== null && item.symbol.symbol !== symbol) {
      const previous = current.at(-1);
      const numbers = current.filter(
        (other) => other.kind === "number" && other.role !== "price" && other.role !== "trigger",
      );
      const moves =
        previous?.kind === "number" &&
        /^(free|quantity|lots)$/.test(previous.role) &&
        numbers.length > 1 &&
        current.pop();
      orders.push(moves ? [moves, item] : [item]);
    } else current.push(item);
    if (item.kind === "symbol" && !item.negated) symbol = item.symbol.symbol;
  }
  return orders;
}
