/** How long each stage took in earlier batches, which is the estimate for a stage that has not begun. */
import type { History } from "@cofi/views/detail/timeline";
import type { Batch } from "@cofi/event-log/events";
import type { Store } from "@cofi/event-log/store";
import { speedsOf } from "@cofi/views/speeds";
import type { Tail } from "@cofi/views/tail";

const BATCHES_LOOKED_AT = 5;
const BATCHES_READ = 20;
const MOST_KEPT = 200;

export class BatchHistory {
  readonly #store: Store;
  /** By batch and stage: ms a file. Only finished batches are here, so the figures stay true. */
  readonly #known = new Map<number, Promise<ReadonlyMap<string, number>>>();

  constructor(store: Store, tail: Tail) {
    this.#store = store;
    tail.listen({ restarted: () => this.#known.clear() });
  }

  /** The fastest and the slowest of up to five batches that ended before this one. @throws DatabaseUnavailableError */
  async speeds(batchId: number): Promise<History> {
    const { batches } = await this.#store.batches({ limit: BATCHES_READ, before: batchId });
    const over = batches.filter(isCompleted).slice(0, BATCHES_LOOKED_AT);
    const speeds = await Promise.all(over.map(({ id }) => this.#speedsOf(id)));
    const history = new Map<string, [number, number]>();
    for (const [stage, ms] of speeds.flatMap((batch) => [...batch])) {
      const range = history.get(stage);
      history.set(stage, range ? [Math.min(range[0], ms), Math.max(range[1], ms)] : [ms, ms]);
    }
    return history;
  }

  #speedsOf(id: number): Promise<ReadonlyMap<string, number>> {
    let speeds = this.#known.get(id);
    if (!speeds) {
      speeds = speedsOf(this.#store, id);
      this.#known.set(id, speeds);
      speeds.catch(() => this.#known.delete(id));
      const [oldest] = this.#known.keys();
      if (this.#known.size > MOST_KEPT && oldest !== undefined) this.#known.delete(oldest);
    }
    return speeds;
  }
}

function isCompleted({ status }: Batch): boolean {
  return status === "completed" || status === "completed_with_errors";
}
