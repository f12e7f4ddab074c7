/**
 * What is thought of one host in one stage, and how that changes with what the host does: a state machine without a clock, a
 * connection or a list of the other hosts. Leaving out and trying again is outlier detection with half-open probes.
 */
import type { HostCondition } from "@cofi/event-log/event-metadata";

export interface HostState {
  readonly condition: HostCondition;
  /** The condition of which people know: that of the last step that they were told; `healthy` before the first. */
  readonly said: HostCondition;
  /** Faults since its last answer. */
  readonly faults: number;
  /** Its latest attempts, the newest last: whether it answered. */
  readonly recent: readonly boolean[];
  /** It is neither asked nor looked at before this moment, as the caller's clock counts in ms. */
  readonly pausedUntil: number;
  /** How long it was left alone last, in ms; 0 when it has answered well since. */
  readonly pauseMs: number;
  /** It must be looked at before it is asked again. */
  readonly needsLook: boolean;
  /** It asked to be left alone the last time. */
  readonly isBusy: boolean;
  /** Why it cannot work as the stage is set up, as a sentence; null for one that can, as far as is known. */
  readonly unfit: string | null;
}

/** Why a host cannot be asked. */
export interface Trouble {
  /** As a sentence. */
  why: string;
  /** Nobody gets an answer of it until somebody changes a setting. */
  isUnfit: boolean;
  /** No connection could be made to it. */
  isUnreached: boolean;
}

export type HostEvent =
  /** It answered about a file. */
  | { is: "answered" }
  /** It did not, by its own fault. `what`: for people, as a sentence. */
  | { is: "fault"; what: string }
  /** It asks to be left alone for so long; 0 when it did not say. */
  | { is: "busy"; forMs: number }
  /** It answered that it cannot work as the stage is set up. `what`: as a sentence. */
  | { is: "unfit"; what: string }
  /** It is silent about what it has in work, and no connection can be made to it. `what`: as a sentence. */
  | { is: "cut off"; what: string }
  /** It was looked at: null when it can work, else why not. */
  | { is: "looked"; trouble: Trouble | null }
  /** A look was good, and its latest fault is held against the file. */
  | { is: "cleared" }
  /** Another run has left it out: `what`, as a sentence without its point, and for how much longer. */
  | { is: "reported"; what: string; forMs: number }
  | { is: "gone"; why: string };

/** A step that people should know of. */
export interface Change {
  from: HostCondition;
  to: HostCondition;
  /** Why, as a sentence without its point. */
  rule: string;
  /** Another run has said so. */
  isReported?: boolean;
}

export interface Step {
  state: HostState;
  change: Change | null;
}

/** Faults in a row after which a host is left out. */
const FAULTS_IN_A_ROW = 3;
/** A host is left out, too, when half of so many recent attempts were its faults. */
const RECENT_ATTEMPTS = 10;
/** With the look and the file that follow, a host that is well again is back within a minute. */
const LONGEST_PAUSE_MS = 30_000;
/** Between looks at a host that has not been ready yet, such as one that loads its model. */
const FIRST_JOINING_PAUSE_MS = 100;
const LONGEST_JOINING_PAUSE_MS = 2_000;
/** Given to a host that is busy and does not say for how long; and to one that names a longer pause than people would wait for in the dark. */
const BUSY_PAUSE_MS = 1_000;
const LONGEST_BUSY_PAUSE_MS = 600_000;

export const NEW_HOST: HostState = {
  condition: "joining",
  said: "healthy",
  faults: 0,
  recent: [],
  pausedUntil: 0,
  pauseMs: 0,
  needsLook: true,
  isBusy: false,
  unfit: null,
};

/** Why a host is left out from the beginning of a stage. */
export const OUT_BEFORE = "it was left out in an earlier stage, and its pause is not over";

/**
 * The state in which a host begins its next stage: one that was left out stays so until its pause is over; any other is looked at
 * anew, also one that could not work as the stage before was set up.
 */
export function inNextStage(state: HostState): HostState {
  const { pausedUntil, pauseMs, unfit } = state;
  return isLeftOut(state) && unfit === null
    ? { ...NEW_HOST, condition: "ejected", said: "ejected", pausedUntil, pauseMs }
    : NEW_HOST;
}

/** Whether it gets no file before a look at it was good, although it was ready once. */
export function isLeftOut({ condition, needsLook }: HostState): boolean {
  return condition === "ejected" || (condition === "suspect" && needsLook);
}

/** Whether files may be given to it, when its pause is over. */
export function isUsable({ condition, needsLook }: HostState): boolean {
  return (condition === "healthy" || condition === "suspect" || condition === "probing") && !needsLook;
}

export interface Circumstances {
  /** As the caller's clock counts, in ms. */
  now: number;
  /** No other host is usable: the last one is paused, but never left out. */
  isLast: boolean;
  /** How long a host is left alone for the first time; each further time twice as long, up to half a minute. */
  firstPauseMs: number;
}

export function next(state: HostState, event: HostEvent, circumstances: Circumstances): Step {
  const { now } = circumstances;
  if (state.condition === "gone") return { state, change: null };
  switch (event.is) {
    case "answered":
      return answered(state);
    case "fault":
      return faulted(state, event.what, circumstances);
    case "busy": {
      const pausedUntil = Math.max(
        state.pausedUntil,
        now + Math.min(event.forMs || BUSY_PAUSE_MS, LONGEST_BUSY_PAUSE_MS),
      );
      return step(state, { pausedUntil, isBusy: true }, null);
    }
    case "cut off":
      return isUsable(state) ? cutOff(state, event.what, circumstances) : { state, change: null };
    case "unfit":
      // What was in work when it said so adds nothing.
      return state.needsLook ? { state, change: null } : foundUnfit(state, event.what, circumstances);
    case "looked":
      if (event.trouble === null) return lookedWell(state);
      return event.trouble.isUnfit
        ? foundUnfit(state, event.trouble.why, circumstances)
        : lookedIll({ ...state, unfit: null }, event.trouble.why, circumstances);
    case "cleared":
      return state.condition === "suspect" || state.condition === "probing"
        ? step(state, { condition: "suspect", faults: 0, needsLook: false, pauseMs: 0, pausedUntil: 0 }, null)
        : { state, change: null };
    case "reported":
      return reported(state, event.what, event.forMs, now);
    case "gone":
      return step(state, { condition: "gone" }, event.why);
  }
}

function answered(state: HostState): Step {
  const recent = [...state.recent, true].slice(-RECENT_ATTEMPTS);
  // The pauses of a host that comes and goes grow until it has answered well for a while.
  const isWell = recent.length >= FAULTS_IN_A_ROW && recent.slice(-FAULTS_IN_A_ROW).every(Boolean);
  const after = {
    condition: "healthy",
    faults: 0,
    recent,
    needsLook: false,
    isBusy: false,
    unfit: null,
    pauseMs: isWell ? 0 : state.pauseMs,
  } as const;
  // Also a late answer of a host that is left out: it lives.
  const wasOut = state.condition === "ejected" || state.needsLook;
  const changes = wasOut ? { ...after, pausedUntil: 0 } : after;
  return step(state, changes, state.said === "healthy" ? null : "it answers again");
}

function faulted(state: HostState, what: string, circumstances: Circumstances): Step {
  const faults = state.faults + 1;
  const recent = [...state.recent, false].slice(-RECENT_ATTEMPTS);
  // What was in work when it was left out adds nothing.
  if (state.condition === "ejected" || state.needsLook) return step(state, { faults }, null);
  const rule = ruleOf(state.condition, faults, recent);
  if (rule === null) return step(state, { condition: "suspect", faults, recent }, null);
  const why = `${rule}. The last one: ${what.replace(/\.$/, "")}`;
  return leftOut({ ...state, faults }, why, circumstances);
}

function cutOff(state: HostState, what: string, circumstances: Circumstances): Step {
  const why = `It was silent about what it has in work, and no connection can be made to it: ${what.replace(/\.$/, "")}`;
  return leftOut(state, why, circumstances);
}

function leftOut(state: HostState, why: string, circumstances: Circumstances): Step {
  const left = { ...paused(state, circumstances), faults: state.faults, recent: [] };
  return circumstances.isLast
    ? step(state, { ...left, condition: "suspect" }, `${why}. It is not left out, because no other host can be asked`)
    : step(state, { ...left, condition: "ejected" }, why);
}

/** Why a host is left out; null when it is not. */
function ruleOf(condition: HostCondition, faults: number, recent: readonly boolean[]): string | null {
  if (condition === "probing") return "The file that was to show whether it is well again got no answer";
  if (faults >= FAULTS_IN_A_ROW) return `${faults} faults in a row`;
  const failed = recent.filter((ok) => !ok).length;
  return recent.length === RECENT_ATTEMPTS && failed * 2 >= RECENT_ATTEMPTS
    ? `${failed} faults in its last ${RECENT_ATTEMPTS} attempts`
    : null;
}

/** Left out also where it is the last one: no file would get an answer. */
function foundUnfit(state: HostState, what: string, circumstances: Circumstances): Step {
  const left = { ...paused(state, circumstances), condition: "ejected", recent: [], unfit: what } as const;
  const isNew = state.unfit === null || state.condition !== "ejected";
  return step(state, left, isNew ? what.replace(/\.$/, "") : null);
}

function lookedWell(state: HostState): Step {
  const well = { needsLook: false, unfit: null };
  return state.condition === "joining"
    ? step(state, { ...well, condition: "healthy", pauseMs: 0 }, state.said === "joining" ? "it is ready" : null)
    : step(state, { ...well, condition: "probing" }, "it says that it is well; one file will show it");
}

function lookedIll(state: HostState, trouble: string, circumstances: Circumstances): Step {
  if (state.condition !== "joining") return step(state, paused(state, circumstances), null);
  const { now } = circumstances;
  const pauseMs = Math.min(Math.max(FIRST_JOINING_PAUSE_MS, 2 * state.pauseMs), LONGEST_JOINING_PAUSE_MS);
  return step(state, { pauseMs, pausedUntil: now + pauseMs }, state.pauseMs === 0 ? trouble.replace(/\.$/, "") : null);
}

/** Nobody's word is taken for it: it is looked at before it is asked again, and at once where it is in use. */
function reported(state: HostState, what: string, forMs: number, now: number): Step {
  const isNew = state.condition === "joining";
  if (!isNew && !isUsable(state)) return { state, change: null };
  const { state: after, change } = isNew
    ? step(state, { condition: "ejected", pausedUntil: now + forMs, pauseMs: forMs }, what)
    : step(state, { condition: "suspect", needsLook: true, pausedUntil: now }, `${what}. It is looked at`);
  return { state: after, change: change && { ...change, isReported: true } };
}

/** Left alone for twice as long as before. */
function paused(
  { pauseMs: before }: HostState,
  { now, firstPauseMs }: Circumstances,
): Pick<HostState, "pauseMs" | "pausedUntil" | "needsLook"> {
  const pauseMs = Math.min(Math.max(firstPauseMs, 2 * before), LONGEST_PAUSE_MS);
  return { pauseMs, pausedUntil: now + pauseMs, needsLook: true };
}

/** `rule` null: nothing that people need to know. */
function step(state: HostState, changes: Partial<HostState>, rule: string | null): Step {
  const after = { ...state, ...changes };
  if (rule === null) return { state: after, change: null };
  return {
    state: { ...after, said: after.condition },
    change: { from: state.condition, to: after.condition, rule },
  };
}
