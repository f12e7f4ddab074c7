/** Retention is in no hurry: while other processes hold the database, or it is away, it waits until it is stopped. */
import { setTimeout as sleep } from "node:timers/promises";
import { reportUnavailable } from "../../database/database.js";
import type { Database } from "../../database/dialect.js";
import { isUnavailable } from "../../database/errors.js";

const RETRY_MS = 500;

/** Whoever asked for it has stopped it. */
export class StoppedError extends Error {
  override readonly name = "StoppedError";
}

export interface PatienceOptions {
  /** Ends the waiting. */
  signal?: AbortSignal | undefined;
  /** Called once, when there is something to wait for, with a sentence. */
  onWaiting?: ((message: string) => void) | undefined;
}

export class Patience {
  readonly signal: AbortSignal | undefined;
  readonly onWaiting: (message: string) => void;
  readonly #database: Database;
  #isReported = false;

  constructor(database: Database, { signal, onWaiting = () => undefined }: PatienceOptions) {
    this.#database = database;
    this.signal = signal;
    this.onWaiting = onWaiting;
  }

  /** Repeats `work`, which may be repeated though it has taken effect, until the database answers. @throws StoppedError */
  async until<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      const outcome = await this.attempt(work);
      if (outcome !== "unavailable") return outcome.result;
    }
  }

  /** Tries once, and pauses when the database is not available, which it may have become after `work` took effect. @throws StoppedError */
  async attempt<T>(work: () => Promise<T>): Promise<{ result: T } | "unavailable"> {
    if (this.signal?.aborted) throw new StoppedError();
    try {
      return { result: await reportUnavailable(this.#database, work, this.signal) };
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      if (!this.#isReported) this.onWaiting(`${(error as Error).message} Waiting for it.`);
      this.#isReported = true;
      await this.pause(RETRY_MS);
      return "unavailable";
    }
  }

  /** Ends early when it is stopped. */
  async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.signal }).catch(() => undefined);
  }
}
