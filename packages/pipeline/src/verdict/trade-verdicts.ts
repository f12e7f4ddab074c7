/** Judges the trades of a batch by what its stages found, and says of each verdict what it rests on. */
import { createHash } from "node:crypto";
import type { Json } from "@cofi/event-log/events";
import type { CallEvidence, RestsOn, VerdictStatement } from "@cofi/evidence/verdict-records";
import type { StageContext } from "../batch/context.js";
import { toJson } from "../stages/log-values.js";
import { triageCalls } from "../stages/triaging.js";
import type { Order } from "../triage/orders.js";
import type { TradeTriage } from "../triage/triage.js";
import { heardSpeech, verdictCall, type HeardAnswers } from "./heard-call.js";
import { judgeOrders, type JudgedOrder } from "./judge-orders.js";
import type { VerdictCall } from "./verdict.js";
import { DEFAULT_VERDICT } from "./verdict-config.js";

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

/** The verdict of every trade in scope, by trade id. */
export async function judgeTrades(context: VerdictContext): Promise<Map<string, TradeVerdict>> {
  const calls = await callsInBatch(context);
  const triaged = new Map<string, { eventId: number | null; answer: TradeTriage }>();
  const names = context.trades.all.map(({ tradeId }) => tradeId);
  for await (const [tradeId, recorded] of context.answers.each("triaging", names)) triaged.set(tradeId, recorded);
  const judged = judgeOrders(
    context.trades.all,
    (tradeId) => triaged.get(tradeId)?.answer,
    (callId) => calls.get(callId)?.heard,
    { triage: context.triageConfig, verdict: DEFAULT_VERDICT },
  );
  return new Map(
    judged.flatMap((one) =>
      one.order.fills.map(({ tradeId }): [string, TradeVerdict] => {
        const verdict = tradeVerdict(context, tradeId, one, calls, triaged.get(tradeId)?.eventId ?? null);
        return [tradeId, verdict];
      }),
    ),
  );
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

/** Every call of the batch, by its id: the events that hold what was found out about it, and what was heard, without the transcripts. */
async function callsInBatch(context: VerdictContext): Promise<Map<string, CallInBatch>> {
  const { answers } = context;
  const measured = await triageCalls(context);
  const files = measured.map(({ fileName }) => fileName);
  const evidence = new Map(
    measured.map(({ callId, fileName, ivr }): [string, CallEvidence] => [
      fileName,
      { callId, fileName, recordingSha256: null, fileDistribution: null, ivr, stt: null, llm1: null, llm2: null },
    ]),
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
    measured.map((call) => {
      const { callId, fileName } = call;
      return [callId, { evidence: evidence.get(fileName)!, heard: verdictCall(call, heard.get(fileName)!) }];
    }),
  );
}

function sha256(value: Json): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex");
}
