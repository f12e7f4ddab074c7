import { AND_A_PART, DIGITS, digitOf, HALVES, isNumberWord, PAISE, RUPEES, SCALES, WORDS } from "./number-words.js";

/** Digits that are spelt and then said again as a number. */
const LONGEST_REPEATED = 5;

/**
 * The grammar of spoken numbers on Indian dealing desks: lakh and crore, "fifteen hundred", pairs ("sixteen fifty", "six
 * forty two", "one oh five"), decimals ("four ten point five"), rupees and paise, digits ("1,50,000", "4 1 0").
 */
export interface SpokenNumber {
  /** The likeliest reading, rounded to two decimals. */
  value: number;
  /** All that the words may mean, `value` first: "seven eighty five" is 785, or 7.85. */
  readings: readonly number[];
  /** Index of the word after the number. */
  end: number;
  /** A currency was named: the number is an amount of money. */
  rupees: boolean;
}

/** Reads the number that starts at word `from`; null when none does. */
export function parseNumber(words: readonly string[], from: number): SpokenNumber | null {
  return new NumberReader(words, from).amount();
}

class NumberReader {
  /** What a pair like "seven eighty five" would be in rupees and paise; null where none was read. */
  private asPaise: number | null = null;

  constructor(
    private readonly words: readonly string[],
    private at: number,
    /** Whether digits that stand alone are one number. */
    private readonly takesDigits = true,
  ) {}

  amount(): SpokenNumber | null {
    const whole = this.whole();
    if (whole === null) return null;
    let value = whole;
    if (PAISE.has(this.word())) {
      this.at++;
      return this.result(value / 100, true);
    }
    const rupees = RUPEES.has(this.word());
    if (rupees) {
      this.at++;
      value += this.paise();
    }
    return this.result(value, rupees);
  }

  private result(amount: number, rupees: boolean): SpokenNumber {
    const value = Math.round(amount * 100) / 100;
    const isPair = this.asPaise !== null && !rupees && value === Math.round(this.asPaise * 100);
    return { value, readings: isPair ? [value, this.asPaise ?? value] : [value], end: this.at, rupees };
  }

  private word(offset = 0): string {
    return this.words[this.at + offset] ?? "";
  }

  /** After "rupees": "[and] fifty paise", or "fifty" where nothing is counted by it. */
  private paise(): number {
    const start = this.at;
    if (this.word() === "and") this.at++;
    const value = this.below100();
    if (value !== null && PAISE.has(this.word())) {
      this.at++;
      return value / 100;
    }
    if (value !== null && value >= 10 && this.at === start + 1 && this.at >= this.words.length) return value / 100;
    this.at = start;
    return 0;
  }

  /** Groups with falling scales, then the decimals: "one lakh twenty thousand five hundred point five". */
  private whole(): number | null {
    let total: number | null = null;
    let lastScale = Infinity;
    for (;;) {
      const start = this.at;
      if (total !== null && this.word() === "and") this.at++;
      let group = this.group(total !== null);
      if (group === null) {
        this.at = start;
        break;
      }
      group += this.half(group) + this.decimals();
      const scale = this.scale();
      if (scale >= lastScale || (total !== null && group * scale >= lastScale)) {
        this.at = start;
        break;
      }
      total = (total ?? 0) + group * scale;
      lastScale = scale;
      if (scale === 1) break;
    }
    // "seven thousand point two five": after a scale no group was left to take them.
    return total === null || lastScale === 1 ? total : total + this.decimals();
  }

  /** "two and a half thousand", "one and a half lakh". */
  private half(group: number): number {
    if (group < 100 && this.word() === "and" && this.word(1) === "a" && this.word(2) === "half") {
      if (!SCALES.has(this.word(3))) return 0;
      this.at += 3;
      return 0.5;
    }
    return 0;
  }

  private scale(): number {
    let scale = 1;
    for (let next = SCALES.get(this.word()); next !== undefined; next = SCALES.get(this.word())) {
      scale *= next;
      this.at++;
    }
    return scale;
  }

  /** A number before a scale or alone: up to 9999, because "ninety nine hundred" and the pairs go that far. */
  private group(inside: boolean): number | null {
    const run = inside || !this.takesDigits ? null : this.digitRun();
    if (run !== null) return run;
    // "hundred shares", "a thousand": one is meant.
    if (!inside && SCALES.has(this.word()) && this.word() !== "k") return 1;
    if (this.word() === "hundred") {
      this.at++;
      return 100 + this.afterHundred(1);
    }
    const half = this.halves();
    if (half !== null) return half;
    const first = this.below100();
    if (first === null) return null;
    if (this.word() === "hundred") {
      this.at++;
      return this.withSpokenPaise(first * 100 + this.afterHundred(first));
    }
    const second = first >= 1 && first < 100 && Number.isInteger(first) ? this.secondOfPair() : null;
    if (second === null) return first;
    if (!inside) this.asPaise = Math.round(first * 100 + second) / 100;
    return this.withSpokenPaise(first * 100 + second);
  }

  /** "dedh sau" and "saade teen hazaar"; the scale, where it is not a hundred, is left for the group. */
  private halves(): number | null {
    const start = this.at;
    const part = AND_A_PART.get(this.word());
    let value = HALVES.get(this.word()) ?? null;
    if (value !== null || part !== undefined) this.at++;
    const whole = part === undefined ? null : this.below100();
    if (part !== undefined && whole !== null) value = whole + part;
    if (value !== null && this.word() === "hundred") {
      this.at++;
      return value * 100;
    }
    if (value !== null && SCALES.has(this.word())) return value;
    this.at = start;
    return null;
  }

  /** A remainder of a hundred, unless it begins the next number ("two hundred two hundred and fifty"). */
  private afterHundred(hundreds: number): number {
    const start = this.at;
    if (this.word() === "and") this.at++;
    const tens = WORDS.get(this.word()) ?? 0;
    for (const rest of [this.below100(), tens]) {
      const next = this.word();
      if (rest !== null && rest < 100 && next !== "hundred" && !(SCALES.has(next) && hundreds >= 10)) return rest;
      // "four hundred and fifty one hundred titan": the one begins the next number.
      if (tens < 20 || rest === tens) break;
      this.at--;
    }
    this.at = start;
    return 0;
  }

  /** The second half of "sixteen fifty", "six forty two", "one oh five": ten to ninety-nine, or "oh" and a digit. */
  private secondOfPair(): number | null {
    const start = this.at;
    const oh = this.word() === "oh";
    if (oh) this.at++;
    else if (DIGITS.test(this.word())) return null;
    const tens = WORDS.get(this.word()) ?? 0;
    for (const value of [this.below100(), tens]) {
      const next = this.word();
      const closes = next !== "hundred" && !SCALES.has(next) && !PAISE.has(next);
      if (value !== null && closes && (oh ? value < 10 : value >= 10)) return value;
      // "seventeen twenty one hundred and ten": the one begins the next number.
      if (oh || tens < 20 || value === tens) break;
      this.at--;
    }
    this.at = start;
    return null;
  }

  /** "six hundred forty two fifty" is 642.50: a third pair cannot be anything but paise. */
  private withSpokenPaise(value: number): number {
    if (value % 100 < 10) return value;
    const start = this.at;
    if (WORDS.has(this.word())) {
      const paise = this.below100();
      const next = this.word();
      const unit = /^(hundred|shares?|lots?|quantity|qty|call|put|ce|pe|oh)$/.test(next) || SCALES.has(next);
      if (paise !== null && paise >= 10 && !unit && !WORDS.has(next)) return value + paise / 100;
    }
    this.at = start;
    return value;
  }

  private below100(): number | null {
    const word = this.word();
    if (DIGITS.test(word)) {
      this.at++;
      return Number(word);
    }
    const value = WORDS.get(word);
    if (value === undefined) return null;
    this.at++;
    const unit = WORDS.get(this.word());
    if (value >= 20 && unit !== undefined && unit > 0 && unit < 10) {
      this.at++;
      return value + unit;
    }
    return value;
  }

  /** Three or more digits one by one ("four one zero", "double five zero"), and two that are said again ("one five fifteen"). */
  private digitRun(): number | null {
    const start = this.at;
    let digits = "";
    const spelt: { value: number; end: number }[] = [];
    for (;;) {
      const times = this.word() === "double" ? 2 : this.word() === "triple" ? 3 : 1;
      const digit = digitOf(this.word(times > 1 ? 1 : 0));
      if (digit === null || (digits === "" && this.word() === "oh")) break;
      digits += String(digit).repeat(times);
      this.at += times > 1 ? 2 : 1;
      if (digits.length >= 2 && digits.length <= LONGEST_REPEATED) spelt.push({ value: Number(digits), end: this.at });
    }
    for (const { value, end: from } of spelt.toReversed()) {
      const again = new NumberReader(this.words, from, false);
      if (!isNumberWord(again.word()) || again.whole() !== value) continue;
      this.at = again.at;
      return value;
    }
    const next = this.word();
    if (digits.length >= 3 && !WORDS.has(next) && next !== "hundred" && !SCALES.has(next)) return Number(digits);
    this.at = start;
    return null;
  }

  /** "point two five", "point twenty five", "point oh five"; 0 when none follow. */
  private decimals(): number {
    if (this.word() !== "point") return 0;
    const start = this.at++;
    let digits = "";
    for (;;) {
      const word = this.word();
      const value = word === "oh" ? 0 : (WORDS.get(word) ?? (/^\d+$/.test(word) ? word : null));
      if (value === null) break;
      if (typeof value === "number" && value >= 20) digits += String(this.below100() ?? "");
      else {
        digits += String(value);
        this.at++;
      }
    }
    if (digits !== "") return Number(`0.${digits}`);
    this.at = start;
    return 0;
  }
}
