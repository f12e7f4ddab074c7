/** What verdicts know of a call, and how far it was understood. */
import type { AuditAnswer, ExtractedTrade } from "../hosts/engine-contract.js";
import type { Speakers } from "./confirmation.js";
import type { VerdictConfig } from "./verdict-config.js";
import { names } from "./wording.js";

/** What is known of a candidate call. */
export interface VerdictCall {
  callId: string;
  startTime: Date;
  endTime: Date;
  /** The client code heard in the call. */
  clientCode: string | null;
  /** In the order they were spoken; null when the call was not transcribed or not extracted. */
  trades: readonly ExtractedTrade[] | null;
  answers: readonly AuditAnswer[];
  /** 0 to 1; null when the recogniser gives none. */
  transcriptConfidence: number | null;
  /** Something was said, and the recogniser does not say how well it understood it. */
  isConfidenceUnknown: boolean;
  speakers: Speakers;
  /** Symbols of the batch that the engine has no spoken names for: it cannot have heard them. */
  unknownSymbols: readonly string[];
  /** It was read when the batch had other symbols. */
  isVocabularyOld: boolean;
}

const NO_CONFIDENCE = "the recogniser gave no confidence";

export function isDoubtful(call: VerdictCall, config: VerdictConfig): boolean {
  const { transcriptConfidence } = call;
  const isLow = transcriptConfidence !== null && transcriptConfidence < config.minTranscriptConfidence;
  return isLow || mustBeHeard(call, config);
}

/** By a person, because nobody knows how well it was understood. */
export function mustBeHeard({ isConfidenceUnknown }: VerdictCall, { unknownConfidence }: VerdictConfig): boolean {
  return isConfidenceUnknown && unknownConfidence === "listen";
}

/** `Nobody knows how well call C1 was understood, because the recogniser gave no confidence` */
export function notKnownHowWell(calls: readonly VerdictCall[]): string {
  return `Nobody knows how well ${names(calls)} ${calls.length === 1 ? "was" : "were"} understood, because ${NO_CONFIDENCE}`;
}

/** Names calls that are relied on although nobody knows how well they were understood; empty when there are none. */
export function relied(calls: readonly VerdictCall[], { unknownConfidence }: VerdictConfig): string {
  const unknown = calls.filter(({ isConfidenceUnknown }) => isConfidenceUnknown);
  if (unknown.length === 0 || unknownConfidence !== "trust") return "";
  return ` It is relied on, although ${NO_CONFIDENCE} for ${names(unknown)} (COFI_UNKNOWN_CONFIDENCE=trust).`;
}
