/** Moves events from the spool into the database, in order, for as long as it takes. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { deadline } from "../deadline.js";
import type { ProblemListener } from "./problems.js";
import { identityIn, ship, type EventSink, type Shipment } from "./sink.js";
import type { Spool } from "./spool/spool.js";

/** Enough for one round trip to be worth it, and little enough to be held in memory; the insert cuts it to the server's packets. */
export const MAX_EVENTS = 512;
export const MAX_BYTES = 4 * 1024 * 1024;
/** While events keep coming, an insert takes those of so many ms: each has costs of its own, however few they are. */
const GATHER_MS = 25;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;
/** How long `close()` waits for the insert in flight. */
const CLOSE_MS = 1_000;

export interface ShipperOptions {
  batchId: number;
  spool: Spool;
  sink: EventSink;
  onProblem: ProblemListener;
}

interface Waiter {
  seq: number;
  settle: (isShipped: boolean) => void;
}

/**
 * States: idle (spool empty) -> gathering -> shipping -> idle; shipping -> waiting (the database refused; backoff) -> shipping.
 * `wake()` starts it, `close()` ends it. An error of the spool itself is waited out in the same way.
 */
export class Shipper {
  readonly #options: ShipperOptions;
  readonly #shipment: Shipment;
  #running: Promise<void> | null = null;
  #isClosed = false;
  /** The insert in flight was not waited for: the spool may be closed, and must not be touched when it ends. */
  #abandoned = false;
  #again = false;
  /** The database has said which it is: what is in the spool for another one is out of the way. */
  #isClaimed = false;
  #interrupt: (() => void) | null = null;
  #isGathering = false;
  /** When the last insert began, as `performance.now()` counts. */
  #sentAt = Number.NEGATIVE_INFINITY;
  #waiters: Waiter[] = [];

  constructor(options: ShipperOptions) {
    this.#options = options;
    this.#shipment = { ...options, isAbandoned: () => this.#abandoned };
  }

  /** There is something in the spool. */
  wake(): void {
    if (this.#isClosed) return;
    this.#again = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
      // An event may have come between the last look into the spool and this line.
      if (this.#again) this.wake();
    });
  }

  /**
   * @returns true once the database has every event that was in the spool at the time of the call, or has refused it for
   * good; false after `timeoutMs` or `close()`
   */
  async shipped(timeoutMs: number): Promise<boolean> {
    const seq = this.#options.spool.lastSeq;
    if (this.#options.spool.confirmed >= seq) return true;
    if (this.#isClosed) return false;
    let waiter!: Waiter;
    const settled = new Promise<boolean>((settle) => (waiter = { seq, settle }));
    this.#waiters.push(waiter);
    if (this.#isGathering) this.#interrupt?.();
    this.wake();
    return deadline(settled, timeoutMs, () => {
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
      return false;
    });
  }

  /**
   * Ends after the insert in flight, or without it when the database does not answer: its events stay in the spool, and
   * sending them again adds no row. Never rejects.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#again = false;
    this.#interrupt?.();
    if (this.#running) await deadline(this.#running, CLOSE_MS, () => undefined);
    this.#abandoned = this.#running !== null;
    for (const { settle } of this.#waiters.splice(0)) settle(false);
  }

  async #run(): Promise<void> {
    const { spool } = this.#options;
    let retryMs = FIRST_RETRY_MS;
    let reported = false;
    while (!this.#isClosed) {
      this.#again = false;
      try {
        if (!(await this.#claim())) return;
        await this.#gather();
        // A copy, because the spool's own list grows while these are being sent.
        const events = spool.oldest(MAX_EVENTS, MAX_BYTES).slice(0, MAX_EVENTS);
        const last = events.at(-1);
        if (last) {
          this.#sentAt = performance.now();
          const shipping = ship(this.#shipment, events);
          await this.#readAhead(shipping);
          await shipping;
          if (this.#abandoned) return;
          spool.confirm(last.seq);
        }
        this.#settle();
        if (!last) return;
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

  /** Waits for more events to come, unless there are enough of them or somebody waits for those that are there. */
  async #gather(): Promise<void> {
    const { waiting } = this.#options.spool;
    if (waiting === 0 || waiting >= MAX_EVENTS || this.#waiters.length > 0) return;
    const leftMs = this.#sentAt + GATHER_MS - performance.now();
    if (leftMs <= 0) return;
    this.#isGathering = true;
    await this.#pause(leftMs);
    this.#isGathering = false;
  }

  /** While the database stores what is being sent, the next events are read from the disk. Never rejects. */
  async #readAhead(shipping: Promise<unknown>): Promise<void> {
    shipping.catch(() => undefined);
    // The insert leaves first.
    await nextTurn();
    if (this.#isClosed) return;
    try {
      this.#options.spool.oldest(2 * MAX_EVENTS, 2 * MAX_BYTES);
    } catch {
      // It is read again when its turn has come, and reported then.
    }
  }

  /** Before anything is sent: what belongs elsewhere must not be. @returns false when the shipper was closed meanwhile */
  async #claim(): Promise<boolean> {
    if (this.#isClaimed) return true;
    const { sink, spool, batchId, onProblem } = this.#options;
    const identity = await identityIn(sink, batchId);
    if (this.#isClosed) return false;
    const refused = spool.claim(identity, { moveAside: true });
    this.#isClaimed = true;
    if (refused) onProblem({ kind: "spool", message: refused.message, cause: null });
    return true;
  }

  #settle(): void {
    const { confirmed } = this.#options.spool;
    if (this.#waiters.length === 0) return;
    for (const { seq, settle } of this.#waiters) if (seq <= confirmed) settle(true);
    this.#waiters = this.#waiters.filter(({ seq }) => seq > confirmed);
  }

  #report(error: unknown): void {
    const message = `Events wait in the spool ${this.#options.spool.path}: ${(error as Error).message}`;
    this.#options.onProblem({ kind: "database", message, cause: error });
  }

  async #pause(ms: number): Promise<void> {
    if (this.#isClosed) return;
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
