/**
 * The settings of all properties (fast-check).
 * - A property that fails is tried with ever smaller cases, which may take longer than a test: it would time out without a word
 *   on the case that fails. The search ends before, and the smallest case so far is shown.
 * - The cases are the same each time, so that a commit that passes here passes everywhere. COFI_TEST_SEED gives other ones: a whole
 *   number, or "random". A property that fails says its seed.
 */
import fc from "fast-check";

/** Any number would do; this one has been seen to reach each kind of log that the tests of figures count. */
const USUAL_SEED = 20_261_129;

/** @throws Error where COFI_TEST_SEED is neither a whole number nor "random" */
function seedOf(wanted: string | undefined): number {
  if (wanted === undefined || wanted === "") return USUAL_SEED;
  if (wanted === "random") return Math.trunc(Math.random() * 0x7fff_ffff);
  const seed = Number(wanted);
  if (!Number.isInteger(seed)) throw new Error(`COFI_TEST_SEED is "${wanted}"; expected a whole number, or random.`);
  return seed;
}

fc.configureGlobal({
  seed: seedOf(process.env["COFI_TEST_SEED"]),
  interruptAfterTimeLimit: 100_000,
  markInterruptAsFailure: true,
});
