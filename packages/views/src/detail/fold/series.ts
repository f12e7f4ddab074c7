/** Counts over time, in buckets that get wider as there are more of them, so that their number stays small; a pause has none. */
import { Durations, MOST_EXACT_IN_BUCKET } from "./durations.js";

export interface Bucket {
  done: number;
  /** Failures that stand: no later word on the file came. */
  failed: number;
  /** Failures after which the file was tried again. */
  retried: number;
  /** Seconds of audio in the finished files; 0 where no event gives their length. */
  audioS: number;
  durations: Durations;
}

/** An end of a file. */
export interface FileEnd {
  what: "done" | "failed" | "retried";
  /** null while unknown. */
  durationMs: number | null;
  audioS: number;
}

const FIRST_WIDTH_MS = 1_000;
const MOST_BUCKETS = 480;

/** Buckets of all stages of one batch, all of one width. Times outside of `from` to `to` (epoch ms) come from a wrong clock and are ignored. */
export class Series {
  widthMs = FIRST_WIDTH_MS;
  /** By stage, then by number: a bucket begins at number * widthMs. */
  readonly stages: Map<number, Bucket>[];
  /** Numbers of the buckets of all stages. */
  #numbers = new Set<number>();
  readonly #from: number;
  readonly #to: number;

  constructor(stages: number, from: number, to: number) {
    this.stages = Array.from({ length: stages }, () => new Map<number, Bucket>());
    this.#from = from;
    this.#to = to;
  }

  count(stage: number, at: number, { what, durationMs, audioS }: FileEnd): void {
    if (!(at >= this.#from && at <= this.#to)) return;
    this.#numbers.add(Math.floor(at / this.widthMs));
    while (this.#numbers.size > MOST_BUCKETS) this.#widen();
    const buckets = this.stages[stage];
    if (!buckets) return;
    const number = Math.floor(at / this.widthMs);
    let bucket = buckets.get(number);
    if (!bucket) buckets.set(number, (bucket = emptyBucket()));
    bucket[what] += 1;
    bucket.audioS += audioS;
    if (durationMs !== null) bucket.durations.add(durationMs);
  }

  /** Ascending. */
  get numbers(): number[] {
    return [...this.#numbers].toSorted((a, b) => a - b);
  }

  /** The failure that was counted at this time did not stand: the file was tried again. */
  retry(stage: number, failedAt: number): void {
    const bucket = this.stages[stage]?.get(Math.floor(failedAt / this.widthMs));
    if (!bucket || !(failedAt >= this.#from && failedAt <= this.#to)) return;
    bucket.failed -= 1;
    bucket.retried += 1;
  }

  #widen(): void {
    this.widthMs *= 2;
    this.#numbers = new Set([...this.#numbers].map((number) => Math.floor(number / 2)));
    for (const buckets of this.stages) {
      const old = [...buckets];
      buckets.clear();
      for (const [number, bucket] of old) {
        const into = buckets.get(Math.floor(number / 2));
        if (into) mergeBucket(into, bucket);
        else buckets.set(Math.floor(number / 2), bucket);
      }
    }
  }
}

export function emptyBucket(): Bucket {
  return { done: 0, failed: 0, retried: 0, audioS: 0, durations: new Durations(MOST_EXACT_IN_BUCKET) };
}

export function mergeBucket(into: Bucket, from: Bucket): void {
  into.done += from.done;
  into.failed += from.failed;
  into.retried += from.retried;
  into.audioS += from.audioS;
  into.durations.addAll(from.durations);
}
