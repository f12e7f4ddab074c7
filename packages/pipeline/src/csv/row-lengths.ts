/** Judges rows that have other numbers of values than the header: rows of spreadsheets do, and so do rows in which a value has lost its quotes. */
import { CsvSplitter, type CsvRecord } from "./csv-records.js";
import type { Header } from "./csv-header.js";

/** Rows by which the usual length is found, and the part of them that has to have it. */
const ENOUGH = 1_000;
const NEARLY_ALL = 0.9;

/** How many values nearly all of the first rows have; as many as the header where they differ. */
export function usualLength(start: { text: string; isLast: boolean }, header: Header): number {
  const counts = new Map<number, number>();
  let seen = 0;
  let rows = 0;
  for (const record of new CsvSplitter(header.separator).split(start.text, start.isLast)) {
    seen += 1;
    if (seen > header.records + ENOUGH) break;
    if (seen <= header.records || "problem" in record || record.isBlankFrom(0)) continue;
    rows += 1;
    counts.set(record.length, (counts.get(record.length) ?? 0) + 1);
  }
  const usual = [...counts].find(([, count]) => count >= rows * NEARLY_ALL);
  return usual?.[0] ?? header.width;
}

/** The parts of a number that commas between its thousands have cut: the first, one between them as in lakh and crore, and the last. */
const FIRST_PART = /^\d{1,3}$/;
const MIDDLE_PART = /^\d\d$/;
const LAST_PART = /^\d{3}(?:\.\d+)?$/;
/** No number has more. */
const MOST_PARTS = 8;

/** Judges the rows of one file. */
export class RowLengths {
  readonly #header: Pick<Header, "names" | "width" | "separator">;
  readonly #usual: number;
  readonly #required: readonly number[];
  /** Of the rows so far. */
  #least = Infinity;
  #most = 0;

  /** `usual`: of nearly all rows. `required`: positions of values that every row has. */
  constructor(header: Pick<Header, "names" | "width" | "separator">, usual: number, required: readonly number[]) {
    this.#header = header;
    this.#usual = usual;
    this.#required = required;
  }

  /** A note on a row of another length; a problem where its values cannot be told apart; null for one as it should be. */
  judge(record: CsvRecord): { note: string } | { problem: string } | null {
    const { length, isEnded } = record;
    const { width, names } = this.#header;
    const isAsBefore = this.#least === length && this.#most === length;
    this.#least = Math.min(this.#least, length);
    this.#most = Math.max(this.#most, length);
    if (length >= names.length && length <= width && record.isBlankFrom(names.length)) return null;
    const has = `the row has ${length} value${length === 1 ? "" : "s"}, the header ${names.length} columns`;
    if (length < names.length) {
      if (!isEnded && !isAsBefore) return { problem: `${has}, and the file ends within the row` };
      if (this.#isOdd(length) && this.#hasWordsAfterComma(record)) return { problem: `${has}: ${NEEDS_QUOTES}` };
      return { note: `${has}: those at its end are taken as empty` };
    }
    const isSplit = (): boolean => this.#hasSplitNumber(record) || this.#hasWordsAfterComma(record);
    if (!record.isBlankFrom(names.length) || (this.#isOdd(length) && isSplit()))
      return { problem: `${has}: ${NEEDS_QUOTES}` };
    return { note: `${has}: the empty ones at its end are left out` };
  }

  /** Where nearly all rows have this number of values, it says nothing of one of them. */
  #isOdd(length: number): boolean {
    return length !== this.#usual && this.#header.separator === ",";
  }

  /** Whether values beside each other may be one number. A quantity and a price are none: put together, they would leave the row without a price. */
  #hasSplitNumber(record: CsvRecord): boolean {
    return Array.from({ length: record.length }, (_, at) => at).some((first) => {
      if (!FIRST_PART.test(record.value(first))) return false;
      for (let last = first + 1; last < first + MOST_PARTS; last += 1) {
        if (LAST_PART.test(record.value(last)) && this.#isWholeWithout(record, first, last)) return true;
        if (!MIDDLE_PART.test(record.value(last))) return false;
      }
      return false;
    });
  }

  /** Whether each required value is there if the values from `first` to `last` are one. */
  #isWholeWithout(record: CsvRecord, first: number, last: number): boolean {
    return this.#required.every((at) => record.value(at <= first ? at : at + last - first).trim() !== "");
  }

  /** `Rao, Asha` leaves a value that begins with a blank, among others that do not. */
  #hasWordsAfterComma(record: CsvRecord): boolean {
    const given = valuesOf(record).filter((value) => value.trim() !== "");
    const spaced = given.filter((value) => value.startsWith(" ")).length;
    return spaced > 0 && spaced * 2 < given.length;
  }
}

const NEEDS_QUOTES = "a value with a separator in it needs quotes around it";

function valuesOf(record: CsvRecord): string[] {
  return Array.from({ length: record.length }, (_, at) => record.value(at));
}
