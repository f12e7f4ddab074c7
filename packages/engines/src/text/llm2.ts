import { z } from "zod";
import { ENGINES_VERSION } from "../server/package-version.js";
import type { StageEngine } from "../server/stage-engine.js";
import { answerQuestion } from "./audit-rules.js";
import { readCall } from "./call-reading.js";
import { Extraction } from "./extraction.js";
import { SymbolTables, Vocabulary } from "./symbols.js";
import { parsePayload, Transcript } from "./transcript.js";

const Payload = z.object({
  call_id: z.string().min(1),
  language: z.string().nullable(),
  transcript: Transcript,
  extraction: Extraction,
  vocabulary: Vocabulary.default({ symbols: [] }),
  questions: z.array(z.object({ id: z.string().min(1), text: z.string() })),
});

/** The stage `llm2`: answers the audit questions by rules, each with the passages it rests on. */
export function createEngine(): StageEngine {
  let tables: SymbolTables | undefined;
  return {
    stage: "llm2",
    engine: { name: "cofi-audit", version: ENGINES_VERSION, model: "rules-en-in-1" },

    async load() {
      tables ??= new SymbolTables();
    },

    async process(body) {
      tables ??= new SymbolTables();
      const { call_id, transcript, extraction, vocabulary, questions } = parsePayload(Payload, body);
      const call = {
        reading: readCall(transcript.segments, tables.of(vocabulary)),
        identity: extraction.client_identity,
        orders: extraction.trades.filter(({ action }) => action === "NEW" || action === "MODIFY"),
      };
      const answers = questions.map(({ id }) => ({ question_id: id, ...answerQuestion(id, call) }));
      return { call_id, answers };
    },

    async close() {},
  };
}
