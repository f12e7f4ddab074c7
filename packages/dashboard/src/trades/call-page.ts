/** What is known of one call: who spoke when, which orders were heard, and the answers to the audit questions. */
import type { ExtractedTradeRecord } from "@cofi/evidence/records";
import type { Results } from "@cofi/evidence/results";
import type { CallPage, SpokenOrder, TranscriptPage } from "@cofi/evidence/shapes";
import type { Shown } from "./shown.js";

/** @param callId as it is stored. @returns null when the batch has no such call */
export async function callPage(
  results: Results,
  batchId: number,
  callId: string,
  shown: Shown,
): Promise<CallPage | null> {
  const [[call], orders, answers] = await Promise.all([
    results.callsOf(batchId, [callId]),
    results.extractedTrades(batchId, callId),
    results.answers(batchId, callId),
  ]);
  if (!call) return null;
  const { trimStartS: startS, trimEndS: endS } = call;
  return {
    masked: shown.masked,
    callId: shown.name(call.callId),
    fileName: shown.name(call.fileName),
    startTime: call.startTime.toISOString(),
    durationS: call.durationS,
    direction: call.direction,
    caller: shown.content(call.callerNumber),
    callee: shown.content(call.calleeNumber),
    dealerId: shown.name(call.dealerId),
    client: shown.content(call.clientCode),
    language: call.language,
    trim: startS === null || endS === null ? null : { startS, endS },
    audioUsable: call.audioUsable,
    orders: orders.map((order) => spokenOrder(order, shown)),
    answers: answers.map(({ questionId, answer, confidence, rationale, evidence }) => ({
      questionId,
      answer: shown.masked ? "" : answer,
      confidence,
      rationale: shown.sentence(rationale),
      quotes: shown.quotes(evidence),
    })),
  };
}

function spokenOrder(order: ExtractedTradeRecord, shown: Shown): SpokenOrder {
  const { symbol, symbolSpoken, strike, optionType, expiry, quantity, unit, price, priceType } = order;
  const contract = [symbol ?? symbolSpoken, strike, optionType, expiry].filter((part) => part !== null && part !== "");
  const amount = quantity === null ? null : `${quantity} ${unit === "LOTS" ? "lots" : "shares"}`;
  return {
    action: shown.masked ? "" : order.action,
    side: shown.content(order.side),
    symbol: contract.length === 0 ? null : shown.content(contract.join(" ")),
    quantity: shown.content(amount),
    price: price === null ? (priceType === "MARKET" ? shown.content("market") : null) : shown.content(price),
    readBack: shown.masked ? null : order.readBack,
    confirmed: shown.masked ? null : order.clientConfirmed,
    confidence: order.confidence,
    quotes: shown.quotes(order.evidence),
  };
}

/** @param callId as it is stored. @returns null when the call has no transcript */
export async function transcriptPage(
  results: Results,
  batchId: number,
  callId: string,
  shown: Shown,
): Promise<TranscriptPage | null> {
  const transcript = await results.transcript(batchId, callId);
  if (!transcript) return null;
  const { language, model, confidence, segments } = transcript;
  return {
    masked: shown.masked,
    callId: shown.name(callId),
    language,
    model,
    confidence,
    segments: segments.map(({ id, start_s: startS, end_s: endS, text, confidence: sure, speaker }) => ({
      id,
      startS,
      endS,
      text: shown.content(text),
      confidence: sure,
      speaker: speaker ?? null,
    })),
  };
}
