/** Durations by size, for percentiles over any number of them: bins a quarter of an octave wide, so a value is off by 9 % at most. */

const BINS_PER_OCTAVE = 4;
/** The last bin begins at 2^27 ms, 37 hours. */
const BINS = 27 * BINS_PER_OCTAVE + 1;

export type Histogram = Uint32Array;

export function emptyHistogram(): Histogram {
  return new Uint32Array(BINS);
}

export function countDuration(histogram: Histogram, ms: number, times = 1): void {
  const bin = ms <= 1 ? 0 : Math.min(BINS - 1, Math.round(Math.log2(ms) * BINS_PER_OCTAVE));
  histogram[bin] = (histogram[bin] ?? 0) + times;
}

export function addHistogram(to: Histogram, from: Histogram): void {
  for (let bin = 0; bin < BINS; bin++) to[bin] = (to[bin] ?? 0) + (from[bin] ?? 0);
}

/** The duration in ms that a share (0 to 1) of all does not exceed; null when there is none. */
export function percentile(histogram: Histogram, share: number): number | null {
  const total = histogram.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let below = 0;
  for (let bin = 0; bin < BINS; bin++) {
    below += histogram[bin] ?? 0;
    if (below >= share * total) return 2 ** (bin / BINS_PER_OCTAVE);
  }
  return null;
}
