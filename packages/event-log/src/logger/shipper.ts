/** Moves events from the spool into the database, in order, for as long as it takes. */
import { isDataError } from "../database/errors.js";
import { deadline } from "../deadline.js";
import type { StoredEvent } from "../store/event-columns.js";
import type { Spool, SpooledEvent } from "./spool.js";

/** What the logger could not do for now, or ever, with an event; for the operator's log. Holds no payload. */
export interface LoggerProblem {
  kind: "database" | "rejected" | "spool";
  message: string;
  cause: unknown;
}

/** Enough for one round trip to be worth it, and little enough to be held in memory; the insert cuts it to the server's packets. */
const MAX_EVENTS = 512;
const MAX_BYTES = 4 * 1024 * 1024;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;
/** How long `stop()` waits for the insert in flight. */
const STOP_MS = 1_000;

export interface ShipperOptions {
  spool: Spool;
  insert: (events: readonly StoredEvent[]) => Promise<void>;
  onProblem: (problem: LoggerProblem) => void;
}

/**
 * States: idle (spool empty) -> shipping -> idle; shipping -> waiting (the database refused; backoff) -> shipping.
 * `wake()` starts it, `stop()` ends it. An error of the spool itself is waited out in the same way.
 */
export class Shipper {
  readonly #options: ShipperOptions;
  #running: Promise<void> | null = null;
  #stopped = false;
  /** The insert in flight was not waited for: the spool may be closed, and must not be touched when it ends. */
  #abandoned = false;
  #again = false;
  #interrupt: (() => void) | null = null;

  constructor(options: ShipperOptions) {
    this.#options = options;
  }

  /** There is something in the spool. */
  wake(): void {
    if (this.#stopped) return;
    this.#again = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
      // An event may have come between the last look into the spool and this line.
      if (this.#again) this.wake();
    });
  }

  /** Resolves when the spool is empty (true), or after `timeoutMs` or `stop()` (false). */
  async drained(timeoutMs: number): Promise<boolean> {
    const until = Date.now() + timeoutMs;
    while (!this.#stopped && this.#options.spool.waiting > 0) {
      this.wake();
      const left = until - Date.now();
      if (left <= 0) return false;
      await deadline(this.#running ?? Promise.resolve(), left, () => undefined);
    }
    return this.#options.spool.waiting === 0;
  }

  /**
   * Ends after the insert in flight, or without it when the database does not answer: its events stay in the spool, and
   * sending them again adds no row.
   */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#again = false;
    this.#interrupt?.();
    if (this.#running) await deadline(this.#running, STOP_MS, () => undefined);
    this.#abandoned = this.#running !== null;
  }

  async #run(): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    let reported = false;
    while (!this.#stopped) {
      this.#again = false;
      try {
        const events = this.#options.spool.oldest(MAX_EVENTS, MAX_BYTES);
        const last = events.at(-1);
        if (!last) return;
        await this.#ship(events);
        if (this.#abandoned) return;
        this.#options.spool.confirm(last.seq);
        retryMs = FIRST_RETRY_MS;
        reported = false;
      } catch (error) {
        if (this.#abandoned) return;
        if (!reported) this.#report(error);
        reported = true;
        await this.#pause(retryMs);
        retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
      }
    }
  }

  #report(error: unknown): void {
    const message = `Events wait in the spool ${this.#options.spool.path}: ${(error as Error).message}`;
    this.#options.onProblem({ kind: "database", message, cause: error });
  }

  /** Inserts, and narrows a data error down to the events that cause it. Throws anything else. */
  async #ship(events: readonly SpooledEvent[]): Promise<void> {
    try {
      await this.#options.insert(events.map(({ event }) => event));
    } catch (error) {
      if (this.#abandoned || !isDataError(error)) throw error;
      const [only] = events;
      if (only && events.length === 1) return this.#reject(only, error);
      const middle = Math.ceil(events.length / 2);
      await this.#ship(events.slice(0, middle));
      if (this.#abandoned) return;
      await this.#ship(events.slice(middle));
    }
  }

  #reject(spooled: SpooledEvent, error: unknown): void {
    const reason = (error as Error).message;
    const keptIn = this.#options.spool.reject(spooled, reason);
    const { stage, eventType, eventId, batchId } = spooled.event;
    this.#options.onProblem({
      kind: "rejected",
      message: `The database cannot store event ${eventId} (batch ${batchId}, ${stage}, ${eventType}): ${reason}. It is kept in ${keptIn}.`,
      cause: error,
    });
  }

  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#interrupt = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#interrupt = null;
  }
}
