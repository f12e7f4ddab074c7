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
/** A range of as many ids is queried as a range, not id by id. */
export const WIDE = 250;
/** With more ranges the oldest are dropped early, so that a broken writer cannot make the tail grow without end. */
const MOST_RANGES = 50_000;

export class Holes {
  /** Ascending and disjoint. */
  #holes: Hole[] = [];
  /** Index of the hole whose turn is the next. */
  #next = 0;

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
   * The ranges whose turn it is, one after the other, until `budget` ids are reached; the last may be wider.
   * @param all those whose turn it is not, too
   */
  due(now: number, budget: number, all = false): IdRange[] {
    const chosen: IdRange[] = [];
    let ids = 0;
    for (let looked = 0; looked < this.#holes.length && ids < budget; looked++) {
      const index = this.#next % this.#holes.length;
      this.#next = index + 1;
      const { from, to, openedAt, askedAt } = this.#holes[index]!;
      if (!all && now - askedAt < Math.min(LONGEST_PAUSE_MS, (now - openedAt) / 8)) continue;
      chosen.push({ from, to });
      ids += to - from + 1;
    }
    return chosen;
  }

  /** Records that every id of the range was queried and the found ones are filled. */
  asked({ from, to }: IdRange, now: number): void {
    for (let index = this.#indexOf(from); index < this.#holes.length && this.#holes[index]!.from <= to; index++) {
      const hole = this.#holes[index]!;
      // Parts outside the range keep their turn.
      const outside: Hole[] = [];
      if (hole.from < from) outside.push({ ...hole, to: from - 1 });
      const inside = { ...hole, from: Math.max(from, hole.from), to: Math.min(to, hole.to), askedAt: now };
      const above = hole.to > to ? [{ ...hole, from: to + 1 }] : [];
      if (outside.length + above.length === 0) this.#holes[index] = inside;
      else this.#holes.splice(index, 1, ...outside, inside, ...above);
      index += outside.length;
    }
  }

  /** Removes those ids of the range that turn out never to come; a wide hole stays whole. */
  narrow({ from, to }: IdRange, mayCome: (id: number) => boolean): void {
    const first = this.#indexOf(from);
    let end = first;
    while (end < this.#holes.length && this.#holes[end]!.from <= to) end += 1;
    const rest = this.#holes.slice(first, end).flatMap((hole): Hole[] => {
      if (hole.to - hole.from >= WIDE) return [hole];
      const parts: Hole[] = [];
      for (let id = hole.from; id <= hole.to; id++) {
        if (from <= id && id <= to && !mayCome(id)) continue;
        const last = parts.at(-1);
        if (last?.to === id - 1) last.to = id;
        else parts.push({ ...hole, from: id, to: id });
      }
      return parts;
    });
    this.#holes.splice(first, end - first, ...rest);
  }

  /**
   * Drops holes that are older than the longest transaction and were queried after that age. A hole that could not be
   * queried, because the database was away, stays.
   * @returns how many ids were dropped early, because there were too many ranges
   */
  expire(longestTransactionMs: number): number {
    const isOver = (hole: Hole): boolean => hole.askedAt - hole.openedAt >= longestTransactionMs;
    if (this.#holes.some(isOver)) this.#holes = this.#holes.filter((hole) => !isOver(hole));
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
