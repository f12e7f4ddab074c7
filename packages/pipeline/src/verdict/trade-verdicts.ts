/** Judges the trades of a batch by what its stages found, and says of each verdict what it rests on. */
import { createHash } from "node:crypto";
import type { Json } from "@cofi/event-log/events";
import type { CallEvidence, RestsOn, VerdictStatement } from "@cofi/evidence/verdict-records";
import type { StageContext } from "../batch/context.js";
import { toJson } from "../stages/log-values.js";
import { batchVocabulary, vocabularySha256 } from "../symbols/vocabulary.js";
import { triageCalls } from "../stages/triaging.js";
import type { Order } from "../triage/orders.js";
import type { TradeTriage } from "../triage/triage.js";
import type { TriageCall } from "../triage/triage-calls.js";
import { BatchFacts } from "./batch-facts.js";
import type { Known } from "./executed-order.js";
import { heardSpeech, verdictCall, type HeardAnswers } from "./heard-call.js";
import { judgeOrders, togetherByCalls, triagedOrders, type JudgedOrder, type TriagedOrder } from "./judge-orders.js";
import type { VerdictCall } from "./verdict-call.js";
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
  /** The calls that were considered, best first, then those of the other orders. */
  calls: readonly (CallEvidence & {
    startTime: Date;
    endTime: Date;
    transcriptConfidence: number | null;
    isVocabularyOld: boolean;
  })[];
  /** Of these calls, those of the order itself. */
  callIds: readonly string[];
  known: Known | null;
  /** The orders that may rest on the same spoken ones, and use up what was spoken. */
  others: readonly { order: OrderFacts; callIds: readonly string[]; known: Known }[];
}

/** An order without the phones of the client. */
export type OrderFacts = Omit<Order, "phones">;

interface CallInBatch {
  evidence: CallEvidence;
  heard: VerdictCall;
}

/** Orders whose calls are read at once, and more where they have calls in common. */
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
  const facts = new BatchFacts(
    orders.map(({ order }) => order),
    context.calls.all().flatMap(({ clientCode }) => clientCode ?? []),
  );
  const { trades, triageConfig, symbolMaster } = context;
  const vocabulary = vocabularySha256(batchVocabulary(trades.all, triageConfig.timeZone, symbolMaster));
  const verdicts = new Map<string, TradeVerdict>();
  for (const part of inParts(togetherByCalls(orders))) {
    const wanted = new Set(part.flatMap(({ callIds }) => callIds));
    const calls = await callsInBatch(
      context,
      [...wanted].flatMap((callId) => batchCalls.get(callId) ?? []),
      vocabulary,
    );
    for (const one of judgeOrders(part, (callId) => calls.get(callId)?.heard, facts, config))
      for (const { tradeId } of one.order.fills)
        verdicts.set(tradeId, tradeVerdict(context, tradeId, one, calls, triaged.get(tradeId)?.eventId ?? null));
  }
  return verdicts;
}

/** Orders that are judged together stay together. */
function* inParts(groups: readonly TriagedOrder[][]): Generator<TriagedOrder[]> {
  let part: TriagedOrder[] = [];
  for (const group of groups) {
    part.push(...group);
    if (part.length < ORDERS_AT_ONCE) continue;
    yield part;
    part = [];
  }
  if (part.length > 0) yield part;
}

function tradeVerdict(
  context: VerdictContext,
  tradeId: string,
  { order, triage, calls: own, known, others, result }: JudgedOrder,
  calls: ReadonlyMap<string, CallInBatch>,
  triaging: number | null,
): TradeVerdict {
  const facts = factsOf(order);
  const considered = [...new Set([...own, ...others.flatMap((other) => other.calls)])];
  const evidence = considered.flatMap(({ callId }) => calls.get(callId)?.evidence ?? []);
  const { verdict, reason, callId, mismatches, detail: lines } = result;
  const rivals = others.map((other) => ({
    order: factsOf(other.order),
    callIds: other.calls.map((call) => call.callId),
    known: other.known,
  }));
  const restsOn: RestsOn = {
    ...inForce(context),
    orderSha256: sha256(toJson(facts)),
    othersSha256: rivals.length === 0 ? null : sha256(toJson(rivals)),
    knownSha256: sha256(toJson(known)),
    triaging,
    calls: evidence,
  };
  return {
    statement: { tradeId, verdict, reason, callId, mismatches, lines, restsOn },
    basis: {
      order: facts,
      triage: { result: triage.result, reason: triage.reason },
      calls: considered.flatMap(({ callId: id, startTime, endTime, transcriptConfidence, isVocabularyOld }) => {
        const call = calls.get(id);
        return call ? [{ ...call.evidence, startTime, endTime, transcriptConfidence, isVocabularyOld }] : [];
      }),
      callIds: own.map((call) => call.callId),
      known,
      others: rivals,
    },
  };
}

function factsOf({ phones: _phones, ...facts }: Order): OrderFacts {
  return facts;
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
    basis: { order: null, triage: null, calls: [], callIds: [], known: null, others: [] },
  };
}

function inForce({
  run,
  configurationSha256,
}: Pick<VerdictContext, "run" | "configurationSha256">): Pick<RestsOn, "run" | "configurationSha256"> {
  return { run: run.run, configurationSha256 };
}

/** These calls, by their ids: the events that hold what was found out about them, and what was heard, without the transcripts. */
/** Whether llm1 was given another vocabulary, as its event says. */
function isOfAnother(vocabulary: string, metadata: Json): boolean {
  const named = (metadata as { vocabularySha256?: unknown } | null)?.vocabularySha256;
  return typeof named === "string" && named !== vocabulary;
}

async function callsInBatch(
  { answers }: VerdictContext,
  wanted: readonly TriageCall[],
  vocabulary: string,
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
  const heard = new Map(
    files.map((name): [string, HeardAnswers] => [name, { stt: null, llm1: null, llm2: null, isVocabularyOld: false }]),
  );
  for await (const [name, { eventId, answer }] of answers.each("file_distribution", files))
    Object.assign(evidence.get(name)!, { fileDistribution: eventId, recordingSha256: answer.sha256.toLowerCase() });
  for await (const [name, { eventId, answer }] of answers.each("stt", files)) {
    evidence.get(name)!.stt = eventId;
    heard.get(name)!.stt = heardSpeech(answer);
  }
  for await (const [name, { eventId, answer, metadata }] of answers.each("llm1", files)) {
    evidence.get(name)!.llm1 = eventId;
    heard.get(name)!.llm1 = answer;
    heard.get(name)!.isVocabularyOld = isOfAnother(vocabulary, metadata);
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
