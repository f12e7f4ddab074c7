/** Two minutes at 8 kHz: most calls are shorter. */
const LEAST_ROOM = 120 * 8000;

/** Collects samples that come piece by piece in one block of memory, which grows only where more come than expected. */
export class SampleBuffer {
  readonly #most: number;
  #room = new Float32Array(0);
  #used = 0;

  /** `most`: for how many samples room is made at the most, as long as no more come. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Makes room for so many samples, which are likely to come. The system gives what is not used only when it is written to. */
  expect(samples: number): void {
    const room = Math.min(samples, this.#most);
    if (room > this.#room.length) this.#grow(room);
  }

  add(samples: Float32Array): void {
    const needed = this.#used + samples.length;
    if (needed > this.#room.length)
      this.#grow(Math.max(Math.min(Math.max(2 * this.#room.length, LEAST_ROOM), this.#most), needed));
    this.#room.set(samples, this.#used);
    this.#used = needed;
  }

  /** The samples, in memory that holds nothing else: it may be moved to another thread. */
  taken(): Float32Array<ArrayBuffer> {
    return this.#room.subarray(0, this.#used);
  }

  #grow(room: number): void {
    const larger = new Float32Array(room);
    larger.set(this.#room.subarray(0, this.#used));
    this.#room = larger;
  }
}
