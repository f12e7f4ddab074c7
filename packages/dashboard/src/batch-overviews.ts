/** One batch in one line: read by SQL, shared by all who ask, and kept where it stays true. */
import type { BatchOverview, TrendsView } from "@cofi/event-log/detail/shapes";
import type { Batch } from "@cofi/event-log/events";
import type { Store } from "@cofi/event-log/store";
import pLimit from "p-limit";
import type { Tail } from "./tail.js";

/** ms for which the line of a batch that runs is good: it costs a pass over its events. */
const RUNNING_MS = 2_000;
/** Times as long as it takes, for the line of a large batch. */
const COST_TIMES = 5;
const MOST_KEPT = 500;
/** Lines read at the same time: a page of batches with a million events each must leave the database to the live feed. */
const READ_AT_ONCE = 2;
/** Batches that are looked through for those that are over: so many at once, and at most so many times. */
const BATCHES_READ = 200;
const MOST_READS = 50;

interface Known {
  overview: Promise<BatchOverview>;
  /** `performance.now()` from which on it is read again. */
  until: number;
}

export class BatchOverviews {
  readonly #store: Store;
  readonly #tail: Tail;
  readonly #known = new Map<string, Known>();
  readonly #limit = pLimit(READ_AT_ONCE);

  constructor(store: Store, tail: Tail) {
    this.#store = store;
    this.#tail = tail;
  }

  /** @throws DatabaseUnavailableError */
  of(batch: Batch): Promise<BatchOverview> {
    // A batch that is resumed ends again at another time.
    const key = `${batch.id} ${isOver(batch) ? batch.finishedAt : ""}`;
    const known = this.#known.get(key);
    if (known && performance.now() < known.until) return known.overview;
    const entry: Known = { overview: this.#limit(() => this.#read(batch)), until: Infinity };
    this.#known.delete(key);
    this.#known.set(key, entry);
    void this.#judge(key, entry, isOver(batch));
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST_KEPT && oldest !== undefined) this.#known.delete(oldest);
    return entry.overview;
  }

  /** Until when it may be kept: for good, for a while, or not at all. */
  async #judge(key: string, entry: Known, isForGood: boolean): Promise<void> {
    const began = performance.now();
    const [outcome] = await Promise.allSettled([entry.overview]);
    if (outcome.status === "rejected") this.#known.delete(key);
    else if (!isForGood)
      entry.until = performance.now() + Math.max(RUNNING_MS, COST_TIMES * (performance.now() - began));
  }

  /** The newest batches that are over, oldest first. @throws DatabaseUnavailableError */
  async trends(most: number): Promise<TrendsView> {
    const overviews: BatchOverview[] = [];
    // One after the other: each is a pass over all events of a batch, and the database has other work.
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
      over.push(...batches.filter(isOver));
      if (nextCursor === null) break;
      before = Number(nextCursor);
    }
    return over.slice(0, most);
  }

  async #read(batch: Batch): Promise<BatchOverview> {
    // With the last events of a batch that has just ended: this line is kept.
    await this.#tail.refresh();
    return this.#store.overview(batch, this.#tail.highest, new Date().toISOString());
  }
}

function isOver({ status, finishedAt }: Batch): boolean {
  return finishedAt !== null && status !== "running" && status !== "pending";
}
