/** Reads the zip of a pack that nobody vouches for: with bounds, and without writing anything. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { openPromise, type Entry, type ZipFile } from "yauzl";
import { framed, FRAME_BYTES, signatureIn } from "../frame.js";

/** Far more than a case has: some files for each seal and recording. A recording of a day is some GB. */
const MOST_FILES = 2_000;
const MOST_BYTES = 64 * 2 ** 30;
/** Deflate makes a thousandth of zeros at the best; text, a tenth. */
const MOST_RATIO = 1_100;
/** A file within which are, in UTF-8, no names but these can be in a pack. */
const NAME = /^(?:[\w.-]{1,120}\/)?[\w.-]{1,120}$/;
const REGULAR_FILE = 0o100600;

/** The zip cannot be read at all. The message is a sentence. */
export class ArchiveError extends Error {
  override readonly name = "ArchiveError";
}

/** What the end of the file says of all that is before it. */
export interface Frame {
  /** null when there is no signature. */
  signature: Buffer | null;
  signed: Buffer;
}

export async function frameOfFile(path: string): Promise<Frame> {
  const { size } = await stat(path);
  const end = Math.max(0, size - FRAME_BYTES);
  const hash = createHash("sha256");
  if (end > 0) for await (const chunk of createReadStream(path, { end: end - 1 })) hash.update(chunk as Buffer);
  const last = Buffer.alloc(size - end);
  const file = await open(path);
  try {
    await file.read(last, 0, last.length, end);
  } finally {
    await file.close();
  }
  return { signature: signatureIn(last), signed: framed(hash.digest("hex")) };
}

/** The files of a pack. */
export class Archive {
  /** In the order of the zip. */
  readonly entries: ReadonlyMap<string, Entry>;
  /** Sentences about entries that are in no pack: names that lead elsewhere, names that come twice. */
  readonly faults: readonly string[];
  readonly #zip: ZipFile;

  private constructor(zip: ZipFile, entries: ReadonlyMap<string, Entry>, faults: readonly string[]) {
    this.#zip = zip;
    this.entries = entries;
    this.faults = faults;
  }

  /** @throws ArchiveError */
  static async open(path: string): Promise<Archive> {
    const zip = await openPromise(path, { lazyEntries: true, autoClose: false, strictFileNames: true }).catch(failed);
    try {
      const entries = new Map<string, Entry>();
      const faults: string[] = [];
      let bytes = 0;
      for await (const entry of zip.eachEntry()) {
        const { fileName: name } = entry;
        bytes += entry.uncompressedSize;
        if (entries.size >= MOST_FILES)
          throw new ArchiveError(`It holds more than ${MOST_FILES} files: it is no pack.`);
        if (bytes > MOST_BYTES) throw new ArchiveError(`It holds more than ${MOST_BYTES / 2 ** 30} GB: it is no pack.`);
        if (entry.uncompressedSize > 1_000 + MOST_RATIO * entry.compressedSize)
          throw new ArchiveError(
            `${shown(name)} would be more than ${MOST_RATIO} times as long as in the zip: it is no pack.`,
          );
        if (!NAME.test(name) || name.split("/").some((part) => /^\.+$/.test(part)))
          faults.push(`${shown(name)} was added: no file of a pack has such a name.`);
        else if (entries.has(name)) faults.push(`${name} is in the zip twice.`);
        else if (entry.externalFileAttributes >>> 16 !== REGULAR_FILE)
          faults.push(`${name} was changed: it is not said to be a file that its owner alone reads.`);
        else entries.set(name, entry);
      }
      return new Archive(zip, entries, faults);
    } catch (error) {
      zip.close();
      return failed(error);
    }
  }

  /**
   * The contents of a file, piece by piece; no more than the zip says.
   * @throws ArchiveError when they cannot be read
   */
  async *read(name: string): AsyncGenerator<Buffer> {
    const entry = this.entries.get(name);
    if (!entry) throw new ArchiveError("It is not in the zip.");
    try {
      yield* (await this.#zip.openReadStreamPromise(entry)) as AsyncIterable<Buffer>;
    } catch (error) {
      failed(error);
    }
  }

  /** A whole file. @throws ArchiveError, also when it is longer than `most` bytes */
  async bytes(name: string, most: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of this.read(name)) {
      chunks.push(chunk);
      if ((length += chunk.length) > most) throw new ArchiveError(`It is longer than ${most} bytes.`);
    }
    return Buffer.concat(chunks);
  }

  /** The lines of a file. @throws ArchiveError */
  async *lines(name: string, longest: number): AsyncGenerator<string> {
    let rest = Buffer.alloc(0);
    for await (const chunk of this.read(name)) {
      let known = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      for (let end = known.indexOf(10); end >= 0; end = known.indexOf(10)) {
        yield known.toString("utf8", 0, end);
        known = known.subarray(end + 1);
      }
      if (known.length > longest) throw new ArchiveError(`A line of it is longer than ${longest} bytes.`);
      rest = Buffer.from(known);
    }
    if (rest.length > 0) yield rest.toString();
  }

  /** Why what stands before a file in the zip is not what stands in its directory; null when it is. */
  async headFault(name: string): Promise<string | null> {
    const entry = this.entries.get(name);
    if (!entry) return null;
    try {
      const head = await this.#zip.readLocalFileHeaderPromise(entry);
      const isSame =
        head.fileName.equals(entry.fileNameRaw) &&
        head.generalPurposeBitFlag === entry.generalPurposeBitFlag &&
        head.compressionMethod === entry.compressionMethod &&
        head.lastModFileDate === entry.lastModFileDate &&
        head.lastModFileTime === entry.lastModFileTime;
      return isSame ? null : `The head of ${name} in the zip was changed.`;
    } catch (error) {
      return `The head of ${name} in the zip was changed: ${(error as Error).message}.`;
    }
  }

  close(): void {
    this.#zip.close();
  }
}

function failed(error: unknown): never {
  if (error instanceof ArchiveError) throw error;
  throw new ArchiveError((error as Error).message, { cause: error });
}

/** A name that may hold anything. */
function shown(name: string): string {
  return JSON.stringify(name.slice(0, 200));
}
