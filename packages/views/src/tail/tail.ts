/**
 * The one reader of new rows in this process, whatever the number of browsers. Ids do not become visible in the order in
 * which they were given out, so the tail delivers visible events at once and queries missing ids again.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { DatabaseUnavailableError } from "@cofi/event-log/database";
import { deadline } from "@cofi/event-log/deadline";
import type { Batch, LogEvent } from "@cofi/event-log/events";
import type { Store } from "@cofi/event-log/store";
import { BatchWatch } from "./batch-watch.js";
import { Holes, type IdRange } from "./holes.js";
import type { DatabaseState, TailListener, TailOptions } from "./listener.js";
import { readLogEnd } from "./log-end.js";
import { LogIdentity } from "./log-identity.js";
import { eventSummary } from "./event-summary.js";

const PAGE = 1_000;
/** Ids asked for by number in one poll; a wider hole is read as a range. */
const IDS_PER_POLL = 1_000;
const LONGEST_BACKOFF_MS = 2_000;

export class Tail {
  readonly #store: Store;
  readonly #options: TailOptions;
  #holes = new Holes();
  readonly #identity: LogIdentity;
  readonly #listeners = new Set<TailListener>();
  readonly #batches: BatchWatch;
  #highest = -1;
  #state: DatabaseState = { database: "unreachable", since: new Date().toISOString(), detail: "Not asked yet." };
  #asked = false;
  #batchesAskedAt = 0;
  #lastRoundAt: number | null = null;
  #delivered = 0;
  #running: Promise<void> | null = null;
  #stopping = new AbortController();
  #wake = new AbortController();
  #waiters: { resolve: () => void; reject: (error: Error) => void }[] = [];

  constructor(store: Store, options: TailOptions) {
    this.#store = store;
    this.#batches = new BatchWatch(store);
    this.#identity = new LogIdentity(store);
    this.#options = options;
  }

  /** Highest id seen; -1 before the first answer of the database. */
  get highest(): number {
    return this.#highest;
  }

  /** Highest id below every open hole: every event up to it has been passed on. */
  get lowWater(): number {
    return Math.max(0, (this.#holes.lowest ?? this.#highest + 1) - 1);
  }

  get openHoles(): IdRange[] {
    return this.#holes.ranges();
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
    if (this.#highest < 0) await this.#startCursor();
    else if (this.#isTimeForBatches() && !(await this.#ask(this.#identity.isSame()))) await this.#restart();
    const rows = await this.#ask(this.#store.eventsAfter(this.#highest, PAGE));
    const unknown = rows.some((row) => row.batchId > (this.#batches.newest?.id ?? 0));
    if (unknown || asked || this.#isTimeForBatches()) await this.#lookAtBatches();
    this.#advance(rows);
    const filled = this.#holes.size > 0 ? await this.#askForHoles(asked) : 0;
    if (rows.length === PAGE) return "more";
    return rows.length > 0 || filled > 0;
  }

  async #startCursor(): Promise<void> {
    const { highest, gaps } = await readLogEnd(this.#store, this.#options.longestTransactionMs, (query) =>
      this.#ask(query),
    );
    await this.#ask(this.#identity.begin(highest));
    const now = performance.now();
    for (const { from, to } of gaps) this.#holes.open(from, to, now);
    this.#highest = highest;
  }

  /** The database was made anew or restored: nothing that was read of it holds any more. */
  async #restart(): Promise<void> {
    this.#options.logger.warn({}, "the log is not the one that was read before: starting again from its end");
    this.#holes = new Holes();
    this.#highest = -1;
    await this.#startCursor();
    this.#batches.forget();
    this.#tell((listener) => listener.restarted?.());
  }

  #advance(rows: readonly LogEvent[]): void {
    if (rows.length === 0) return;
    const now = performance.now();
    for (const { id } of rows) {
      if (id > this.#highest + 1) this.#holes.open(this.#highest + 1, id - 1, now);
      this.#highest = id;
    }
    this.#identity.saw(rows.at(-1)!);
    this.#deliver(rows);
  }

  /** @param all also for those whose turn it is not. @returns how many events turned up */
  async #askForHoles(all: boolean): Promise<number> {
    const now = performance.now();
    const due = this.#holes.due(now, IDS_PER_POLL, all);
    const narrow = due.filter(({ from, to }) => to - from < IDS_PER_POLL);
    const ids = narrow.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, index) => from + index));
    const found = ids.length > 0 ? await this.#ask(this.#store.eventsByIds(ids)) : [];
    this.#fill(found, narrow, now);
    let filled = found.length;
    for (const range of due) {
      if (range.to - range.from < IDS_PER_POLL) continue;
      const page = await this.#ask(this.#store.eventsAfter(range.from - 1, PAGE));
      const inside = page.filter((event) => event.id <= range.to);
      const complete = page.length < PAGE || inside.length < page.length;
      this.#fill(inside, [complete ? range : { from: range.from, to: inside.at(-1)?.id ?? range.to }], now);
      filled += inside.length;
    }
    const early = this.#holes.expire(this.#options.longestTransactionMs);
    if (early > 0) this.#options.logger.warn({ ids: early }, "too many missing event ids: the oldest are given up");
    return filled;
  }

  #fill(found: readonly LogEvent[], asked: readonly IdRange[], now: number): void {
    const fresh = found.filter((event) => this.#holes.fill(event.id));
    for (const range of asked) this.#holes.asked(range, now);
    this.#deliver(fresh);
  }

  #isTimeForBatches(): boolean {
    return performance.now() - this.#batchesAskedAt >= this.#options.idlePollMs;
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
