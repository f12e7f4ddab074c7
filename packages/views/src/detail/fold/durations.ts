/** Durations, for percentiles over any number of them. */

/** So many of a whole stage are kept as they are, and their percentiles are exact; of more only the bins are kept. */
const MOST_EXACT = 10_000;
/** Of one bucket, of which there are thousands. */
export const MOST_EXACT_IN_BUCKET = 1_000;
/**
 * A bin reaches from its lower end to a hundredth more, and stands for its middle, so a value is off by half a percent at most
 * (DDSketch: Masson, Rim and Lee 2019).
 */
const WIDTH = Math.log(1.01);
const MIDDLE = 2 / 2.01;

export class Durations {
  readonly #mostExact: number;
  /** null once there are too many. */
  #values: number[] | null = [];
  /** How many by bin; bin n ends at 1.01^n ms, and -1 holds those of 0 ms. */
  #bins: Map<number, number> | null = null;
  #count = 0;
  #least = Infinity;
  #most = -Infinity;

  constructor(mostExact = MOST_EXACT) {
    this.#mostExact = mostExact;
  }

  /** False when percentiles may be off by half a percent. */
  get isExact(): boolean {
    return this.#values !== null;
  }

  /** `ms`: not negative. */
  add(ms: number, times = 1): void {
    this.#count += times;
    this.#least = Math.min(this.#least, ms);
    this.#most = Math.max(this.#most, ms);
    if (this.#values && this.#count <= this.#mostExact) for (let n = 0; n < times; n++) this.#values.push(ms);
    else this.#bin(ms, times);
  }

  addAll(others: Durations): void {
    if (others.#values) for (const ms of others.#values) this.add(ms);
    if (!others.#bins) return;
    const bins = this.#toBins();
    for (const [bin, times] of others.#bins) bins.set(bin, (bins.get(bin) ?? 0) + times);
    this.#count += others.#count;
    this.#least = Math.min(this.#least, others.#least);
    this.#most = Math.max(this.#most, others.#most);
  }

  /** The duration in ms that a share (0 to 1) of all does not exceed, between the least and the most of them; null when there is none. */
  percentile(share: number): number | null {
    if (this.#count === 0) return null;
    const rank = Math.max(1, Math.ceil(share * this.#count));
    if (this.#values) {
      // Kept in order: most of them are from the last time, and sorting those costs next to nothing.
      this.#values = this.#values.toSorted((a, b) => a - b);
      return this.#values[rank - 1] ?? null;
    }
    let below = 0;
    for (const [bin, times] of [...this.#toBins()].toSorted(([a], [b]) => a - b)) {
      below += times;
      if (below >= rank) return Math.min(this.#most, Math.max(this.#least, middleOf(bin)));
    }
    return this.#most;
  }

  #bin(ms: number, times: number): void {
    const bins = this.#toBins();
    const bin = ms < 1 ? -1 : Math.ceil(Math.log(ms) / WIDTH);
    bins.set(bin, (bins.get(bin) ?? 0) + times);
  }

  #toBins(): Map<number, number> {
    if (this.#bins) return this.#bins;
    this.#bins = new Map();
    const values = this.#values ?? [];
    this.#values = null;
    for (const ms of values) this.#bin(ms, 1);
    return this.#bins;
  }
}

function middleOf(bin: number): number {
  return bin < 0 ? 0 : Math.exp(bin * WIDTH) * MIDDLE;
}
