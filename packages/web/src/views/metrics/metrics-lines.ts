/** Makes lines of charts from counts and percentiles. Pure. */
import type { MetricsView, TrendsView } from "@cofi/views/detail/shapes";
import type { ChartProps, Named } from "./chart.js";
import { visible } from "../../text/names.js";

/** Choices for the number of finished batches in a chart. */
export const BATCH_COUNTS = [10, 20, 50, 100];
export const USUAL_BATCHES = 20;

/** The number of batches in the URL; the usual number if it is missing or wrong. */
export function batchesWanted(last: string | undefined): number {
  return BATCH_COUNTS.find((count) => String(count) === last) ?? USUAL_BATCHES;
}

type Charted = Pick<ChartProps, "title" | "unit" | "lines">;

/** Rates are of the time at work, but of no shorter time than this share of a bucket: one file more or less must not be a peak. */
const LEAST_SHARE = 0.1;

/** The charts of one stage; its counts are of buckets of `bucketS` seconds. While the stage did not work, it had no rate. */
export function linesOfStage(stage: MetricsView["stages"][number], bucketS: number): Charted[] {
  const perSecond = (amounts: readonly number[]): (number | null)[] =>
    amounts.map((amount, at) => {
      const worked = stage.workedS[at] ?? 0;
      if (worked > 0) return amount / Math.max(worked, LEAST_SHARE * bucketS);
      return amount === 0 ? null : amount / bucketS;
    });
  const perMinute = (counts: readonly number[]) => perSecond(counts.map((count) => count * 60));
  const seconds = (values: readonly (number | null)[]) => values.map((ms) => (ms === null ? null : ms / 1_000));
  const { done, failed, retried, audioS, p50Ms, p95Ms } = stage;
  return [
    {
      title: "Throughput",
      unit: "files per minute",
      lines: [
        { label: "done", values: perMinute(done), tone: "good" },
        { label: "retried", values: perMinute(retried), tone: "warn", isDashed: true },
        { label: "failed", values: perMinute(failed), tone: "bad", isDashed: true },
      ],
    },
    {
      title: "Duration of a file",
      unit: stage.approximate ? "seconds, ≈" : "seconds",
      lines: [
        { label: "p50", values: seconds(p50Ms), tone: "busy" },
        { label: "p95", values: seconds(p95Ms), tone: "warn", isDashed: true },
      ],
    },
    {
      title: "Failure rate",
      unit: "% of the files that ended",
      lines: [{ label: "failed", values: done.map((count, at) => share(failed[at] ?? 0, count)), tone: "bad" }],
    },
    {
      title: "Audio",
      unit: "hours per hour",
      lines: [{ label: "audio", values: perSecond(audioS), tone: "busy" }],
    },
  ];
}

/** How times are written on an axis, and in full. */
export interface TimeWords {
  mark: (at: number) => string;
  name: (at: number) => string;
  pause: (ms: number) => string;
}

/**
 * Places of the values on the axis: times, or, where the batch paused, names of times one beside the other, with an empty place
 * for each pause: so what was done before and after a night can be seen.
 */
export function placesOf(
  metrics: Pick<MetricsView, "times" | "bucketS">,
  charts: readonly Charted[],
  words: TimeWords,
): Pick<ChartProps, "x" | "names"> & { charts: readonly Charted[] } {
  const times = metrics.times.map((time) => Date.parse(time));
  const isAfterPause = times.map((at, index) => index > 0 && at - times[index - 1]! > metrics.bucketS * 1_000);
  if (!isAfterPause.includes(true)) return { x: times.map((at) => at / 1_000), charts };
  const spread = <T>(values: readonly T[], ofPause: (index: number) => T): T[] =>
    values.flatMap((value, index) => (isAfterPause[index] ? [ofPause(index), value] : [value]));
  const names = spread(
    times.map((at): Named => ({ mark: words.mark(at), name: words.name(at) })),
    (index) => ({ mark: "…", name: words.pause(times[index]! - times[index - 1]! - metrics.bucketS * 1_000) }),
  );
  return {
    x: names.map((_, index) => index),
    names,
    charts: charts.map((chart) => ({
      ...chart,
      lines: chart.lines.map((line) => ({ ...line, values: spread(line.values, () => null) })),
    })),
  };
}

function share(failed: number, done: number): number | null {
  return failed + done > 0 ? (100 * failed) / (failed + done) : null;
}

/** The charts of one stage over batches, with the names for their axis. */
export function linesOfTrend(
  { batches }: TrendsView,
  wanted: string,
): { label: string; names: Named[]; charts: Charted[] } {
  const stages = batches.map(({ stages: all }) => all.find(({ stage }) => stage === wanted));
  const each = (value: (stage: NonNullable<(typeof stages)[number]>) => number | null): (number | null)[] =>
    stages.map((stage) => (stage ? value(stage) : null));
  const scaled = (value: number | null, by: number): number | null => (value === null ? null : value * by);
  return {
    label: stages.find(Boolean)?.label ?? wanted,
    names: batches.map(({ id, name }) => ({ mark: String(id), name: `${id} ${visible(name)}` })),
    charts: [
      {
        title: "Duration of the stage",
        unit: "minutes",
        lines: [{ label: "stage", values: each((stage) => scaled(stage.durationMs, 1 / 60_000)), tone: "busy" }],
      },
      {
        title: "Throughput",
        unit: "files per minute",
        lines: [{ label: "done", values: each(({ perMinute }) => perMinute), tone: "good" }],
      },
      {
        title: "Duration of a file",
        unit: stages.some((stage) => stage?.approximate) ? "seconds, ≈" : "seconds",
        lines: [
          { label: "p50", values: each(({ p50Ms }) => scaled(p50Ms, 1 / 1_000)), tone: "busy" },
          { label: "p95", values: each(({ p95Ms }) => scaled(p95Ms, 1 / 1_000)), tone: "warn", isDashed: true },
        ],
      },
      {
        title: "Failure rate",
        unit: "% of the files",
        lines: [{ label: "failed", values: each(({ failureRate }) => scaled(failureRate, 100)), tone: "bad" }],
      },
      {
        title: "Audio",
        unit: "hours per hour",
        lines: [{ label: "audio", values: each(({ audioHoursPerHour }) => audioHoursPerHour), tone: "busy" }],
      },
    ],
  };
}
