/** The values that columns of a batch's CSV files may hold. Each cell is text in, a typed value out, or a {@link NotRead} that says why not. */
import { detached } from "@cofi/evidence/detached";
import type { NumberReader } from "./number-text.js";
import { redactPhone, type PhoneReader } from "@cofi/evidence/phone-number";
import type { RemarkCode } from "./remarks.js";
import type { TimeFormat } from "./time-format.js";
import { dayText, readDayText, readTimeText } from "./time-text.js";
import { instantOfClock, instantOfEpoch } from "./zoned-time.js";

/** How the cells of a file are written. */
export interface CellStyle {
  /** IANA zone of times without an offset. */
  timeZone: string;
  numbers: NumberReader;
  phones: PhoneReader;
  /** Formats that a mapping gives, by column. */
  formats: ReadonlyMap<string, readonly TimeFormat[]>;
}

/** One cell while it is read. `what` continues a sentence that starts with the column's name. */
export interface Cell extends CellStyle {
  column: string;
  /** Says that something was understood though it is not written as documented. */
  note(code: RemarkCode, what: string): void;
  /** Says that a part of the value was not understood. */
  warn(code: RemarkCode, what: string, value: string): void;
}

/** Why a value is not read. No error that is thrown: a file may have a million of them. */
export class NotRead {
  readonly code: RemarkCode;
  /** Continues a sentence that starts with the column's name. */
  readonly why: string;

  constructor(code: RemarkCode, why: string) {
    this.code = code;
    this.why = why;
  }
}

type Reader<T> = (value: string, cell: Cell) => T | NotRead;

export interface Column<T, Required extends boolean = boolean> {
  readonly name: string;
  readonly required: Required;
  readonly read: Reader<T>;
  /** Hides what must not be logged when a value is quoted in a remark. */
  readonly redact: (value: string) => string;
  /** Its values are names of files, which may hold anything: they are taken as they stand there. */
  readonly isFileName: boolean;
}

/** A phone number may have slipped into any column. */
function redactStrayPhone(value: string): string {
  return /^\+[\d\s().-]{7,}$/.test(value) ? redactPhone(value) : value;
}

/** A column that must be there, with a value in every row. */
export function required<T>(name: string, read: Reader<T>, redact = redactStrayPhone): Column<T, true> {
  return { name, required: true, read, redact, isFileName: read === (fileName as unknown) };
}

/** A column that may be missing, or empty in a row: null. So is a value of it that is not understood. */
export function optional<T>(name: string, read: Reader<T>, redact = redactStrayPhone): Column<T, false> {
  return { name, required: false, read, redact, isFileName: false };
}

/** A value of at most `max` characters on one line. */
export function text(max: number): Reader<string> {
  return (value) => {
    if (value.length > max) return new NotRead("BAD_TYPE", `has ${value.length} characters; at most ${max} fit`);
    // oxlint-disable-next-line no-control-regex
    if (/[\u0000-\u001f\u007f]/.test(value)) return new NotRead("BAD_TYPE", "holds a line break or control character");
    // Two codes that a spreadsheet has shortened look the same.
    if (/^\d\.\d+E\+\d+$/.test(value))
      return new NotRead(
        "BAD_TYPE",
        "is a number that a spreadsheet has shortened: format the column as text, and export it again",
      );
    return detached(value);
  };
}

/** Like {@link text}, in capitals. */
export function capitals(max: number): Reader<string> {
  const read = text(max);
  return (value, cell) => read(value.toUpperCase(), cell);
}

/** The name of a file, or a path to it: which file it is, is found out among those that there are. */
export function fileName(value: string): string | NotRead {
  if (value.includes("\0")) return new NotRead("BAD_TYPE", "holds a character that no name of a file has");
  const name = value.split(/[/\\]/).at(-1) ?? "";
  if (name === "" || name === "." || name === "..")
    return new NotRead("BAD_TYPE", "names no file in the batch's folder");
  if (Buffer.byteLength(name) > 255) return new NotRead("BAD_TYPE", "is longer than 255 bytes");
  return detached(value);
}

function number(value: string, cell: Cell): number | NotRead {
  const read = cell.numbers(value);
  if ("problem" in read) return new NotRead("BAD_TYPE", read.problem);
  if (read.isUnusual) cell.note("NUMBER_STYLE", `is read as ${read.value}`);
  return read.value;
}

export function wholeNumber(min: number, max: number): Reader<number> {
  return (value, cell) => {
    const read = number(value, cell);
    if (read instanceof NotRead) return read;
    if (!Number.isInteger(read) || read < min || read > max)
      return new NotRead("BAD_TYPE", `must be a whole number from ${min} to ${max}`);
    return read;
  };
}

const LARGEST = 1e15;

export function positiveNumber(value: string, cell: Cell): number | NotRead {
  const read = number(value, cell);
  if (read instanceof NotRead) return read;
  if (!(read > 0) || read > LARGEST) return new NotRead("BAD_TYPE", `must be a number above 0, up to ${LARGEST}`);
  return read;
}

/** The strike price of an option; exchanges write 0, -1 or -0.01 where there is none. */
export function strikePrice(value: string, cell: Cell): number | null | NotRead {
  const read = number(value.replace(/^-/, ""), cell);
  if (read instanceof NotRead) return read;
  if (read > LARGEST) return new NotRead("BAD_TYPE", `must be a number above 0, up to ${LARGEST}`);
  if (read > 0 && !value.startsWith("-")) return read;
  if (read > 1) return new NotRead("BAD_TYPE", "is below 0");
  cell.note("NO_OPTION", "stands for no strike");
  return null;
}

/** Seconds, or hours, minutes and seconds as `00:01:10`. */
export function duration(given: string, cell: Cell): number | NotRead {
  const value = given.replace(/(?<=\d)\s?(?:s|secs?|seconds?)$/i, "");
  const clock = /^(\d{1,3}):([0-5]?\d):([0-5]?\d(?:\.\d+)?)$/.exec(value);
  if (value.length !== given.length) cell.note("TIME_STYLE", `is read as ${value} s`);
  if (!clock) return positiveNumber(value, cell);
  const seconds = Number(clock[1]) * 3600 + Number(clock[2]) * 60 + Number(clock[3]);
  if (seconds === 0) return new NotRead("BAD_TYPE", "must be above 0");
  cell.note("TIME_STYLE", `is read as ${seconds} s`);
  return seconds;
}

/** One of the keys of `spellings`, in any case, read as its value. `nothing`: a word for none of them. */
export function oneOf<const T extends string>(spellings: Readonly<Record<string, T>>): Reader<T>;
export function oneOf<const T extends string>(
  spellings: Readonly<Record<string, T>>,
  nothing: string,
): Reader<T | null>;
export function oneOf<const T extends string>(
  spellings: Readonly<Record<string, T>>,
  nothing?: string,
): Reader<T | null> {
  return (value, cell) => {
    const word = value.toUpperCase();
    if (word === nothing) {
      cell.note("NO_OPTION", "stands for none");
      return null;
    }
    const found = Object.hasOwn(spellings, word) ? spellings[word] : undefined;
    if (found === undefined)
      return new NotRead(
        "BAD_ENUM",
        `must be one of ${Object.keys(spellings).join(", ")}; other words can be given a meaning in the mapping of COFI_CSV_MAPPING`,
      );
    return found;
  };
}

const FITS_TWO = "fits two of the formats in the mapping, with two meanings: remove one of them";

/** Where a format is given, another order of day and month is a mistake. ISO 8601 is read in any case. */
function fitsNone(formats: readonly TimeFormat[]): string {
  return `is not in the format ${formats.map(({ text: format }) => format).join(" or ")} that the mapping gives`;
}

export function time(value: string, cell: Cell): Date | NotRead {
  const formats = cell.formats.get(cell.column) ?? [];
  const instants = formats.flatMap((format) => {
    const read = format.read(value);
    if (read === null) return [];
    return [typeof read === "number" ? instantOfEpoch(read) : instantOfClock(read, cell.timeZone)];
  });
  const [first] = instants;
  if (new Set(instants.map(String)).size > 1) return new NotRead("BAD_TIME", FITS_TWO);
  if (first !== undefined) return typeof first === "string" ? new NotRead("BAD_TIME", first) : first;
  const read = readTimeText(value);
  if ("problem" in read) return new NotRead("BAD_TIME", read.problem);
  if (formats.length > 0 && read.isUnusual) return new NotRead("BAD_TIME", fitsNone(formats));
  const instant = instantOfClock(read.clock, cell.timeZone);
  if (typeof instant === "string") return new NotRead("BAD_TIME", instant);
  if (read.isUnusual) cell.note("TIME_STYLE", `is read as ${instant.toISOString()}`);
  return instant;
}

/** A day, `2026-11-26`, or a month, `2026-11`. */
export function day(value: string, cell: Cell): string | NotRead {
  const formats = cell.formats.get(cell.column) ?? [];
  const days = formats.flatMap((format) => {
    const clock = format.read(value);
    const found = clock === null || typeof clock === "number" ? null : dayText(clock);
    return found === null ? [] : [format.hasDay ? found : found.slice(0, "2026-11".length)];
  });
  if (new Set(days).size > 1) return new NotRead("BAD_TIME", FITS_TWO);
  if (days[0] !== undefined) return days[0];
  const read = readDayText(value);
  if ("problem" in read) return new NotRead("BAD_TIME", read.problem);
  if (formats.length > 0 && read.isUnusual) return new NotRead("BAD_TIME", fitsNone(formats));
  if (read.isUnusual) cell.note("TIME_STYLE", `is read as ${read.day}`);
  return read.day;
}

/** E.164. */
export function phone(value: string, cell: Cell): string | NotRead {
  const read = cell.phones.read(value);
  if ("problem" in read) return new NotRead(read.isWithheld ? "WITHHELD" : "BAD_PHONE", read.problem);
  if (read.note !== null) cell.note("UNUSUAL_PHONE", read.note);
  return read.number;
}

/** What stands between numbers. A semicolon before a name and `=` begins a parameter of an address: `sip:…;user=phone`. */
const BETWEEN_NUMBERS = /[|,\n/&]|;(?!\s*[a-z-]+=)/i;

/** Numbers with `|` between them, or another sign; each once. One that is not understood does not cost the others. */
export function phones(value: string, cell: Cell): string[] {
  const parts = value.split(BETWEEN_NUMBERS).map((part) => part.trim());
  const numbers = new Set<string>();
  for (const part of parts.filter(Boolean)) {
    const read = phone(part, cell);
    if (!(read instanceof NotRead)) numbers.add(read);
    else cell.warn(read.code, `${parts.length > 1 ? "has a number that " : ""}${read.why}`, part);
  }
  return [...numbers];
}
