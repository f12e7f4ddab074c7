/** Makes attempts of the events of one file. Pure. */
import { skipReason } from "@cofi/event-log/event-metadata";
import { outcomeOf, type FileOutcome } from "@cofi/event-log/file-outcome";
import type { LogEvent } from "@cofi/event-log/events";

export interface Attempt {
  /** Id of its first event. */
  id: number;
  stage: string;
  attempt: number | null;
  /** Run of the batch; null if another service logged the attempt. */
  run: number | null;
  /** The attempt arrived after a newer run had begun, so it does not count. */
  isHistory: boolean;
  host: string | null;
  startId: number | null;
  endId: number | null;
  startedAt: string | null;
  endedAt: string | null;
  durationMs: number | null;
  /** `cut`: its end was never logged, and its stage has begun another attempt. */
  outcome: FileOutcome | "cut";
  message: string | null;
}

/**
 * Takes events in any order; returns attempts in the order in which they began. An end belongs to the latest open start of
 * its stage, run and number. History neither ends nor begins an attempt that counts.
 */
export function attemptsOf(events: readonly LogEvent[]): Attempt[] {
  const counted = attemptsAmong(events.filter(({ history }) => !history));
  const late = attemptsAmong(events.filter(({ history }) => history));
  // Their outcome is unknown, but they are not in progress.
  for (const one of late) if (one.endedAt === null) Object.assign(one, { endedAt: one.startedAt, outcome: "cut" });
  return [...counted, ...late].toSorted((a, b) => a.id - b.id);
}

function attemptsAmong(events: readonly LogEvent[]): Attempt[] {
  const attempts: Attempt[] = [];
  for (const event of events.toSorted((a, b) => a.id - b.id)) {
    const { id, stage, attempt, run, timestamp, gpuIp } = event;
    const fresh = {
      id,
      stage,
      attempt,
      run,
      isHistory: event.history === true,
      host: gpuIp,
      startId: null,
      endId: null,
      startedAt: null,
      endedAt: null,
      durationMs: null,
      message: null,
    };
    const outcome = outcomeOf(event);
    if (outcome === "inFlight") {
      // An attempt that a kill or a restart cut off has no logged end; the start of the next one ends it.
      const cut = attempts.findLast((one) => one.stage === stage && one.endId === null);
      if (cut) Object.assign(cut, { endedAt: timestamp, outcome: "cut" });
      attempts.push({ ...fresh, startId: id, startedAt: timestamp, outcome });
    }
    if (outcome === "skipped")
      attempts.push({ ...fresh, endId: id, endedAt: timestamp, outcome, message: skipReason(event.metadata) });
    if (outcome === null || outcome === "inFlight" || outcome === "skipped") continue;
    const isSame = (one: Attempt): boolean =>
      one.stage === stage &&
      one.run === run &&
      one.outcome === "inFlight" &&
      (one.attempt ?? attempt) === (attempt ?? one.attempt);
    let one = attempts.findLast(isSame);
    if (!one) attempts.push((one = { ...fresh, outcome: "inFlight" }));
    Object.assign(one, {
      attempt: one.attempt ?? attempt,
      endId: id,
      endedAt: timestamp,
      durationMs: event.durationMs,
      host: gpuIp ?? one.host,
      outcome,
      message: event.errorMessage,
    });
  }
  return attempts;
}

/**
 * Returns how long the file waited before each attempt, in ms since the latest end of the attempts before it. null for the
 * first attempt, for one that began while another ran, and for one without a logged start.
 */
export function waitsOf(attempts: readonly Attempt[]): (number | null)[] {
  let freeSince: number | null = null;
  let isOneOpen = false;
  let isAfterCut = false;
  return attempts.map(({ startedAt, endedAt, outcome, isHistory }) => {
    if (isHistory) return null;
    const start = startedAt === null ? null : Date.parse(startedAt);
    const isKnown = start !== null && freeSince !== null && !isOneOpen && !isAfterCut && start >= freeSince;
    const waited = isKnown ? start - freeSince! : null;
    if (endedAt === null) isOneOpen = true;
    else freeSince = Math.max(freeSince ?? -Infinity, Date.parse(endedAt));
    // The end of that attempt is unknown.
    isAfterCut = outcome === "cut";
    return waited;
  });
}
