/** From the events of one file to its attempts. Pure. */
import { skipReason } from "@cofi/event-log/event-metadata";
import { outcomeOf, type FileOutcome } from "@cofi/event-log/file-outcome";
import type { LogEvent } from "@cofi/event-log/events";

export interface Attempt {
  /** Id of its first event. */
  id: number;
  stage: string;
  attempt: number | null;
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

/** `events` in any order; the attempts come in the order in which they began. An end belongs to the latest open start of its stage and number. */
export function attemptsOf(events: readonly LogEvent[]): Attempt[] {
  const attempts: Attempt[] = [];
  for (const event of events.toSorted((a, b) => a.id - b.id)) {
    const { id, stage, attempt, timestamp, gpuIp } = event;
    const fresh = {
      id,
      stage,
      attempt,
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
      // Nobody logs the end of a try that was cut off, by a kill or a restart; the next one says that it is over.
      const cut = attempts.findLast((one) => one.stage === stage && one.endId === null);
      if (cut) Object.assign(cut, { endedAt: timestamp, outcome: "cut" });
      attempts.push({ ...fresh, startId: id, startedAt: timestamp, outcome });
    }
    if (outcome === "skipped")
      attempts.push({ ...fresh, endId: id, endedAt: timestamp, outcome, message: skipReason(event.metadata) });
    if (outcome === null || outcome === "inFlight" || outcome === "skipped") continue;
    const isSame = (one: Attempt): boolean =>
      one.stage === stage && one.outcome === "inFlight" && (one.attempt ?? attempt) === (attempt ?? one.attempt);
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
  return attempts.map(({ startedAt, endedAt, outcome }) => {
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
