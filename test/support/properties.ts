/**
 * A property that fails is tried with ever smaller cases, which may take longer than a test: it would time out without a word
 * on the case that fails. The search ends before, and the smallest case so far is shown.
 */
import fc from "fast-check";

fc.configureGlobal({ interruptAfterTimeLimit: 100_000, markInterruptAsFailure: true });
