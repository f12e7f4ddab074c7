/** From the events of one file to its attempts. Pure. */
import { skipReason } from "@cofi/event-log/event-metadata";
import { outcomeOf, type FileOutcome } from "@cofi/event-log/file-outcome";
import type { LogEvent } from "@cofi/event-log/events";

export interface Attempt {
  /** Id of its first event. */
  id: number;
  stage: string;
  attempt: number | null;
  /** Of the batch; null for one that another service logged. */
  run: number | null;
  /** It arrived after a newer run had begun, and counts nowhere. */
  isHistory: boolean;
  host: string | null;
  startId: number | null;
  endId: number | null;
  startedAt: string | null;
  endedAt: string | null;
  durationMs: number | null;
  /** `cut`: nobody logged its end, and its stage has begun another. */
  outcome: FileOutcome | "cut";
  message: string | null;
}

/**
 * `events` in any order; the attempts come in the order in which they began. An end belongs to the latest open start of its
 * stage, run and number. What is history neither ends nor begins an attempt that counts.
 */
export function attemptsOf(events: readonly LogEvent[]): Attempt[] {
  const counted = attemptsAmong(events.filter(({ history }) => !history));
  const late = attemptsAmong(events.filter(({ history }) => history));
  // Nothing is known of what became of them: they are not in progress.
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
      // Nobody logs the end of an attempt that was cut off, by a kill or a restart; the next one says that it is over.
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
 * How long the file waited before each of its attempts, ms: since the latest end of those before it. null for the first, for
 * one that began while another ran, and where nobody logged its start.
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
    // Nobody knows until when that one ran.
    isAfterCut = outcome === "cut";
    return waited;
  });
}
