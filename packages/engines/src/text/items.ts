/** Finds the symbols and numbers in a clause, and what each number means in an order. */
import { digitOf, isNumberWord } from "./number-words.js";
import { parseNumber, type SpokenNumber } from "./numbers.js";
import { roleOf, STRIKE_NEXT, type Role } from "./number-roles.js";
import type { SymbolMatcher } from "./symbols.js";
import type { SpokenSegment, Span } from "./words.js";

export interface SpokenSymbol {
  symbol: string;
  spoken: string;
  quality: number;
}

export interface NumberItem extends Span {
  kind: "number";
  role: Role;
  value: number;
  /** All that the words may mean, `value` first. */
  readings: readonly number[];
  /** The other end of a range of prices. */
  upTo: number | null;
  quality: number;
}

interface SymbolItem extends Span {
  kind: "symbol";
  symbol: SpokenSymbol;
  negated: boolean;
}

export type Item = SymbolItem | NumberItem;

/** "two" and "four" before a scale, as recognisers write them. */
const MISHEARD_DIGIT: Readonly<Record<string, number>> = { to: 2, too: 2, for: 4 };
const TAKES_A_QUANTITY = /^(buy|buying|sell|selling|purchase|it)$/;
const POINTS =
  /^(?:other|that|this|the|which|old|new|last|first|second|third|same|another|each|no|any|every|good|better|best|right|wrong|previous|next|some|only|wala)$/;
const TO_THE_OTHER_END = /^(to|and|or|upto)$/;

/** Reads the symbols and numbers of a clause. `skip` holds the words that belong to the client's identity. */
export function readItems(
  segment: SpokenSegment,
  clause: Span,
  symbols: SymbolMatcher,
  skip: ReadonlySet<number>,
): Item[] {
  return new ItemReader(segment, clause, symbols, skip).read();
}

class ItemReader {
  private readonly texts: readonly string[];
  private readonly items: Item[] = [];

  constructor(
    private readonly segment: SpokenSegment,
    private readonly clause: Span,
    private readonly symbols: SymbolMatcher,
    private readonly skip: ReadonlySet<number>,
  ) {
    this.texts = segment.words.slice(0, clause.to).map((word) => word.text);
  }

  read(): Item[] {
    let heardAt = false;
    for (let at = this.clause.from; at < this.clause.to;) {
      if (this.skip.has(at)) {
        at++;
        continue;
      }
      const symbol = this.symbolAt(at);
      if (symbol) {
        this.items.push(symbol);
        at = symbol.to;
        continue;
      }
      const number = this.numberAt(at);
      if (!number) {
        at++;
        continue;
      }
      // "at fifteen hundred" heard as "eight fifteen hundred": no number continues like that.
      if (this.word(at) === "eight" && number.end === at + 1 && this.isNumber(number.end) && this.items.length > 0) {
        heardAt = true;
        at = number.end;
        continue;
      }
      at = this.take(at, number, heardAt);
      heardAt = false;
    }
    return this.items;
  }

  private word(at: number): string {
    return this.texts[at] ?? "";
  }

  private symbolAt(from: number): SymbolItem | null {
    const match = this.symbols.matchAt(this.segment.words.slice(0, this.clause.to), from);
    if (!match) return null;
    const to = from + match.count;
    const negated = /(?:^| )(?:not|instead of)$/.test(this.before(from));
    const symbol = { symbol: match.symbol, spoken: this.segment.part({ from, to }), quality: match.quality };
    return { kind: "symbol", symbol, negated, from, to };
  }

  private isNumber(at: number): boolean {
    // "the other one", "that one": nothing is counted.
    const isCounting = isNumberWord(this.word(at + 1)) || /^(?:lots?|shares?)$/.test(this.word(at + 1));
    if (this.word(at) === "one" && POINTS.test(this.word(at - 1)) && !isCounting) return false;
    const repeats = /^(double|triple)$/.test(this.word(at)) && digitOf(this.word(at + 1)) !== null;
    return repeats || isNumberWord(this.word(at));
  }

  private numberAt(at: number): SpokenNumber | null {
    return this.isNumber(at) ? parseNumber(this.texts, at) : null;
  }

  /** Adds what the number at `from` means; returns the word after it. */
  private take(from: number, spoken: SpokenNumber, heardAt: boolean): number {
    const number = this.inThousands(from, spoken);
    const digit = MISHEARD_DIGIT[this.word(from - 1)];
    const misheard =
      digit !== undefined &&
      /^(hundred|thousand|lakh)$/.test(this.word(from)) &&
      TAKES_A_QUANTITY.test(this.word(from - 2));
    const role = heardAt
      ? "price"
      : misheard
        ? "quantity"
        : roleOf(this.segment, this.clause, { from, to: number.end }, number.rupees);
    if (role === null) return number.end;
    const isCounted = role === "price" && this.isCountedFor(from, number.end);
    if (isCounted) {
      this.add(from, number, "quantity", 1);
      return number.end;
    }
    const isBehindName = role === "free" && this.items.at(-1)?.kind === "symbol";
    const split = role === "price" || isBehindName ? this.splitBefore(from, number.end) : null;
    if (split) {
      this.add(from, split.first, "price", 1);
      this.add(split.first.end, split.second, "quantity", 1);
      return split.second.end;
    }
    const scale = this.word(from) === "hundred" ? 100 : this.word(from) === "thousand" ? 1e3 : 1e5;
    const meant = misheard ? { ...number, value: number.value + (digit - 1) * scale, readings: [] } : number;
    const item = this.add(from, meant, role, heardAt ? 0.8 : misheard ? 0.7 : 1);
    return role === "price" || role === "free" ? this.range(item) : number.end;
  }

  private add(from: number, number: SpokenNumber, role: Role, quality: number): NumberItem {
    const { value, end: to } = number;
    const readings = number.readings.length > 0 ? number.readings : [value];
    const item: NumberItem = { kind: "number", from, to, role, value, readings, upTo: null, quality };
    this.items.push(item);
    return item;
  }

  /** "place a buy for three hundred cipla": what stands before a share is its quantity, if there is none. */
  private isCountedFor(from: number, end: number): boolean {
    const isFirst = this.items.every(({ kind }) => kind === "symbol");
    return (
      isFirst &&
      this.word(from - 1) === "for" &&
      (this.symbolAt(end) !== null || /^(?:of|shares?)$/.test(this.word(end)))
    );
  }

  /** "twenty four five hundred call", "at eleven nine hundred": thousands and hundreds, without the word. */
  private inThousands(from: number, number: SpokenNumber): SpokenNumber {
    const { value, end, rupees } = number;
    if (rupees || !Number.isInteger(value) || value < 10 || value > 99 || end - from > 2) return number;
    const rest = this.numberAt(end);
    if (!rest || rest.value < 100 || rest.value > 999) return number;
    const follows = this.word(rest.end);
    const isStrike = STRIKE_NEXT.test(follows);
    if (!isStrike && roleOf(this.segment, this.clause, { from, to: end }, false) !== "price") return number;
    if (!isStrike && this.symbolAt(rest.end)) return number;
    const sum = value * 1000 + rest.value;
    return { value: sum, readings: [sum], end: rest.end, rupees: rest.rupees };
  }

  /** "at four hundred fifty titan": the price ends where the quantity of the next share begins. */
  private splitBefore(from: number, end: number): { first: SpokenNumber; second: SpokenNumber } | null {
    const named = this.items.some(({ kind }) => kind === "symbol");
    const counted = this.items.some(({ kind }) => kind === "number");
    const next = named && counted ? this.symbolAt(end) : null;
    if (!next || this.isNumber(next.to)) return null;
    for (let middle = end - 1; middle > from; middle--) {
      if (/^(and|point|hundred|thousand|lakh|lakhs|crore)$/.test(this.word(middle))) continue;
      const first = parseNumber(this.texts.slice(0, middle), from);
      const second = parseNumber(this.texts.slice(0, end), middle);
      const isWhole = first?.end === middle || (first?.end === middle - 1 && this.word(middle - 1) === "and");
      if (first && isWhole && second?.end === end) return { first, second };
    }
    return null;
  }

  /** "fourteen fifty to fourteen fifty five": two prices near each other. */
  private range(item: NumberItem): number {
    if (!TO_THE_OTHER_END.test(this.word(item.to))) return item.to;
    const other = this.numberAt(item.to + 1);
    if (!other || other.value <= item.value || other.value > item.value * 1.1) return item.to;
    const isPrice = item.role === "price" || /(?:^| )between$/.test(this.before(item.from));
    if (!isPrice || this.symbolAt(other.end)) return item.to;
    Object.assign(item, { role: "price", upTo: other.value, to: other.end });
    return other.end;
  }

  /** The up to five words before `at`, within the clause. */
  private before(at: number): string {
    return this.segment.part({ from: Math.max(this.clause.from, at - 5), to: at });
  }
}
