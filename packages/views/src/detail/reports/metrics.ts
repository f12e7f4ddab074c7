/** Figures over time, and over a whole batch. */
import type { StageSummary } from "@cofi/event-log/events";
import { STAGES } from "@cofi/event-log/stages";
import { isoTime } from "../files/files-view.js";
import type { Detail, StageCells } from "../fold/detail.js";
import { percentile } from "../fold/histogram.js";
import { emptyBucket, mergeBucket } from "../fold/series.js";
import type { MetricsView } from "../shapes.js";

/** Not more points than a chart has pixels for. */
const MOST_POINTS = 240;

export function metricsView(detail: Detail, summaries: readonly StageSummary[], asOf: string): MetricsView {
  const { series } = detail;
  const numbers = series.stages.flatMap((buckets) => [...buckets.keys()]);
  const first = Math.min(...numbers);
  const count = numbers.length === 0 ? 0 : Math.max(...numbers) - first + 1;
  const merged = Math.max(1, Math.ceil(count / MOST_POINTS));
  const points = Math.ceil(count / merged);
  const bucketS = (series.widthMs * merged) / 1_000;
  const stages = STAGES.map(({ name, label }, index) => {
    const buckets = Array.from({ length: points }, emptyBucket);
    for (const [number, bucket] of series.stages[index] ?? [])
      mergeBucket(buckets[Math.floor((number - first) / merged)]!, bucket);
    const durations = detail.durations[index]!;
    const total = buckets.reduce((sum, { done, failed }) => ({ done: sum.done + done, failed: sum.failed + failed }), {
      done: 0,
      failed: 0,
    });
    const summary = summaries[index] as StageSummary;
    return {
      stage: name,
      label,
      done: buckets.map(({ done }) => done),
      failed: buckets.map(({ failed }) => failed),
      retried: buckets.map(({ retried }) => retried),
      audioS: buckets.map(({ audioS }) => audioS),
      p50Ms: buckets.map((bucket) => percentile(bucket.durations, 0.5)),
      p95Ms: buckets.map((bucket) => percentile(bucket.durations, 0.95)),
      overall: {
        p50Ms: percentile(durations, 0.5),
        p95Ms: percentile(durations, 0.95),
        failureRate: total.done + total.failed > 0 ? total.failed / (total.done + total.failed) : null,
        audioHoursPerHour: audioHoursPerHour(summary, audioDone(detail, index), asOf),
      },
    };
  });
  const times = Array.from({ length: points }, (_, point) => isoTime((first + point * merged) * series.widthMs) ?? "");
  return { bucketS, times, stages, asOf, head: detail.head };
}

/** ms from the start of a stage to its end, or to `asOf`; null before it began. */
export function stageDuration({ startedAt, finishedAt }: StageSummary, asOf: string): number | null {
  return startedAt === null ? null : Date.parse(finishedAt ?? asOf) - Date.parse(startedAt);
}

/** `audioS`: seconds of audio in the files that are done, each counted once; null when no length or no time is known. */
export function audioHoursPerHour(summary: StageSummary, audioS: number, asOf: string): number | null {
  const durationMs = stageDuration(summary, asOf);
  return durationMs !== null && durationMs > 0 && audioS > 0 ? audioS / (durationMs / 1_000) : null;
}

function audioDone(detail: Detail, stage: number): number {
  const cells = detail.stages[stage] as StageCells;
  let seconds = 0;
  for (let file = 0; file < detail.files.all.length; file++)
    if (cells.stateOf(file) === "done") seconds += detail.audioS.get(file);
  return seconds;
}
