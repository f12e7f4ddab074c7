/**
 * Writes a zip as it is read, file by file, whatever its size. The same contents give the same bytes: files have no times, and what signs gives
 * the same signature each time.
 */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import type { SigningKey } from "@cofi/evidence/seal-keys";
import { ZipFile } from "yazl";
import { framed, frameOf } from "../frame.js";
import type { PackedFile } from "../manifest.js";

export type Content = Iterable<string | Buffer> | AsyncIterable<string | Buffer>;

/** The first time that a zip can say, in whichever zone. */
const NO_TIME = new Date(1980, 0, 1);
const OPTIONS = { mtime: NO_TIME, forceDosTimestamp: true, mode: 0o100600 };
/** Of a zip that has no comment yet: the length that its end says. */
const LENGTH_BYTES = 2;

export class ZipWriter {
  /** Those that were written so far, in their order. */
  readonly files: PackedFile[] = [];
  readonly #zip = new ZipFile();
  #reading: Readable | null = null;

  constructor() {
    this.#zip.on("error", (error: Error) => this.#fail(error));
  }

  /**
   * Adds a file after those that were added before. `content` is asked for when its turn comes: then all files before are in {@link files}.
   * @param isPacked it is not worth compressing
   */
  add(name: string, content: () => Content, isPacked = false): void {
    this.#zip.addReadStreamLazy(name, { ...OPTIONS, compress: !isPacked }, (done) => {
      this.#reading = Readable.from(this.#noted(name, content), { objectMode: false });
      // The library does not listen to streams that it asks for late.
      this.#reading.on("error", (error) => this.#fail(error));
      done(null, this.#reading);
    });
  }

  /** The bytes of the zip, signed as a whole. @throws what the content of a file throws */
  async *bytes(key: SigningKey): AsyncGenerator<Buffer> {
    const output = this.#zip.outputStream as Readable;
    const hash = createHash("sha256");
    let held = Buffer.alloc(0);
    this.#zip.end();
    try {
      for await (const chunk of output as AsyncIterable<Buffer>) {
        const known = Buffer.concat([held, chunk]);
        const ready = known.subarray(0, Math.max(0, known.length - LENGTH_BYTES));
        held = known.subarray(ready.length);
        hash.update(ready);
        yield ready;
      }
    } finally {
      output.destroy();
      this.#reading?.destroy();
    }
    yield frameOf(key.sign(framed(hash.digest("hex"))));
  }

  /** Whoever reads the zip hears of it. */
  #fail(error: Error): void {
    (this.#zip.outputStream as Readable).destroy(error);
  }

  async *#noted(name: string, content: () => Content): AsyncGenerator<Buffer> {
    const hash = createHash("sha256");
    let bytes = 0;
    for await (const piece of content()) {
      const chunk = typeof piece === "string" ? Buffer.from(piece) : piece;
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
    this.files.push({ name, bytes, sha256: hash.digest("hex") });
  }
}
