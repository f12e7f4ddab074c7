/** PLACEHOLDER */
/** @type {import("./recorded-calls.mjs").Rates} */
export const SAMPLE_RATES = {
  denoise: { ms: 100, msPerSecond: 10 },
  ivr: { ms: 100, msPerSecond: 10 },
  lid: { ms: 100, msPerSecond: 10 },
  stt: { ms: 500, msPerSecond: 200 },
  llm1: { ms: 100, msPerSecond: 1 },
  llm2: { ms: 100, msPerSecond: 1 },
};
