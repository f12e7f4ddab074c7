/** Times of each stage, and estimates of the time left. */
import type { StageSummary } from "@cofi/event-log/events";
import { STAGES } from "@cofi/event-log/stages";
import type { Detail, StageCells } from "../fold/detail.js";
import { FileStates } from "../files/file-states.js";
import type { Range, StageTime, TimelineView } from "../shapes.js";

/** By stage: time for each file in earlier batches in ms, the fastest and the slowest of them. */
export type History = ReadonlyMap<string, Range>;

/** A speed over a shorter time is unreliable. */
const RECENT_MS = 300_000;
const LEAST_FINISHED = 3;
/** The speeds of two parts of a stage differ by about this share. */
const MARGIN = 0.1;

/**
 * The rules: a running stage needs its remaining work (seconds of audio if they are known for all files, else files)
 * divided by its speed; the faster and the slower of its whole time and its last five minutes give the range, widened by
 * a tenth. A stage that has not begun is estimated by its time for each file in earlier batches. Stages that run
 * now run side by side, so the longest counts; those that have not begun follow, so they add up. A batch that does not
 * continue has no time left.
 */
export function timelineView(
  detail: Detail,
  summaries: readonly StageSummary[],
  history: History,
  now: number,
  isGoingOn = true,
): TimelineView {
  let files = 0;
  const stages = STAGES.map(({ name, label }, index): StageTime => {
    const summary = summaries[index] as StageSummary;
    const { status, startedAt, finishedAt, failed } = summary;
    const base = { stage: name, label, status, startedAt, finishedAt, failed };
    if (status === "success" || status === "failed") {
      if (STAGES[index]?.unit === "recording") files = summary.done;
      return { ...base, remainingMs: [0, 0], basis: "done" };
    }
    if (!isGoingOn)
      return { ...base, finishedAt: startedAt && summary.lastEventAt, remainingMs: [0, 0], basis: "done" };
    const total = summary.totalFiles ?? (STAGES[index]?.unit === "table" ? 1 : files);
    if (status === "processing") {
      if (STAGES[index]?.unit === "recording") files = total - summary.failed;
      const atWork = remainingAtWork(detail, summaries, index, now);
      if (atWork) return { ...base, ...atWork };
    }
    const past = history.get(name);
    const left = Math.max(0, total - summary.done - summary.failed);
    if (past) return { ...base, remainingMs: [past[0] * left, past[1] * left], basis: "history" };
    return { ...base, remainingMs: null, basis: "unknown" };
  });
  return { stages, ...whole(stages), asOf: new Date(now).toISOString(), head: detail.head };
}

function remainingAtWork(
  detail: Detail,
  summaries: readonly StageSummary[],
  index: number,
  now: number,
): Pick<StageTime, "remainingMs" | "basis"> | null {
  const summary = summaries[index] as StageSummary;
  const cells = detail.stages[index] as StageCells;
  // Only the current run of a resumed batch shows its speed, because the pause before it does not.
  const started = cells.beganAt || Date.parse(summary.startedAt ?? "");
  const recentFrom = Math.max(started, now - RECENT_MS);
  let [left, leftAudio, before, finished, finishedAudio, recent, recentAudio] = [0, 0, 0, 0, 0, 0, 0];
  let isAudioKnown = true;
  const states = new FileStates(detail, summaries);
  for (let file = 0; file < detail.files.all.length; file++) {
    const state = states.of(file)[index] ?? null;
    if (state === null || state === "skipped" || state === "missing") continue;
    const audio = detail.audioS.get(file);
    if (audio === 0) isAudioKnown = false;
    if (state === "done" || state === "failed") {
      if (cells.endedAt.get(file) < started) {
        before += 1;
        continue;
      }
      finished += 1;
      finishedAudio += audio;
      if (cells.endedAt.get(file) < recentFrom) continue;
      recent += 1;
      recentAudio += audio;
    } else {
      left += 1;
      leftAudio += audio;
    }
  }
  // Files that no event has named yet, because the stage has announced more than were seen.
  const unseen = Math.max(0, (summary.totalFiles ?? 0) - left - finished - before);
  if (unseen > 0) isAudioKnown = false;
  if (finished < LEAST_FINISHED || !(now > started)) return null;
  const speeds = (all: number, late: number): number[] =>
    [all / (now - started), late / (now - recentFrom)].filter((speed) => speed > 0);
  const amount = isAudioKnown ? leftAudio : left + unseen;
  const both = isAudioKnown ? speeds(finishedAudio, recentAudio) : speeds(finished, recent);
  const remainingMs: Range = [(amount / Math.max(...both)) * (1 - MARGIN), (amount / Math.min(...both)) * (1 + MARGIN)];
  return { remainingMs, basis: isAudioKnown ? "audio" : "files" };
}

function whole(stages: readonly StageTime[]): Pick<TimelineView, "remainingMs" | "bottleneck"> {
  const left = stages.filter(({ basis }) => basis !== "done");
  const known = left.flatMap(({ stage, remainingMs }) => (remainingMs ? [{ stage, remainingMs }] : []));
  const bottleneck = known.toSorted((a, b) => b.remainingMs[1] - a.remainingMs[1])[0]?.stage ?? null;
  if (known.length < left.length) return { remainingMs: null, bottleneck };
  const bound = (end: 0 | 1): number => {
    const longest = Math.max(
      0,
      ...left.map(({ status, remainingMs }) => (status === "processing" ? remainingMs![end] : 0)),
    );
    return left.reduce(
      (sum, { status, remainingMs }) => (status === "processing" ? sum : sum + remainingMs![end]),
      longest,
    );
  };
  return { remainingMs: [bound(0), bound(1)], bottleneck };
}
