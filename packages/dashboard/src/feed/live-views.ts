/**
 * The projection of each watched batch in memory: replayed from the database once, then kept up by the tail. Every id is
 * applied exactly once, although the tail continues during the replay. While a large batch is being replayed, viewers
 * see its counts by SQL.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { foldPages, replayPages } from "@cofi/views/detail/replay";
import { DatabaseUnavailableError } from "@cofi/event-log/database";
import type { Batch, LogEvent } from "@cofi/event-log/events";
import { showEvents, shownEvents } from "@cofi/views/projection";
import { sqlSnapshot } from "@cofi/views/sql-cards";
import type { Store } from "@cofi/event-log/store";
import { eventSummary } from "@cofi/views/event-summary";
import { LiveView, type OpenedBatch } from "./live-view.js";
import { newLoading, remainingMs, type Loading } from "./loading.js";
import { Preview } from "./preview.js";
import type { TailLogger } from "@cofi/views/listener";
import type { Tail } from "@cofi/views/tail";

type Opening = LiveView | Preview | null;

export interface LiveViewsOptions {
  eventsPerStage: number;
  logger: TailLogger;
  /** ms without a viewer after which a view is dropped. */
  idleMs: number;
}

/** A batch with more events than this is first shown by its SQL counts. */
const FIRST_PAGE = 1_000;
/** Views kept without a viewer; when there are more, the longest unused is dropped first. */
const MOST_UNHELD = 16;

/** Pause between two previews of a batch, as a multiple of the time that one takes, so that the replay makes progress. */
const PREVIEW_PAUSE = { leastMs: 1_000, times: 5 };
/** Pause after a batch was folded again, likewise. */
const REFOLD_PAUSE = { leastMs: 1_000, times: 5 };

export class LiveViews {
  readonly #store: Store;
  readonly #tail: Tail;
  readonly #options: LiveViewsOptions;
  readonly #open = new Map<number, Promise<LiveView | null>>();
  readonly #live = new Map<number, LiveView>();
  readonly #loading = new Map<number, Loading>();
  /** Batches that are being folded again, or were a moment ago. */
  readonly #refolding = new Set<number>();
  readonly #stopListening: () => void;
  readonly #sweeper: NodeJS.Timeout;

  constructor(store: Store, tail: Tail, options: LiveViewsOptions) {
    this.#store = store;
    this.#tail = tail;
    this.#options = options;
    this.#stopListening = tail.listen({
      events: (events) => this.#spread(events),
      batches: (batches) => {
        for (const batch of batches) this.#pass(batch.id, [], batch);
      },
      restarted: () => this.#forgetAll(),
    });
    this.#sweeper = setInterval(() => this.#sweep(), Math.max(1_000, options.idleMs / 4));
    this.#sweeper.unref();
  }

  /**
   * The view of a batch, replayed first if need be; null when the batch does not exist.
   * @throws DatabaseUnavailableError
   */
  async open(batchId: number): Promise<LiveView | null> {
    const opening = this.#open.get(batchId) ?? this.#load(batchId);
    this.#open.set(batchId, opening);
    try {
      const view = await opening;
      if (!view) this.#forget(batchId, opening);
      return view;
    } catch (error) {
      this.#forget(batchId, opening);
      throw error;
    }
  }

  /**
   * As {@link open}, but returns a preview while a large batch is being replayed. `after`: the preview that the caller already
   * has; the next one takes a while.
   */
  async openOrPreview(batchId: number, after: Preview | null = null): Promise<Opening> {
    const opening = this.open(batchId);
    const loading = this.#loading.get(batchId);
    if (!loading) return opening;
    if (!after) return Promise.race([opening, loading.preview]);
    const pause = Math.max(PREVIEW_PAUSE.leastMs, PREVIEW_PAUSE.times * after.tookMs);
    // Not shortly before the whole view is there, which a preview would only put off.
    const next = sleep(pause).then((): Promise<Opening> =>
      remainingMs(loading) > pause ? this.#nextPreview(batchId, loading) : opening,
    );
    // Nobody waits for this preview if the replay finishes first or the database is lost.
    next.catch(() => undefined);
    return Promise.race([opening, next]);
  }

  /** Simultaneous callers share one replay. */
  #nextPreview(batchId: number, loading: Loading): Promise<Preview> {
    loading.latest ??= this.#preview(batchId).finally(() => (loading.latest = null));
    return loading.latest;
  }

  async #preview(batchId: number): Promise<Preview> {
    const started = performance.now();
    const { lowWater, highest } = this.#tail;
    const batch = await this.#store.batch(batchId);
    if (!batch) throw new Error(`Batch ${batchId} is gone.`);
    const asOf = new Date().toISOString();
    const snapshot = await sqlSnapshot(this.#store, batch, highest, this.#options.eventsPerStage, asOf);
    const events = Object.entries(snapshot.events).map(([stage, list]) => [stage, list.map(eventSummary)] as const);
    return new Preview({ ...snapshot, events: Object.fromEntries(events) }, lowWater, performance.now() - started);
  }

  /** How much of a batch that is being replayed has been read, 0 to 1; null when none is. */
  readShare(batchId: number): number | null {
    return this.#loading.get(batchId)?.share ?? null;
  }

  /** The view if it is in memory. */
  peek(batchId: number): LiveView | null {
    return this.#live.get(batchId) ?? null;
  }

  close(): void {
    clearInterval(this.#sweeper);
    this.#stopListening();
    this.#forgetAll();
  }

  #forgetAll(): void {
    for (const view of this.#live.values()) view.close();
    this.#live.clear();
    this.#open.clear();
    this.#loading.clear();
  }

  async #load(batchId: number): Promise<LiveView | null> {
    if (this.#tail.highest < 0) await this.#tail.refresh();
    const endWatch = this.#tail.watchBatch(batchId);
    try {
      const live = await this.#whileLoading(batchId, async (fold, loading) => {
        const batch = await this.#store.batch(batchId);
        if (!batch) return null;
        const folded = await fold(batch);
        if (this.#loading.get(batchId) !== loading)
          throw new DatabaseUnavailableError(
            "The log was replaced while the batch was being read. The read starts again.",
          );
        const opened = new LiveView(folded, endWatch);
        opened.apply(loading.events, loading.batch);
        this.#live.set(batchId, opened);
        return opened;
      });
      if (!live) endWatch();
      // Only after the waiting callers have had their turn to hold it.
      else setImmediate(() => this.#sweep());
      if (live) this.#refoldSoon(live);
      return live;
    } catch (error) {
      endWatch();
      throw error;
    }
  }

  /**
   * Folds a view again: events that it holds have become history, or one came after those that it would have changed. Until it
   * is done the view goes on as it is; where such events keep coming, most of the time is left to other work.
   */
  #refoldSoon(live: LiveView): void {
    const { batchId } = live;
    if (!live.isOutdated || this.#refolding.has(batchId)) return;
    const refold = async (): Promise<void> => {
      const started = performance.now();
      try {
        await this.#whileLoading(batchId, async (fold, loading) => {
          const opened = await fold(live.current.batch);
          if (this.#live.get(batchId) === live) live.replace(opened, loading.events, loading.batch);
        });
      } catch (error) {
        // The next event starts this again.
        this.#options.logger.error({ err: error }, "a batch could not be read anew after a late event");
      }
      await sleep(Math.max(REFOLD_PAUSE.leastMs, REFOLD_PAUSE.times * (performance.now() - started)), undefined, {
        ref: false,
      });
      this.#refolding.delete(batchId);
      if (this.#live.get(batchId) === live) this.#refoldSoon(live);
    };
    this.#refolding.add(batchId);
    void refold();
  }

  /** Runs `work`, which folds the batch from the database; events that the tail delivers meanwhile wait in `loading`. */
  async #whileLoading<T>(
    batchId: number,
    work: (fold: (batch: Batch) => Promise<OpenedBatch>, loading: Loading) => Promise<T>,
  ): Promise<T> {
    const loading = newLoading();
    // Nothing else runs up to the first await: the events that the tail has delivered are at or below `head`, and later
    // ones will go to `loading`. Ids of open holes can arrive both ways.
    this.#loading.set(batchId, loading);
    const head = this.#tail.highest;
    const mayStillCome = this.#tail.mayStillCome();
    const fold = async (batch: Batch): Promise<OpenedBatch> => {
      const fromHoles = new Set<number>();
      const { current, detail } = await foldPages(
        batch,
        this.#pages(batch, { head, mayStillCome, loading, fromHoles }),
        {
          eventsPerStage: this.#options.eventsPerStage,
          // SQLite answers within the same turn, so yield to other work.
          yieldToEventLoop: () => nextTurn(),
        },
      );
      const shown = await this.#store.eventsByIds(shownEvents(current));
      return { current: showEvents(current, shown.map(eventSummary)), detail, fromHoles };
    };
    try {
      return await work(fold, loading);
    } finally {
      if (this.#loading.get(batchId) === loading) this.#loading.delete(batchId);
    }
  }

  /** Folds the events of the batch. Adds to `fromHoles` the ids that the tail may deliver as well. */
  async *#pages(
    batch: Batch,
    {
      head,
      mayStillCome,
      loading,
      fromHoles,
    }: { head: number; mayStillCome: (id: number) => boolean; loading: Loading; fromHoles: Set<number> },
  ): AsyncGenerator<LogEvent[]> {
    /** First and last event of the batch; the last is known only of those that take a while. */
    let span: readonly [number, number] | null = null;
    let isFirst = true;
    for await (const page of replayPages(this.#store, batch.id, head, FIRST_PAGE)) {
      for (const { id } of page) if (mayStillCome(id)) fromHoles.add(id);
      yield page.map(eventSummary);
      // This takes a while: send waiting viewers the SQL counts first, then continue reading, so the two do not compete.
      if (isFirst && page.length === FIRST_PAGE) {
        const preview = this.#nextPreview(batch.id, loading);
        loading.offer(preview);
        span = [page[0]!.id, (await preview).snapshot.head];
      }
      isFirst = false;
      const last = page.at(-1);
      if (span && last) loading.share = Math.min(1, (last.id - span[0]) / Math.max(1, span[1] - span[0]));
    }
  }

  #spread(events: readonly LogEvent[]): void {
    const byBatch = new Map<number, LogEvent[]>();
    for (const event of events) {
      const list = byBatch.get(event.batchId);
      if (list) list.push(event);
      else byBatch.set(event.batchId, [event]);
    }
    for (const [batchId, list] of byBatch) this.#pass(batchId, list, null);
  }

  #pass(batchId: number, events: readonly LogEvent[], batch: Batch | null): void {
    const loading = this.#loading.get(batchId);
    if (loading) {
      loading.events.push(...events);
      loading.batch = batch ?? loading.batch;
    }
    const live = this.#live.get(batchId);
    live?.apply(events, batch);
    if (live) this.#refoldSoon(live);
  }

  #forget(batchId: number, opening: Promise<LiveView | null>): void {
    if (this.#open.get(batchId) === opening) this.#open.delete(batchId);
  }

  #sweep(): void {
    const unheld = [...this.#live.values()]
      .filter((view) => view.lastUsed < Infinity)
      .toSorted((a, b) => b.lastUsed - a.lastUsed);
    const oldest = performance.now() - this.#options.idleMs;
    for (const [rank, view] of unheld.entries()) {
      if (rank < MOST_UNHELD && view.lastUsed >= oldest) continue;
      this.#live.delete(view.batchId);
      this.#open.delete(view.batchId);
      view.close();
    }
  }
}
