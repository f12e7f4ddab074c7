/** The one reader of new rows in this process, whatever the number of browsers. */
import { setTimeout as sleep } from "node:timers/promises";
import { DatabaseUnavailableError } from "@cofi/event-log/database";
import { deadline } from "@cofi/event-log/deadline";
import type { Batch, LogEvent } from "@cofi/event-log/events";
import type { Store } from "@cofi/event-log/store";
import { BatchWatch } from "./batch-watch.js";
import type { DatabaseState, TailListener, TailOptions } from "./listener.js";
import { LogCursor, PAGE } from "./log-cursor.js";
import { LogIdentity } from "./log-identity.js";
import { eventSummary } from "./event-summary.js";

const LONGEST_BACKOFF_MS = 2_000;

export class Tail {
  readonly #options: TailOptions;
  readonly #cursor: LogCursor;
  readonly #identity: LogIdentity;
  readonly #listeners = new Set<TailListener>();
  readonly #batches: BatchWatch;
  #replacedAt: string | null = null;
  #isOutdated = false;
  #state: DatabaseState = { database: "unreachable", since: new Date().toISOString(), detail: "Not asked yet." };
  #asked = false;
  #batchesAskedAt = 0;
  #identityAskedAt = 0;
  #lastRoundAt: number | null = null;
  #delivered = 0;
  #running: Promise<void> | null = null;
  #stopping = new AbortController();
  #wake = new AbortController();
  #waiters: { resolve: () => void; reject: (error: Error) => void }[] = [];

  constructor(store: Store, options: TailOptions) {
    this.#batches = new BatchWatch(store);
    this.#options = options;
    const ask = <T>(query: Promise<T>): Promise<T> => this.#ask(query);
    this.#identity = new LogIdentity(store, ask);
    this.#cursor = new LogCursor(store, { ...options, ask });
  }

  /** Highest id seen; -1 before the first answer of the database, and of one that has taken its place. */
  get highest(): number {
    return this.#cursor.highest;
  }

  /** Highest id below every open hole: see {@link LogCursor.lowWater}. */
  get lowWater(): number {
    return this.#cursor.lowWater;
  }

  /** Ranges of missing ids that may still be committed. */
  get openHoles(): number {
    return this.#cursor.openHoles;
  }

  /** A copy that answers for this moment: whether an event below the highest may still be passed on. */
  mayStillCome(): (id: number) => boolean {
    return this.#cursor.mayStillCome();
  }

  /** When the log was last found to be another one than before, ISO 8601; null: never. */
  get replacedAt(): string | null {
    return this.#replacedAt;
  }

  get state(): DatabaseState {
    return this.#state;
  }

  /** The newest batch as of the last look; null when there is none or the database has not answered yet. */
  get newestBatch(): Batch | null {
    return this.#batches.newest;
  }

  /** Events passed on since start, and ms since the last complete poll (null before the first). */
  get figures(): { delivered: number; lagMs: number | null } {
    return {
      delivered: this.#delivered,
      lagMs: this.#lastRoundAt === null ? null : Math.round(performance.now() - this.#lastRoundAt),
    };
  }

  /** @returns the way to stop listening */
  listen(listener: TailListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Looks at the row of this batch too, though it is not among the newest. @returns the way to end it */
  watchBatch(id: number): () => void {
    return this.#batches.watch(id);
  }

  /** Idempotent. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Idempotent; resolves when the poll in flight has ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake.abort();
    await this.#running;
    this.#settleWaiters(new DatabaseUnavailableError("The dashboard is shutting down."));
  }

  /** Everything is read anew, and every listener starts again: the store shows events otherwise than before. */
  async readAnew(): Promise<void> {
    this.#isOutdated = true;
    await this.refresh();
  }

  /**
   * Resolves when a poll that began after this call, batches included, has passed on everything it saw.
   * @throws DatabaseUnavailableError when that poll failed, and at once while the database is known to be lost
   */
  refresh(): Promise<void> {
    if (this.#asked && this.#state.database === "unreachable")
      return Promise.reject(new DatabaseUnavailableError(this.#state.detail));
    if (this.#stopping.signal.aborted)
      return Promise.reject(new DatabaseUnavailableError("The dashboard is shutting down."));
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#wake.abort();
    });
  }

  async #run(): Promise<void> {
    let pause = this.#options.pollMs;
    let backoff = this.#options.pollMs;
    while (!this.#stopping.signal.aborted) {
      this.#wake = new AbortController();
      const waiters = this.#waiters;
      this.#waiters = [];
      try {
        const busy = await this.#round(waiters.length > 0);
        this.#setState("ok", "The database answers.");
        this.#lastRoundAt = performance.now();
        // A full page means that there is more: callers that wait for everything also wait for the next round.
        if (busy === "more") this.#waiters.unshift(...waiters);
        else for (const waiter of waiters) waiter.resolve();
        backoff = this.#options.pollMs;
        pause = busy === "more" ? 0 : busy ? this.#options.pollMs : Math.min(pause * 1.5 + 1, this.#options.idlePollMs);
      } catch (error) {
        this.#lost(error);
        const lost = new DatabaseUnavailableError("The database cannot be reached.", { cause: error });
        for (const waiter of waiters) waiter.reject(lost);
        this.#settleWaiters(lost);
        backoff = Math.min(backoff * 2, LONGEST_BACKOFF_MS);
        pause = backoff;
      }
      if (this.#waiters.length === 0) await this.#pause(pause);
    }
  }

  async #pause(ms: number): Promise<void> {
    try {
      await sleep(ms, undefined, { signal: this.#wake.signal });
    } catch (error) {
      if (!this.#wake.signal.aborted) throw error;
    }
  }

  #settleWaiters(error: Error): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }

  /** One look at everything. Nothing is remembered before its query has answered, so a failed round repeats whole. */
  async #round(asked: boolean): Promise<boolean | "more"> {
    const cursor = this.#cursor;
    if (this.#options.before) await this.#ask(this.#options.before());
    if (this.#isOutdated) this.#forget();
    // However often others ask.
    if (cursor.highest >= 0 && this.#isTimeSince(this.#identityAskedAt)) {
      if (!(await this.#identity.isSame())) {
        this.#options.logger.warn({}, "the log is not the one that was read before: everything is read anew");
        this.#replacedAt = new Date().toISOString();
        this.#forget();
      }
      this.#identityAskedAt = performance.now();
    }
    if (cursor.highest < 0) await this.#begin();
    const before = this.#delivered;
    const events = await cursor.next();
    const unknown = events.some((event) => event.batchId > (this.#batches.newest?.id ?? 0));
    if (unknown || asked || this.#isTimeSince(this.#batchesAskedAt)) await this.#lookAtBatches();
    cursor.take(events);
    this.#identity.saw(events);
    this.#deliver(events);
    await cursor.askForMissing(asked, (late) => this.#deliver(late));
    if (events.length === PAGE) return "more";
    return this.#delivered > before;
  }

  async #begin(): Promise<void> {
    const end = await this.#cursor.end();
    await this.#identity.begin(end.ids);
    this.#cursor.begin(end);
  }

  /** Nothing that was read before holds any more: the database was created again, restored, emptied or exchanged, or is shown otherwise. */
  #forget(): void {
    this.#isOutdated = false;
    this.#cursor.reset();
    this.#batches.forget();
    this.#tell((listener) => listener.restarted?.());
  }

  #isTimeSince(askedAt: number): boolean {
    return performance.now() - askedAt >= this.#options.idlePollMs;
  }

  async #lookAtBatches(): Promise<void> {
    const batches = await this.#ask(this.#batches.read());
    this.#batchesAskedAt = performance.now();
    const changed = this.#batches.compare(batches);
    if (changed.length > 0) this.#tell((listener) => listener.batches?.(changed));
  }

  #deliver(events: readonly LogEvent[]): void {
    if (events.length === 0) return;
    this.#delivered += events.length;
    const lean = events.map(eventSummary);
    this.#tell((listener) => listener.events?.(lean));
  }

  #tell(call: (listener: TailListener) => void): void {
    for (const listener of this.#listeners) {
      try {
        call(listener);
      } catch (error) {
        this.#options.logger.error({ err: error }, "a listener of the tail failed");
      }
    }
  }

  #lost(error: unknown): void {
    const detail =
      error instanceof DatabaseUnavailableError
        ? "The database cannot be reached. Trying again; nothing is lost meanwhile."
        : "The database refuses the query of the live feed (see the dashboard's log). Trying again.";
    if (this.#asked && this.#state.database === "unreachable") return;
    this.#options.logger.error({ err: error }, "the database is lost");
    this.#setState("unreachable", detail);
  }

  #setState(database: DatabaseState["database"], detail: string): void {
    if (this.#asked && this.#state.database === database) return;
    if (this.#asked && database === "ok") this.#options.logger.info("the database is back");
    this.#asked = true;
    this.#state = { database, since: new Date().toISOString(), detail };
    this.#tell((listener) => listener.state?.(this.#state));
  }

  /** A query that never answers (a stopped server, a dead network) must end the round; its late answer is dropped. */
  #ask<T>(query: Promise<T>): Promise<T> {
    const { queryTimeoutMs } = this.#options;
    return deadline(query, queryTimeoutMs, () => {
      throw new DatabaseUnavailableError(`The database did not answer within ${queryTimeoutMs} ms.`);
    });
  }
}
