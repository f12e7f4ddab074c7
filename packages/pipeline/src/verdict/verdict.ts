/**
 * Rule engine step 2: does the call prove the trade? A pure function per order: the fills, what triage said, and what was
 * extracted from the candidate calls in; a verdict with a sentence for the auditor out. A trade without a call is not a
 * breach, so the verdicts say what was found and never that someone is guilty.
 */
import type { AuditAnswer, ExtractedTrade } from "../hosts/engine-contract.js";
import type { TriageResult } from "../triage/triage-rules.js";
import { compareOrder, type Comparison, type ExecutedOrder, type Mismatch } from "./verdict-comparison.js";
import { DEFAULT_VERDICT, type VerdictConfig } from "./verdict-config.js";

export type Verdict =
  | "CONFIRMED"
  | "MISMATCH"
  | "NOT_CONFIRMED"
  | "ORDER_NOT_IN_CALL"
  | "CANCELLED_IN_CALL"
  | "CONFIRMED_AFTER_ORDER"
  /** A person has to listen. */
  | "LOW_CONFIDENCE"
  | "NO_VOICE_EVIDENCE";

/** What is known of a candidate call. */
export interface VerdictCall {
  callId: string;
  startTime: Date;
  endTime: Date;
  /** The client code heard in the call. */
  clientCode: string | null;
  /** In the order they were spoken; null when the call was not transcribed or not extracted. */
  trades: readonly ExtractedTrade[] | null;
  answers: readonly AuditAnswer[];
  /** 0 to 1; null when the recogniser gives none. */
  transcriptConfidence: number | null;
  /** Something was said, and the recogniser does not say how well it understood it. */
  isConfidenceUnknown: boolean;
}

export interface VerdictInput {
  order: ExecutedOrder;
  triage: TriageResult;
  /** What triage said, as a sentence: the reason when no call can be looked at. */
  triageReason: string;
  /** Best first. With the triage result CALL_AFTER_ORDER: the later calls, if they were transcribed. */
  calls: readonly VerdictCall[];
}

export interface VerdictResult {
  /** null for a trade out of scope: no call is expected, so nothing is said. */
  verdict: Verdict | null;
  /** Empty unless the verdict is MISMATCH. */
  mismatches: Mismatch[];
  /** The call that the verdict rests on. */
  callId: string | null;
  /** A sentence. */
  reason: string;
  /** What was compared, line by line. */
  detail: string[];
}

/** A spoken order and how well it fits the trade. */
interface Found {
  call: VerdictCall;
  spoken: ExtractedTrade;
  position: number;
  comparison: Comparison;
}

/**
 * The verdict for one order, and so for each of its fills. When there are several calls, the one whose extraction fits best decides; equal
 * fits go to the call that triage ranked first.
 */
export function verdict(input: VerdictInput, config: VerdictConfig = DEFAULT_VERDICT): VerdictResult {
  const { order, triage, triageReason, calls } = input;
  if (triage === "OUT_OF_SCOPE") return result(null, null, triageReason);
  if (triage === "AUDIO_UNUSABLE")
    return result("LOW_CONFIDENCE", calls[0]?.callId ?? null, `${triageReason} A person has to listen.`);
  if (calls.length === 0) return result("NO_VOICE_EVIDENCE", null, triageReason);
  const read = calls.filter(({ trades }) => trades !== null);
  const unread = calls.filter(({ trades }) => trades === null);
  const found = bestFit(order, read, config);
  if (found) return judge(found, order, config);
  if (triage === "CALL_AFTER_ORDER") return result("NO_VOICE_EVIDENCE", null, triageReason);
  if (unread.length > 0) {
    const reason = `Nobody could read ${names(unread)}${read.length > 0 ? `, and ${names(read)} does not hold the order` : ""}: a person has to listen.`;
    return result("LOW_CONFIDENCE", unread[0]?.callId ?? null, reason);
  }
  const doubtful = read.find((call) => {
    const unsure = call.trades?.some(({ confidence }) => confidence < config.minTradeConfidence) ?? false;
    return unsure || (call.transcriptConfidence ?? 1) < config.minConfidenceOfAbsence || mustBeHeard(call, config);
  });
  if (doubtful) {
    const why = mustBeHeard(doubtful, config)
      ? `nobody knows how well ${doubtful.callId} was understood, because ${NO_CONFIDENCE}`
      : `${doubtful.callId} was not understood well enough to say so`;
    const reason = `The order was not found in ${names(read)}, but ${why}: a person has to listen.`;
    return result("LOW_CONFIDENCE", doubtful.callId, reason);
  }
  const others = read.flatMap(({ trades }) => trades ?? []).length;
  const holds = others === 0 ? "no order" : `${others} other order${others === 1 ? "" : "s"}`;
  const reason = `${describe(order)} is not spoken of in ${names(read)}, which ${read.length === 1 ? "holds" : "hold"} ${holds}.${relied(read, config)}`;
  return result("ORDER_NOT_IN_CALL", read[0]?.callId ?? null, reason);
}

function judge(found: Found, executed: ExecutedOrder, config: VerdictConfig): VerdictResult {
  const { call, spoken, comparison } = found;
  const { mismatches, unknown, lines } = comparison;
  const end = (kind: Verdict, reason: string): VerdictResult =>
    result(kind, call.callId, `${reason}${relied([call], config)}`, lines, kind === "MISMATCH" ? mismatches : []);
  const order = describe(executed);
  if (mustBeHeard(call, config))
    return end(
      "LOW_CONFIDENCE",
      `Nobody knows how well call ${call.callId} was understood, because ${NO_CONFIDENCE}: a person has to listen for ${order}.`,
    );
  if (isDoubtful(call, config))
    return end(
      "LOW_CONFIDENCE",
      `Call ${call.callId} was transcribed with confidence ${percent(call.transcriptConfidence ?? 0)} only: a person has to listen for ${order}.`,
    );
  if (spoken.confidence < config.minTradeConfidence)
    return end(
      "LOW_CONFIDENCE",
      `An order that may be ${order} was heard in call ${call.callId} with confidence ${percent(spoken.confidence)} only: a person has to listen.`,
    );
  const cancelled = cancellation(found);
  if (cancelled)
    return cancelled.confidence < config.minTradeConfidence
      ? end(
          "LOW_CONFIDENCE",
          `Call ${call.callId} may hold a cancellation of ${order}, heard with confidence ${percent(cancelled.confidence)} only: a person has to listen.`,
        )
      : end("CANCELLED_IN_CALL", `Call ${call.callId} orders ${order} and then cancels it: "${quoteOf(cancelled)}".`);
  if (mismatches.length > 0)
    return end(
      "MISMATCH",
      `Call ${call.callId} and the trade differ in ${mismatches.join(", ")}: ${comparison.differences.join("; ")}.`,
    );
  if (unknown.length > 0)
    return end(
      "LOW_CONFIDENCE",
      `Call ${call.callId} speaks of the order, but ${unknown.join(" and ")} cannot be compared: a person has to listen.`,
    );
  if (!isConfirmed(spoken, call))
    return end("NOT_CONFIRMED", `Call ${call.callId} holds ${order}, but no confirmation by the client was heard.`);
  const late = spokenAfter(found, executed, config);
  if (late) return end("CONFIRMED_AFTER_ORDER", `The client confirms ${order} in call ${call.callId}, but ${late}.`);
  return end("CONFIRMED", `The client orders and confirms ${order} in call ${call.callId}: "${quoteOf(spoken)}".`);
}

/** The extracted order that fits best; null when no call speaks of the order at all. */
function bestFit(order: ExecutedOrder, calls: readonly VerdictCall[], config: VerdictConfig): Found | null {
  let best: { found: Found; rank: number } | null = null;
  for (const call of calls) {
    for (const [position, spoken] of (call.trades ?? []).entries()) {
      if (spoken.action === "CANCEL") continue;
      const comparison = compareOrder(order, spoken, call.clientCode, config);
      if (!comparison.related) continue;
      const rank = rankOf(comparison, spoken, call, config);
      if (best === null || rank > best.rank) best = { found: { call, spoken, position, comparison }, rank };
    }
  }
  return best?.found ?? null;
}

/** What was understood and does not contradict the trade comes before all else; then the fit; of equal fits the surer. */
function rankOf(comparison: Comparison, spoken: ExtractedTrade, call: VerdictCall, config: VerdictConfig): number {
  const sure = spoken.confidence >= config.minTradeConfidence && !isDoubtful(call, config);
  const proves = sure && comparison.mismatches.length === 0;
  return (proves ? 1000 : 0) + comparison.fit + (sure ? 0.5 : 0);
}

function isDoubtful(call: VerdictCall, config: VerdictConfig): boolean {
  const { transcriptConfidence } = call;
  const isLow = transcriptConfidence !== null && transcriptConfidence < config.minTranscriptConfidence;
  return isLow || mustBeHeard(call, config);
}

const NO_CONFIDENCE = "the recogniser gave no confidence";

/** By a person, because nobody knows how well it was understood. */
function mustBeHeard({ isConfidenceUnknown }: VerdictCall, { unknownConfidence }: VerdictConfig): boolean {
  return isConfidenceUnknown && unknownConfidence === "listen";
}

/** Names calls that are relied on although nobody knows how well they were understood; empty when there are none. */
function relied(calls: readonly VerdictCall[], { unknownConfidence }: VerdictConfig): string {
  const unknown = calls.filter(({ isConfidenceUnknown }) => isConfidenceUnknown);
  if (unknown.length === 0 || unknownConfidence !== "trust") return "";
  return ` It is relied on, although ${NO_CONFIDENCE} for ${names(unknown)} (COFI_UNKNOWN_CONFIDENCE=trust).`;
}

/** A cancellation of the same symbol spoken later in the call. */
function cancellation({ call, spoken, position }: Found): ExtractedTrade | undefined {
  return (call.trades ?? []).find(
    ({ action, symbol, side }, index) =>
      action === "CANCEL" &&
      index > position &&
      symbol === spoken.symbol &&
      (side === null || spoken.side === null || side === spoken.side),
  );
}

/** Where the extraction does not say whether the client confirmed, the audit answer does. */
function isConfirmed(spoken: ExtractedTrade, { answers }: VerdictCall): boolean {
  return (
    spoken.client_confirmed ??
    answers.some(({ question_id, answer }) => question_id === "client_confirmed" && answer === "YES")
  );
}

/** Why the instruction came too late; null when it came in time. */
function spokenAfter({ call, spoken }: Found, { orderTime }: ExecutedOrder, config: VerdictConfig): string | null {
  const first = spoken.evidence.length > 0 ? Math.min(...spoken.evidence.map(({ start_s }) => start_s)) : 0;
  const late = Math.round((call.startTime.getTime() + first * 1000 - orderTime.getTime()) / 1000);
  return late > config.clockSkewS ? `${late} s after the order was placed` : null;
}

function result(
  kind: Verdict | null,
  callId: string | null,
  reason: string,
  detail: readonly string[] = [],
  mismatches: readonly Mismatch[] = [],
): VerdictResult {
  return { verdict: kind, mismatches: [...mismatches], callId, reason, detail: [...detail] };
}

function names(calls: readonly VerdictCall[]): string {
  return `call${calls.length === 1 ? "" : "s"} ${calls.map(({ callId }) => callId).join(", ")}`;
}

function describe({ side, symbol, fills }: ExecutedOrder): string {
  return `${side} ${fills.reduce((sum, { quantity }) => sum + quantity, 0)} ${symbol}`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function quoteOf({ evidence }: ExtractedTrade): string {
  return evidence[0]?.quote ?? "no quote given";
}
