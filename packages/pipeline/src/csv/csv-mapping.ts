/** Mappings: how the CSV files of a system are read as calls.csv and trades.csv, as JSON that people write. */
import { z } from "zod";
import { CALL_COLUMNS } from "./calls-columns.js";
import { NotRead, type Column } from "./csv-columns.js";
import { ENCODINGS, type Encoding } from "./csv-text.js";
import { numberReader, type NumberStyle } from "./number-text.js";
import { PhoneReader } from "@cofi/evidence/phone-number";
import { timeFormat, type TimeFormat } from "./time-format.js";
import { TRADE_COLUMNS } from "./trades-columns.js";
import { dayIn } from "./zoned-time.js";

/** Where the value of a column comes from: texts, and columns of the file in the order in which they are put together. */
export type Source = readonly (string | { column: string })[];

/** How one file is read; null and empty where the mapping says nothing. */
export interface FileMapping {
  /** The mapping's name, for messages. */
  name: string;
  encoding: Encoding | null;
  separator: string | null;
  numbers: Pick<NumberStyle, "decimal" | "thousands">;
  timeZone: string | null;
  /** Names of the columns of a file without a header, in its order. */
  header: readonly string[];
  /** Rows that are no calls or trades: by column of the file, the words that say so, in capitals. */
  skip: ReadonlyMap<string, ReadonlySet<string>>;
  /** By column: of the sources whose columns the file has, the first that has a value in the row is taken. */
  sources: ReadonlyMap<string, readonly Source[]>;
  /** By column and word in capitals: the meaning of the word. */
  words: ReadonlyMap<string, ReadonlyMap<string, string>>;
  formats: ReadonlyMap<string, readonly TimeFormat[]>;
}

export type MappedFile = "calls" | "trades";

/** The mappings in force. */
export type CsvMapping = Readonly<Record<MappedFile, FileMapping | null>>;

export const NO_MAPPING: CsvMapping = { calls: null, trades: null };

const COLUMNS: Readonly<Record<MappedFile, readonly Column<unknown>[]>> = {
  calls: Object.values(CALL_COLUMNS),
  trades: Object.values(TRADE_COLUMNS),
};
const TIMES: ReadonlySet<string> = new Set(["start_time", "order_time", "trade_time"]);
const DAYS: ReadonlySet<string> = new Set(["expiry"]);

const word = z.string().min(1).max(256);
const source = z.union([word, z.strictObject({ value: word })]);
const oneOrMore = <T extends z.ZodType>(one: T) =>
  z.union([one, z.array(one).min(1)]).transform((given) => [given].flat());
const filePart = z.strictObject({
  encoding: z.enum(ENCODINGS).optional(),
  separator: z
    .string()
    .regex(/^[^\p{L}\p{N}"\s]$|^\t$/u, "must be one character that is no letter, digit, quote or blank; a tab is \\t")
    .optional(),
  decimal: z.enum([".", ","]).optional(),
  thousands: z.enum([".", ",", " ", "'"]).optional(),
  time_zone: word.optional(),
  header: z.array(z.string().max(256)).min(1).optional(),
  skip: z.record(word, oneOrMore(word)).optional(),
  columns: z.record(z.string(), oneOrMore(source)).optional(),
  words: z.record(z.string(), z.record(word, z.string().max(256))).optional(),
  formats: z.record(z.string(), oneOrMore(word)).optional(),
});
const mappingSchema = z.strictObject({
  description: z.string().optional(),
  calls: filePart.optional(),
  trades: filePart.optional(),
});
type FilePart = z.output<typeof filePart>;

/** A mapping that is wrong: a sentence for each problem, with its place. */
export class MappingError extends Error {
  constructor(problems: readonly string[]) {
    super(problems.join(" "));
  }
}

/** Reads the content of a mapping. @throws MappingError naming everything that is wrong */
export function readMapping(name: string, content: unknown): CsvMapping {
  const parsed = mappingSchema.safeParse(content);
  if (!parsed.success) throw new MappingError(parsed.error.issues.flatMap(inWords));
  const { calls, trades } = parsed.data;
  if (!calls && !trades) throw new MappingError(['It needs "calls" or "trades", or both.']);
  const problems: string[] = [];
  const mapping = {
    calls: calls ? compiled(name, "calls", calls, problems) : null,
    trades: trades ? compiled(name, "trades", trades, problems) : null,
  };
  if (problems.length > 0) throw new MappingError(problems);
  return mapping;
}

/** The messages of zod do not say which branch of a union was meant, so the problem gets words of its own. */
function inWords(issue: z.core.$ZodIssue): string[] {
  const place = issue.path.join(".") || "the mapping";
  if (issue.code === "unrecognized_keys")
    return issue.keys.map(
      (key) => `${[...issue.path, key].join(".")} is no part of a mapping${suggestion(key, partsAt(issue.path))}.`,
    );
  if (issue.code === "invalid_union" && issue.path.includes("columns"))
    return [`${place} must be the name of a column, {"value": "…"}, or a list of these.`];
  if (issue.code === "invalid_union") return [`${place} must be a text or a list of texts.`];
  if (issue.code === "invalid_value")
    return [`${place} must be one of ${issue.values.map((value) => JSON.stringify(value)).join(", ")}.`];
  return [`${place}: ${issue.message}.`];
}

function partsAt(path: readonly PropertyKey[]): string[] {
  return Object.keys((path.length === 0 ? mappingSchema : filePart).shape);
}

/** The name that was probably meant, as the end of a sentence. */
function suggestion(name: string, known: readonly string[]): string {
  const plain = (one: string): string => one.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  const meant = known.find(
    (one) => plain(one) === plain(name) || plain(one).startsWith(plain(name)) || plain(name).startsWith(plain(one)),
  );
  return meant === undefined ? ` (it takes ${known.join(", ")})` : ` (did you mean ${meant}?)`;
}

function compiled(name: string, file: MappedFile, part: FilePart, problems: string[]): FileMapping {
  const columns = COLUMNS[file];
  const at = (...path: string[]): string => [file, ...path].join(".");
  const known = (column: string, ...path: string[]): Column<unknown> | undefined => {
    const found = columns.find((one) => one.name === column);
    if (!found)
      problems.push(
        `${at(...path, column)} is no column of ${file}.csv${suggestion(
          column,
          columns.map((one) => one.name),
        )}.`,
      );
    return found;
  };
  const { decimal = null, thousands = null, time_zone: timeZone = null, header = [] } = part;
  if (decimal !== null && decimal === thousands)
    problems.push(`${at("thousands")} is the sign of ${at("decimal")} too.`);
  if (thousands === "." && decimal === null)
    problems.push(`${at("decimal")} is needed where thousands have a point: give ",".`);
  if (timeZone !== null && !isZone(timeZone))
    problems.push(
      `${at("time_zone")} is ${JSON.stringify(timeZone)}, which is no IANA time zone such as Asia/Kolkata.`,
    );
  for (const repeated of header.filter((one, index) => one !== "" && header.indexOf(one) !== index))
    problems.push(`${at("header")} names ${JSON.stringify(repeated)} twice.`);

  const sources = new Map<string, Source[]>();
  for (const [column, given] of Object.entries(part.columns ?? {})) {
    if (!known(column, "columns")) continue;
    sources.set(
      column,
      given.map((one) => sourceOf(one, at("columns", column), problems)),
    );
  }
  const skip = new Map(
    Object.entries(part.skip ?? {}).map(([column, words]) => [
      column,
      new Set(words.map((one) => one.trim().toUpperCase())),
    ]),
  );
  const style = {
    timeZone: timeZone ?? "UTC",
    numbers: numberReader({ decimal, thousands, isSemicolonSeparated: false }),
  };
  const words = new Map<string, Map<string, string>>();
  for (const [column, meanings] of Object.entries(part.words ?? {})) {
    const found = known(column, "words");
    if (!found) continue;
    const problem = (what: string): number => problems.push(`${at("words", column, what)}.`);
    for (const [one, meaning] of Object.entries(meanings)) {
      const wrong = meaning === "" ? null : problemOf(found, meaning, style);
      if (wrong !== null) problem(`${one}: ${JSON.stringify(meaning)} ${wrong}`);
    }
    words.set(column, new Map(Object.entries(meanings).map(([one, meaning]) => [one.trim().toUpperCase(), meaning])));
  }
  const formats = new Map<string, TimeFormat[]>();
  for (const [column, texts] of Object.entries(part.formats ?? {})) {
    if (!known(column, "formats")) continue;
    if (!TIMES.has(column) && !DAYS.has(column)) {
      problems.push(`${at("formats", column)} is given, but ${column} is no time.`);
      continue;
    }
    const read = texts.map((text) => ({ text, format: timeFormat(text, TIMES.has(column)) }));
    for (const { text, format } of read)
      if ("problem" in format) problems.push(`${at("formats", column)}: ${JSON.stringify(text)} ${format.problem}.`);
    formats.set(
      column,
      read.flatMap(({ format }) => ("problem" in format ? [] : [format])),
    );
  }
  const [encoding, separator] = [part.encoding ?? null, part.separator ?? null];
  return {
    name,
    encoding,
    separator,
    numbers: { decimal, thousands },
    timeZone,
    header,
    skip,
    sources,
    words,
    formats,
  };
}

/** Why a word cannot have this meaning; null when it can. */
function problemOf(
  column: Column<unknown>,
  meaning: string,
  style: Pick<CellStyleOf, "timeZone" | "numbers">,
): string | null {
  const cell = {
    ...style,
    column: column.name,
    phones: new PhoneReader(null),
    formats: new Map(),
    note: nobody,
    warn: nobody,
  };
  const read = column.read(meaning, cell);
  return read instanceof NotRead ? read.why.replace(/; other words can be given.*$/, "") : null;
}
type CellStyleOf = Parameters<Column<unknown>["read"]>[1];
const nobody = (): void => undefined;

function isZone(zone: string): boolean {
  try {
    dayIn(new Date(0), zone);
    return true;
  } catch {
    return false;
  }
}

/** `Trade No`, or `{Trade Date} {Trade Time}`, or a value that is the same in every row. */
function sourceOf(given: string | { value: string }, place: string, problems: string[]): Source {
  if (typeof given !== "string") return [given.value];
  if (!/[{}]/.test(given)) return [{ column: given }];
  const parts = [...given.matchAll(/\{([^{}]+)\}|([^{}]+)/g)].map(([, column, literal]) =>
    column === undefined ? (literal ?? "") : { column },
  );
  const again = parts.map((part) => (typeof part === "string" ? part : `{${part.column}}`)).join("");
  if (again !== given)
    problems.push(`${place}: ${JSON.stringify(given)} has a brace that is not closed or not opened, or nothing in it.`);
  return parts;
}
