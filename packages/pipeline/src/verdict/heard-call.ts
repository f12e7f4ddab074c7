/** What the verdict takes from the answers about a call: one place for the pipeline and for whoever computes a verdict again. */
import { isSilent, type Llm1Response, type Llm2Response, type SttResponse } from "../hosts/engine-contract.js";
import { speakersOf, type Speakers } from "./confirmation.js";
import type { VerdictCall } from "./verdict-call.js";

/** Parts of the answers of stt, llm1 and llm2; null for a stage that did not do the call. */
export interface HeardAnswers {
  stt: { isSilent: boolean; confidence: number | null; speakers: Speakers } | null;
  llm1: Pick<Llm1Response, "client_identity" | "trades" | "unknown_symbols"> | null;
  llm2: Pick<Llm2Response, "answers"> | null;
  /** llm1 read the call when the batch had other symbols. */
  isVocabularyOld: boolean;
}

/** The part of a transcript that verdicts need: not the words. */
export function heardSpeech(answer: Pick<SttResponse, "segments" | "confidence" | "untranscribed">) {
  return { isSilent: isSilent(answer), confidence: answer.confidence, speakers: speakersOf(answer.segments) };
}

export function verdictCall(
  call: Pick<VerdictCall, "callId" | "startTime" | "endTime">,
  { stt, llm1, llm2, isVocabularyOld }: HeardAnswers,
): VerdictCall {
  const { callId, startTime, endTime } = call;
  return {
    callId,
    startTime,
    endTime,
    clientCode: llm1?.client_identity.code ?? null,
    // A call in which nothing was said was read, and holds no order.
    trades: llm1?.trades ?? (stt?.isSilent ? [] : null),
    answers: llm2?.answers ?? [],
    transcriptConfidence: stt?.confidence ?? null,
    // Of a call in which nothing was said there is nothing to be sure of.
    isConfidenceUnknown: stt !== null && !stt.isSilent && stt.confidence === null,
    speakers: stt?.speakers ?? {},
    unknownSymbols: llm1?.unknown_symbols ?? [],
    isVocabularyOld,
  };
}
