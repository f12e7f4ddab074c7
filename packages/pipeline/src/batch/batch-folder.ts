/** The folder of one batch: recordings, calls.csv and trades.csv. Only what lies directly in it is ever touched. */
import { constants, stat, type Stats } from "node:fs";
import { access, readdir } from "node:fs/promises";
import { basename, extname, join, resolve } from "node:path";
import { AUDIO_EXTENSIONS } from "./audio-extensions.js";
import type { CsvReading } from "../csv/csv-settings.js";
import { matchedNames, namesInCalls, type NamedFile } from "../csv/file-names.js";
import { InputError } from "../input-error.js";

export class Recording {
  readonly fileName: string;
  readonly bytes: number;
  /** Another one when the file was written to, or replaced, since: as the file system tells. */
  readonly version: string;
  readonly #folder: string;

  constructor(folder: string, name: string, { bytes, version }: Pick<Recording, "bytes" | "version">) {
    this.#folder = folder;
    this.fileName = name;
    this.bytes = bytes;
    this.version = version;
  }

  /** Absolute; put together anew each time, because a batch may have a hundred thousand. */
  get path(): string {
    return join(this.#folder, this.fileName);
  }
}

export interface FolderEntry {
  name: string;
  /** Ends a sentence that starts with the file's name. */
  reason: string;
}

export interface BatchFolder {
  /** Absolute. */
  path: string;
  callsCsv: string;
  tradesCsv: string;
  /** By name, in byte order. Files of 0 bytes are among them: the engines say what is wrong with them. */
  recordings: Recording[];
  /** Where in that list each recording is, by its name. */
  places: ReadonlyMap<string, number>;
  /** Of the recordings, those that calls.csv names. */
  namedInCalls: Pick<ReadonlySet<string>, "has">;
  /** The file that a name in calls.csv means; ambiguous where it may be more than one, null where there is none. */
  fileNamed(name: string): NamedFile | "ambiguous" | null;
  /** Recordings by their extension that cannot be used, each with the reason: worth an operator's look. */
  refused: FolderEntry[];
  /** Everything else that lies there and is not part of the batch; hidden files and folders are not listed. */
  ignored: FolderEntry[];
}

/** Why the engines' contract has no place for a file of this name; null when it has. */
function badName(name: string): string | null {
  if (name.includes("\\")) return "has a backslash in its name: rename it";
  if (Buffer.byteLength(name) > 255) return "has a name longer than 255 bytes: rename it";
  return null;
}

/** Files whose facts are asked for at once. */
const INSPECTED_AT_ONCE = 64;
const READABLE_BY_ALL = constants.S_IRUSR | constants.S_IRGRP | constants.S_IROTH;

/** What Node makes of bytes that are not UTF-8. */
const REPLACED = "\ufffd";
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

interface Entry {
  name: string;
  /** Its name is not UTF-8. */
  invalid: boolean;
}

/** In the order of their bytes. */
async function entriesOf(path: string): Promise<Entry[]> {
  const names = await readdir(path);
  if (names.some((name) => name.includes(REPLACED)))
    return (await readdir(path, { encoding: "buffer" })).toSorted(Buffer.compare).map(decodeName);
  // Code units are in the order of the bytes, except for characters beyond them, which take two.
  const isPlain = !names.some((name) => /[\ud800-\udfff]/.test(name));
  const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
  const sorted = isPlain ? names.toSorted() : names.toSorted(byBytes);
  return sorted.map((name) => ({ name, invalid: false }));
}

function decodeName(bytes: Buffer): Entry {
  try {
    return { name: UTF8.decode(bytes), invalid: false };
  } catch {
    return { name: bytes.toString("utf8"), invalid: true };
  }
}

async function listFolder(path: string): Promise<Entry[]> {
  try {
    return await entriesOf(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new InputError(`The folder ${path} does not exist. Check the path.`, { cause: error });
    if (code === "ENOTDIR")
      throw new InputError(
        `${path} is not a folder. Give the folder that holds the recordings, calls.csv and trades.csv.`,
        {
          cause: error,
        },
      );
    throw new InputError(`The folder ${path} cannot be read: ${message}. Check its permissions.`, { cause: error });
  }
}

/** By the callback: the promises of `node:fs` take twice the time, and there may be a hundred thousand files. */
function factsOf(path: string): Promise<Stats> {
  return new Promise((done, fail) => stat(path, (error, found) => (error ? fail(error) : done(found))));
}

/** The path of a CSV that must be there, proven readable. */
async function requireCsv(folder: string, name: string, present: readonly string[]): Promise<string> {
  const path = join(folder, name);
  if (!present.includes(name)) {
    const other = present.find((entry) => entry.toLowerCase() === name);
    throw new InputError(
      `${path} does not exist. ` +
        (other ? `Rename ${other} to ${name}.` : "A batch folder holds the recordings, calls.csv and trades.csv."),
    );
  }
  try {
    if (!(await factsOf(path)).isFile()) throw new InputError(`${path} is not a file. Put the CSV file there.`);
    await access(path, constants.R_OK);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`${path} cannot be read: ${(error as Error).message}. Check its permissions.`, {
      cause: error,
    });
  }
  return path;
}

/** What is at `path`: its size when it is a file that can be read, else why it is none. */
async function inspect(
  path: string,
): Promise<Pick<Recording, "bytes" | "version"> | { reason: string; folder: boolean }> {
  try {
    const found = await factsOf(path);
    if (!found.isFile()) return { reason: "is not a regular file", folder: found.isDirectory() };
    if ((found.mode & READABLE_BY_ALL) !== READABLE_BY_ALL) await access(path, constants.R_OK);
    // Joined, since a template keeps its parts, too, until somebody reads the text.
    return { bytes: found.size, version: [found.ino, found.mtimeMs, found.ctimeMs].join(" ") };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
    const reason = code === "ENOENT" ? "is a link to a file that does not exist" : `cannot be read (${code})`;
    return { reason, folder: false };
  }
}

/**
/**
 * Lists the batch in `folder`.
 * @throws InputError when the folder or one of the CSV files is missing or cannot be read, or there is no recording; the signal's reason when it aborts
 */
export async function readBatchFolder(
  folder: string,
  signal?: AbortSignal,
  reading: CsvReading = { timeZone: "UTC" },
): Promise<BatchFolder> {
  const path = resolve(folder);
  const entries = await listFolder(path);
  const names = entries.filter(({ invalid }) => !invalid).map(({ name }) => name);
  const callsCsv = await requireCsv(path, "calls.csv", names);
  const tradesCsv = await requireCsv(path, "trades.csv", names);

  const files = new Set(names);
  const inCalls = await namesInCalls(callsCsv, reading, reading.mapping?.calls ?? null, signal);
  const matched = matchedNames(files, inCalls);
  const meant = [...matched.values()].flatMap((found) => (found === "ambiguous" ? [] : [found.name]));
  const namedInCalls = new Set([...inCalls.filter((name) => files.has(name)), ...meant]);
  const recordings: Recording[] = [];
  const refused: FolderEntry[] = [];
  const ignored: FolderEntry[] = [];

  const csvs = new Set([basename(callsCsv), basename(tradesCsv)]);
  const inspected = async ({ name, invalid }: Entry) => {
    const refusal = invalid ? "has a name that is not UTF-8: rename it" : badName(name);
    return refusal === null ? inspect(join(path, name)) : { reason: refusal, folder: false };
  };
  const candidates = entries.filter(({ name }) => !csvs.has(name) && (!name.startsWith(".") || namedInCalls.has(name)));
  for (let start = 0; start < candidates.length; start += INSPECTED_AT_ONCE) {
    signal?.throwIfAborted();
    const part = candidates.slice(start, start + INSPECTED_AT_ONCE);
    for (const [index, found] of (await Promise.all(part.map(inspected))).entries()) {
      const { name } = part[index]!;
      const wanted = AUDIO_EXTENSIONS.has(extname(name).toLowerCase()) || namedInCalls.has(name);
      if ("bytes" in found) {
        if (wanted) recordings.push(new Recording(path, name, found));
        else
          ignored.push({
            name,
            reason: "does not have the extension of a recording and is not named in calls.csv",
          });
      } else if (!found.folder || namedInCalls.has(name)) {
        (wanted ? refused : ignored).push({ name, reason: found.reason });
      }
    }
  }
  if (recordings.length === 0)
    throw new InputError(
      `The folder ${path} holds no recordings: no file with an audio extension (.wav, .mp3, .opus …), and none that calls.csv names` +
        `${refused.length > 0 ? ` (${refused.length} cannot be used: the first, ${JSON.stringify(refused[0]?.name)}, ${refused[0]?.reason})` : ""}. ` +
        "Put the recordings beside calls.csv.",
    );
  const unnamed = recordings.flatMap(({ fileName: name }) => (namedInCalls.has(name) ? [] : [name]));
  return batchFolder({ path, callsCsv, tradesCsv, recordings, refused, ignored }, unnamed, matched);
}

/**
 * What is kept while the batch runs: of a hundred thousand files little more than their names, and nothing of what was needed to
 * read the folder.
 * @param unnamed recordings that calls.csv does not name
 * @param matched what the names in calls.csv mean that no file has
 */
function batchFolder(
  found: Omit<BatchFolder, "places" | "namedInCalls" | "fileNamed">,
  unnamed: readonly string[],
  matched: ReturnType<typeof matchedNames>,
): BatchFolder {
  const { recordings, refused, ignored, callsCsv, tradesCsv } = found;
  const places = new Map(recordings.map(({ fileName: name }, place) => [name, place]));
  const others = new Set([
    basename(callsCsv),
    basename(tradesCsv),
    ...[...refused, ...ignored].map(({ name }) => name),
  ]);
  const isUnnamed = new Set(unnamed);
  const exact = (name: string): string | undefined =>
    recordings[places.get(name) ?? -1]?.fileName ?? (others.has(name) ? name : undefined);
  return {
    ...found,
    places,
    namedInCalls: { has: (name) => !isUnnamed.has(name) },
    fileNamed(name) {
      const file = exact(name);
      return file === undefined ? (matched.get(name) ?? null) : { name: file, how: null };
    },
  };
}
