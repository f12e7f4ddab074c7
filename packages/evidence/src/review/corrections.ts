/** What was really said: a word of a transcript or a field of an order, with what the machine had said in its place. */
import type { Database } from "@cofi/event-log/database";
import { Results } from "../results.js";
import { modelsOfCall } from "./models.js";
import type { FoundCase } from "./reviews.js";

/** Fields of an order that was heard, as `extractedTrade` names them. */
export const FIELDS = [
  "action",
  "side",
  "symbol",
  "instrument",
  "quantity",
  "unit",
  "priceType",
  "price",
  "triggerPrice",
  "strike",
  "optionType",
  "expiry",
  "clientName",
  "clientCode",
] as const;

export type Correction = { callId: string; truth: string } & (
  | {
      kind: "word";
      /** The id of the segment of the transcript. */
      segment: number;
      /** Position of the word in it, from 0; words are what stands between blanks. */
      word: number;
    }
  | {
      kind: "field";
      /** Position of the order in the call, from 0. */
      order: number;
      field: (typeof FIELDS)[number];
    }
);

/** As a row of the review keeps it. */
export type Corrected = Correction & {
  /** What the machine had said; null for a field that it had left open. */
  said: string | null;
  /** Who had said it; null where the log does not say, or not any more. */
  model: string | null;
};

/** There is nothing to correct in this place; the message says why. */
export class CorrectionError extends Error {
  override readonly name = "CorrectionError";
}

/** @throws CorrectionError when there is nothing to correct in this place; DatabaseUnavailableError */
export async function corrected(
  database: Database,
  batchId: number,
  tradeId: string,
  { found: { statement }, correction }: { found: FoundCase; correction: Correction },
): Promise<Corrected> {
  const results = new Results(database);
  const { callId } = correction;
  const evidence = statement?.restsOn.calls.find((call) => call.callId === callId);
  const considered = evidence ? [] : await results.tradeCalls(batchId, tradeId);
  if (!evidence && !considered.some((call) => call.callId === callId))
    throw new CorrectionError("This call was not considered for this trade.");
  const said =
    correction.kind === "word"
      ? await wordIn(results, batchId, correction)
      : await fieldIn(results, batchId, correction);
  const models = evidence ? await modelsOfCall(results, batchId, evidence) : {};
  return { ...correction, said, model: models[correction.kind === "word" ? "stt" : "llm1"] ?? null };
}

async function wordIn(
  results: Results,
  batchId: number,
  { callId, segment, word }: Correction & { kind: "word" },
): Promise<string> {
  const transcript = await results.transcript(batchId, callId);
  if (!transcript) throw new CorrectionError("There is no transcript of this call, or retention has removed it.");
  const text = transcript.segments.find(({ id }) => id === segment)?.text;
  if (text === undefined) throw new CorrectionError(`The transcript has no segment ${segment}.`);
  const words = text.split(/\s+/).filter(Boolean);
  const said = words[word];
  if (said === undefined)
    throw new CorrectionError(`Segment ${segment} has ${words.length} words, and none at ${word}.`);
  return said;
}

async function fieldIn(
  results: Results,
  batchId: number,
  { callId, order, field }: Correction & { kind: "field" },
): Promise<string | null> {
  const heard = await results.extractedTrades(batchId, callId);
  const said = heard.find(({ ordinal }) => ordinal === order);
  if (!said) throw new CorrectionError(`${heard.length} orders were heard in this call, and none at ${order}.`);
  const value = said[field];
  return value === null ? null : String(value);
}
