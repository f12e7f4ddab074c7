/**
 * What the engines of this repository took for the sample batch, one file at a time on one processor (an Intel Xeon of 2026, Node
 * 20): ms for each call, and for each second of its audio. lid hears no more than the first part of a call, so it takes as long for all.
 * Other engines, and other machines, take something else: a night that was recorded says what (`--database`).
 */

/** @type {import("./recorded-calls.mjs").Rates} */
export const SAMPLE_RATES = {
  denoise: { ms: 400, msPerSecond: 60 },
  ivr: { ms: 0, msPerSecond: 50 },
  lid: { ms: 8_000, msPerSecond: 0 },
  stt: { ms: 0, msPerSecond: 120 },
  llm1: { ms: 15, msPerSecond: 0 },
  llm2: { ms: 15, msPerSecond: 0 },
};
