import type { Batch } from "@cofi/event-log/events";
import type { Store } from "@cofi/event-log/store";

/** Batches that each poll reads beside the watched ones. */
const RECENT = 20;

/** Finds new or changed rows of `batchStatus` among the newest batches and the watched ones. */
export class BatchWatch {
  readonly #store: Store;
  /** The row as it was last seen, by id. */
  readonly #seen = new Map<number, string>();
  readonly #watched = new Map<number, number>();
  #newest: Batch | null = null;

  constructor(store: Store) {
    this.#store = store;
  }

  get newest(): Batch | null {
    return this.#newest;
  }

  /** @returns a function that stops watching */
  watch(id: number): () => void {
    this.#watched.set(id, (this.#watched.get(id) ?? 0) + 1);
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      const left = (this.#watched.get(id) ?? 1) - 1;
      if (left > 0) this.#watched.set(id, left);
      else this.#watched.delete(id);
    };
  }

  /** Forgets all rows, because the database was replaced. */
  forget(): void {
    this.#seen.clear();
    this.#newest = null;
  }

  /** @returns the rows as they are now; nothing is remembered before {@link compare}, so that a failed look repeats whole */
  async read(): Promise<Batch[]> {
    const { batches } = await this.#store.batches({ limit: RECENT });
    const recent = new Set(batches.map((batch) => batch.id));
    const others = await Promise.all(
      [...this.#watched.keys()].filter((id) => !recent.has(id)).map((id) => this.#store.batch(id)),
    );
    return [...batches, ...others.filter((batch) => batch !== null)].toSorted((a, b) => a.id - b.id);
  }

  /** @returns those of `batches`, as {@link read} gave them, that are new or changed, oldest first */
  compare(batches: readonly Batch[]): Batch[] {
    this.#newest = batches.at(-1) ?? null;
    const changed = batches.filter((batch) => this.#seen.get(batch.id) !== JSON.stringify(batch));
    this.#seen.clear();
    for (const batch of batches) this.#seen.set(batch.id, JSON.stringify(batch));
    return changed;
  }
}
