import type { Batch } from "@cofi/event-log/events";
import type { Store } from "@cofi/event-log/store";

/** Batches looked at each time beside those that somebody watches. */
const RECENT = 20;

/** Which rows of `batchStatus` are new or changed since the last look: the newest ones, and those that are watched. */
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

  /** @returns the way to end it */
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

  /** The rows are those of another database: all are new. */
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
