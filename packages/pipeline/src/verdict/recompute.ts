/** Computes a logged verdict again: from what the log holds of its basis and of the answers, and the recorded configuration. */
import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import type { Json } from "@cofi/event-log/events";
import { parseJson } from "@cofi/event-log/json";
import type { CallEvidence, LoggedVerdict } from "@cofi/evidence/verdict-records";
import { llm1Response, llm2Response, sttResponse, uploadResponse } from "../hosts/engine-contract.js";
import { loggedAnswer } from "../hosts/logged-answer.js";
import type { TriageResult } from "../triage/triage-rules.js";
import { heardSpeech, verdictCall } from "./heard-call.js";
import type { OrderFacts } from "./trade-verdicts.js";
import type { Claimant } from "./spoken-orders.js";
import { NOTHING_KNOWN, type ExecutedOrder, type Known } from "./executed-order.js";
import { verdict, type VerdictResult } from "./verdict.js";
import type { VerdictCall } from "./verdict-call.js";
import type { VerdictConfig } from "./verdict-config.js";

/** What the log holds of one verdict. */
export interface VerdictRecord {
  logged: LoggedVerdict;
  /** Payload or response of an event; null when it is not there, or was cut or removed. */
  payloadOf(eventId: number | null): Json;
  responseOf(eventId: number | null): Json;
  /** The event that says last that a recording changed between runs; null when it did not. */
  changeOf(fileName: string): number | null;
  /** Text of the configuration of the run that judged; null when the run is not recorded. */
  configuration: string | null;
}

/** same · differs: in what, as sentences · impossible: why, as a sentence */
export type Recomputed =
  | { outcome: "same" }
  | { outcome: "differs"; differences: string[] }
  | { outcome: "impossible"; reason: string };

/** A verdict's basis as its payload holds it. What stands in `order` is what its hash says. */
const loggedBasis = z.object({
  order: z.unknown(),
  triage: z.object({ result: z.string(), reason: z.string() }),
  calls: z.array(
    z.looseObject({
      callId: z.string(),
      startTime: z.string(),
      endTime: z.string(),
      isVocabularyOld: z.boolean(),
      stt: z.number().nullable(),
      llm1: z.number().nullable(),
      llm2: z.number().nullable(),
    }),
  ),
  callIds: z.array(z.string()),
  known: z.unknown(),
  others: z.array(z.object({ order: z.unknown(), callIds: z.array(z.string()), known: z.unknown() })),
});
type LoggedBasis = z.infer<typeof loggedBasis>;
type LoggedOrder = Omit<OrderFacts, "orderTime" | "fills"> & { orderTime: string; fills: ExecutedOrder["fills"] };

const ANOTHER_FORM = "The log holds the verdict in a form that this version does not know.";

export function recompute(record: VerdictRecord): Recomputed {
  const { logged, configuration } = record;
  const { restsOn } = logged;
  // A trade that has no verdict any more rests on nothing that could be computed.
  if (logged.verdict === null && restsOn.orderSha256 === null) return { outcome: "same" };
  if (configuration === null) return impossible(`The log does not hold the configuration of run ${restsOn.run}.`);
  const payload = record.payloadOf(logged.basisEventId);
  if (payload === null) return impossible("The log does not hold what the verdict was computed from any more.");
  const parsed = loggedBasis.safeParse(payload);
  if (!parsed.success) return impossible(ANOTHER_FORM);
  const basis = parsed.data;
  // Nothing can be computed from an order or a configuration that is not the one that was used.
  const others = [...factsThatDiffer(record, basis, configuration), ...outdated(record)];
  if (others.length > 0) return { outcome: "differs", differences: others };
  const config = (parseJson(configuration) as { verdict?: VerdictConfig } | undefined)?.verdict;
  if (!config) return impossible(ANOTHER_FORM);
  const calls = basis.calls.map((call) => heardIn(record, call));
  const missing = calls.find((call) => typeof call === "string");
  if (typeof missing === "string") return impossible(missing);
  const byId = new Map(calls.flatMap((call) => (typeof call === "string" ? [] : [[call.callId, call] as const])));
  const claimant = (order: unknown, callIds: readonly string[], known: unknown): Claimant => ({
    order: { ...(order as LoggedOrder), orderTime: new Date((order as LoggedOrder).orderTime) },
    calls: callIds.flatMap((callId) => byId.get(callId) ?? []),
    known: (known as Known | null) ?? NOTHING_KNOWN,
  });
  const result = verdict(
    {
      ...claimant(basis.order, basis.callIds, basis.known),
      triage: basis.triage.result as TriageResult,
      triageReason: basis.triage.reason,
    },
    config,
    basis.others.map((other) => claimant(other.order, other.callIds, other.known)),
  );
  const differences = [
    ...recordingsThatDiffer(record),
    ...triageThatDiffers(record, basis.triage),
    ...fieldsThatDiffer(logged, result),
  ];
  return differences.length > 0 ? { outcome: "differs", differences } : { outcome: "same" };
}

function impossible(reason: string): Recomputed {
  return { outcome: "impossible", reason };
}

/** What was heard in a call according to the logged answers; a sentence when one of them is not there. */
function heardIn(record: VerdictRecord, call: LoggedBasis["calls"][number]): VerdictCall | string {
  const { callId, stt, llm1, llm2 } = call;
  const answers = { stt, llm1, llm2 };
  for (const [stage, id] of Object.entries(answers))
    if (id !== null && record.responseOf(id) === null)
      return `The log does not hold the whole answer of ${stage} about call ${callId} (event ${id}).`;
  const answerOf = (id: number): Json => loggedAnswer(record.responseOf(id));
  const heard = sttResponse.safeParse(stt === null ? null : answerOf(stt));
  const extracted = llm1Response.safeParse(llm1 === null ? null : answerOf(llm1));
  const audited = llm2Response.safeParse(llm2 === null ? null : answerOf(llm2));
  for (const [stage, id, parsed] of [
    ["stt", stt, heard],
    ["llm1", llm1, extracted],
    ["llm2", llm2, audited],
  ] as const)
    if (id !== null && !parsed.success)
      return `The answer of ${stage} about call ${callId} cannot be read (event ${id}).`;
  return verdictCall(
    { callId, startTime: new Date(call.startTime), endTime: new Date(call.endTime) },
    {
      stt: heard.success ? heardSpeech(heard.data) : null,
      llm1: extracted.data ?? null,
      llm2: audited.data ?? null,
      isVocabularyOld: call.isVocabularyOld,
    },
  );
}

function factsThatDiffer(
  record: VerdictRecord,
  { order, calls, known, others }: LoggedBasis,
  configuration: string,
): string[] {
  const { restsOn } = record.logged;
  const differences: string[] = [];
  if (sha256(configuration) !== restsOn.configurationSha256)
    differences.push(`The configuration of run ${restsOn.run} has another SHA-256 than the verdict names.`);
  if (sha256(JSON.stringify(order) ?? "") !== restsOn.orderSha256)
    differences.push("The order in the log has another SHA-256 than the verdict names.");
  const othersSha256 = others.length === 0 ? null : sha256(JSON.stringify(others));
  if (othersSha256 !== (restsOn.othersSha256 ?? null))
    differences.push("The other orders in the log have another SHA-256 than the verdict names.");
  if (sha256(JSON.stringify(known) ?? "") !== restsOn.knownSha256)
    differences.push(
      "What the log says of the batch's prices, expiries and clients has another SHA-256 than the verdict names.",
    );
  const named = ({ callId, stt, llm1, llm2 }: Pick<CallEvidence, "callId" | "stt" | "llm1" | "llm2">) => ({
    callId,
    stt,
    llm1,
    llm2,
  });
  if (!isDeepStrictEqual(calls.map(named), restsOn.calls.map(named)))
    differences.push("The calls and answers in the log are not those that the verdict names.");
  return differences;
}

/** Answers about recordings that have changed since: the pipeline takes none of them any more. */
function outdated({ logged, changeOf }: VerdictRecord): string[] {
  return logged.restsOn.calls.flatMap(({ callId, fileName, fileDistribution, ivr, stt, llm1, llm2 }) => {
    const change = changeOf(fileName);
    if (change === null) return [];
    const answers = Object.entries({ file_distribution: fileDistribution, ivr, stt, llm1, llm2 });
    const old = answers.flatMap(([stage, id]) => (id !== null && id < change ? [`${stage} event ${id}`] : []));
    if (old.length === 0) return [];
    return [
      `The recording of call ${callId} changed (event ${change}) after these answers about it: ${old.join(", ")}.`,
    ];
  });
}

function recordingsThatDiffer(record: VerdictRecord): string[] {
  return record.logged.restsOn.calls.flatMap(({ callId, recordingSha256, fileDistribution }) => {
    const stored = uploadResponse.safeParse(record.responseOf(fileDistribution));
    if (!stored.success || stored.data.sha256.toLowerCase() === recordingSha256) return [];
    return [`The recording of call ${callId} has another SHA-256 in event ${fileDistribution} than the verdict names.`];
  });
}

function triageThatDiffers({ logged, responseOf }: VerdictRecord, used: { result: string; reason: string }): string[] {
  const { triaging } = logged.restsOn;
  const triaged = responseOf(triaging) as { result?: string; reason?: string } | null;
  if (triaged === null || (triaged.result === used.result && triaged.reason === used.reason)) return [];
  return [`Triage says ${triaged.result} in event ${triaging}; the verdict was computed with ${used.result}.`];
}

function fieldsThatDiffer(
  logged: LoggedVerdict,
  { verdict: kind, reason, callId, mismatches, detail }: VerdictResult,
): string[] {
  const again = { verdict: kind, reason, callId, mismatches, lines: detail };
  return (Object.keys(again) as (keyof typeof again)[])
    .filter((field) => !isDeepStrictEqual(again[field], logged[field]))
    .map(
      (field) =>
        `${field}: ${JSON.stringify(logged[field])} in the log, ${JSON.stringify(again[field])} computed again.`,
    );
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
