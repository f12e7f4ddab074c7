/**
 * How a run ends when it is asked to stop. Within the grace period, counted from the request:
 *
 *     signal    nothing new is begun; what is in progress may finish
 *     hard      a moment before the end: requests are cut, pauses end
 *     abandoned nothing of the batch is awaited any more: a full disk or a database that is away does not hold the run up
 *     the end   whatever is still being closed is left to the end of the process
 */
import { setMaxListeners } from "node:events";
import { deadline } from "@cofi/event-log/deadline";

/** How long before the end of the grace period requests are cut; half of a shorter period. */
const HARD_BEFORE_END_MS = 2_000;
/** At the least: for those who were cut to log it. */
const LEAST_UNWINDING_MS = 500;
/** For the status, the lease and the connections, also where the grace period is over. */
const CLOSING_MS = 1_000;
/** What a step of closing gets in any case. */
const LEAST_STEP_MS = 250;

/** When each phase begins, in ms after the request to stop. */
function phases(graceMs: number): { hardMs: number; abandonedMs: number; endMs: number } {
  const reserveMs = Math.min(HARD_BEFORE_END_MS, graceMs / 2);
  const hardMs = graceMs - reserveMs;
  const abandonedMs = hardMs + Math.max(reserveMs / 2, LEAST_UNWINDING_MS);
  return { hardMs, abandonedMs, endMs: Math.max(graceMs, abandonedMs + CLOSING_MS) };
}

export class Stopping {
  /** Aborts when the batch is to stop: nothing new is begun. */
  readonly signal: AbortSignal;
  /** Aborts when what is in progress must be dropped too. */
  readonly hard: AbortSignal;
  readonly #hard = new AbortController();
  readonly #graceMs: (reason: unknown) => number;
  readonly #rejections = new Set<(reason: unknown) => void>();
  #timers: NodeJS.Timeout[] = [];
  #isAbandoned = false;
  /** As `performance.now()` counts. */
  #abandonedAt = Number.POSITIVE_INFINITY;
  #endsAt = Number.POSITIVE_INFINITY;

  /** `graceMs`: how long the run may take after the signal, by the signal's reason. */
  constructor(signal: AbortSignal, graceMs: (reason: unknown) => number) {
    this.signal = signal;
    this.hard = this.#hard.signal;
    this.#graceMs = graceMs;
    // Each file in work and each host listens, and there may be any number: Node takes the eleventh listener for a leak.
    setMaxListeners(0, this.signal, this.hard);
    if (signal.aborted) this.#begin();
    else signal.addEventListener("abort", this.#begin, { once: true });
  }

  /** Waits for `work` until it is abandoned. @throws what `work` throws; the signal's reason when it is abandoned */
  async within<T>(work: Promise<T>): Promise<T> {
    let reject!: (reason: unknown) => void;
    const abandoned = new Promise<never>((_, rejected) => (reject = rejected));
    this.#rejections.add(reject);
    if (this.#isAbandoned) reject(this.signal.reason);
    try {
      return await Promise.race([work, abandoned]);
    } finally {
      this.#rejections.delete(reject);
    }
  }

  /**
   * Waits for a step of closing: as long as it takes, or, once the run is to stop, until its end.
   * @returns undefined when it was not waited for
   */
  async toTheEnd<T>(work: Promise<T>): Promise<T | undefined> {
    return Number.isFinite(this.#endsAt)
      ? deadline(work, Math.max(LEAST_STEP_MS, this.#endsAt - performance.now()), () => undefined)
      : work;
  }

  /** How long the last events may take to reach the database; Infinity unless the run is to stop. */
  unwindMs(): number {
    return Math.max(LEAST_STEP_MS, this.#abandonedAt - performance.now());
  }

  /** Ends the timers. Idempotent. */
  dispose(): void {
    this.signal.removeEventListener("abort", this.#begin);
    for (const timer of this.#timers.splice(0)) clearTimeout(timer);
  }

  readonly #begin = (): void => {
    const { reason } = this.signal;
    const { hardMs, abandonedMs, endMs } = phases(this.#graceMs(reason));
    const now = performance.now();
    this.#abandonedAt = now + abandonedMs;
    this.#endsAt = now + endMs;
    this.#timers = [
      setTimeout(() => this.#hard.abort(reason), hardMs),
      setTimeout(() => {
        this.#isAbandoned = true;
        for (const reject of this.#rejections) reject(reason);
      }, abandonedMs),
    ];
  };
}
