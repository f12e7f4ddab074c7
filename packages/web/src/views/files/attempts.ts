/** Makes attempts of the events of one file. Pure. */
import { recordingNotes, saidOfRows, skipReason } from "@cofi/event-log/event-metadata";
import { outcomeOf, type FileOutcome } from "@cofi/event-log/file-outcome";
import type { LogEvent } from "@cofi/event-log/events";
import type { WorkRun } from "@cofi/views/detail/shapes";

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
  /**
   * What was odd about the file and was tolerated, a line each: for each kind of warning and note on the rows of a CSV file; for each
   * note on a recording, unless an attempt before it has said so.
   */
  said: string[];
}

/** One of the attempts at a file, with its place among them. */
export interface PlacedAttempt extends Attempt {
  /** Its number among the attempts in its stage, and how many there are; null for one that does not count. */
  number: number | null;
  of: number;
  /** Index of the run of the batch that it belongs to. */
  inRun: number;
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
      said: [],
    };
    const ofRows = event.eventType === "info" ? saidOfRows(event.metadata) : null;
    if (ofRows) attempts.findLast((one) => one.stage === stage)?.said.push(ofRows.message);
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
    one.said.push(
      ...recordingNotes(event.metadata).filter((note) => !attempts.some(({ said }) => said.includes(note))),
    );
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
 * Numbers attempts in each stage, over all runs of the batch, and says to which run each belongs. One that was cut off ended
 * with its run at the latest.
 */
export function placedIn(runs: readonly WorkRun[], attempts: readonly Attempt[]): PlacedAttempt[] {
  const counted = attempts.filter(({ isHistory }) => !isHistory);
  return attempts.map((one) => {
    const ofStage = counted.filter(({ stage }) => stage === one.stage);
    const inRun = Math.max(
      0,
      runs.findLastIndex(({ firstId }) => firstId <= one.id),
    );
    const runEnd = runs[inRun]?.endedAt ?? null;
    const isCutByEnd = one.outcome === "cut" && !one.isHistory && runEnd !== null && (one.endedAt ?? "") > runEnd;
    return {
      ...one,
      ...(isCutByEnd && { endedAt: runEnd }),
      number: one.isHistory ? null : ofStage.indexOf(one) + 1,
      of: ofStage.length,
      inRun,
    };
  });
}

/**
 * Returns how long the file waited before each attempt, in ms since the latest end of the attempts before it, or since the run
 * of the batch began. null for the first attempt, for one that began while another ran, and for one without a logged start.
 */
export function waitsOf(attempts: readonly PlacedAttempt[], runs: readonly WorkRun[]): (number | null)[] {
  let freeSince: number | null = null;
  let isOneOpen = false;
  let isAfterCut = false;
  let runBefore = 0;
  return attempts.map(({ startedAt, endedAt, outcome, isHistory, inRun }) => {
    if (isHistory) return null;
    if (inRun > runBefore) {
      // Nobody waited while the batch did not run, and what had been cut off is over.
      freeSince = Math.max(freeSince ?? -Infinity, Date.parse(runs[inRun]!.startedAt));
      isOneOpen = isAfterCut = false;
      runBefore = inRun;
    }
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
