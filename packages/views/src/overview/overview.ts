/** Summary of one batch by SQL, for lists of batches, most of which are not in memory. */
import { sql } from "kysely";
import { audioDone, type Log } from "./audio-done.js";
import type { Database } from "@cofi/event-log/database";
import { audioHoursPerHour, stageDuration } from "../detail/reports/metrics.js";
import { countDuration, emptyHistogram, percentile, type Histogram } from "../detail/fold/histogram.js";
import type { BatchOverview, StageOverview } from "../detail/shapes.js";
import type { Batch, StageSummary } from "@cofi/event-log/events";
import { effectiveBatch, endedWith, summaryOf } from "../cards/projection.js";
import { figuresOf } from "../cards/sql-cards.js";
import { isCurrent } from "@cofi/event-log/run-filter";
import { readRunStarts } from "@cofi/event-log/runs";
import { STAGES } from "@cofi/event-log/stages";
import type { Store } from "@cofi/event-log/store";
import { toDatabaseTime } from "@cofi/event-log/time";

/** Points of a sparkline. */
const SPARK_POINTS = 40;
/** Ends of files; an attempt that is followed by another is not one. */
const IS_END = sql`(eventType = 'file_complete' OR (eventType = 'error' AND coalesce(status, 'failed') IN ('failed', 'success')))`;

/**
 * One batch among others, by its events up to `upToId`. `asOf` is the caller's clock, ISO 8601.
 * @throws DatabaseUnavailableError
 */
export function overviewOf(store: Store, batch: Batch, upToId: number, asOf: string): Promise<BatchOverview> {
  return store.query(() => readOverview(store.database, batch, upToId, asOf));
}

async function readOverview(database: Database, batch: Batch, upToId: number, asOf: string): Promise<BatchOverview> {
  const log: Log = { database, batchId: batch.id, upToId, current: isCurrent(await readRunStarts(database, batch.id)) };
  const [{ stages, head }, durations, audioS] = await Promise.all([
    figuresOf(database, batch.id, upToId),
    durationsOf(log),
    audioDone(log),
  ]);
  const effective = effectiveBatch({ batch, head });
  const summaries = endedWith(
    effective,
    STAGES.map(({ name }) => summaryOf(name, stages.get(name)!)),
  );
  const overview = summaries.map((summary) => {
    const { stage } = summary;
    return stageOverview(summary, { durations: durations.get(stage), audioS: audioS.get(stage) ?? 0 }, asOf);
  });
  return {
    batch: effective,
    done: sumOf(overview.map(({ done }) => done)),
    failed: sumOf(overview.map(({ failed }) => failed)),
    progress: sumOf(summaries.map(progressOf)) / summaries.length,
    stages: overview,
    spark: await sparkOf(log, summaries),
    lastEventAt:
      summaries
        .map(({ lastEventAt }) => lastEventAt ?? "")
        .toSorted()
        .at(-1) || null,
    asOf,
    head,
  };
}

function stageOverview(
  summary: StageSummary,
  { durations, audioS }: { durations: Histogram | undefined; audioS: number },
  asOf: string,
): StageOverview {
  const { stage, label, status, done, failed } = summary;
  const durationMs = stageDuration(summary, asOf);
  return {
    stage,
    label,
    status,
    done,
    failed,
    durationMs,
    failureRate: done + failed > 0 ? failed / (done + failed) : null,
    perMinute: durationMs !== null && durationMs > 0 && done > 0 ? done / (durationMs / 60_000) : null,
    p50Ms: durations ? percentile(durations, 0.5) : null,
    p95Ms: durations ? percentile(durations, 0.95) : null,
    audioHoursPerHour: audioHoursPerHour(summary, audioS, asOf),
  };
}

function progressOf({ status, progress }: StageSummary): number {
  return status === "success" || status === "failed" ? 1 : (progress ?? 0);
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** Durations of the finished attempts, by stage. */
async function durationsOf({ database, batchId, upToId, current }: Log): Promise<Map<string, Histogram>> {
  const { rows } = await sql<{ stage: string; durationMs: number; attempts: number }>`
    SELECT stage, durationMs, count(*) AS attempts FROM ${database.dialect.logBy("batchExecutionLog_replay")}
    WHERE batchId = ${batchId} AND id <= ${upToId} AND ${current} AND durationMs IS NOT NULL AND fileName IS NOT NULL
      AND eventType IN ('file_complete', 'error')
    GROUP BY stage, durationMs`.execute(database.kysely);
  const stages = new Map<string, Histogram>();
  for (const { stage, durationMs, attempts } of rows) {
    let histogram = stages.get(stage);
    if (!histogram) stages.set(stage, (histogram = emptyHistogram()));
    countDuration(histogram, Number(durationMs), Number(attempts));
  }
  return stages;
}

/** Finished files in each of {@link SPARK_POINTS} equal intervals from the first event to the last; empty without events. */
async function sparkOf(
  { database, batchId, upToId, current }: Log,
  summaries: readonly StageSummary[],
): Promise<number[]> {
  const from = Math.min(...summaries.flatMap(({ startedAt }) => (startedAt === null ? [] : Date.parse(startedAt))));
  const to = Math.max(...summaries.flatMap(({ lastEventAt }) => (lastEventAt === null ? [] : Date.parse(lastEventAt))));
  if (!(to >= from)) return [];
  const widthMs = Math.max(1, Math.ceil((to - from + 1) / SPARK_POINTS));
  const { rows } = await sql<{ part: number; files: number }>`
    SELECT ${database.dialect.partOfTime(toDatabaseTime(new Date(from)), widthMs)} AS part, count(*) AS files
    FROM ${database.dialect.logBy("batchExecutionLog_replay")}
    WHERE batchId = ${batchId} AND id <= ${upToId} AND ${current} AND fileName IS NOT NULL AND ${IS_END}
    GROUP BY part`.execute(database.kysely);
  const spark = Array.from({ length: SPARK_POINTS }, () => 0);
  for (const { part, files } of rows) {
    const at = Number(part);
    if (at >= 0 && at < SPARK_POINTS) spark[at] = (spark[at] ?? 0) + Number(files);
  }
  return spark;
}
