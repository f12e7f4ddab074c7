/**
 * The case of a trade: a pure fold of what people did with it, and of the verdict that is in force. Nothing else is stored of a case.
 *
 * open -> taken -> decided -> approved. Whoever decided does not approve. A decision that was rejected, and one after which the trade was judged
 * again, leaves the case open.
 */
import type { Json } from "@cofi/event-log/events";
import { reasonOf } from "./reasons.js";

/** drawn: at random · corrected: what a machine had heard or read · the rest says itself. */
export type CaseEvent = "drawn" | "taken" | "released" | "noted" | "corrected" | "decided" | "approved" | "rejected";
/** What changes the state; the latest of these says it. */
export const STEPS = ["taken", "released", "decided", "approved", "rejected"] as const satisfies readonly CaseEvent[];
export const STATES = ["open", "taken", "decided", "approved"] as const;
export type CaseState = (typeof STATES)[number];

/** What was done with a case, in the order of its numbers, from 1. */
export interface ReviewRow {
  number: number;
  what: CaseEvent;
  who: string;
  role: string;
  /** ISO 8601, by the database's clock. */
  at: string;
  /** Of a decision, one of `reasons.ts`; of a correction `word` or `field`. */
  reason: string | null;
  note: string | null;
  /** Of a decision: the verdict that it is about. */
  verdict: string | null;
  /** The event that says this verdict. */
  verdictEventId: number | null;
  data: Json;
}

/** The verdict in force. */
export interface VerdictNow {
  verdict: string | null;
  /** The event that says it; null where another writer has stored it without one. */
  eventId: number | null;
  /** The run that logged it. */
  run: number | null;
}

export interface Step {
  who: string;
  at: string;
}

export interface Decision extends Step {
  number: number;
  reason: string;
  verdict: string | null;
}

export interface Case {
  state: CaseState;
  /** Since when it is in this state, and by whom; null while nobody has done anything. */
  last: Step | null;
  isDrawn: boolean;
  /** The decision that stands; null while there is none. */
  decision: Decision | null;
  /** Why the case is open although it was decided, as a sentence. */
  reopened: string | null;
  /** Says which rows, and which verdict, somebody has seen who acts. */
  version: string;
}

export function foldCase(rows: readonly ReviewRow[], now: VerdictNow): Case {
  let state: CaseState = "open";
  let last: Step | null = null;
  let decision: Decision | null = null;
  let decidedAbout: number | null = null;
  let reopened: string | null = null;
  let isDrawn = false;
  for (const { number, what, who, at, reason, verdict, verdictEventId } of rows) {
    if (what === "drawn") isDrawn = true;
    if (what === "drawn" || what === "noted" || what === "corrected") continue;
    last = { who, at };
    reopened = null;
    if (what === "decided") {
      decision = { number, who, at, reason: reason ?? "", verdict };
      decidedAbout = verdictEventId;
    }
    if (what === "rejected") reopened = `${who} rejected the decision at ${at}.`;
    state = AFTER[what];
  }
  const isDecided = state === "decided" || state === "approved";
  if (isDecided && decision && decidedAbout !== now.eventId) {
    state = "open";
    reopened =
      `${decision.who} decided about ${decision.verdict ?? "no verdict"} at ${decision.at}. ` +
      `The trade was judged again${now.run === null ? "" : ` by run ${now.run}`}: ${now.verdict ?? "no verdict"}.`;
  }
  if (state === "open" || state === "taken") decision = null;
  return { state, last, isDrawn, decision, reopened, version: `${rows.at(-1)?.number ?? 0}.${now.eventId ?? 0}` };
}

const AFTER: Record<(typeof STEPS)[number], CaseState> = {
  taken: "taken",
  released: "open",
  decided: "decided",
  approved: "approved",
  rejected: "open",
};

export const CASE_ACTIONS = ["take", "release", "note", "correct", "decide", "approve", "reject"] as const;
export type CaseAction = (typeof CASE_ACTIONS)[number];

/** The row that an action adds. */
export const ROW_OF: Record<CaseAction, CaseEvent> = {
  take: "taken",
  release: "released",
  note: "noted",
  correct: "corrected",
  decide: "decided",
  approve: "approved",
  reject: "rejected",
};

/** Why somebody may not do this now. */
export interface Refusal {
  /** conflict: somebody else has done something · forbidden: it has to be another person */
  kind: "conflict" | "forbidden";
  /** Sentences. */
  says: string;
}

/** @param by.mayRelease whether who acts may release what another person has taken */
export function refusalOf(
  action: CaseAction,
  one: Case,
  { who, mayRelease }: { who: string; mayRelease: boolean },
): Refusal | null {
  const { state, last, decision } = one;
  const isOwn = last?.who === who;
  const conflict: Refusal = { kind: "conflict", says: `${inWords(one)} Nothing was changed.` };
  switch (action) {
    case "note":
    case "correct":
      return null;
    case "take":
      // Who decided takes the decision back as long as nobody has approved it.
      return state === "open" || (state === "decided" && isOwn) ? null : conflict;
    case "release":
      return state === "taken" && (isOwn || mayRelease) ? null : conflict;
    case "decide":
      return state === "open" || (state === "taken" && isOwn) ? null : conflict;
    case "approve":
    case "reject":
      if (state !== "decided") return conflict;
      return decision?.who === who
        ? { kind: "forbidden", says: "You decided this case, so another person has to approve or reject the decision." }
        : null;
  }
}

/** How the case stands, as a sentence: by whom, and since when. */
export function inWords({ state, last, decision, reopened }: Case): string {
  const [who, at] = [last?.who ?? "nobody", last?.at ?? ""];
  if (state === "taken") return `${who} has had this case since ${at}.`;
  if (state === "open") return reopened ?? "Nobody has this case.";
  const label = reasonOf(decision?.reason ?? null)?.label ?? decision?.reason ?? "";
  const made = `${decision?.who} decided this case at ${decision?.at}: ${label}.`;
  return state === "decided"
    ? `${made} The decision waits for another person.`
    : `${made} ${who} approved it at ${at}.`;
}
