import { open, type FileHandle } from "node:fs/promises";
import { unreadable } from "./unreadable.js";

const WINDOW_BYTES = 64 * 1024;
/** Twelve hours of sound in pieces of 20 ms are two million. */
const MOST_READS = 10_000_000;

/** The bytes of a file, for code that looks at a few of them at a time. */
export class FileBytes {
  readonly size: number;
  readonly #file: FileHandle;
  /** What was read last, and where it begins. */
  #window: Buffer = Buffer.alloc(0);
  #start = 0;
  #reads = 0;

  private constructor(file: FileHandle, size: number) {
    this.#file = file;
    this.size = size;
  }

  /** Calls `look` with the bytes of a file that is open as long as that takes. @throws the error of the system */
  static async of<T>(path: string, look: (bytes: FileBytes) => Promise<T>): Promise<T> {
    const file = await open(path);
    try {
      return await look(new FileBytes(file, (await file.stat()).size));
    } finally {
      await file.close();
    }
  }

  /** So many bytes from `at` on; fewer where the file ends before. @throws UnreadableRecording for a file that asks for it without end */
  async read(at: number, length: number): Promise<Buffer> {
    this.#reads += 1;
    if (this.#reads > MOST_READS) throw unreadable("The file is made of more parts than any recording has.");
    if (at >= this.size) return Buffer.alloc(0);
    if (at < this.#start || at + length > this.#start + this.#window.length) {
      const wanted = Math.min(Math.max(length, WINDOW_BYTES), this.size - at);
      const { buffer, bytesRead } = await this.#file.read(Buffer.allocUnsafe(wanted), 0, wanted, at);
      this.#window = buffer.subarray(0, bytesRead);
      this.#start = at;
    }
    return this.#window.subarray(at - this.#start, at - this.#start + length);
  }

  /** Whether this ASCII text stands at `at`. */
  async has(text: string, at: number): Promise<boolean> {
    return (await this.read(at, text.length)).toString("latin1") === text;
  }
}
