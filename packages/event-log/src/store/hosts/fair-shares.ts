/** How the slots of a host are divided among the runs that use it. */

/** A run's use of a host. */
export interface Use {
  batchId: number;
  /** How many files it would like to have in work there. */
  wanted: number;
  /** How many slots it has. */
  slots: number;
  /** Epoch ms at which it was given one last; null for never. */
  servedAt: number | null;
}

export interface Moment {
  /** Epoch ms. */
  now: number;
  /** Of runs that are equal, another one is first on each host. */
  host: number;
}

/** For so long a run keeps the slot that it was given, so that no time is lost by giving it away with each short file. */
const TENURE_MS = 60_000;

/** By batch, how many of the slots are due to each: one after the other in turn, none more than it wants. */
export function fairShares(slots: number, uses: readonly Use[], moment: Moment): Map<number, number> {
  const ordered = inTurn(uses, moment);
  const shares = new Map(ordered.map(({ batchId }) => [batchId, 0]));
  for (let left = slots; left > 0;) {
    const before = left;
    for (const { batchId, wanted } of ordered) {
      const share = shares.get(batchId)!;
      if (left === 0 || share >= wanted) continue;
      shares.set(batchId, share + 1);
      left -= 1;
    }
    if (left === before) return shares;
  }
  return shares;
}

/**
 * Who is first where the slots are too few for all: who was given one a moment ago, then who has fewest, and of these who has
 * waited longest. The times of turns would not do: whoever has files that end in its own turn would keep its slot for ever.
 */
function inTurn(uses: readonly Use[], { now, host }: Moment): Use[] {
  const rank = ({ slots, servedAt }: Use): number =>
    slots > 0 && servedAt !== null && now - servedAt < TENURE_MS ? -1 : slots;
  const sorted = uses.toSorted((a, b) => a.batchId - b.batchId);
  const first = sorted.length === 0 ? 0 : host % sorted.length;
  return [...sorted.slice(first), ...sorted.slice(0, first)].toSorted(
    (a, b) => rank(a) - rank(b) || (a.servedAt ?? 0) - (b.servedAt ?? 0),
  );
}
