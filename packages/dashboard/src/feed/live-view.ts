import { applyToDetail, type Detail } from "@cofi/views/detail/detail";
import type { Batch, LogEvent, StageSummary } from "@cofi/event-log/events";
import { applyBatch, applyEvent, stageSummary, type BatchView } from "@cofi/views/projection";
import { STAGES } from "@cofi/event-log/stages";

export interface ViewChange {
  /** Applied just now, in the order in which they became visible, without history; empty when only the batch row changed. */
  events: readonly LogEvent[];
  /** The view was folded again, so earlier frames of it may be wrong. */
  isRefolded?: true;
}

/** A batch as it was folded from the database. */
export interface OpenedBatch {
  current: BatchView;
  detail: Detail;
  /** Ids of events that it includes although the tail may still deliver them. */
  fromHoles: Set<number>;
}

/** The projection of one batch, which includes every event that the tail has delivered. */
export class LiveView {
  readonly batchId: number;
  #detail: Detail;
  #view: BatchView;
  #fromHoles: Set<number>;
  #wasRefolded = false;
  #holders = 0;
  #lastUsed = performance.now();
  readonly #listeners = new Set<(change: ViewChange) => void>();
  readonly #close: () => void;

  constructor({ current, detail, fromHoles }: OpenedBatch, close: () => void) {
    this.batchId = current.batch.id;
    this.#detail = detail;
    this.#fromHoles = fromHoles;
    this.#view = current;
    this.#close = close;
  }

  get current(): BatchView {
    this.#lastUsed = performance.now();
    return this.#view;
  }

  /** Files, hosts, errors and figures over time, of the same events. */
  get detail(): Detail {
    return this.#detail;
  }

  /** True when an event came too late to be told from what it would have changed, so the batch must be folded again. */
  get isOutdated(): boolean {
    return this.#view.isOutdated || this.#detail.isOutdated;
  }

  /** The cards, in stage order. */
  get summaries(): StageSummary[] {
    const view = this.current;
    return STAGES.map(({ name }) => stageSummary(view, name));
  }

  /** Events applied so far: all that are visible. */
  get eventCount(): number {
    return this.detail.events;
  }

  /** When it was last read, by `performance.now()`; Infinity while it is held. */
  get lastUsed(): number {
    return this.#holders > 0 ? Infinity : this.#lastUsed;
  }

  /** Keeps the view in memory and calls `listener` after each change. @returns a function that releases the view */
  hold(listener: (change: ViewChange) => void): () => void {
    this.#holders += 1;
    this.#listeners.add(listener);
    return () => {
      if (!this.#listeners.delete(listener)) return;
      this.#holders -= 1;
      this.#lastUsed = performance.now();
    };
  }

  /** For {@link LiveViews}: applies what the tail delivered, and reports it. */
  apply(events: readonly LogEvent[], batch: Batch | null): void {
    const fresh = this.#take(events, batch);
    const { runs } = this.#view;
    // An event that came with the view when it was folded again has not been reported yet.
    const counted = (this.#wasRefolded ? events : fresh).filter(({ run, id }) => !runs.isHistory(run, id));
    if (counted.length > 0 || batch) this.#report({ events: counted });
  }

  /**
   * For {@link LiveViews}: replaces the view by one that was folded again. `events` and `batch`: what the tail delivered
   * meanwhile, which has been reported.
   */
  replace({ current, detail, fromHoles }: OpenedBatch, events: readonly LogEvent[], batch: Batch | null): void {
    this.#view = current;
    this.#detail = detail;
    this.#fromHoles = fromHoles;
    this.#wasRefolded = true;
    this.#take(events, batch);
    this.#report({ events: [], isRefolded: true });
  }

  /** Applies events once. @returns those that the view did not include */
  #take(events: readonly LogEvent[], batch: Batch | null): readonly LogEvent[] {
    if (batch) this.#view = applyBatch(this.#view, batch);
    const fresh = this.#fromHoles.size === 0 ? events : events.filter(({ id }) => !this.#fromHoles.delete(id));
    for (const event of fresh) {
      this.#view = applyEvent(this.#view, event);
      applyToDetail(this.#detail, event);
    }
    return fresh;
  }

  #report(change: ViewChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  close(): void {
    this.#close();
  }
}
