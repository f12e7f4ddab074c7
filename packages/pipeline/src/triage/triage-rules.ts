/**
 * The rules of triage for one order: an ordered table of pure functions. Each says what it found, so that every result can be
 * read line by line.
 */
import type { Order } from "./orders.js";
import type { CallIndex, IndexedCall } from "./triage-calls.js";
import type { TriageConfig } from "./triage-config.js";
import {
  compareCandidates,
  duration,
  isEligible,
  scoreCall,
  timing,
  type CandidateFlag,
  type Components,
  type Scored,
} from "./triage-score.js";

export type TriageResult =
  | "MATCHED"
  | "AMBIGUOUS"
  | "WEAK_MATCH"
  | "NO_CALL"
  | "NO_CALL_FOR_CLIENT"
  | "CALL_AFTER_ORDER"
  | "CALL_OUT_OF_WINDOW"
  | "CALL_TOO_SHORT"
  | "AUDIO_UNUSABLE"
  | "OUT_OF_SCOPE";

export interface TriageStep {
  rule: "SCOPE" | "ORDER" | "IDENTITY" | "TIME" | "DEALER" | "AUDIO" | "SCORE" | "DECISION";
  /** pass: go on · flag: go on, with a mark · stop: the result stands. */
  outcome: "pass" | "flag" | "stop";
  /** A sentence, without phone numbers. */
  detail: string;
}

interface TriageCandidate {
  callId: string;
  /** 1 is the best; calls that are ruled out come last. */
  rank: number;
  /** 0 to the sum of the weights. */
  score: number;
  components: Components;
  flags: CandidateFlag[];
  /** The call goes on as evidence for this trade. */
  selected: boolean;
  reason: string;
}

/** What triage says of an order, and so of each of its fills. */
export interface OrderTriage {
  result: TriageResult;
  /** A sentence. */
  reason: string;
  steps: TriageStep[];
  candidates: TriageCandidate[];
}

/** What the rules work on: the candidates get fewer, then scored, then ordered. */
interface Case {
  order: Order;
  index: CallIndex;
  config: TriageConfig;
  calls: IndexedCall[];
  scored: Scored[];
}

type Finding =
  | { outcome: "pass" | "flag"; detail: string }
  | { outcome: "stop"; detail: string; result: TriageResult; selected?: readonly Scored[] };

interface Rule {
  name: TriageStep["rule"];
  apply(state: Case): Finding;
}

function calls(count: number): string {
  return count === 1 ? "1 call" : `${count} calls`;
}

function groupFills({ order }: Case): Finding {
  if (order.orderId === null)
    return { outcome: "pass", detail: "The trade gives no order id: it is an order by itself." };
  const count = order.fills.length;
  const fills = count === 1 ? "has 1 fill" : `has ${count} fills, which are triaged as one`;
  const detail = [`Order ${order.orderId} ${fills}.`, ...order.remarks].join(" ");
  return { outcome: order.remarks.length > 0 ? "flag" : "pass", detail };
}

function dealers({ dealerIds }: Order): string {
  return dealerIds.join(" or ");
}

function identify(state: Case): Finding {
  const { order, index, config } = state;
  const own = index.ofClient(order.phones, order.clientCode);
  if (order.phones.length > 0) {
    state.calls = [...own];
    const detail = `${calls(own.size)} with a phone of client ${order.clientCode} or the client's code.`;
    return own.size > 0
      ? { outcome: "pass", detail }
      : {
          outcome: "stop",
          result: "NO_CALL_FOR_CLIENT",
          detail: `No call with a phone or the code of client ${order.clientCode}.`,
        };
  }
  for (const dealer of order.dealerIds)
    for (const call of index.ofDealer(dealer)) if (timing(order, call, config) === "in window") own.add(call);
  state.calls = [...own];
  return own.size > 0
    ? {
        outcome: "flag",
        detail:
          `No phone of client ${order.clientCode} is known (CLIENT_PHONE_UNKNOWN): ${calls(own.size)} with the client's code, ` +
          `or of dealer ${dealers(order)} in the window; scores are capped at ${config.unknownPhoneCap}.`,
      }
    : {
        outcome: "stop",
        result: "NO_CALL_FOR_CLIENT",
        detail: `No phone of client ${order.clientCode} is known, and no call has the client's code or is of dealer ${dealers(order)} in the window.`,
      };
}

function checkTime(state: Case): Finding {
  const { order, config } = state;
  state.scored = state.calls.map((call) => scoreCall(order, call, config)).toSorted(compareCandidates);
  const later = state.scored.filter(({ flags }) => flags.includes("CALL_AFTER_ORDER"));
  const earlier = state.scored.filter(({ flags }) => flags.includes("CALL_OUT_OF_WINDOW"));
  const inWindow = state.scored.length - later.length - earlier.length;
  const window =
    config.windowMinutes === null ? `trading day ${order.day}` : `${config.windowMinutes} min before the order`;
  if (inWindow > 0) {
    const rest =
      later.length + earlier.length > 0 ? `; ${earlier.length} earlier, ${later.length} after the order` : "";
    return { outcome: "pass", detail: `${calls(inWindow)} within the ${window}${rest}.` };
  }
  // With calls on both sides the nearest one says which it is.
  const nearest = [...later, ...earlier].reduce((best, one) => (one.gapMs < best.gapMs ? one : best));
  return nearest.flags.includes("CALL_AFTER_ORDER")
    ? {
        outcome: "stop",
        result: "CALL_AFTER_ORDER",
        detail: `No call before the order: the nearest, ${nearest.indexed.call.callId}, started ${duration(nearest.gapMs)} after it.`,
      }
    : {
        outcome: "stop",
        result: "CALL_OUT_OF_WINDOW",
        detail: `No call within the ${window}: the nearest, ${nearest.indexed.call.callId}, ended ${duration(nearest.gapMs)} before the order.`,
      };
}

function inTime({ scored }: Case): Scored[] {
  return scored.filter(({ flags }) => !flags.includes("CALL_AFTER_ORDER") && !flags.includes("CALL_OUT_OF_WINDOW"));
}

function checkDealer(state: Case): Finding {
  const candidates = inTime(state);
  const others = candidates.filter(({ flags }) => flags.includes("DEALER_MISMATCH")).length;
  return others > 0
    ? {
        outcome: "flag",
        detail: `${calls(others)} of another dealer or extension than ${dealers(state.order)}: kept, DEALER_MISMATCH.`,
      }
    : { outcome: "pass", detail: `No call of another dealer than ${dealers(state.order)}.` };
}

function checkAudio(state: Case): Finding {
  const candidates = inTime(state);
  const short = candidates.filter(({ flags }) => flags.includes("CALL_TOO_SHORT")).length;
  const unusable = candidates.filter(({ flags }) => flags.includes("AUDIO_UNUSABLE")).length;
  const detail =
    [
      short > 0 ? `${calls(short)} with less than ${state.config.minSpeechS} s of speech` : "",
      unusable > 0 ? `${calls(unusable)} whose audio cannot be used` : "",
    ]
      .filter(Boolean)
      .join(", ") || "every call has enough speech";
  const sentence = `${detail.charAt(0).toUpperCase()}${detail.slice(1)}`;
  if (short + unusable < candidates.length)
    return { outcome: short + unusable > 0 ? "flag" : "pass", detail: `${sentence}.` };
  // A recording that nobody could listen to may hold the order: it outranks one that is known to be too short.
  return {
    outcome: "stop",
    result: unusable > 0 ? "AUDIO_UNUSABLE" : "CALL_TOO_SHORT",
    detail: `${sentence}: no other is left.`,
  };
}

function score(state: Case): Finding {
  const [first, second] = state.scored.filter(isEligible);
  const next = second ? `, next ${second.indexed.call.callId} with ${second.score}` : "";
  return {
    outcome: "pass",
    detail: `Best call ${first?.indexed.call.callId} with ${first?.score}${next}. ${first?.reason}`,
  };
}

function decide(state: Case): Finding {
  const { config } = state;
  const eligible = state.scored.filter(isEligible);
  const [first, second] = eligible;
  if (!first || first.score < config.weakFrom)
    return {
      outcome: "stop",
      result: "NO_CALL",
      detail: `The best call scores ${first?.score ?? 0}, below ${config.weakFrom}.`,
    };
  const { callId } = first.indexed.call;
  const close = eligible.filter((one) => first.score - one.score < config.matchMargin && one.score >= config.weakFrom);
  if (first.score < config.matchFrom) {
    const detail = `Call ${callId} scores ${first.score}, from ${config.weakFrom} to below ${config.matchFrom}.`;
    return { outcome: "stop", result: "WEAK_MATCH", detail, selected: close.slice(0, config.ambiguousKeep) };
  }
  if (close.length === 1) {
    const ahead = second
      ? `${Math.round((first.score - second.score) * 100) / 100} ahead of the next`
      : "the only one left";
    return {
      outcome: "stop",
      result: "MATCHED",
      detail: `Call ${callId} scores ${first.score}, ${ahead}.`,
      selected: [first],
    };
  }
  const kept = eligible.filter((one) => one.score >= config.weakFrom).slice(0, config.ambiguousKeep);
  return {
    outcome: "stop",
    result: "AMBIGUOUS",
    detail: `${calls(close.length)} within ${config.matchMargin} of the best score ${first.score}: ${kept.map((one) => one.indexed.call.callId).join(", ")} kept for what was said to decide.`,
    selected: kept,
  };
}

/** The rules for one order, in their order; the first that stops gives the result, and the last always does. */
const RULES: readonly Rule[] = [
  { name: "ORDER", apply: groupFills },
  { name: "IDENTITY", apply: identify },
  { name: "TIME", apply: checkTime },
  { name: "DEALER", apply: checkDealer },
  { name: "AUDIO", apply: checkAudio },
  { name: "SCORE", apply: score },
  { name: "DECISION", apply: decide },
];

/** Applies the rules in their order; the first that stops gives the result. */
export function triageOrder(order: Order, index: CallIndex, config: TriageConfig): OrderTriage {
  const state: Case = { order, index, config, calls: [], scored: [] };
  const steps: TriageStep[] = [];
  for (const { name, apply } of RULES) {
    const finding = apply(state);
    steps.push({ rule: name, outcome: finding.outcome, detail: finding.detail });
    if (finding.outcome !== "stop") continue;
    const candidates = state.scored.slice(0, config.maxCandidates).map((one, position) => ({
      callId: one.indexed.call.callId,
      rank: position + 1,
      score: one.score,
      components: one.components,
      flags: one.flags,
      selected: finding.selected?.includes(one) ?? false,
      reason: one.reason,
    }));
    return { result: finding.result, reason: finding.detail, steps, candidates };
  }
  throw new Error("The rules ended without a result: the last one must always give one.");
}
