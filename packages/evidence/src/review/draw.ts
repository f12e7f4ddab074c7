/** Which trades are drawn at random: the same ones for the same seed, so that anybody can draw them again. */
import { createHash } from "node:crypto";

/**
 * A share of the trades, rounded up. Each has its place by the SHA-256 of seed and id, so that whoever knows the seed finds the same ones, and
 * nobody can foresee them without it.
 */
export function drawnOf(tradeIds: readonly string[], seed: string, share: number): string[] {
  const placed = tradeIds.map((tradeId) => ({
    tradeId,
    place: createHash("sha256").update(`${seed}\n${tradeId}`).digest("hex"),
  }));
  // 0.07 * 100 is a little more than 7 in floating point.
  const wanted = Math.ceil(share * tradeIds.length - 1e-9);
  return placed
    .toSorted((a, b) => (a.place < b.place ? -1 : 1))
    .slice(0, wanted)
    .map(({ tradeId }) => tradeId);
}
