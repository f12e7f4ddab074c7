/** Calls of which there are no words: what stt says of them, and why no stage reads them. */
import type { Asked } from "../batch/stage.js";
import { isSilent, UNSUPPORTED_LANGUAGE, sttResponse, type SttResponse } from "../hosts/engine-contract.js";
import { EngineError } from "../hosts/engine-error.js";

/** That the recogniser has no model for the language of a call is what stt found out about it, and no failure of the file. */
export async function orUntranscribed(asked: Promise<Asked<SttResponse>>): Promise<Asked<SttResponse>> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof EngineError) || error.type !== UNSUPPORTED_LANGUAGE) throw error;
    return { answer: sttResponse.parse({ type: error.type, detail: error.message }), response: error.response };
  }
}

/** A sentence without its point; null where there is a transcript to read. */
export function reasonNotToRead(transcript: SttResponse): string | null {
  if (transcript.untranscribed !== undefined)
    return "The call has no transcript, because stt has no model for its language";
  return isSilent(transcript) ? "Nothing is said in this call" : null;
}
