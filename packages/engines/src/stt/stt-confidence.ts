/**
 * The share of a segment's words that are right, by its score gap: the score of the words less that of the phone loop, per
 * frame. Measured with tools/evaluate.mjs on 167 segments of the sample calls (clean, car noise, babble, white noise):
 *
 * | gap  | above -8 | -10…-8 | -12…-10 | -14…-12 | -16…-14 | -18…-16 | -20…-18 | -23…-20 | below -23 |
 * |------|----------|--------|---------|---------|---------|---------|---------|---------|-----------|
 * | WER  | 5 %      | 10 %   | 8 %     | 21 %    | 29 %    | 38 %    | 40 %    | 50 %    | 61 %      |
 *
 * The voices of the sample calls are synthetic: expect real ones to reach lower gaps, not another order of them.
 */
const RIGHT_BY_GAP: readonly (readonly [gap: number, right: number])[] = [
  [-45, 0.05],
  [-30, 0.3],
  [-25, 0.38],
  [-21.5, 0.5],
  [-19, 0.58],
  [-17, 0.63],
  [-15, 0.71],
  [-13, 0.8],
  [-11, 0.9],
  [-9, 0.93],
  [-5, 0.96],
  [0, 0.99],
];

/** Confidence from 0 to 1: the expected share of right words. Rises with the gap. */
export function confidenceOf(gap: number): number {
  let [lowerGap, lowerRight] = [Number.NEGATIVE_INFINITY, 0.05];
  for (const [upperGap, upperRight] of RIGHT_BY_GAP) {
    if (gap < upperGap) {
      const share = lowerGap === Number.NEGATIVE_INFINITY ? 0 : (gap - lowerGap) / (upperGap - lowerGap);
      return Math.round(1000 * (lowerRight + share * (upperRight - lowerRight))) / 1000;
    }
    [lowerGap, lowerRight] = [upperGap, upperRight];
  }
  return lowerRight;
}
