/**
 * Missing ids below the highest one seen, which an open transaction may still commit. Kept as
 * ranges, because one multi-row insert with ON DUPLICATE KEY burns many ids at once. Pure: the caller brings the clock.
 */

export interface IdRange {
  readonly from: number;
  /** Inclusive. */
  readonly to: number;
}

interface Hole {
  from: number;
  to: number;
  openedAt: number;
  /** Monotonic ms of the last query for it; `openedAt` before the first query. */
  askedAt: number;
}

/** A hole is queried again after an eighth of its age, but not sooner than this many ms; most fill within milliseconds. */
const LONGEST_PAUSE_MS = 500;
/** With more ranges the oldest are dropped early, so that a broken writer cannot make the tail grow without end. */
const MOST_RANGES = 50_000;

export class Holes {
  /** Ascending and disjoint. */
  #holes: Hole[] = [];

  get size(): number {
    return this.#holes.length;
  }

  /** The lowest id that is missing. */
  get lowest(): number | undefined {
    return this.#holes[0]?.from;
  }

  ranges(): IdRange[] {
    return this.#holes.map(({ from, to }) => ({ from, to }));
  }

  /** `from..to` must lie above every range opened before. */
  open(from: number, to: number, now: number): void {
    this.#holes.push({ from, to, openedAt: now, askedAt: now });
  }

  /** Removes the id. @returns false when it was not missing */
  fill(id: number): boolean {
    const index = this.#indexOf(id);
    const hole = this.#holes[index];
    if (!hole || id < hole.from) return false;
    const rest: Hole[] = [];
    if (hole.from < id) rest.push({ ...hole, to: id - 1 });
    if (id < hole.to) rest.push({ ...hole, from: id + 1 });
    this.#holes.splice(index, 1, ...rest);
    return true;
  }

  /**
   * The ranges whose turn it is, longest waiting first, until `budget` ids are reached; the last may be wider.
   * @param all those whose turn it is not, too
   */
  due(now: number, budget: number, all = false): IdRange[] {
    const waiting = this.#holes.filter(
      (hole) => all || now - hole.askedAt >= Math.min(LONGEST_PAUSE_MS, (now - hole.openedAt) / 8),
    );
    waiting.sort((a, b) => a.askedAt - b.askedAt);
    const chosen: IdRange[] = [];
    let ids = 0;
    for (const { from, to } of waiting) {
      if (ids >= budget) break;
      chosen.push({ from, to });
      ids += to - from + 1;
    }
    return chosen;
  }

  /** Records that every id of the range was queried and the found ones are filled. */
  asked({ from, to }: IdRange, now: number): void {
    const first = this.#indexOf(from);
    const touched: Hole[] = [];
    let end = first;
    for (; end < this.#holes.length && this.#holes[end]!.from <= to; end++) {
      const hole = this.#holes[end]!;
      // Parts outside the range keep their turn.
      if (hole.from < from) touched.push({ ...hole, to: from - 1 });
      touched.push({ ...hole, from: Math.max(from, hole.from), to: Math.min(to, hole.to), askedAt: now });
      if (hole.to > to) touched.push({ ...hole, from: to + 1 });
    }
    this.#holes.splice(first, end - first, ...touched);
  }

  /**
   * Drops holes that are older than the longest transaction and were queried after that age. A hole that could not be
   * queried, because the database was away, stays.
   * @returns how many ids were dropped early, because there were too many ranges
   */
  expire(longestTransactionMs: number): number {
    this.#holes = this.#holes.filter((hole) => hole.askedAt - hole.openedAt < longestTransactionMs);
    const early = this.#holes.splice(0, Math.max(0, this.#holes.length - MOST_RANGES));
    return early.reduce((ids, hole) => ids + hole.to - hole.from + 1, 0);
  }

  /** Index of the first hole that ends at or after `id`. */
  #indexOf(id: number): number {
    let low = 0;
    let high = this.#holes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#holes[middle]!.to < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
