/** Figures over time, and over a whole batch. */
import type { StageSummary } from "@cofi/event-log/events";
import { STAGES } from "@cofi/event-log/stages";
import type { Run } from "../../work/stage-runs.js";
import { workedMs } from "../../work/worked.js";
import { lastAtOrBefore, pointsOf, type Points } from "./points.js";
import { isoTime } from "../files/files-view.js";
import type { Detail } from "../fold/detail.js";
import { emptyBucket, mergeBucket } from "../fold/series.js";
import type { StageCells } from "../fold/stage-cells.js";
import type { MetricsView } from "../shapes.js";

/** `now`: epoch ms; null when nothing more is to come of the batch. */
export function metricsView(
  detail: Detail,
  summaries: readonly StageSummary[],
  asOf: string,
  now: number | null = Date.parse(asOf),
): MetricsView {
  const points = pointsOf(detail);
  const stages = STAGES.map(({ name, label }, index) => {
    const buckets = Array.from({ length: points.count }, emptyBucket);
    for (const [number, bucket] of detail.series.stages[index] ?? []) mergeBucket(buckets[points.at(number)]!, bucket);
    const durations = detail.durations[index]!;
    const { work, done, failed } = summaries[index] as StageSummary;
    const ms = workedMs(work, now);
    return {
      stage: name,
      label,
      done: buckets.map((bucket) => bucket.done),
      failed: buckets.map((bucket) => bucket.failed),
      retried: buckets.map(({ retried }) => retried),
      audioS: buckets.map(({ audioS }) => audioS),
      workedS: workedIn(runSpans(detail, index, now), points),
      p50Ms: buckets.map((bucket) => bucket.durations.percentile(0.5)),
      p95Ms: buckets.map((bucket) => bucket.durations.percentile(0.95)),
      approximate: buckets.some((bucket) => !bucket.durations.isExact),
      overall: {
        p50Ms: durations.percentile(0.5),
        p95Ms: durations.percentile(0.95),
        approximate: !durations.isExact,
        failureRate: failureRate(done, failed),
        audioHoursPerHour: audioHoursPerHour(ms, audioDone(detail, index)),
      },
    };
  });
  const times = points.starts.map((start) => isoTime(start) ?? "");
  return { bucketS: points.widthMs / 1_000, times, stages, asOf, head: detail.head };
}

/** Of files; null before the first has ended. */
export function failureRate(done: number, failed: number): number | null {
  return done + failed > 0 ? failed / (done + failed) : null;
}

/** `audioS`: seconds of audio in the files that are done, each counted once; null when no length or no time is known. */
export function audioHoursPerHour(ms: number, audioS: number): number | null {
  return ms > 0 && audioS > 0 ? audioS / (ms / 1_000) : null;
}

/** From and to, epoch ms. The run that is not over lasts up to now, or until its latest event. */
function runSpans(detail: Detail, index: number, now: number | null): (readonly [number, number])[] {
  const stage = detail.work.stage(STAGES[index]!.name);
  const { work } = stage;
  return stage.runs.map(({ at, endedAt }: Run) => {
    const openMs = workedMs({ ...work, overMs: 0 }, now);
    return [at, endedAt ?? at + openMs];
  });
}

/** Seconds of each point that lie within the spans. */
function workedIn(spans: readonly (readonly [number, number])[], { starts, widthMs }: Points): number[] {
  const worked = starts.map(() => 0);
  for (const [from, to] of spans) {
    for (let point = Math.max(0, lastAtOrBefore(starts, from)); point < starts.length && starts[point]! < to; point++) {
      const begin = starts[point]!;
      // The last one before a pause may be shorter.
      const end = Math.min(begin + widthMs, starts[point + 1] ?? Infinity);
      worked[point]! += Math.max(0, Math.min(to, end) - Math.max(from, begin)) / 1_000;
    }
  }
  return worked;
}

/** Of the files that the card counts as done, also where they were left out since. */
function audioDone(detail: Detail, stage: number): number {
  const cells = detail.stages[stage] as StageCells;
  let seconds = 0;
  for (let file = 0; file < detail.files.all.length; file++)
    if (cells.attemptOf(file) === "done") seconds += detail.audioS.get(file);
  return seconds;
}
