/** Batches narrowed to one cause of errors: read when somebody asks, shared for as long as they are nearly true. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { focusOn } from "@cofi/event-log/detail/focus";
import type { Folded } from "@cofi/event-log/detail/replay";
import type { Batch } from "@cofi/event-log/events";
import type { Store } from "@cofi/event-log/store";
import type { LiveView } from "./live-views.js";

/** ms for which one is good though events have come, or so many times what reading it took. */
const SHARED = { leastMs: 1_000, times: 5 };
const MOST_KEPT = 8;

interface Known {
  folded: Promise<Folded>;
  readAt: string;
  /** What was known of the batch when it was read. */
  events: number;
  batch: Batch;
  /** `performance.now()` until which it is good whatever has come. */
  until: number;
}

export class FocusedViews {
  readonly #store: Store;
  readonly #eventsPerStage: number;
  readonly #known = new Map<string, Known>();

  constructor(store: Store, eventsPerStage: number) {
    this.#store = store;
    this.#eventsPerStage = eventsPerStage;
  }

  /** `asOf`: what it says is how things were then. @throws DatabaseUnavailableError */
  async of(view: LiveView, cause: string): Promise<{ folded: Folded; asOf: string }> {
    const entry = this.#entry(view, cause);
    const asOf = isLatest(entry, view) ? new Date().toISOString() : entry.readAt;
    return { folded: await entry.folded, asOf };
  }

  #entry(view: LiveView, cause: string): Known {
    const key = `${view.batchId} ${cause}`;
    const known = this.#known.get(key);
    if (known && (isLatest(known, view) || performance.now() < known.until)) return known;
    const entry: Known = {
      folded: focusOn(this.#store, view.current.batch, view.detail, cause, {
        eventsPerStage: this.#eventsPerStage,
        breathe: () => nextTurn(),
      }),
      readAt: new Date().toISOString(),
      events: view.eventCount,
      batch: view.current.batch,
      until: Infinity,
    };
    this.#known.delete(key);
    this.#known.set(key, entry);
    void this.#judge(key, entry);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST_KEPT && oldest !== undefined) this.#known.delete(oldest);
    return entry;
  }

  async #judge(key: string, entry: Known): Promise<void> {
    const began = performance.now();
    const [outcome] = await Promise.allSettled([entry.folded]);
    const took = performance.now() - began;
    entry.until = performance.now() + Math.max(SHARED.leastMs, SHARED.times * took);
    if (outcome.status === "rejected" && this.#known.get(key) === entry) this.#known.delete(key);
  }
}

function isLatest({ events, batch }: Known, view: LiveView): boolean {
  return events === view.eventCount && batch === view.current.batch;
}
