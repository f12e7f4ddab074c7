/** Figures that follow from time at work. Pure, and without Node: the page asks them too. */
import type { StageSummary, Work } from "@cofi/event-log/events";

/** ms at work up to `now`, epoch ms; null when nothing more is to come of it. */
export function workedMs({ overMs, since, loggedMs }: Work, now: number | null): number {
  if (since === null) return overMs;
  return overMs + (now === null ? loggedMs : Math.max(loggedMs, now - Date.parse(since)));
}

const MINUTE_MS = 60_000;
/** Over a shorter time one file more or less is too much of a difference. */
const LEAST_MS = 1_000;

/**
 * Files per minute that a stage finishes now: over the last minute before its latest event, and the silence since, but not
 * from before its run began. 0 once it has been silent for a minute; null when it has only just begun, or does not run.
 */
export function rateNow(
  { work, finishedLastMinute, lastEventAt }: Pick<StageSummary, "work" | "finishedLastMinute" | "lastEventAt">,
  now: number,
): number | null {
  if (work.since === null || lastEventAt === null) return null;
  const last = Date.parse(lastEventAt);
  if (now - last > MINUTE_MS) return 0;
  const spanMs = Math.max(now, last) - Math.max(last - MINUTE_MS, Date.parse(work.since));
  return spanMs < LEAST_MS ? null : finishedLastMinute / (spanMs / MINUTE_MS);
}
