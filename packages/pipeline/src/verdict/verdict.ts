/**
 * Rule engine step 2: does the call prove the trade? Pure functions: the orders that were executed, what triage said, and what was
 * extracted from the candidate calls in; a verdict with a sentence for the auditor out. A trade without a call is not a
 * breach, so the verdicts say what was found and never that someone is guilty.
 */
import type { TriageResult } from "../triage/triage-rules.js";
import { allot, type Allotted } from "./allotment.js";
import type { Claimant, Found } from "./spoken-orders.js";
import { isDoubtful, mustBeHeard, notKnownHowWell, relied, type VerdictCall } from "./verdict-call.js";
import { namesSymbol, plain } from "./contract-comparison.js";
import { NOTHING_KNOWN, type ExecutedOrder, type Known } from "./executed-order.js";
import { executedShares, type Mismatch } from "./verdict-comparison.js";
import { DEFAULT_VERDICT, type VerdictConfig } from "./verdict-config.js";
import { answerOf, describe, list, names, percent, quoteOf } from "./wording.js";

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

export interface VerdictInput {
  order: ExecutedOrder;
  triage: TriageResult;
  /** What triage said, as a sentence: the reason when no call can be looked at. */
  triageReason: string;
  /** Best first. With the triage result CALL_AFTER_ORDER: the later calls, if they were transcribed. */
  calls: readonly VerdictCall[];
  /** What the batch knows beside the order. */
  known?: Known;
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

/**
 * The verdict for one order, and so for each of its fills, beside `others`: the orders whose calls speak of the same orders, and which
 * use up what was spoken. Neither the order of `others` nor that of the fills matters.
 */
export function verdict(
  input: VerdictInput,
  config: VerdictConfig = DEFAULT_VERDICT,
  others: readonly Claimant[] = [],
): VerdictResult {
  const claimant = claimantOf(input);
  return verdictOn(input, allot([claimant, ...others], config).get(claimant)?.allotted ?? null, config);
}

/** The order as one of those that what was spoken is shared out to. */
export function claimantOf({ order, calls, known = NOTHING_KNOWN }: VerdictInput): Claimant {
  return { order, calls, known };
}

/** The verdict for an order that rests on `allotted`; null when no call speaks of it. */
export function verdictOn(input: VerdictInput, allotted: Allotted | null, config: VerdictConfig): VerdictResult {
  const { order, triage, triageReason, calls } = input;
  if (triage === "OUT_OF_SCOPE") return result(null, null, triageReason);
  if (triage === "AUDIO_UNUSABLE")
    return result("LOW_CONFIDENCE", calls[0]?.callId ?? null, `${triageReason} A person has to listen.`);
  if (calls.length === 0) return result("NO_VOICE_EVIDENCE", null, triageReason);
  if (allotted) return judge(allotted, order, config);
  return triage === "CALL_AFTER_ORDER" ? result("NO_VOICE_EVIDENCE", null, triageReason) : notSpokenOf(input, config);
}

function judge(allotted: Allotted, order: ExecutedOrder, config: VerdictConfig): VerdictResult {
  const { found, spokenShares, usedShares, usedBy, together, restElsewhere } = allotted;
  const { call, spoken, comparison, cancelled } = found;
  const { mismatches: different, differences: texts } = withoutExcess(comparison, allotted);
  const executed = executedShares(order);
  const left = spokenShares === null ? executed : spokenShares - usedShares;
  const isOver = executed > left && together.length === 0;
  const lines = [
    ...comparison.lines,
    ...(usedShares > 0 ? [`USED: ${usedShares} of ${spokenShares} spoken, by ${list(usedBy, 5)}`] : []),
  ];
  const end = (kind: Verdict, reason: string, mismatches: readonly Mismatch[] = []): VerdictResult =>
    result(kind, call.callId, `${reason}${relied([call], config)}`, lines, mismatches);
  const what = describe(order);
  const part = spokenShares !== null && executed < spokenShares ? ` (${executed} of ${spokenShares} spoken)` : "";
  if (mustBeHeard(call, config))
    return end("LOW_CONFIDENCE", `${notKnownHowWell([call])}: a person has to listen for ${what}.`);
  if (isDoubtful(call, config))
    return end(
      "LOW_CONFIDENCE",
      `Call ${call.callId} was transcribed with confidence ${percent(call.transcriptConfidence ?? 0)} only: a person has to listen for ${what}.`,
    );
  if (spoken.confidence < config.minTradeConfidence)
    return end(
      "LOW_CONFIDENCE",
      `An order that may be ${what} was heard in call ${call.callId} with confidence ${percent(spoken.confidence)} only: a person has to listen.`,
    );
  if (spoken.action === "PROPOSAL")
    return found.confirmation.state === "unknown"
      ? end("LOW_CONFIDENCE", nobodyKnows(found, what))
      : end("NOT_CONFIRMED", notAgreed(found, what, true));
  if (cancelled)
    return cancelled.spoken.confidence < config.minTradeConfidence
      ? end(
          "LOW_CONFIDENCE",
          `Call ${cancelled.call.callId} may hold a cancellation of ${what}, heard with confidence ${percent(cancelled.spoken.confidence)} only: a person has to listen.`,
        )
      : end("CANCELLED_IN_CALL", cancellationOf(found, what));
  if (isOver && restElsewhere)
    return end(
      "LOW_CONFIDENCE",
      `Call ${call.callId} holds ${Math.max(left, 0)} of ${what}, and call ${restElsewhere.callId} speaks of the rest: whether these are two orders, a person has to say.`,
    );
  const isUsedUp = isOver && usedShares > 0 && different.every((field) => field === "QTY" || field === "PRICE");
  const mismatches = isUsedUp && !different.includes("QTY") ? [...different, "QTY" as const] : different;
  if (mismatches.length > 0 && isUncertain(found, order, config))
    return end(
      "LOW_CONFIDENCE",
      `Call ${call.callId} and the trade differ in ${inOrder(mismatches).join(", ")}, but the order was said once, and nobody repeated or confirmed it: a person has to listen for ${what}.`,
    );
  if (mismatches.length > 0) {
    const excess = `${usedShares} of ${spokenShares} spoken are used up by ${list(usedBy, 5)}, ${executed} more executed`;
    const differences = isUsedUp ? [...texts, excess] : texts;
    return end(
      "MISMATCH",
      `Call ${call.callId} and the trade differ in ${inOrder(mismatches).join(", ")}: ${differences.join("; ")}. Spoken: ${quoteOf(spoken)}.`,
      inOrder(mismatches),
    );
  }
  if (comparison.unknown.length > 0)
    return end(
      "LOW_CONFIDENCE",
      `Call ${call.callId} speaks of the order, but ${comparison.unknown.join(" and ")} cannot be compared: a person has to listen for ${what}.`,
    );
  const all = [found, ...together];
  const unconfirmed = all.find(({ confirmation }) => confirmation.state !== "yes");
  if (unconfirmed?.confirmation.state === "unknown") return end("LOW_CONFIDENCE", nobodyKnows(unconfirmed, what));
  if (unconfirmed) return end("NOT_CONFIRMED", notAgreed(unconfirmed, what, false));
  if (found.lateS !== null)
    return end(
      "CONFIRMED_AFTER_ORDER",
      `The client confirms ${what} in call ${call.callId}, but ${found.lateS} s after the order was placed.`,
    );
  return end(
    "CONFIRMED",
    `The client orders and confirms ${what}${part} in call ${call.callId}: ${all.map((one) => quoteOf(one.spoken)).join(" and ")}.`,
  );
}

/** Said once, neither repeated nor confirmed: what differs may have been misheard. Recognisers take one share for another with confidence. */
function isUncertain({ spoken }: Found, order: ExecutedOrder, config: VerdictConfig): boolean {
  if (spoken.read_back === true || spoken.client_confirmed === true) return false;
  if (!namesSymbol(order, spoken)) return true;
  return (spoken.client_answer ?? "NONE") === "NONE" && spoken.confidence < config.minConfidenceOfAbsence;
}

const FIELDS: readonly Mismatch[] = ["SIDE", "SYMBOL", "QTY", "PRICE", "CLIENT"];

function inOrder(mismatches: readonly Mismatch[]): Mismatch[] {
  return FIELDS.filter((field) => mismatches.includes(field));
}

/** Several orders of one call may make up the quantity. */
function withoutExcess({ mismatches, differences }: Found["comparison"], { together }: Allotted) {
  if (together.length === 0) return { mismatches, differences };
  const kept = mismatches.map((mismatch, index) => ({ mismatch, text: differences[index] ?? "" }));
  const rest = kept.filter(({ mismatch }) => mismatch !== "QTY");
  return { mismatches: rest.map(({ mismatch }) => mismatch), differences: rest.map(({ text }) => text) };
}

function cancellationOf({ call, cancelled }: Found, what: string): string {
  const where = cancelled!.call === call ? "then cancels it" : `call ${cancelled!.call.callId} cancels it`;
  const orders = cancelled!.call === call ? "orders" : "holds";
  return `Call ${call.callId} ${orders} ${what} and ${where}: ${quoteOf(cancelled!.spoken)}.`;
}

const INSTEAD: Readonly<Record<string, string>> = {
  REFUSED: "the client refuses",
  DEFERRED: "the client puts it off",
  CONDITIONAL: "the client agrees only under a condition",
  OTHER: "the client's answer is about something else",
  DEALER: "the words of agreement are the dealer's",
};

/** Why it cannot be said whether the client agreed. */
function nobodyKnows({ call, spoken, confirmation }: Found, what: string): string {
  if (confirmation.state === "unknown" && confirmation.of === "WORDS")
    return `Call ${call.callId} speaks of ${what}, and whether the answer agrees is not clear: ${answerOf(spoken)}. A person has to listen.`;
  return `The dealer proposes ${what} in call ${call.callId}, and nobody knows whether it is the client who agrees, because the recording does not tell who speaks: a person has to listen.`;
}

/** Which answer was given in place of a yes. */
function notAgreed({ call, spoken, confirmation }: Found, what: string, isProposal: boolean): string {
  const holds = !isProposal
    ? `Call ${call.callId} holds ${what}`
    : spoken.initiated_by === "CLIENT"
      ? `Call ${call.callId} speaks of ${what}`
      : `The dealer proposes ${what} in call ${call.callId}`;
  const instead = confirmation.state === "no" ? INSTEAD[confirmation.answer] : undefined;
  return instead === undefined
    ? `${holds}, but no confirmation by the client was heard.`
    : `${holds}, but ${instead}: ${answerOf(spoken)}.`;
}

/** No call holds a spoken order that could be this one. */
function notSpokenOf({ order, calls }: VerdictInput, config: VerdictConfig): VerdictResult {
  const read = calls.filter(({ trades }) => trades !== null);
  const unread = calls.filter(({ trades }) => trades === null);
  if (unread.length > 0) {
    const reason = `Nobody could read ${names(unread)}${read.length > 0 ? `, and ${names(read)} does not hold the order` : ""}: a person has to listen.`;
    return result("LOW_CONFIDENCE", unread[0]?.callId ?? null, reason);
  }
  const isOfIt = (symbol: string): boolean => plain(symbol) === plain(order.symbol);
  const unknowing = read.find(({ unknownSymbols }) => unknownSymbols.some(isOfIt));
  if (unknowing)
    return result(
      "LOW_CONFIDENCE",
      unknowing.callId,
      `The engine that read ${unknowing.callId} has no spoken name for ${order.symbol}, so it cannot have heard the order: a person has to listen. COFI_SYMBOLS gives names to symbols.`,
    );
  const outdated = read.find(({ isVocabularyOld }) => isVocabularyOld);
  if (outdated)
    return result(
      "LOW_CONFIDENCE",
      outdated.callId,
      `The order was not found in ${names(read)}, but ${outdated.callId} was read when trades.csv had other symbols, so that the engine may not have known ${order.symbol}: a person has to listen, or the folder has to be run anew (cofi run --new).`,
    );
  for (const call of read) {
    const ended = call.trades?.find(
      (spoken) => spoken.action === "CANCEL" && namesSymbol(order, spoken) && spoken.side !== other(order.side),
    );
    if (ended && ended.confidence >= config.minTradeConfidence && !isDoubtful(call, config))
      return result(
        "CANCELLED_IN_CALL",
        call.callId,
        `Call ${call.callId} cancels an order for ${order.symbol}, and ${describe(order)} is not ordered in it: ${quoteOf(ended)}.`,
      );
  }
  const doubtful = read.find((call) => {
    const unsure = call.trades?.some(({ confidence }) => confidence < config.minTradeConfidence) ?? false;
    return unsure || (call.transcriptConfidence ?? 1) < config.minConfidenceOfAbsence || mustBeHeard(call, config);
  });
  if (doubtful) {
    const why = mustBeHeard(doubtful, config)
      ? lowerFirst(notKnownHowWell([doubtful]))
      : `${doubtful.callId} was not understood well enough to say so`;
    const reason = `The order was not found in ${names(read)}, but ${why}: a person has to listen.`;
    return result("LOW_CONFIDENCE", doubtful.callId, reason);
  }
  const others = read.flatMap(({ trades }) => trades ?? []).length;
  const holds = others === 0 ? "no order" : `${others} other order${others === 1 ? "" : "s"}`;
  const reason = `${describe(order)} is not spoken of in ${names(read)}, which ${read.length === 1 ? "holds" : "hold"} ${holds}.${relied(read, config)}`;
  return result("ORDER_NOT_IN_CALL", read[0]?.callId ?? null, reason);
}

function other(side: "BUY" | "SELL"): "BUY" | "SELL" {
  return side === "BUY" ? "SELL" : "BUY";
}

function lowerFirst(text: string): string {
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`;
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
