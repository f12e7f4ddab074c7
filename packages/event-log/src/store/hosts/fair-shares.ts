/** How the slots of a host are divided among the runs that use it. */

/** A run's use of a host. */
export interface Use {
  batchId: number;
  /** How many files it would like to have in work there. */
  wanted: number;
}

/**
 * By batch, how many of the slots are due to each: one after the other in turn, none more than it wants. `turn` says who is first
 * where the slots are too few for all: whoever is last now is first another time.
 */
export function fairShares(slots: number, uses: readonly Use[], turn: number): Map<number, number> {
  const sorted = uses.toSorted((a, b) => a.batchId - b.batchId);
  const first = sorted.length === 0 ? 0 : turn % sorted.length;
  const inTurn = [...sorted.slice(first), ...sorted.slice(0, first)];
  const shares = new Map(inTurn.map(({ batchId }) => [batchId, 0]));
  for (let left = slots; left > 0;) {
    const before = left;
    for (const { batchId, wanted } of inTurn) {
      const share = shares.get(batchId)!;
      if (left === 0 || share >= wanted) continue;
      shares.set(batchId, share + 1);
      left -= 1;
    }
    if (left === before) return shares;
  }
  return shares;
}
