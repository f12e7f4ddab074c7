/** What a column of a batch's CSV files may hold. Each cell is text in, a typed value out, or a {@link CellError} that says why not. */
import { normalisePhone, redactPhone } from "./phone-number.js";
import { parseTime, TimeError } from "./zoned-time.js";

export type RowErrorCode =
  | "MISSING_VALUE"
  | "BAD_TYPE"
  | "BAD_ENUM"
  | "BAD_TIME"
  | "BAD_PHONE"
  | "DUPLICATE_ID"
  | "FILE_NOT_FOUND"
  | "FILE_NOT_LISTED"
  | "DURATION_MISMATCH"
  | "TRADE_BEFORE_ORDER"
  /** The row's quotes or its number of values are wrong. */
  | "MALFORMED_ROW"
  /** Bytes that are not UTF-8. */
  | "BAD_ENCODING";

export interface CellContext {
  /** IANA zone of times without an offset. */
  timeZone: string;
}

/** `message` continues a sentence that starts with the column's name. */
export class CellError extends Error {
  readonly code: RowErrorCode;

  constructor(code: RowErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

type Cell<T> = (value: string, context: CellContext) => T;

export interface Column<T, Required extends boolean = boolean> {
  readonly name: string;
  readonly required: Required;
  readonly read: Cell<T>;
  /** Hides what must not be logged when a value is quoted in an error. */
  readonly redact: (value: string) => string;
}

/** A phone number may have slipped into any column. */
function redactStrayPhone(value: string): string {
  return /^\+[\d\s().-]{7,}$/.test(value) ? redactPhone(value) : value;
}

/** A column that must be there, with a value in every row. */
export function required<T>(name: string, read: Cell<T>, redact = redactStrayPhone): Column<T, true> {
  return { name, required: true, read, redact };
}

/** A column that may be missing, or empty in a row: null. */
export function optional<T>(name: string, read: Cell<T>, redact = redactStrayPhone): Column<T, false> {
  return { name, required: false, read, redact };
}

/** A value of at most `max` characters on one line. */
export function text(max: number): Cell<string> {
  return (value) => {
    if (value.length > max) throw new CellError("BAD_TYPE", `has ${value.length} characters; at most ${max} fit`);
    // oxlint-disable-next-line no-control-regex
    if (/[\u0000-\u001f\u007f]/.test(value)) throw new CellError("BAD_TYPE", "holds a line break or control character");
    return value;
  };
}

/** Like {@link text}, in capitals. */
export function capitals(max: number): Cell<string> {
  const read = text(max);
  return (value, context) => read(value.toUpperCase(), context);
}

/** The name of a file in the batch's folder: never a path. */
export function fileName(value: string): string {
  if (/[/\\\0]/.test(value) || value === "." || value === "..")
    throw new CellError("BAD_TYPE", "must be the name of a file in the batch's folder, not a path");
  if (Buffer.byteLength(value) > 255) throw new CellError("BAD_TYPE", "is longer than 255 bytes");
  return value;
}

export function wholeNumber(min: number, max: number): Cell<number> {
  return (value) => {
    const number = Number(value);
    if (!/^\+?\d+$/.test(value) || number < min || number > max)
      throw new CellError("BAD_TYPE", `must be a whole number from ${min} to ${max}`);
    return number;
  };
}

export function positiveNumber(value: string): number {
  const number = Number(value);
  if (!/^\+?(\d+\.?\d*|\.\d+)$/.test(value) || !(number > 0) || number > 1e15)
    throw new CellError("BAD_TYPE", "must be a number above 0, with a point for decimals and no separators");
  return number;
}

/** One of the keys of `spellings`, in any case, read as its value. */
export function oneOf<const T extends string>(spellings: Readonly<Record<string, T>>): Cell<T> {
  return (value) => {
    const found = Object.hasOwn(spellings, value.toUpperCase()) ? spellings[value.toUpperCase()] : undefined;
    if (found === undefined) throw new CellError("BAD_ENUM", `must be one of ${Object.keys(spellings).join(", ")}`);
    return found;
  };
}

export function time(value: string, { timeZone }: CellContext): Date {
  try {
    return parseTime(value, timeZone);
  } catch (error) {
    if (error instanceof TimeError) throw new CellError("BAD_TIME", error.message);
    throw error;
  }
}

export function phone(value: string): string {
  const number = normalisePhone(value);
  if (number === null)
    throw new CellError("BAD_PHONE", "must be a phone number in E.164: + and country code, 7 to 15 digits");
  return number;
}

/** Numbers with `|` between them; each once. */
export function phones(value: string): string[] {
  const parts = value.split("|").map((part) => part.trim());
  return [...new Set(parts.filter(Boolean).map(phone))];
}
