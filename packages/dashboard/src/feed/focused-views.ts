/** Views of batches that are narrowed to one cause of errors, read on request. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { focusOn } from "@cofi/views/detail/focus";
import type { Folded } from "@cofi/views/detail/replay";
import type { Batch } from "@cofi/event-log/events";
import type { Store } from "@cofi/event-log/store";
import type { Tail } from "@cofi/views/tail";
import type { LimitFunction } from "p-limit";
import { Cache } from "../cache.js";
import type { LiveView } from "./live-view.js";

interface About {
  readAt: string;
  events: number;
  batch: Batch;
}

export class FocusedViews {
  readonly #store: Store;
  readonly #eventsPerStage: number;
  readonly #folds: LimitFunction;
  readonly #cache = new Cache<Folded, About>({ leastMs: 1_000, times: 5, most: 8, idleMs: 60_000 });

  /** @param folds the queue of long reads, which runs them one after the other */
  constructor(store: Store, tail: Tail, eventsPerStage: number, folds: LimitFunction) {
    this.#store = store;
    tail.listen({ restarted: () => this.#cache.clear() });
    this.#eventsPerStage = eventsPerStage;
    this.#folds = folds;
  }

  /** `asOf`: the time that the view describes. @throws DatabaseUnavailableError */
  async of(view: LiveView, cause: string): Promise<{ folded: Folded; asOf: string }> {
    const now = new Date().toISOString();
    const { batch } = view.current;
    const isLatest = (then: About): boolean => then.events === view.eventCount && then.batch === batch;
    const about = { readAt: now, events: view.eventCount, batch };
    const kept = this.#cache.of(`${view.batchId} ${cause}`, about, isLatest, () =>
      this.#folds(() =>
        focusOn(this.#store, batch, view, cause, {
          eventsPerStage: this.#eventsPerStage,
          yieldToEventLoop: () => nextTurn(),
        }),
      ),
    );
    const asOf = isLatest(kept.about) ? now : kept.about.readAt;
    return { folded: await kept.value, asOf };
  }
}
