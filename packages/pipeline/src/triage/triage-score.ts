/** How well one call fits one order: pure functions, each part of the score with its own words. */
import type { Order } from "./orders.js";
import type { IndexedCall } from "./triage-calls.js";
import type { TriageConfig } from "./triage-config.js";

export type CandidateFlag =
  | "CALL_AFTER_ORDER"
  | "CALL_OUT_OF_WINDOW"
  | "CLIENT_PHONE_UNKNOWN"
  | "CLIENT_CODE_DIFFERS"
  | "DEALER_MISMATCH"
  | "DEALER_UNKNOWN"
  | "CALL_TOO_SHORT"
  | "AUDIO_UNUSABLE";

export interface Components {
  phone: number;
  clientCode: number;
  dealer: number;
  time: number;
}

export interface Scored {
  indexed: IndexedCall;
  score: number;
  components: Components;
  flags: CandidateFlag[];
  /** The order falls inside the call, within the clock skew. */
  inside: boolean;
  /** Milliseconds from the call's end to the order; 0 inside the call; from the order to the call's start for a later call. */
  gapMs: number;
  reason: string;
}

/** Flags that rule a call out; it is kept to be shown, but never selected. */
const EXCLUDING: ReadonlySet<CandidateFlag> = new Set([
  "CALL_AFTER_ORDER",
  "CALL_OUT_OF_WINDOW",
  "CALL_TOO_SHORT",
  "AUDIO_UNUSABLE",
]);

export function isEligible(candidate: Scored): boolean {
  return !candidate.flags.some((flag) => EXCLUDING.has(flag));
}

/** Where a call lies: in the window before the order, after it, or before the window. */
export function timing(order: Order, { startMs, endMs, lastDay }: IndexedCall, config: TriageConfig) {
  const skewMs = config.clockSkewS * 1000;
  const orderMs = order.orderTime.getTime();
  if (startMs > orderMs + skewMs) return "CALL_AFTER_ORDER";
  const inWindow =
    config.windowMinutes === null ? lastDay >= order.day : endMs >= orderMs - config.windowMinutes * 60_000 - skewMs;
  return inWindow ? "in window" : "CALL_OUT_OF_WINDOW";
}

/** `45 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`. */
export function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  const units: [number, string][] = [
    [86_400, "d"],
    [3600, "h"],
    [60, "min"],
    [1, "s"],
  ];
  const largest = units.findIndex(([size]) => seconds >= size);
  if (largest === -1) return "0 s";
  let rest = seconds;
  return units
    .slice(largest, largest + 2)
    .map(([size, unit]) => {
      const count = Math.floor(rest / size);
      rest -= count * size;
      return count > 0 ? `${count} ${unit}` : "";
    })
    .filter(Boolean)
    .join(" ");
}

/** Two decimals, so that stored scores compare and add up as shown. */
function round(value: number): number {
  return Math.round(value * 100) / 100;
}

/** Scores a call that passed the identity rule, and flags what speaks against it. */
export function scoreCall(order: Order, indexed: IndexedCall, config: TriageConfig): Scored {
  const { call, startMs, endMs, dealer } = indexed;
  const { weights } = config;
  const orderMs = order.orderTime.getTime();
  const flags: CandidateFlag[] = [];
  const words: string[] = [];
  const part = (value: number, text: string): number => {
    words.push(`${text} (${value})`);
    return value;
  };

  const phoneMatches = [call.callerNumber, call.calleeNumber].some(
    (number) => number !== null && order.phones.includes(number),
  );
  const phoneWords =
    order.phones.length === 0
      ? "client's phones not known"
      : phoneMatches
        ? "client's phone"
        : "another phone than the client's";
  const phone = part(phoneMatches ? weights.phone : 0, phoneWords);
  if (order.phones.length === 0) flags.push("CLIENT_PHONE_UNKNOWN");

  const codeMatches = call.clientCode === order.clientCode;
  if (call.clientCode !== null && !codeMatches) flags.push("CLIENT_CODE_DIFFERS");
  const codeWords =
    call.clientCode === null
      ? "client code not given"
      : codeMatches
        ? "client code"
        : `client code of ${call.clientCode}`;
  const clientCode = part(codeMatches ? weights.clientCode : 0, codeWords);

  const dealerMatches = dealer !== null && order.dealerIds.includes(dealer);
  if (!dealerMatches) flags.push(dealer === null ? "DEALER_UNKNOWN" : "DEALER_MISMATCH");
  const dealerWords =
    dealer === null ? "dealer not known" : dealerMatches ? `dealer ${dealer}` : `other dealer ${dealer}`;
  const dealerScore = part(dealerMatches ? weights.dealer : 0, dealerWords);

  const when = timing(order, indexed, config);
  const inside = when === "in window" && endMs >= orderMs;
  const gapMs = when === "CALL_AFTER_ORDER" ? startMs - orderMs : Math.max(0, orderMs - endMs);
  let time = 0;
  if (when === "CALL_AFTER_ORDER") {
    flags.push(when);
    part(0, `started ${duration(gapMs)} after the order`);
  } else if (when === "CALL_OUT_OF_WINDOW") {
    flags.push(when);
    part(0, `ended ${duration(gapMs)} before the order, outside the window`);
  } else {
    time = round(weights.time * Math.exp(-gapMs / (config.timeDecayMinutes * 60_000)));
    part(time, inside ? "order inside the call" : `ended ${duration(gapMs)} before the order`);
  }

  if (!call.audioUsable) {
    flags.push("AUDIO_UNUSABLE");
    words.push("its audio cannot be used");
  } else if (call.speechS !== null && call.speechS < config.minSpeechS) {
    flags.push("CALL_TOO_SHORT");
    words.push(`only ${call.speechS.toFixed(1)} s of speech`);
  }

  const sum = round(phone + clientCode + dealerScore + time);
  const capped = order.phones.length === 0 && sum > config.unknownPhoneCap;
  if (capped) words.push(`capped at ${config.unknownPhoneCap}`);
  return {
    indexed,
    score: capped ? config.unknownPhoneCap : sum,
    components: { phone, clientCode, dealer: dealerScore, time },
    flags,
    inside,
    gapMs,
    reason: `${words.join(", ")}.`,
  };
}

/** Best first. Ties: order inside the call, nearest end (or start, after the order), longest speech, call id, file. */
export function compareCandidates(a: Scored, b: Scored): number {
  const [x, y] = [a.indexed.call, b.indexed.call];
  return (
    Number(isEligible(b)) - Number(isEligible(a)) ||
    b.score - a.score ||
    Number(b.inside) - Number(a.inside) ||
    a.gapMs - b.gapMs ||
    (y.speechS ?? 0) - (x.speechS ?? 0) ||
    compareText(x.callId, y.callId) ||
    compareText(x.fileName, y.fileName)
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
