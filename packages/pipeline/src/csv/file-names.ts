/** Which file a row of calls.csv means: recorders write paths, other cases and other compositions of Unicode than the disk has. */
import { extname } from "node:path";
import { AUDIO_EXTENSIONS } from "../batch/audio-extensions.js";
import { InputError } from "../input-error.js";
import { CALL_COLUMNS } from "./calls-columns.js";
import { cleanText } from "./cell-text.js";
import type { FileMapping } from "./csv-mapping.js";
import { csvRows, type CsvContext } from "./csv-rows.js";
import { CsvReport } from "./remarks.js";

/** A file that a name means. `how`: why it is not quite the name, as the end of a sentence that starts with it; null where nobody sees a difference. */
export interface NamedFile {
  name: string;
  how: string | null;
}

/** How a name may differ from that of its file; the first form in which there is a file counts. */
const FORMS: readonly (readonly [how: string | null, form: (name: string) => string])[] = [
  [null, (name) => name.normalize("NFC")],
  [" without its folder", (name) => lastPart(name.normalize("NFC"))],
  [" without the marks in or around it", (name) => bare(name)],
  [" in another case", (name) => bare(name).toLowerCase()],
  [" apart from its extension", (name) => withoutExtension(bare(name).toLowerCase())],
];

/** An address of the web may have a query after the name. */
function lastPart(name: string): string {
  const path = /^\w+:\/\//.test(name) ? name.replace(/[?#].*$/s, "") : name;
  return path.split(/[/\\]/).at(-1) ?? path;
}

/** Without invisible characters and quotation marks. */
function bare(name: string): string {
  return lastPart(cleanText(name.normalize("NFC")).text.replace(/^"(.*)"$/s, "$1"));
}

/** Recorders write names without an extension, and recordings are converted after they were listed. */
function withoutExtension(name: string): string {
  const extension = extname(name);
  return AUDIO_EXTENSIONS.has(extension) ? name.slice(0, -extension.length) : name;
}

/**
 * The files that inexact names mean; names without such a file are left out. A name that is not quite that of a file may be that of another
 * one, which is not there: it means the file only where no other name does, and no other file is called almost the same.
 * @param names each once
 */
export function matchedNames(
  files: ReadonlySet<string>,
  names: readonly string[],
): ReadonlyMap<string, NamedFile | "ambiguous"> {
  const matched = new Map<string, NamedFile | "ambiguous">();
  const others = names.filter((name) => !files.has(name));
  if (others.length === 0) return matched;
  const byForm = FORMS.map(([, form]) => {
    const found = new Map<string, string | null>();
    for (const file of files) found.set(form(file), found.has(form(file)) ? null : file);
    return found;
  });
  for (const name of others)
    for (const [at, [how, form]] of FORMS.entries()) {
      const file = byForm[at]?.get(form(name));
      if (file === undefined) continue;
      matched.set(name, file === null ? "ambiguous" : { name: file, how });
      break;
    }
  const isNamed = new Set(names.filter((name) => files.has(name)));
  const namesOf = new Map<string, number>();
  for (const found of matched.values())
    if (found !== "ambiguous") namesOf.set(found.name, (namesOf.get(found.name) ?? 0) + 1);
  for (const [name, found] of matched)
    if (found !== "ambiguous" && (isNamed.has(found.name) || (namesOf.get(found.name) ?? 0) > 1))
      matched.set(name, "ambiguous");
  return matched;
}

/**
 * The names in calls.csv, each once, whatever else is wrong with their rows; none where the file cannot be used at all, which the
 * callmetadata stage reports.
 */
export async function namesInCalls(
  path: string,
  context: CsvContext,
  mapping: FileMapping | null,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const names = new Set<string>();
  try {
    const columns = { fileName: CALL_COLUMNS.fileName };
    const rows = csvRows({ path, columns, context, mapping, report: new CsvReport(), signal });
    for await (const { row } of rows) if (row) names.add(row.fileName);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
  }
  return [...names];
}
