/** Judges the trades of a batch by what its stages found, and says of each verdict what it rests on. */
import { createHash } from "node:crypto";
import type { Json } from "@cofi/event-log/events";
import type { CallEvidence, RestsOn, VerdictStatement } from "@cofi/evidence/verdict-records";
import type { StageContext } from "../batch/context.js";
import { toJson } from "../stages/log-values.js";
import { triageCalls } from "../stages/triaging.js";
import type { Order } from "../triage/orders.js";
import type { TradeTriage } from "../triage/triage.js";
import type { TriageCall } from "../triage/triage-calls.js";
import { heardSpeech, verdictCall, type HeardAnswers } from "./heard-call.js";
import { judgeOrder, triagedOrders, type JudgedOrder } from "./judge-orders.js";
import type { VerdictCall } from "./verdict.js";
import { verdictConfig } from "./verdict-config.js";

export type VerdictContext = StageContext<
  "calls" | "trades" | "file_distribution" | "ivr" | "triaging" | "stt" | "llm1" | "llm2"
>;

/** A verdict on one trade, with all that it was computed from apart from what the events hold to which it refers. */
export interface TradeVerdict {
  statement: VerdictStatement;
  basis: VerdictBasis;
}

interface VerdictBasis {
  /** null for a trade without an order in scope. */
  order: OrderFacts | null;
  triage: { result: string; reason: string } | null;
  calls: readonly (CallEvidence & { startTime: Date; endTime: Date; transcriptConfidence: number | null })[];
}

/** An order without the phones of the client. */
export type OrderFacts = Omit<Order, "phones">;

interface CallInBatch {
  evidence: CallEvidence;
  heard: VerdictCall;
}

/** Orders whose calls are read at once. */
const ORDERS_AT_ONCE = 100;

/** The verdict of every trade in scope, by trade id. */
export async function judgeTrades(context: VerdictContext): Promise<Map<string, TradeVerdict>> {
  const triaged = new Map<string, { eventId: number | null; answer: TradeTriage }>();
  const names = context.trades.all.map(({ tradeId }) => tradeId);
  for await (const [tradeId, { eventId, answer }] of context.answers.each("triaging", names))
    triaged.set(tradeId, { eventId, answer });
  const orders = triagedOrders(context.trades.all, (tradeId) => triaged.get(tradeId)?.answer, context.triageConfig);
  const considered = new Set(orders.flatMap(({ callIds }) => callIds));
  const batchCalls = new Map(
    triageCalls(context).flatMap((call) => (considered.has(call.callId) ? [[call.callId, call]] : [])),
  );
  const config = verdictConfig(context.settings);
  const verdicts = new Map<string, TradeVerdict>();
  for (let start = 0; start < orders.length; start += ORDERS_AT_ONCE) {
    const part = orders.slice(start, start + ORDERS_AT_ONCE);
    const wanted = new Set(part.flatMap(({ callIds }) => callIds));
    const calls = await callsInBatch(
      context,
      [...wanted].flatMap((callId) => batchCalls.get(callId) ?? []),
    );
    for (const order of part) {
      const one = judgeOrder(order, (callId) => calls.get(callId)?.heard, config);
      for (const { tradeId } of one.order.fills)
        verdicts.set(tradeId, tradeVerdict(context, tradeId, one, calls, triaged.get(tradeId)?.eventId ?? null));
    }
  }
  return verdicts;
}

function tradeVerdict(
  context: VerdictContext,
  tradeId: string,
  { order, triage, calls: considered, result }: JudgedOrder,
  calls: ReadonlyMap<string, CallInBatch>,
  triaging: number | null,
): TradeVerdict {
  const { phones: _phones, ...facts } = order;
  const evidence = considered.flatMap(({ callId }) => calls.get(callId)?.evidence ?? []);
  const { verdict, reason, callId, mismatches, detail: lines } = result;
  const restsOn = { ...inForce(context), orderSha256: sha256(toJson(facts)), triaging, calls: evidence };
  return {
    statement: { tradeId, verdict, reason, callId, mismatches, lines, restsOn },
    basis: {
      order: facts,
      triage: { result: triage.result, reason: triage.reason },
      calls: considered.flatMap(({ callId: id, startTime, endTime, transcriptConfidence }) => {
        const call = calls.get(id);
        return call ? [{ ...call.evidence, startTime, endTime, transcriptConfidence }] : [];
      }),
    },
  };
}

/** Says that a trade has no verdict any more. */
export function withdrawn(
  context: Pick<VerdictContext, "run" | "configurationSha256">,
  tradeId: string,
  reason: string,
): TradeVerdict {
  const restsOn = { ...inForce(context), orderSha256: null, triaging: null, calls: [] };
  return {
    statement: { tradeId, verdict: null, reason, callId: null, mismatches: [], lines: [], restsOn },
    basis: { order: null, triage: null, calls: [] },
  };
}

function inForce({
  run,
  configurationSha256,
}: Pick<VerdictContext, "run" | "configurationSha256">): Pick<RestsOn, "run" | "configurationSha256"> {
  return { run: run.run, configurationSha256 };
}

/** These calls, by their ids: the events that hold what was found out about them, and what was heard, without the transcripts. */
async function callsInBatch(
  { answers }: VerdictContext,
  wanted: readonly TriageCall[],
): Promise<Map<string, CallInBatch>> {
  const files = wanted.map(({ fileName }) => fileName);
  const measured = await answers.ids("ivr", files);
  const evidence = new Map(
    wanted.map(({ callId, fileName }): [string, CallEvidence] => {
      const ivr = measured.get(fileName) ?? null;
      const unknown = { stt: null, llm1: null, llm2: null };
      return [fileName, { callId, fileName, recordingSha256: null, fileDistribution: null, ivr, ...unknown }];
    }),
  );
  const heard = new Map(files.map((name): [string, HeardAnswers] => [name, { stt: null, llm1: null, llm2: null }]));
  for await (const [name, { eventId, answer }] of answers.each("file_distribution", files))
    Object.assign(evidence.get(name)!, { fileDistribution: eventId, recordingSha256: answer.sha256.toLowerCase() });
  for await (const [name, { eventId, answer }] of answers.each("stt", files)) {
    evidence.get(name)!.stt = eventId;
    heard.get(name)!.stt = heardSpeech(answer);
  }
  for await (const [name, { eventId, answer }] of answers.each("llm1", files)) {
    evidence.get(name)!.llm1 = eventId;
    heard.get(name)!.llm1 = answer;
  }
  for await (const [name, { eventId, answer }] of answers.each("llm2", files)) {
    evidence.get(name)!.llm2 = eventId;
    heard.get(name)!.llm2 = answer;
  }
  return new Map(
    wanted.map((call) => {
      const { callId, fileName } = call;
      return [callId, { evidence: evidence.get(fileName)!, heard: verdictCall(call, heard.get(fileName)!) }];
    }),
  );
}

function sha256(value: Json): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex");
}
