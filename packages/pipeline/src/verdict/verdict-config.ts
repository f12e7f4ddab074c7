import type { PipelineSettings } from "../settings.js";

/** What a broker may tune in the verdicts. */
export interface VerdictConfig {
  /** Below it, what was extracted is not relied on. */
  minTradeConfidence: number;
  /** Below it, the whole transcript is not relied on. */
  minTranscriptConfidence: number;
  /** Below it, that an order was not heard does not mean that it was not spoken. */
  minConfidenceOfAbsence: number;
  /** Seconds by which the recorder's and the order system's clocks may differ. */
  clockSkewS: number;
  /**
   * How far the client code heard may be from the trade's before it counts as that of another client that is nearer; twice as far it is
   * for a person. A digit that differs counts 1, a letter 0.5, because spelt letters sound alike on the telephone (b, c, d, e, g, p, t, v, z).
   */
  clientCodeTolerance: number;
  /**
   * How many times a spoken price may be above or below every price at which the contract was executed in the batch before it counts
   * as misheard; for options the second. The configurations of older runs have neither.
   */
  priceFactor?: number;
  optionPriceFactor?: number;
  /** Share of the limit by which an execution may be worse: rounding, not slippage. */
  priceTolerance: number;
  /**
   * The meaning of a transcript whose recogniser gave no confidence. listen: a person has to listen to the call, as with a low one;
   * trust: it is relied on, and the reason of the verdict says so. The configurations of older runs do not have it: they relied
   * on it without a word.
   */
  unknownConfidence?: "listen" | "trust";
}

export const DEFAULT_VERDICT: VerdictConfig = {
  minTradeConfidence: 0.5,
  minTranscriptConfidence: 0.5,
  minConfidenceOfAbsence: 0.7,
  clockSkewS: 60,
  clientCodeTolerance: 1,
  priceFactor: 1.3,
  optionPriceFactor: 3,
  priceTolerance: 1e-6,
  unknownConfidence: "listen",
};

/** The configuration in force. */
export function verdictConfig({ unknownConfidence }: Pick<PipelineSettings, "unknownConfidence">): VerdictConfig {
  return { ...DEFAULT_VERDICT, unknownConfidence };
}
