/** Summaries of single batches: read by SQL, shared by all callers, and kept for batches that cannot change any more. */
import type { BatchOverview, TrendsView } from "@cofi/views/detail/shapes";
import type { Batch } from "@cofi/event-log/events";
import { isOver } from "@cofi/views/batch-state";
import type { Store } from "@cofi/event-log/store";
import { overviewOf } from "@cofi/views/overview";
import pLimit from "p-limit";
import { Cache } from "../cache.js";
import type { Tail } from "@cofi/views/tail";

/** Summaries read at the same time: a page of batches with a million events each must leave the database to the live feed. */
const READ_AT_ONCE = 2;
/** How the search for finished batches pages: batches a page, and pages at most. */
const BATCHES_READ = 200;
const MOST_READS = 50;

export class BatchOverviews {
  readonly #store: Store;
  readonly #tail: Tail;
  /** Each summary costs a pass over the events of its batch. Kept with it: when it was read, epoch ms. */
  readonly #cache = new Cache<BatchOverview, number>({ leastMs: 2_000, times: 5, most: 500, idleMs: 24 * 3_600_000 });
  readonly #limit = pLimit(READ_AT_ONCE);

  constructor(store: Store, tail: Tail) {
    this.#store = store;
    this.#tail = tail;
    tail.listen({ restarted: () => this.#cache.clear() });
  }

  /** @throws DatabaseUnavailableError */
  of(batch: Batch): Promise<BatchOverview> {
    // A batch that is resumed ends again at another time.
    const key = `${batch.id} ${hasEnded(batch) ? batch.finishedAt : ""}`;
    const isSettled = (readAt: number): boolean =>
      hasEnded(batch) && readAt - Date.parse(batch.finishedAt ?? "") > SETTLED_MS;
    return this.#cache.of(key, Date.now(), isSettled, () => this.#limit(() => this.#read(batch))).value;
  }

  /** The newest batches that are over, oldest first. @throws DatabaseUnavailableError */
  async trends(most: number): Promise<TrendsView> {
    const overviews: BatchOverview[] = [];
    // One after the other, because each is a pass over all events of a batch and the database has other work.
    for (const batch of (await this.#over(most)).toReversed()) overviews.push(await this.of(batch));
    return {
      batches: overviews.map(({ batch: { id, name, startedAt }, stages }) => ({ id, name, startedAt, stages })),
    };
  }

  /** The newest batches that are over, newest first, however many newer ones are not. */
  async #over(most: number): Promise<Batch[]> {
    const over: Batch[] = [];
    let before: number | undefined;
    for (let reads = 0; reads < MOST_READS && over.length < most; reads++) {
      const { batches, nextCursor } = await this.#store.batches({ limit: BATCHES_READ, before });
      over.push(...batches.filter(hasEnded));
      if (nextCursor === null) break;
      before = Number(nextCursor);
    }
    return over.slice(0, most);
  }

  async #read(batch: Batch): Promise<BatchOverview> {
    // Wait for the last events of a batch that has just ended, because this summary is kept.
    await this.#tail.refresh();
    return overviewOf(this.#store, batch, this.#tail.highest, new Date().toISOString());
  }
}

/** Other services may log for a while after the batch was marked as finished. */
const SETTLED_MS = 3_600_000;

function hasEnded(batch: Batch): boolean {
  return isOver(batch) && batch.finishedAt !== null;
}
