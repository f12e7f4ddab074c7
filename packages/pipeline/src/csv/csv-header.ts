/** Where the columns of a CSV file are: which sign separates its values, which line is the header, which columns it names. */
import { InputError } from "../input-error.js";
import { cleanText, isUnreadable } from "./cell-text.js";
import type { Column } from "./csv-columns.js";
import type { FileMapping, Source } from "./csv-mapping.js";
import { CsvSplitter, type BadRow, type CsvRecord } from "./csv-records.js";
import { redactPhone } from "@cofi/evidence/phone-number";

/** Signs that separate values; the first that fits is taken. */
const SEPARATORS = [",", ";", "\t", "|"];
/** The line that Excel writes before the header to name the sign. */
const SEPARATOR_LINE = /^"?sep=(.)"?[,;\t|]*$/i;
/** Titles and empty lines that may stand before the header. */
const MOST_LINES_BEFORE = 20;

/** Where a value is: its parts in order, texts and positions of columns. */
export type Place = readonly (string | number)[];

export interface Header {
  separator: string;
  /** How many records stand before the first row: the header, and any titles before it. */
  records: number;
  /** Of the header; null where the mapping names the columns of a file without one. */
  line: number | null;
  /** In lower case, without blanks at the ends; those that end a line without a name are left out. */
  names: readonly string[];
  /** Values in the line of the header, with those at its end that are no names. */
  width: number;
  /** By the name of a column in Cofi: where its value may be, the first that has one counts; none for one that may be missing, and is. */
  places: ReadonlyMap<string, readonly Place[]>;
  /** Where the words are that say that a row is none of ours. */
  skip: readonly (readonly [place: Place, words: ReadonlySet<string>])[];
  /** How the file calls the columns that are used, by their name in Cofi. */
  labels: ReadonlyMap<string, string>;
  /** Columns that the mapping names, and the file does not have. */
  absent: readonly { column: string; source: string }[];
  /** Positions of columns that nobody uses, that have the name of one before them, or a name that cannot be read. */
  unused: readonly number[];
  repeated: readonly number[];
  unreadable: readonly number[];
}

/** The header lacks columns without which no row means anything: the batch stops. */
export class MissingColumnsError extends InputError {
  override readonly name = "MissingColumnsError";
  readonly code = "MISSING_COLUMN";
  readonly missing: readonly string[];
  readonly expected: readonly string[];
  /** A first line that is no header may hold anything: digits are hidden. */
  readonly found: readonly string[];

  constructor(
    path: string,
    missing: string[],
    expected: string[],
    names: readonly string[],
    mapping: FileMapping | null,
  ) {
    const found = names.map(redactPhone);
    const several = missing.length > 1 ? "s" : "";
    super(
      `${path} lacks the column${several} ${missing.join(", ")}. Expected: ${expected.join(", ")}. Found: ${listed(found)}. ` +
        (mapping === null
          ? `The first line must name the columns${found.length === 1 ? ", with commas, semicolons, tabs or bars between them" : ""}: add those that are missing, or describe your file in a mapping (COFI_CSV_MAPPING).`
          : `Correct the file, or its mapping ${mapping.name} (COFI_CSV_MAPPING).`),
    );
    this.missing = missing;
    this.expected = expected;
    this.found = found;
  }
}

/** Names for a sentence that must stay readable. */
function listed(names: readonly string[]): string {
  const most = 40;
  const shown =
    names
      .slice(0, most)
      .map((name) => name || "(no name)")
      .join(", ") || "none";
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}

/** A record that may be the header, read as one. */
interface Candidate {
  separator: string;
  records: number;
  line: number | null;
  names: string[];
  width: number;
  columns: Resolved;
}

/**
 * Finds the header in the first text of a file.
 * @returns null when the file holds nothing
 * @throws MissingColumnsError; InputError when a column that is used has its name twice, or the first line cannot be read
 */
export function findHeader(
  path: string,
  start: { text: string; isLast: boolean },
  columns: readonly Column<unknown>[],
  mapping: FileMapping | null,
): Header | null {
  const declared = SEPARATOR_LINE.exec(/^[^\r\n]*/.exec(start.text)?.[0] ?? "")?.[1];
  const separators = mapping?.separator ? [mapping.separator] : [...new Set([declared ?? ",", ...SEPARATORS])];
  const firsts = separators.map((separator) => ({ separator, records: firstRecords(start, separator) }));
  const candidates: Candidate[] = [];
  let found: Candidate | undefined;
  for (let at = 0; at <= MOST_LINES_BEFORE && !found; at += 1) {
    const inLine = firsts.flatMap(({ separator, records }): Candidate[] => {
      const record = records[at];
      if (!record || "problem" in record) return [];
      const names = namesIn(record);
      const { line, length: width } = record;
      return [{ separator, records: at + 1, line, names, width, columns: resolved(names, columns, mapping) }];
    });
    candidates.push(...inLine);
    found = inLine.filter(isComplete).toSorted((a, b) => b.columns.labels.size - a.columns.labels.size)[0];
  }
  if (candidates.length === 0) {
    const [problem] = firsts.flatMap(({ records }) => records);
    if (problem && "problem" in problem)
      throw new InputError(`${path}, line ${problem.line}: ${problem.problem}. Correct it.`);
    return null;
  }
  found ??= withoutHeader(firsts, columns, mapping, candidates);
  if (!found) {
    const lacks = ({ columns: { missing } }: Candidate): number => missing.length;
    const nearest = candidates.toSorted(
      (a, b) => lacks(a) - lacks(b) || a.records - b.records || b.names.length - a.names.length,
    )[0]!;
    const expected = columns.map(({ name, required }) => (required ? `${name}*` : name));
    const missing = nearest.columns.missing.map((name) => mappedName(name, mapping));
    throw new MissingColumnsError(path, missing, expected, nearest.names, mapping);
  }
  const { twice, ...rest } = found.columns;
  if (twice !== null)
    throw new InputError(`${path} names the column ${twice} twice in its header: rename or remove one of them.`);
  const { separator, records, line, names, width } = found;
  return { separator, records, line, names, width, ...rest };
}

function firstRecords({ text, isLast }: { text: string; isLast: boolean }, separator: string): (CsvRecord | BadRow)[] {
  const records: (CsvRecord | BadRow)[] = [];
  for (const record of new CsvSplitter(separator).split(text, isLast)) {
    records.push(record);
    if (records.length > MOST_LINES_BEFORE) break;
  }
  return records;
}

function namesIn(record: CsvRecord): string[] {
  const names = Array.from({ length: record.length }, (_, at) => cleanText(record.value(at)).text.toLowerCase());
  while (names.length > 1 && names.at(-1) === "") names.pop();
  return names;
}

function isComplete({ columns: { missing } }: Candidate): boolean {
  return missing.length === 0;
}

/** The columns of a file without a header, as the mapping names them; not where a line looks like a header that lacks some. */
function withoutHeader(
  firsts: readonly { separator: string; records: readonly (CsvRecord | BadRow)[] }[],
  columns: readonly Column<unknown>[],
  mapping: FileMapping | null,
  candidates: readonly Candidate[],
): Candidate | undefined {
  if (!mapping || mapping.header.length === 0) return undefined;
  const expected = new Set(mapping.header.map(plain));
  if (candidates.some(({ names }) => names.filter((name) => expected.has(plain(name))).length > 1)) return undefined;
  const width = ({ records: [first] }: (typeof firsts)[number]): number =>
    first && !("problem" in first) ? first.length : 0;
  const [widest] = firsts.toSorted((a, b) => width(b) - width(a));
  const names = mapping.header.map((name) => name.toLowerCase());
  const found = resolved(names, columns, mapping);
  const { separator = "," } = widest ?? {};
  const candidate = { separator, records: 0, line: null, names, width: names.length, columns: found };
  return isComplete(candidate) ? candidate : undefined;
}

function mappedName(column: string, mapping: FileMapping | null): string {
  const [source] = mapping?.sources.get(column) ?? [];
  return source ? `${sourceText(source)} (${column})` : column;
}

function sourceText(source: Source): string {
  const [only] = source;
  if (source.length === 1 && typeof only === "object") return only.column;
  return source.map((part) => (typeof part === "string" ? part : `{${part.column}}`)).join("");
}

/** As the header has the names. */
function labelOf(place: Place, names: readonly string[]): string {
  const [only] = place;
  if (place.length === 1 && typeof only === "number") return names[only] ?? "";
  return place.map((part) => (typeof part === "number" ? `{${names[part]}}` : JSON.stringify(part))).join("");
}

type Resolved = Pick<Header, "skip" | "places" | "labels" | "absent" | "unused" | "repeated" | "unreadable"> & {
  missing: string[];
  /** A name of a column that is used and stands there twice. */
  twice: string | null;
};

/** Names that differ in case, blanks and punctuation are the same. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[\s_\-.]+/g, "");
}

function resolved(
  names: readonly string[],
  columns: readonly Column<unknown>[],
  mapping: FileMapping | null,
): Resolved {
  const positions = { exact: positionsBy(names, (name) => name), plain: positionsBy(names, plain) };
  const used = new Set<number>();
  let twice: string | null = null;
  const positionOf = (name: string): number | null => {
    const found = positions.exact.get(name.trim().toLowerCase()) ?? positions.plain.get(plain(name));
    if (!found) return null;
    if (found.length > 1) twice ??= name;
    return found[0] ?? null;
  };
  const placeOf = (source: Source): Place | null => {
    const place = source.map((part) => (typeof part === "string" ? part : positionOf(part.column)));
    return place.includes(null) ? null : (place as Place);
  };
  const skip = [...(mapping?.skip ?? [])].flatMap(([column, words]): Resolved["skip"][number][] => {
    const place = placeOf([{ column }]);
    return place === null ? [] : [[place, words]];
  });
  for (const part of skip.flatMap(([place]) => place)) if (typeof part === "number") used.add(part);
  const places = new Map<string, readonly Place[]>();
  const labels = new Map<string, string>();
  const absent: { column: string; source: string }[] = [];
  for (const { name: column } of columns) {
    const mapped = mapping?.sources.get(column) ?? [];
    const found = new Map<string, Place>();
    for (const source of [...mapped, [{ column }]]) {
      const place = placeOf(source);
      const label = place === null ? null : labelOf(place, names);
      if (place !== null && label !== null && !found.has(label)) found.set(label, place);
    }
    places.set(column, [...found.values()]);
    if (found.size > 0) labels.set(column, [...found.keys()].join(", "));
    for (const part of [...found.values()].flat()) if (typeof part === "number") used.add(part);
    const [first] = mapped;
    if (found.size === 0 && first) absent.push({ column, source: sourceText(first) });
  }
  const rest = names.map((_, at) => at).filter((at) => !used.has(at));
  return {
    skip,
    places,
    labels,
    absent,
    missing: columns.filter(({ name, required }) => required && places.get(name)?.length === 0).map(({ name }) => name),
    twice,
    unused: rest,
    repeated: rest.filter((at) => names[at] !== "" && positions.exact.get(names[at] ?? "")?.[0] !== at),
    unreadable: rest.filter((at) => isUnreadable(names[at] ?? "")),
  };
}

function positionsBy(names: readonly string[], key: (name: string) => string): Map<string, number[]> {
  const positions = new Map<string, number[]>();
  for (const [at, name] of names.entries()) {
    const own = key(name);
    if (own === "") continue;
    const found = positions.get(own);
    if (found) found.push(at);
    else positions.set(own, [at]);
  }
  return positions;
}
