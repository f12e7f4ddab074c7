/** Where the recordings of a pack come from, and whether one is that which was processed. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, join } from "node:path";

/** A copy of a recording. */
export interface RecordingCopy {
  /** For people: where it lies. */
  place: string;
  /** Reads it from its beginning; may be called more than once. */
  read(): AsyncIterable<Buffer>;
}

/** Knows places in which recordings lie. */
export interface RecordingSource {
  /** The copies that there are, the nearest first. */
  copies(batchId: number, fileName: string): AsyncIterable<RecordingCopy>;
}

/** In the folder that the batch was read from. */
export class FolderRecordings implements RecordingSource {
  readonly #folderOf: (batchId: number) => Promise<string | null>;

  constructor(folderOf: (batchId: number) => Promise<string | null>) {
    this.#folderOf = folderOf;
  }

  async *copies(batchId: number, fileName: string): AsyncGenerator<RecordingCopy> {
    const folder = await this.#folderOf(batchId);
    // A name of the log is the writer's word: it must not lead out of the folder.
    if (folder === null || basename(fileName) !== fileName || fileName === "..") return;
    const path = join(folder, fileName);
    if (await isFile(path)) yield { place: folder, read: () => createReadStream(path) };
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    // Whatever keeps it from being read, it cannot be packed; other copies may be.
    return false;
  }
}

/** A recording of the case, and what is to be had of it. */
export interface FoundRecording {
  copy: RecordingCopy | null;
  /** Why there is none, as a sentence; null when there is one. */
  problem: string | null;
}

/** The first copy with this SHA-256, read once to its end to know it. */
export async function findRecording(
  sources: readonly RecordingSource[],
  batchId: number,
  { fileName, sha256 }: { fileName: string; sha256: string | null },
): Promise<FoundRecording> {
  if (sha256 === null)
    return {
      copy: null,
      problem: "The log does not say which recording was processed, so none can be proven to be it.",
    };
  const others: string[] = [];
  for (const source of sources)
    for await (const copy of source.copies(batchId, fileName)) {
      const found = await sha256Of(copy);
      if (found === sha256) return { copy, problem: null };
      others.push(found === null ? `${copy.place}: it cannot be read` : `${copy.place}: another recording lies there`);
    }
  return {
    copy: null,
    problem:
      others.length === 0
        ? "The recording is not there any more: neither in the folder of the batch, nor on a host of the engines."
        : `The recording that was processed is not there any more (${others.join("; ")}).`,
  };
}

/** null when it cannot be read. */
async function sha256Of(copy: RecordingCopy): Promise<string | null> {
  const hash = createHash("sha256");
  try {
    for await (const part of copy.read()) hash.update(part);
  } catch {
    return null;
  }
  return hash.digest("hex");
}

/** The bytes of a recording once more. @throws Error when it is another one by now, before its last byte */
export async function* provenBytes(copy: RecordingCopy, sha256: string): AsyncGenerator<Buffer> {
  const hash = createHash("sha256");
  let held: Buffer | null = null;
  for await (const part of copy.read()) {
    hash.update(part);
    if (held) yield held;
    held = part;
  }
  if (hash.digest("hex") !== sha256)
    throw new Error(`The recording in ${copy.place} was changed while it was packed. Make the pack again.`);
  if (held) yield held;
}
