/** Why a trade has its verdict, line by line, from what the log holds. Pure; phone numbers are no part of what it reads. */
import type { LoggedVerdict } from "@cofi/evidence/verdict-records";
import { llm1Response, llm2Response, type ExtractedTrade } from "../hosts/engine-contract.js";
import { loggedAnswer } from "../hosts/logged-answer.js";
import type { LoggedTriage } from "../triage/triage.js";
import type { Recomputed, VerdictRecord } from "./recompute.js";

export interface Explained {
  tradeId: string;
  /** The latest result of triage, with its event; null when triage did not come to the trade. */
  triage: { eventId: number; result: LoggedTriage } | null;
  /** Newest first. */
  history: readonly LoggedVerdict[];
  /** Of the verdict in force; null when there is none. */
  record: VerdictRecord | null;
  recomputed: Recomputed | null;
  /** Version of Cofi by run. */
  versions: ReadonlyMap<number, string>;
}

export function explain(trade: Explained): string[] {
  const { tradeId, triage, record, recomputed } = trade;
  const logged = record?.logged;
  const head =
    logged === undefined
      ? `${tradeId}: no verdict. ${triage?.result.reason ?? "The batch has not come to this trade."}`
      : `${tradeId}: ${logged.verdict ?? "no verdict any more"}. ${logged.reason}`;
  return [
    head,
    ...(triage ? triageLines(triage) : ["", "Triage: no result in the log."]),
    ...(record ? [...heardLines(record), ...comparisonLines(record.logged), ...basisLines(record.logged, trade)] : []),
    ...historyLines(trade.history),
    ...(recomputed ? ["", inWords(recomputed)] : []),
  ];
}

/** "Recomputed from the log: the same." or what differs. */
export function inWords(recomputed: Recomputed): string {
  if (recomputed.outcome === "same") return "Recomputed from the log: the same.";
  if (recomputed.outcome === "impossible") return `It cannot be recomputed: ${recomputed.reason}`;
  return ["Recomputed from the log, it differs:", ...recomputed.differences.map((line) => `  ${line}`)].join("\n");
}

function triageLines({ eventId, result }: NonNullable<Explained["triage"]>): string[] {
  return [
    "",
    `Triage: ${result.result} (event ${eventId})`,
    ...result.steps.map(({ rule, outcome, detail }) => `  ${rule.padEnd(8)}  ${outcome.padEnd(4)}  ${detail}`),
    ...(result.candidates.length > 0 ? ["", "Calls that were considered:"] : []),
    ...result.candidates.map(({ rank, callId, score, selected, flags, reason }) => {
      const marks = [...(selected ? ["selected"] : []), ...flags];
      return `  ${rank}. ${callId}  score ${score}${marks.length > 0 ? ` (${marks.join(", ")})` : ""}  ${reason}`;
    }),
  ];
}

function heardLines(record: VerdictRecord): string[] {
  const { calls } = record.logged.restsOn;
  return calls.flatMap(({ callId, fileName, stt, llm1, llm2 }) => [
    "",
    `Heard in call ${callId} (${fileName}):`,
    ...(stt === null ? ["  It was not transcribed."] : []),
    ...(llm1 === null ? ["  No trades were extracted from it."] : extracted(record, llm1)),
    ...(llm2 === null ? [] : audited(record, llm2)),
  ]);
}

function extracted(record: VerdictRecord, eventId: number): string[] {
  const parsed = llm1Response.safeParse(loggedAnswer(record.responseOf(eventId)));
  if (!parsed.success) return [`  What was extracted is not whole in the log (event ${eventId}).`];
  if (parsed.data.trades.length === 0) return ["  No order was heard."];
  return parsed.data.trades.flatMap((trade) => [`  ${ordered(trade)}`, ...quotes(trade.evidence)]);
}

function audited(record: VerdictRecord, eventId: number): string[] {
  const parsed = llm2Response.safeParse(loggedAnswer(record.responseOf(eventId)));
  if (!parsed.success) return [`  The answers to the audit questions are not whole in the log (event ${eventId}).`];
  return parsed.data.answers.flatMap(({ question_id, answer, confidence, evidence }) => [
    `  ${question_id}: ${answer}, confidence ${percent(confidence)}`,
    ...quotes(evidence),
  ]);
}

function ordered(trade: ExtractedTrade): string {
  const { action, side, quantity, unit, symbol, strike, option_type, expiry, price_type, price, confidence } = trade;
  const at = price_type === "MARKET" ? "at market" : price === null ? null : `at ${price}`;
  const words = [action, side, quantity, unit?.toLowerCase(), symbol, strike, option_type, expiry, at];
  const said = words.filter((word) => word !== null && word !== undefined).join(" ");
  return `${said}${answered(trade)}, confidence ${percent(confidence)}`;
}

/** `, confirmed`, `, not confirmed (REFUSED)` */
function answered({ client_confirmed: isConfirmed, client_answer: answer }: ExtractedTrade): string {
  if (isConfirmed === null) return "";
  if (isConfirmed) return ", confirmed";
  return answer === null || answer === "NONE" ? ", not confirmed" : `, not confirmed (${answer})`;
}

function quotes(evidence: ExtractedTrade["evidence"]): string[] {
  return evidence.map(({ start_s, end_s, quote }) => `    ${clock(start_s)} to ${clock(end_s)}  "${quote}"`);
}

function comparisonLines({ callId, lines }: LoggedVerdict): string[] {
  if (lines.length === 0) return [];
  return ["", `Compared with what was said in call ${callId}:`, ...lines.map((line) => `  ${line}`)];
}

function basisLines(
  { eventId, basisEventId, loggedAt, run, restsOn, confirmedBy }: LoggedVerdict,
  { versions }: Explained,
): string[] {
  const version = versions.get(restsOn.run);
  const confirmed = confirmedBy.length > 0 ? `, confirmed by run ${confirmedBy.join(", ")}` : "";
  return [
    "",
    "Rests on:",
    `  verdict        event ${eventId}, ${loggedAt}, run ${run}${version === undefined ? "" : ` of Cofi ${version}`}${confirmed}`,
    ...(basisEventId === null ? [] : [`  order          event ${basisEventId}, SHA-256 ${restsOn.orderSha256}`]),
    `  configuration  SHA-256 ${restsOn.configurationSha256}`,
    ...(restsOn.triaging === null ? [] : [`  triage         event ${restsOn.triaging}`]),
    ...restsOn.calls.flatMap(({ callId, recordingSha256, fileDistribution, ivr, stt, llm1, llm2 }) => {
      const events = Object.entries({ file_distribution: fileDistribution, ivr, stt, llm1, llm2 });
      const known = events.flatMap(([stage, id]) => (id === null ? [] : [`${stage} event ${id}`]));
      return [
        `  call ${callId}: recording SHA-256 ${recordingSha256 ?? "not known"}`,
        `    ${known.join(", ") || "no answers in the log"}`,
      ];
    }),
  ];
}

function historyLines(history: readonly LoggedVerdict[]): string[] {
  if (history.length < 2) return [];
  return [
    "",
    "History, newest first:",
    ...history.map(({ run, loggedAt, eventId, verdict, confirmedBy, history: isLate }) => {
      const until = confirmedBy.length > 0 ? `, confirmed by run ${confirmedBy.join(", ")}` : "";
      const late = isLate ? ", arrived after a newer run had begun: never in force" : "";
      return `  run ${run ?? "none"}  ${loggedAt}  event ${eventId}  ${verdict ?? "no verdict"}${until}${late}`;
    }),
  ];
}

/** `1:02.5` */
function clock(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - minutes * 60).toFixed(1).padStart(4, "0")}`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
