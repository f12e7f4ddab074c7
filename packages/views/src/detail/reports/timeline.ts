/** Times of each stage, and estimates of the time left. */
import type { StageSummary } from "@cofi/event-log/events";
import { STAGES } from "@cofi/event-log/stages";
import type { Run } from "../../work/stage-runs.js";
import { workedMs } from "../../work/worked.js";
import { FileStates } from "../files/file-states.js";
import type { Detail } from "../fold/detail.js";
import { MOST_RUNS, type Range, type StageTime, type TimelineView, type WorkRun } from "../shapes.js";
import { remainingAtWork } from "./remaining.js";

/** By stage: time for each file in earlier batches in ms, the fastest and the slowest of them. */
export type History = ReadonlyMap<string, Range>;

/**
 * The rules: a running stage is estimated by its speed (`remaining.ts`), one that has not begun by its time for each file in
 * earlier batches. Stages that run now run side by side, so the longest counts; those that have not begun follow, so they add
 * up. A batch that does not continue has no time left.
 */
export function timelineView(
  detail: Detail,
  summaries: readonly StageSummary[],
  history: History,
  now: number,
  isGoingOn = true,
): TimelineView {
  let files = 0;
  const until = isGoingOn ? now : null;
  const states = new FileStates(detail, summaries);
  const stages = STAGES.map(({ name, label, unit }, index): StageTime => {
    const summary = summaries[index] as StageSummary;
    const { status, startedAt, finishedAt, failed, work } = summary;
    const runs = runsOf(detail.work.stage(name).runs, workedMs({ ...work, overMs: 0 }, until), isGoingOn);
    const durationMs = startedAt === null ? null : workedMs(work, until);
    const base = { stage: name, label, status, startedAt, finishedAt, runs, durationMs, failed };
    if (status === "success" || status === "failed") {
      if (unit === "recording") files = summary.done;
      return { ...base, remainingMs: [0, 0], basis: "done" };
    }
    if (!isGoingOn)
      return { ...base, finishedAt: startedAt && summary.lastEventAt, remainingMs: [0, 0], basis: "done" };
    const total = summary.totalFiles ?? (unit === "table" ? 1 : files);
    if (status === "processing") {
      if (unit === "recording") files = total - summary.failed;
      const atWork = remainingAtWork(detail, states, summary, index, now);
      if (atWork) return { ...base, ...atWork };
    }
    const past = history.get(name);
    const left = Math.max(0, total - summary.done - summary.failed);
    if (past) return { ...base, remainingMs: [past[0] * left, past[1] * left], basis: "history" };
    return { ...base, remainingMs: null, basis: "unknown" };
  });
  const { work, runs } = detail.work;
  const openMs = workedMs({ ...work, overMs: 0 }, until);
  return {
    stages,
    ...whole(stages),
    runs: runsOf(runs, openMs, isGoingOn),
    durationMs: workedMs(work, until),
    asOf: new Date(now).toISOString(),
    head: detail.head,
  };
}

/** `openMs`: how long the run that is not over has lasted. The earliest of very many are put together. */
function runsOf(runs: readonly Run[], openMs: number, isGoingOn: boolean): WorkRun[] {
  const lines = runs.map(({ id, run, at, endedAt, ms }): WorkRun => {
    const isOver = endedAt !== null || !isGoingOn;
    return {
      run,
      firstId: id,
      startedAt: new Date(at).toISOString(),
      endedAt: isOver ? new Date(endedAt ?? at + openMs).toISOString() : null,
      durationMs: endedAt === null ? openMs : ms,
    };
  });
  const earlier = lines.slice(0, Math.max(0, lines.length - MOST_RUNS + 1));
  if (earlier.length < 2) return lines;
  const durationMs = earlier.reduce((sum, line) => sum + line.durationMs, 0);
  return [{ ...earlier[0]!, run: null, endedAt: earlier.at(-1)!.endedAt, durationMs }, ...lines.slice(earlier.length)];
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
