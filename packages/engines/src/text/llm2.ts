import { z } from "zod";
import { ENGINES_VERSION } from "../server/package-version.js";
import type { StageEngine } from "../server/stage-engine.js";
import { answerQuestion } from "./audit-rules.js";
import { readCall } from "./call-reading.js";
import { Extraction } from "./extraction.js";
import { loadSymbols, type SymbolMatcher } from "./symbols.js";
import { parsePayload, Transcript } from "./transcript.js";

const Payload = z.object({
  call_id: z.string().min(1),
  language: z.string().nullable(),
  transcript: Transcript,
  extraction: Extraction,
  questions: z.array(z.object({ id: z.string().min(1), text: z.string() })),
});

/** The stage `llm2`: answers the audit questions by rules, each with the passages it rests on. */
export function createEngine(): StageEngine {
  let symbols: SymbolMatcher | undefined;
  return {
    stage: "llm2",
    engine: { name: "cofi-audit", version: ENGINES_VERSION, model: "rules-en-in-1" },

    async load() {
      symbols ??= loadSymbols();
    },

    async process(body) {
      symbols ??= loadSymbols();
      const { call_id, transcript, extraction, questions } = parsePayload(Payload, body);
      const call = {
        reading: readCall(transcript.segments, symbols),
        identity: extraction.client_identity,
        orders: extraction.trades.filter(({ action }) => action === "NEW" || action === "MODIFY"),
      };
      const answers = questions.map(({ id }) => ({ question_id: id, ...answerQuestion(id, call) }));
      return { call_id, answers };
    },

    async close() {},
  };
}
