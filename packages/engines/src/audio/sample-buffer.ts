import { endianness } from "node:os";

const BYTES = Float32Array.BYTES_PER_ELEMENT;

/** Collects 32-bit little-endian samples of a stream in one block of memory, which grows only where more come than expected. */
export class SampleBuffer {
  readonly #most: number;
  #bytes: Buffer<ArrayBuffer>;
  #used = 0;

  /** `expected`: how many samples are likely to come; `most`: for how many room is made at the most. */
  constructor(expected: number, most: number) {
    this.#most = most * BYTES;
    this.#bytes = Buffer.from(new ArrayBuffer(expected * BYTES));
  }

  get length(): number {
    return Math.floor(this.#used / BYTES);
  }

  add(chunk: Buffer): void {
    const needed = this.#used + chunk.length;
    if (needed > this.#bytes.length) {
      const larger = Buffer.from(new ArrayBuffer(Math.max(Math.min(2 * this.#bytes.length, this.#most), needed)));
      this.#bytes.copy(larger, 0, 0, this.#used);
      this.#bytes = larger;
    }
    this.#used += chunk.copy(this.#bytes, this.#used);
  }

  /** The samples, in memory that holds nothing else: it may be moved to another thread. */
  taken(): Float32Array<ArrayBuffer> {
    const { length } = this;
    const samples = new Float32Array(this.#bytes.buffer, 0, length);
    if (endianness() === "BE") for (let i = 0; i < length; i++) samples[i] = this.#bytes.readFloatLE(i * BYTES);
    return samples;
  }
}
