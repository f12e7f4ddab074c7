/** Puts a labelled dialogue through the CPU engines of llm1 and llm2 and through the verdicts, as a batch of its own. */
import { readFile } from "node:fs/promises";
import { createEngine as createExtraction } from "@cofi/engines/text/llm1";
import { createEngine as createAudit } from "@cofi/engines/text/llm2";
import { speakersOf } from "@cofi/pipeline/confirmation";
import { llm1Response, llm2Response } from "@cofi/pipeline/engine-contract";
import { BatchFacts } from "@cofi/pipeline/batch-facts";
import { judgeOrders, triagedOrders } from "@cofi/pipeline/judge-orders";
import { DEFAULT_TRIAGE } from "@cofi/pipeline/triage-config";
import { batchVocabulary } from "@cofi/pipeline/vocabulary";
import { DEFAULT_VERDICT } from "@cofi/pipeline/verdict-config";

/** @typedef {import("./notation.mjs").Dialogue} Dialogue */
/** @typedef {import("./notation.mjs").ExecutedTrade} ExecutedTrade */
/** @typedef {import("@cofi/pipeline/engine-contract").ExtractedTrade} ExtractedTrade */

/**
 * labelled: one segment a turn, with its speaker · unlabelled: nobody knows who speaks · merged: the whole call is one segment.
 * @typedef {"labelled" | "unlabelled" | "merged"} Mode
 */

/**
 * @typedef {object} Heard
 * @property {ExtractedTrade[]} orders
 * @property {{ trade: ExecutedTrade, verdict: string, reason: string }[]} verdicts
 * @property {Record<string, string>} answers
 */

const QUESTIONS = JSON.parse(
  await readFile(new URL("../../packages/pipeline/data/audit-questions.json", import.meta.url), "utf8"),
);
const START = new Date("2026-11-23T10:00:00+05:30");
const TURN_S = 4;
const SAID = { engine: { name: "rules", version: "0", model: "none" }, elapsed_ms: 0 };

const extraction = createExtraction();
const audit = createAudit();
const NO_FILES = /** @type {import("@cofi/engines/stage-engine").FileStore} */ ({});

/** @param {Dialogue} dialogue @param {Mode} mode @returns {Promise<Heard>} */
export async function hear(dialogue, mode) {
  const signal = new AbortController().signal;
  const segments = segmentsOf(dialogue, mode);
  const day = new Date(START);
  const vocabulary = batchVocabulary(
    dialogue.trades.map(({ symbol }) => ({ symbol, orderTime: day })),
    "Asia/Kolkata",
    new Map(Object.entries(dialogue.symbols)),
  );
  const request = { call_id: "C1", language: "en", transcript: { segments }, vocabulary };
  const extracted = llm1Response.parse({ ...SAID, ...(await extraction.process(request, NO_FILES, signal)) });
  const audited = llm2Response.parse({
    ...SAID,
    ...(await audit.process({ ...request, extraction: extracted, questions: QUESTIONS }, NO_FILES, signal)),
  });
  const orders = extracted.trades.filter(({ action }) => action === "NEW");
  const trades = dialogue.isJudged ? dialogue.trades : orders.flatMap(asFound);
  return {
    orders,
    verdicts: judged(dialogue, segments, trades, extracted, audited),
    answers: Object.fromEntries(audited.answers.map(({ question_id, answer }) => [question_id, answer])),
  };
}

/** @param {Dialogue} dialogue @param {Mode} mode */
function segmentsOf({ turns }, mode) {
  const segments = turns.map(({ speaker, text }, id) => ({
    id,
    start_s: TURN_S * id,
    end_s: TURN_S * (id + 1),
    text,
    confidence: 1,
    ...(mode === "labelled" && { speaker }),
  }));
  if (mode !== "merged" || segments.length === 0) return segments;
  const text = segments.map((segment) => segment.text).join(" ");
  return [{ id: 0, start_s: 0, end_s: TURN_S * segments.length, text, confidence: 1 }];
}

/** The trade that would agree with a spoken order in everything. @param {ExtractedTrade} spoken @returns {ExecutedTrade[]} */
function asFound(spoken) {
  if (spoken.symbol === null || spoken.side === null || spoken.quantity === null) return [];
  return [
    {
      side: spoken.side,
      quantity: spoken.quantity,
      symbol: spoken.symbol,
      instrument: spoken.instrument,
      strike: spoken.strike,
      optionType: spoken.option_type,
      expiry: null,
      price: spoken.price ?? 100,
      lotSize: 1,
      client: "AB1234",
      afterS: 20,
      verdict: "any",
      ok: [],
      isProposed: false,
    },
  ];
}

/**
 * @param {Dialogue} dialogue
 * @param {ReturnType<typeof segmentsOf>} segments
 * @param {ExecutedTrade[]} trades
 * @param {import("@cofi/pipeline/engine-contract").Llm1Response} extracted
 * @param {import("@cofi/pipeline/engine-contract").Llm2Response} audited
 */
function judged({ turns, clients }, segments, trades, extracted, audited) {
  const endTime = new Date(START.getTime() + TURN_S * turns.length * 1000);
  const call = {
    callId: "C1",
    startTime: START,
    endTime,
    clientCode: extracted.client_identity.code,
    trades: extracted.trades,
    answers: audited.answers,
    transcriptConfidence: 1,
    isConfidenceUnknown: false,
    speakers: speakersOf(segments),
    unknownSymbols: extracted.unknown_symbols,
    isVocabularyOld: false,
  };
  const rows = trades.map((trade, index) => ({
    tradeId: `T${index}`,
    orderId: null,
    orderTime: new Date(endTime.getTime() + trade.afterS * 1000),
    tradeTime: null,
    clientCode: trade.client ?? extracted.client_identity.code ?? "CL1000",
    clientPhones: [],
    dealerId: "D1",
    exchange: null,
    symbol: trade.symbol,
    instrument: trade.instrument,
    expiry: trade.expiry,
    strike: trade.strike,
    optionType: trade.optionType,
    side: trade.side,
    quantity: trade.quantity,
    lotSize: trade.lotSize,
    price: trade.price,
    orderType: null,
    orderSource: "DEALER",
  }));
  const components = { phone: 40, clientCode: 15, dealer: 20, time: 25 };
  const matched = {
    result: /** @type {const} */ ("MATCHED"),
    reason: "Call C1 scores 100.",
    steps: [],
    candidates: [{ callId: "C1", rank: 1, score: 100, components, flags: [], selected: true, reason: "" }],
  };
  const orders = triagedOrders(rows, () => matched, DEFAULT_TRIAGE);
  const facts = new BatchFacts(
    orders.map(({ order }) => order),
    clients,
  );
  const verdicts = new Map(
    judgeOrders(orders, () => call, facts, DEFAULT_VERDICT).flatMap(({ order, result }) => {
      const { verdict, mismatches, reason } = result;
      const kind = mismatches.length > 0 ? `${verdict}[${mismatches.join("|")}]` : String(verdict);
      return order.fills.map(({ tradeId }) => [tradeId, { verdict: kind, reason }]);
    }),
  );
  return trades.map((trade, index) => ({ trade, .../** @type {any} */ (verdicts.get(`T${index}`)) }));
}
