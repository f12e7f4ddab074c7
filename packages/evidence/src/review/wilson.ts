/** Shares of few: how far the true one may be from what was counted. */

export interface Share {
  /** Of `of`, so many. */
  count: number;
  of: number;
  /** null of none. */
  share: number | null;
  /** Ends of the interval in which the true share lies with 95 % (Wilson 1927); null of none. */
  low: number | null;
  high: number | null;
}

/** The quantile of the normal distribution for 95 %. */
const Z = 1.959_963_984_540_054;

export function shareOf(count: number, of: number): Share {
  if (of === 0) return { count, of, share: null, low: null, high: null };
  const share = count / of;
  const middle = share + (Z * Z) / (2 * of);
  const half = Z * Math.sqrt((share * (1 - share)) / of + (Z * Z) / (4 * of * of));
  const whole = 1 + (Z * Z) / of;
  // At the ends rounding would leave the interval.
  return {
    count,
    of,
    share,
    low: count === 0 ? 0 : Math.max(0, (middle - half) / whole),
    high: count === of ? 1 : Math.min(1, (middle + half) / whole),
  };
}
