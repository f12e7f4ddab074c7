/** Typed rows of a CSV file with a header: what calls.csv and trades.csv have in common. */
import { basename } from "node:path";
import { CellError, type CellContext, type Column, type RowErrorCode } from "./csv-columns.js";
import { csvRecords } from "./csv-records.js";
import { InputError } from "../input-error.js";

/** Why a row is set aside, or a recording has no row. */
export interface RowError {
  /** `calls.csv` or `trades.csv`. */
  file: string;
  /** Line the row starts on, from 1; null for a recording without a row. */
  line: number | null;
  column: string | null;
  code: RowErrorCode;
  /** The offending value, cut at 100 characters; phone numbers redacted. */
  value?: string;
  /** A whole sentence; no phone number in it. */
  message: string;
}

/** The header lacks columns without which no row means anything: the batch stops. */
export class MissingColumnsError extends InputError {
  override readonly name = "MissingColumnsError";
  readonly code = "MISSING_COLUMN";
  readonly missing: readonly string[];
  readonly expected: readonly string[];
  readonly found: readonly string[];

  constructor(path: string, missing: string[], expected: string[], found: string[]) {
    const separator = found.length === 1 ? (/[;\t|]/.exec(found[0] ?? "")?.[0] ?? null) : null;
    super(
      `${path} lacks the column${missing.length > 1 ? "s" : ""} ${missing.join(", ")}. Expected: ${expected.join(", ")}. ` +
        `Found: ${listed(found)}. ` +
        (separator
          ? `The values seem to be separated by ${separator === "\t" ? "tabs" : separator}: write the file with commas.`
          : "The first line must name the columns: add those that are missing and run the batch again."),
    );
    this.missing = missing;
    this.expected = expected;
    this.found = found;
  }
}

/** Names for a sentence that must stay readable. */
function listed(names: readonly string[]): string {
  const most = 40;
  const shown = names.slice(0, most).join(", ") || "none";
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}

export type Columns = Readonly<Record<string, Column<unknown>>>;

export type RowOf<C extends Columns> = {
  -readonly [K in keyof C]: C[K] extends Column<infer T, true> ? T : C[K] extends Column<infer T> ? T | null : never;
};

export interface CsvRow<C extends Columns> {
  line: number;
  /** null when the row has errors. */
  row: RowOf<C> | null;
  errors: RowError[];
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** null when the bytes are not UTF-8. */
function decode(bytes: Buffer): string | null {
  try {
    return UTF8.decode(bytes).trim();
  } catch {
    return null;
  }
}

function isBlank(bytes: Buffer): boolean {
  const [first] = bytes;
  // Most values start with a character that is not blank, which shows without decoding them.
  return first === undefined || ((first <= 0x20 || first > 0x7f) && decode(bytes) === "");
}

/** An error about one cell, as the log may show it. */
export function rowError(
  file: string,
  line: number | null,
  column: Column<unknown> | null,
  code: RowErrorCode,
  message: string,
  value?: string,
): RowError {
  const shown = value === undefined || column === null ? value : column.redact(value);
  return {
    file,
    line,
    column: column?.name ?? null,
    code,
    ...(shown !== undefined && { value: shown.length > 100 ? `${shown.slice(0, 99)}…` : shown }),
    message: `${file}${line === null ? "" : `, line ${line}`}: ${column ? `${column.name} ` : ""}${message}.`,
  };
}

interface Header {
  width: number;
  /** Position of each column of the table; null for an optional one that the file does not have. */
  positions: Map<string, number | null>;
}

function readHeader(path: string, fields: readonly Buffer[], columns: Columns): Header {
  const found = fields.map((field) => {
    const name = decode(field);
    if (name === null || name.includes("\0"))
      throw new InputError(`${path} is not UTF-8 text: its first line cannot be read. Save it as CSV in UTF-8.`);
    return name.toLowerCase();
  });
  const positionOf = new Map(found.map((name, index): [string, number] => [name, index]));
  const twice = found.find((name, index) => name !== "" && positionOf.get(name) !== index);
  if (twice !== undefined)
    throw new InputError(`${path} names the column ${twice} twice in its first line: rename or remove one of them.`);
  const known = Object.values(columns);
  const missing = known.filter(({ name, required }) => required && !positionOf.has(name)).map(({ name }) => name);
  const expected = known.map(({ name, required }) => (required ? `${name}*` : name));
  if (missing.length > 0) throw new MissingColumnsError(path, missing, expected, found);
  const positions = known.map(({ name }): [string, number | null] => [name, positionOf.get(name) ?? null]);
  return { width: found.length, positions: new Map(positions) };
}

function readRow<C extends Columns>(
  file: string,
  line: number,
  fields: readonly Buffer[],
  header: Header,
  columns: C,
  context: CellContext,
): CsvRow<C> {
  const errors: RowError[] = [];
  const row: Record<string, unknown> = {};
  if (fields.length !== header.width) {
    const message = `the row has ${fields.length} value${fields.length === 1 ? "" : "s"}, the header ${header.width} columns`;
    return { line, row: null, errors: [rowError(file, line, null, "MALFORMED_ROW", message)] };
  }
  for (const [key, column] of Object.entries(columns)) {
    const position = header.positions.get(column.name) ?? null;
    const bytes = position === null ? undefined : fields[position];
    const value = bytes === undefined ? "" : decode(bytes);
    if (value === null) {
      errors.push(rowError(file, line, column, "BAD_ENCODING", "is not UTF-8 text: save the file as UTF-8"));
    } else if (value === "") {
      row[key] = null;
      if (column.required) errors.push(rowError(file, line, column, "MISSING_VALUE", "is required but empty"));
    } else {
      try {
        row[key] = column.read(value, context);
      } catch (error) {
        if (!(error instanceof CellError)) throw error;
        errors.push(rowError(file, line, column, error.code, error.message, value));
      }
    }
  }
  // Sound: without errors every column was read, and the required ones had a value.
  return { line, row: errors.length === 0 ? (row as RowOf<C>) : null, errors };
}

/**
 * Streams the rows of the CSV file at `path`. Columns are found by the names in the first line, in any order and case;
 * others are passed over.
 * @throws InputError when the file cannot be read or is empty or has no rows; MissingColumnsError; the signal's reason
 */
export async function* csvRows<C extends Columns>(
  path: string,
  columns: C,
  context: CellContext,
  signal?: AbortSignal,
): AsyncGenerator<CsvRow<C>> {
  const file = basename(path);
  let header: Header | null = null;
  let rows = 0;
  try {
    for await (const records of csvRecords(path, signal)) {
      for (const record of records) {
        if (header === null) {
          if ("problem" in record) throw new InputError(`${path}, line ${record.line}: ${record.problem}. Correct it.`);
          header = readHeader(path, record.fields, columns);
          continue;
        }
        // Spreadsheets leave rows of nothing but commas behind.
        if ("fields" in record && record.fields.every(isBlank)) continue;
        rows++;
        if ("problem" in record) {
          yield {
            line: record.line,
            row: null,
            errors: [rowError(file, record.line, null, "MALFORMED_ROW", record.problem)],
          };
        } else {
          yield readRow(file, record.line, record.fields, header, columns, context);
        }
      }
    }
  } catch (error) {
    if (error instanceof InputError || !(error as NodeJS.ErrnoException | null)?.syscall) throw error;
    throw new InputError(`${path} cannot be read: ${(error as Error).message}. Check that it exists and may be read.`, {
      cause: error,
    });
  }
  const names = Object.values(columns).map(({ name, required }) => (required ? `${name}*` : name));
  if (header === null)
    throw new InputError(`${path} is empty: its first line must name the columns (${names.join(", ")}).`);
  if (rows === 0) throw new InputError(`${path} has a header but no rows: there is nothing to check. Add the rows.`);
}
