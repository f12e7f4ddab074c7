/** Typed rows of a CSV file with a header: the common part of calls.csv and trades.csv. */
import { basename } from "node:path";
import { InputError } from "../input-error.js";
import { cleanText } from "./cell-text.js";
import { CurrentCell } from "./csv-cell.js";
import type { Column } from "./csv-columns.js";
import { findHeader, type Header, type Place } from "./csv-header.js";
import type { FileMapping } from "./csv-mapping.js";
import { CsvSplitter, type BadRow, type CsvRecord } from "./csv-records.js";
import { csvText, type Encoding } from "./csv-text.js";
import { numberReader } from "./number-text.js";
import { PhoneReader, type PhoneCountry } from "@cofi/evidence/phone-number";
import { RowLengths, usualLength } from "./row-lengths.js";
import { KEPT_OF_A_KIND, remark, type CsvReport, type Remark, type RemarkCode } from "./remarks.js";

export type Columns = Readonly<Record<string, Column<unknown>>>;

export type RowOf<C extends Columns> = {
  -readonly [K in keyof C]: C[K] extends Column<infer T, true> ? T : C[K] extends Column<infer T> ? T | null : never;
};

export interface CsvRow<C extends Columns> {
  line: number;
  /** null when the row has errors. */
  row: RowOf<C> | null;
  /** Columns whose value in this row was not understood and is taken as not given, by their names in Cofi. */
  unread: readonly string[];
}

/** Facts about a file that it does not hold itself. */
export interface CsvContext {
  /** IANA zone of times without an offset. */
  timeZone: string;
  /** Of which phone numbers without a country code are; null: they are refused. */
  phoneCountry?: PhoneCountry | null;
}

const NAMES_OF_SEPARATORS: Readonly<Record<string, string>> = { ",": "commas", ";": "semicolons", "\t": "tabs" };
const NONE: readonly string[] = [];

/** Reads the rows of one file. */
class RowReader<C extends Columns> {
  readonly #file: string;
  readonly #header: Header;
  readonly #columns: readonly (readonly [key: string, column: Column<unknown>, places: readonly Place[]])[];
  readonly #report: CsvReport;
  readonly #cell: CurrentCell;
  readonly #lengths: RowLengths;

  constructor(
    file: string,
    header: Header,
    lengths: RowLengths,
    { columns, context, mapping, report }: Omit<CsvFile<C>, "path" | "signal">,
  ) {
    this.#file = file;
    this.#header = header;
    this.#lengths = lengths;
    this.#columns = Object.entries(columns).map(([key, column]) => [key, column, header.places.get(column.name) ?? []]);
    this.#report = report;
    const numbers = mapping?.numbers ?? { decimal: null, thousands: null };
    const style = {
      timeZone: mapping?.timeZone ?? context.timeZone,
      numbers: numberReader({ ...numbers, isSemicolonSeparated: header.separator === ";" }),
      phones: new PhoneReader(context.phoneCountry ?? null),
      formats: mapping?.formats ?? new Map(),
    };
    this.#cell = new CurrentCell(file, style, header, mapping?.words ?? new Map(), report);
  }

  read(record: CsvRecord | BadRow): CsvRow<C> | null {
    const { line } = record;
    if ("problem" in record) return this.#refused(line, "MALFORMED_ROW", record.problem);
    // Spreadsheets leave rows of nothing but separators behind.
    if (record.isBlankFrom(0)) return null;
    if (this.#isHeaderAgain(record)) {
      this.#say("note", "REPEATED_HEADER", line, "the line is the header again, and is passed over");
      return null;
    }
    if (this.#header.skip.some(([place, words]) => words.has(valueAt(record, place).trim().toUpperCase()))) {
      this.#say("note", "PASSED_OVER", line, "the row is one that the mapping passes over");
      return null;
    }
    const shape = this.#lengths.judge(record);
    if (shape && "problem" in shape) return this.#refused(line, "MALFORMED_ROW", shape.problem);
    if (shape) this.#say("note", "RAGGED_ROW", line, shape.note);
    if (record.hasStrayQuote)
      this.#say("note", "STRAY_QUOTE", line, `a quote (") inside a value that is not quoted is taken as it is`);
    return this.#valuesOf(record);
  }

  #refused(line: number, code: RemarkCode, problem: string): CsvRow<C> {
    this.#report.rows += 1;
    this.#report.refused += 1;
    this.#say("error", code, line, problem);
    return { line, row: null, unread: NONE };
  }

  /** Files that were put together have it several times. */
  #isHeaderAgain(record: CsvRecord): boolean {
    const { line, names } = this.#header;
    const first = names.findIndex((name) => name !== "");
    if (line === null || record.value(first).trim().toLowerCase() !== names[first]) return false;
    return names.every((name, at) => cleanText(record.value(at)).text.toLowerCase() === name);
  }

  #valuesOf(record: CsvRecord): CsvRow<C> {
    const { line } = record;
    const row: Record<string, unknown> = {};
    let unread: string[] | null = null;
    let isRefused = false;
    for (const [key, column, places] of this.#columns) {
      const cell = this.#cell;
      cell.begin(line, column, firstValue(record, places));
      row[key] = cell.read();
      if (!cell.hasFailed) continue;
      if (column.required) isRefused = true;
      else (unread ??= []).push(column.name);
    }
    this.#report.rows += 1;
    if (isRefused) this.#report.refused += 1;
    // Sound: without errors every column was read, and the required ones had a value.
    return { line, row: isRefused ? null : (row as RowOf<C>), unread: unread ?? NONE };
  }

  #say(severity: Remark["severity"], code: RemarkCode, line: number, what: string): void {
    this.#report.add(remark({ severity, code }, { file: this.#file, line, column: null }, what));
  }
}

function firstValue(record: CsvRecord, places: readonly Place[]): string {
  let value = "";
  for (const place of places) {
    value = valueAt(record, place);
    if (places.length === 1 || cleanText(value).text !== "") break;
  }
  return value;
}

/** Its parts put together; empty when none of the columns has a value. */
function valueAt(record: CsvRecord, place: Place): string {
  const [only] = place;
  if (place.length === 1) return typeof only === "number" ? record.value(only) : (only ?? "");
  const columns = place.filter((part) => typeof part === "number");
  if (columns.length > 0 && columns.every((at) => cleanText(record.value(at)).text === "")) return "";
  return place.map((part) => (typeof part === "number" ? cleanText(record.value(part)).text : part)).join("");
}

/** A file, and how it is read. */
export interface CsvFile<C extends Columns> {
  path: string;
  columns: C;
  context: CsvContext;
  mapping: FileMapping | null;
  /** Collects the remarks on the file. */
  report: CsvReport;
  signal?: AbortSignal | undefined;
}

/**
 * Streams the rows of a CSV file. Columns are found by the names in its header, in any order and case; others are passed over. Waits for
 * the report where that has enough to do.
 * @throws InputError when the file cannot be read or is empty or has no rows; MissingColumnsError; the signal's reason
 */
export async function* csvRows<C extends Columns>(given: CsvFile<C>): AsyncGenerator<CsvRow<C>> {
  const { path, columns, mapping, report, signal } = given;
  const file = basename(path);
  const known = Object.values(columns);
  let reading: { rows: RowReader<C>; splitter: CsvSplitter; before: number } | null = null;
  try {
    for await (const { text, isLast, encoding } of csvText(path, mapping?.encoding ?? null, signal)) {
      if (reading === null) {
        const header = findHeader(path, { text, isLast }, known, mapping);
        if (header === null) break;
        describe(file, header, encoding, given);
        reading = {
          rows: new RowReader(file, header, lengthsOf({ text, isLast }, header, known), given),
          splitter: new CsvSplitter(header.separator),
          before: header.records,
        };
      }
      for (const record of reading.splitter.split(text, isLast)) {
        if (reading.before > 0) {
          reading.before -= 1;
          continue;
        }
        const row = reading.rows.read(record);
        if (row) yield row;
        if (report.isBusy) await report.settled();
      }
    }
  } catch (error) {
    if (error instanceof InputError || !(error as NodeJS.ErrnoException | null)?.syscall) throw error;
    throw new InputError(`${path} cannot be read: ${(error as Error).message}. Check that it exists and may be read.`, {
      cause: error,
    });
  }
  await report.settled();
  const names = known.map(({ name, required }) => (required ? `${name}*` : name));
  if (reading === null)
    throw new InputError(`${path} is empty: its first line must name the columns (${names.join(", ")}).`);
  if (report.rows === 0)
    throw new InputError(`${path} has a header but no rows: there is nothing to check. Add the rows.`);
}

function lengthsOf(
  start: { text: string; isLast: boolean },
  header: Header,
  columns: readonly Column<unknown>[],
): RowLengths {
  const required = columns.flatMap(({ name, required: isRequired }) => {
    const [place, ...others] = header.places.get(name) ?? [];
    const [at, ...parts] = place ?? [];
    return isRequired && others.length + parts.length === 0 && typeof at === "number" ? [at] : [];
  });
  return new RowLengths(header, usualLength(start, header), required);
}

/** Says how the file as a whole is read, where that is not as documented. */
function describe<C extends Columns>(
  file: string,
  header: Header,
  encoding: Encoding,
  { columns, mapping, report }: CsvFile<C>,
): void {
  const note = (code: RemarkCode, what: string, column: string | null = null): void =>
    report.add(remark({ severity: "note", code }, { file, line: null, column }, what));
  const { separator, names, labels, absent, unused, repeated, unreadable, line } = header;
  const separators = NAMES_OF_SEPARATORS[separator] ?? separator;
  const named = (positions: readonly number[]): string =>
    positions
      .slice(0, KEPT_OF_A_KIND)
      .map((at) => (unreadable.includes(at) ? `${at + 1}` : names[at] || `${at + 1}`))
      .join(", ") + (positions.length > KEPT_OF_A_KIND ? " and others" : "");
  if (encoding !== (mapping?.encoding ?? "utf-8")) note("ENCODING", `the file is in ${encoding}, and is read so`);
  if (separator !== (mapping?.separator ?? ","))
    note("SEPARATOR", `the values are separated by ${separators}, and are read so`);
  if (line !== null && header.records > 1)
    note("LINES_BEFORE_HEADER", `the header is line ${line}; the lines before it are passed over`);
  if (line === null)
    note("NO_HEADER", `the file has no header, and its columns are those of the mapping ${mapping?.name}`);
  if (repeated.length > 0) note("REPEATED_COLUMN", `columns that nobody uses have the same name: ${named(repeated)}`);
  if (unreadable.length > 0)
    note(
      "UNREADABLE_COLUMN",
      `columns that nobody uses have a name that is no text in ${encoding}: column ${named(unreadable)}`,
    );
  for (const { column, source } of absent)
    note(
      "MAPPED_COLUMN_MISSING",
      `is read from ${JSON.stringify(source)} by the mapping, and the file has no such column`,
      column,
    );
  report.facts = {
    encoding,
    separator: separators,
    columns: Object.fromEntries(Object.values(columns).map(({ name }) => [name, labels.get(name) ?? null])),
    unused: { count: unused.length, first: unused.slice(0, KEPT_OF_A_KIND).map((at) => names[at] ?? "") },
  };
}
