/** Remarks on a CSV file and its rows while it is read, counted by kind; the number that is kept is bounded. */

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
  /** Bytes that are not text in the encoding of the file. */
  | "BAD_ENCODING";

export type RemarkCode =
  | RowErrorCode
  /** A phone number that the caller, or the recorder, does not give. */
  | "WITHHELD"
  | "UNUSUAL_PHONE"
  /** NULL, N/A, a dash: a word for nothing. */
  | "NOT_GIVEN"
  /** Characters that nobody sees, or that a spreadsheet adds to keep a value as text. */
  | "INVISIBLE_CHARACTERS"
  | "SPREADSHEET_TEXT"
  | "NUMBER_STYLE"
  | "TIME_STYLE"
  /** XX, or a strike of 0 or -1, on a contract that is no option. */
  | "NO_OPTION"
  /** An option without a strike, an option type or an expiry; a future without an expiry. */
  | "INCOMPLETE_CONTRACT"
  | "FILE_NAME_MATCHED"
  | "RAGGED_ROW"
  | "STRAY_QUOTE"
  | "ENCODING"
  | "SEPARATOR"
  | "LINES_BEFORE_HEADER"
  | "NO_HEADER"
  | "REPEATED_HEADER"
  | "PASSED_OVER"
  | "REPEATED_COLUMN"
  | "UNREADABLE_COLUMN"
  | "MAPPED_COLUMN_MISSING";

/**
 * error: the row is set aside, or the recording has no row · warning: a value that may be missing was not understood and is taken as not
 * given, or is missing though the trade needs it · note: something was understood though it is not written as documented
 */
export type Severity = "error" | "warning" | "note";

export interface Remark {
  severity: Severity;
  /** `calls.csv` or `trades.csv`. */
  file: string;
  /** Line the row starts on, from 1; null for a recording without a row, and for the file as a whole. */
  line: number | null;
  /** By its name in Cofi. */
  column: string | null;
  code: RemarkCode;
  /** The value, cut at 100 characters; phone numbers redacted. */
  value?: string;
  /** A whole sentence; no phone number in it. */
  message: string;
}

const LONGEST_VALUE = 100;

/** A remark as the log may show it; `value` is redacted by the caller. `what` continues a sentence that starts with the column's name. */
export function remark(
  { severity, code }: Pick<Remark, "severity" | "code">,
  { file, line, column }: Pick<Remark, "file" | "line" | "column">,
  what: string,
  value?: string,
): Remark {
  const shown = value !== undefined && value.length > LONGEST_VALUE ? `${value.slice(0, LONGEST_VALUE - 1)}…` : value;
  return {
    severity,
    file,
    line,
    column,
    code,
    ...(shown !== undefined && { value: shown }),
    message: `${file}${line === null ? "" : `, line ${line}`}: ${column === null ? "" : `${column} `}${what}.`,
  };
}

/** Remarks of one kind: their number, and the first of them. */
export interface RemarkKind {
  severity: Severity;
  code: RemarkCode;
  column: string | null;
  count: number;
  first: Remark[];
}

/** Remarks of one kind that are kept; the others are counted. */
export const KEPT_OF_A_KIND = 20;
/** Remarks that a listener may have in work at once: reading waits for it, so that memory stays flat. */
const MOST_IN_WORK = 500;

export type RemarkListener = (remark: Remark) => void | Promise<unknown>;

/** How a file was read as a whole. */
export interface FileFacts {
  encoding: string;
  separator: string;
  /** By the name of each column in Cofi: where it comes from; null where the file does not have it. */
  columns: Readonly<Record<string, string | null>>;
  /** Columns of the file that nobody uses; at most {@link KEPT_OF_A_KIND} of them are named. */
  unused: { count: number; first: string[] };
}

/** The remarks on one file, and the number of its rows. */
export class CsvReport {
  /** Rows with values, those set aside included. */
  rows = 0;
  /** Rows that are set aside. */
  refused = 0;
  facts: FileFacts | null = null;
  readonly #kinds = new Map<string, RemarkKind>();
  readonly #listener: RemarkListener | null;
  #inWork: Promise<unknown>[] = [];

  /** `listener` gets every remark, in order. */
  constructor(listener: RemarkListener | null = null) {
    this.#listener = listener;
  }

  add(said: Remark): void {
    const { severity, code, column } = said;
    const key = `${severity} ${code} ${column}`;
    let kind = this.#kinds.get(key);
    if (!kind) this.#kinds.set(key, (kind = { severity, code, column, count: 0, first: [] }));
    kind.count += 1;
    if (kind.first.length < KEPT_OF_A_KIND) kind.first.push(said);
    const work = this.#listener?.(said);
    if (work) this.#inWork.push(work);
  }

  /** Whether the listener has enough to do for now. */
  get isBusy(): boolean {
    return this.#inWork.length >= MOST_IN_WORK;
  }

  /** Waits until the listener is done with all remarks so far. @throws the error of the listener */
  async settled(): Promise<void> {
    await Promise.all(this.#inWork.splice(0));
  }

  kinds(severity: Severity): RemarkKind[] {
    return [...this.#kinds.values()].filter((kind) => kind.severity === severity);
  }

  count(severity: Severity): number {
    return this.kinds(severity).reduce((sum, { count }) => sum + count, 0);
  }
}
