/**
 * In which steps ids are given out. A server with `auto_increment_increment` 3 gives out every third id; the nodes of Galera
 * and of group replication do so with offsets of their own, and a node goes on above what it has seen of the others. Ids
 * between the steps are never given out, so nobody should wait for them. The step is learnt from the ids that are seen,
 * for the sessions of other writers have settings of their own, and a cluster changes its step when a node comes or goes.
 */
import { WIDE, type IdRange } from "./holes.js";

/** Group replication has at most nine nodes; rings of servers are often given a step of ten. */
const MOST_STEP = 16;
/** The step is that of so many of the latest ids. */
export const LOOKED_AT = 256;
/** Pairs of ids that must be one step apart before a step is believed. */
const LEAST_PAIRS = 6;
/** A smaller step explains the ids as well as a larger one when it explains this share of what that one does. */
const AS_GOOD = 0.85;
export class IdSteps {
  #step = 1;
  #since = 0;

  get step(): number {
    return this.#step;
  }

  /** The lowest of the ids that the step was learnt from. */
  get since(): number {
    return this.#since;
  }

  /** Takes the latest {@link LOOKED_AT} ids, ascending. */
  learn(ids: readonly number[]): void {
    this.#step = stepOf(ids);
    this.#since = ids[0] ?? 0;
  }

  /** The ids between two that were seen one after the other that may still be committed, ascending; of a wide gap all. */
  holesBetween(before: number, after: number): IdRange[] {
    if (after - before <= 1) return [];
    if (this.#step === 1 || after - before > WIDE) return [{ from: before + 1, to: after - 1 }];
    // What gave out `after` gave out the ids a step below it, too, unless it has gone on above what another one gave out.
    const isOfSame = (after - before) % this.#step === 0;
    const lowest = isOfSame ? before + 1 : before + this.#step;
    const holes: IdRange[] = [];
    for (let id = after - this.#step; id >= lowest; id -= this.#step) holes.unshift({ from: id, to: id });
    return holes;
  }
}

/** The smallest step that explains the ids about as well as any does: which of the ids a step below them were seen, too. */
function stepOf(ids: readonly number[]): number {
  const lowest = ids[0] ?? 0;
  // Without a gap there is nothing to explain.
  if ((ids.at(-1) ?? 0) - lowest < ids.length) return 1;
  const seen = new Set(ids);
  const shares = [0];
  for (let step = 1; step <= MOST_STEP; step++) {
    let [pairs, possible] = [0, 0];
    for (const id of ids) {
      if (id - step < lowest) continue;
      possible += 1;
      if (seen.has(id - step)) pairs += 1;
    }
    shares.push(pairs >= LEAST_PAIRS ? pairs / possible : 0);
  }
  const most = Math.max(...shares);
  return most === 0 ? 1 : shares.findIndex((share) => share >= most * AS_GOOD);
}
