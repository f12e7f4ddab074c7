/**
 * Records of CSV text (RFC 4180), each with the line it starts on. A record that cannot be read costs its own line and no other:
 * reading continues with the next line.
 *
 * The work grows with the text, whatever is in it. A row that leaves a quote open at the end of its line is read on until the row
 * ends or is given up; then the lines after its first are read once more, and not a third time: each of them keeps a quote open that was
 * open before it, so it holds an even number of quotes, and no line with an even number leaves one open itself. That would not hold
 * if a quote inside an unquoted value could stand in a row of several lines.
 */

/** A value beyond it is taken for a quote that nobody closed; characters. */
export const MAX_VALUE = 64 * 1024;
/** A row beyond it is refused; characters. */
export const MAX_ROW = 1024 * 1024;

const QUOTE = 0x22;
const LINE_FEED = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;

/** A row that cannot be read; `problem` is a sentence without its end. */
export interface BadRow {
  line: number;
  problem: string;
}

/** One record. Its values are cut out of the text when they are asked for: most files have columns that nobody uses. */
export class CsvRecord {
  readonly line: number;
  /** A line break follows. Without one the file may have been cut within the row. */
  readonly isEnded: boolean;
  /** A quote stands inside a value that is not quoted. */
  readonly hasStrayQuote: boolean;
  readonly #text: string;
  /** Start and end of each value; of one with doubled quotes the end is negative. */
  readonly #bounds: readonly number[];

  constructor(text: string, bounds: readonly number[], at: Pick<CsvRecord, "line" | "isEnded" | "hasStrayQuote">) {
    this.#text = text;
    this.#bounds = bounds;
    this.line = at.line;
    this.isEnded = at.isEnded;
    this.hasStrayQuote = at.hasStrayQuote;
  }

  get length(): number {
    return this.#bounds.length / 2;
  }

  /** Empty beyond the last value. */
  value(at: number): string {
    const start = this.#bounds[2 * at];
    const end = this.#bounds[2 * at + 1];
    if (start === undefined || end === undefined) return "";
    return end < 0 ? this.#text.slice(start, -end).replaceAll('""', '"') : this.#text.slice(start, end);
  }

  /** Whether nothing but blanks stands from this value on. A Ctrl-Z ends files of old systems. */
  isBlankFrom(at: number): boolean {
    for (let index = at; index < this.length; index += 1)
      if (this.value(index).replaceAll("\u001a", "").trim() !== "") return false;
    return true;
  }
}

const STRAY = `a quote (") stands inside a value that is not quoted, and a quoted value of the row is not closed in its line`;
const NOT_CLOSED = `a quote (") that is opened in the row is not closed`;
const AFTER_QUOTE = `a quoted value is followed by other text before the separator (write a quote inside a value as "")`;
const TOO_LONG = `the row is longer than ${MAX_ROW.toLocaleString("en")} characters`;

/** Splits text that comes in pieces. */
export class CsvSplitter {
  /** Characters looked at so far: stays in proportion to the text. */
  looks = 0;
  readonly #separator: number;
  #rest = "";
  #line = 1;
  /** The line that starts where the rest does is passed over. */
  #isPassing = false;

  constructor(separator: string) {
    this.#separator = separator.charCodeAt(0);
  }

  /** The records that end in this piece, blank lines left out. */
  *split(piece: string, isLast: boolean): Generator<CsvRecord | BadRow> {
    const text = this.#rest + piece;
    let at = 0;
    while (at < text.length) {
      if (this.#isPassing) {
        const next = this.#afterLineBreak(text, at, isLast);
        // A RETURN at the end may belong to a line feed that follows.
        at = next ?? (text.endsWith("\r") ? text.length - 1 : text.length);
        if (next === null) break;
        this.#line += 1;
        this.#isPassing = false;
        continue;
      }
      const scan = new RowScan(text, at, this.#separator, isLast);
      const found = scan.toItsEnd();
      this.looks += scan.at - at;
      if (found === "more" && text.length - at <= MAX_ROW) break;
      const isTooLong = found === "more" || (found === "whole" && scan.at - at > MAX_ROW);
      if (isTooLong || found !== "whole") {
        yield { line: this.#line, problem: isTooLong ? TOO_LONG : found };
        this.#isPassing = true;
        continue;
      }
      const record = scan.record(this.#line);
      at = scan.at;
      this.#line += scan.lines;
      if (record.length > 1 || record.value(0) !== "") yield record;
    }
    this.#rest = text.slice(at);
  }

  /** The place after the first line break; null where there is none yet. */
  #afterLineBreak(text: string, start: number, isLast: boolean): number | null {
    for (let at = start; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (code !== LINE_FEED && code !== RETURN) continue;
      this.looks += at - start;
      if (code === RETURN && at + 1 === text.length && !isLast) return null;
      return code === RETURN && text.charCodeAt(at + 1) === LINE_FEED ? at + 2 : at + 1;
    }
    this.looks += text.length - start;
    return null;
  }
}

/** One attempt at the record that starts at a place of the text. */
class RowScan {
  at: number;
  lines = 1;
  readonly #text: string;
  readonly #separator: number;
  readonly #isLast: boolean;
  readonly #bounds: number[] = [];
  #hasStrayQuote = false;
  #isEnded = true;

  constructor(text: string, at: number, separator: number, isLast: boolean) {
    this.#text = text;
    this.at = at;
    this.#separator = separator;
    this.#isLast = isLast;
  }

  record(line: number): CsvRecord {
    const [isEnded, hasStrayQuote] = [this.#isEnded, this.#hasStrayQuote];
    return new CsvRecord(this.#text, this.#bounds, { line, isEnded, hasStrayQuote });
  }

  /** more: its end is still to come; any other text: the problem with it. */
  toItsEnd(): string {
    for (;;) {
      const opening = this.#afterBlanks(this.at);
      const problem = this.#text.charCodeAt(opening) === QUOTE ? this.#quoted(opening + 1) : this.#plain();
      if (problem !== null) return problem;
      if (this.at >= this.#text.length) {
        this.#isEnded = false;
        return this.#isLast ? "whole" : "more";
      }
      const code = this.#text.charCodeAt(this.at);
      if (code !== this.#separator) return this.#lineBreak(code);
      this.at += 1;
    }
  }

  #lineBreak(code: number): string {
    if (code === RETURN) {
      if (this.at + 1 === this.#text.length && !this.#isLast) return "more";
      if (this.#text.charCodeAt(this.at + 1) === LINE_FEED) this.at += 1;
    } else if (code !== LINE_FEED) return AFTER_QUOTE;
    this.at += 1;
    return "whole";
  }

  #plain(): null {
    const text = this.#text;
    const start = this.at;
    let at = start;
    for (; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (code === this.#separator || code === LINE_FEED || code === RETURN) break;
      if (code === QUOTE) this.#hasStrayQuote = true;
    }
    this.#bounds.push(start, at);
    this.at = at;
    return null;
  }

  #quoted(start: number): string | null {
    const text = this.#text;
    const most = Math.min(text.length, start + MAX_VALUE + 1);
    let isDoubled = false;
    for (let at = start; ; at += 1) {
      this.at = at;
      if (at >= most) return most === text.length && !this.#isLast ? "more" : NOT_CLOSED;
      const code = text.charCodeAt(at);
      const next = text.charCodeAt(at + 1);
      if (code === LINE_FEED || (code === RETURN && next !== LINE_FEED)) {
        if (this.#hasStrayQuote) return STRAY;
        this.lines += 1;
      }
      if (code !== QUOTE) continue;
      // A second one may follow.
      if (at + 1 === text.length && !this.#isLast) return "more";
      if (next !== QUOTE) {
        this.#bounds.push(start, isDoubled ? -at : at);
        this.at = this.#afterBlanks(at + 1);
        return null;
      }
      isDoubled = true;
      at += 1;
    }
  }

  #afterBlanks(from: number): number {
    let at = from;
    for (;;) {
      const code = this.#text.charCodeAt(at);
      if ((code !== SPACE && code !== TAB) || code === this.#separator) return at;
      at += 1;
    }
  }
}
