/** Summary of one batch by SQL, for lists of batches, most of which are not in memory. */
import { sql } from "kysely";
import { audioDone, type Log } from "./audio-done.js";
import type { Database } from "@cofi/event-log/database";
import { Durations } from "../detail/fold/durations.js";
import { audioHoursPerHour, failureRate } from "../detail/reports/metrics.js";
import type { BatchOverview, StageOverview } from "../detail/shapes.js";
import type { Batch, StageSummary } from "@cofi/event-log/events";
import { effectiveBatch, isGoingOn } from "../batch-state.js";
import { summaryOf } from "../cards/projection.js";
import { figuresOf } from "../cards/sql-cards.js";
import { isCurrent } from "@cofi/event-log/run-filter";
import { readRunStarts } from "@cofi/event-log/runs";
import { STAGES } from "@cofi/event-log/stages";
import type { Store } from "@cofi/event-log/store";
import { toDatabaseTime } from "@cofi/event-log/time";
import { workedMs } from "../work/worked.js";
import { IS_FAILED_COMPLETION, oddEnds } from "./odd-ends.js";

/** Points of a sparkline. */
const SPARK_POINTS = 40;
/** Ends of files but failed completions; an attempt that is followed by another is none. */
const IS_OTHER_END = sql`((eventType = 'file_complete' AND coalesce(status, 'success') <> 'failed')
  OR (eventType = 'error' AND coalesce(status, 'failed') IN ('failed', 'success')))`;

/**
 * One batch among others, by its events up to `upToId`. `asOf` is the caller's clock, ISO 8601.
 * @throws DatabaseUnavailableError
 */
export function overviewOf(store: Store, batch: Batch, upToId: number, asOf: string): Promise<BatchOverview> {
  return store.query(() => readOverview(store.database, batch, upToId, asOf));
}

async function readOverview(database: Database, batch: Batch, upToId: number, asOf: string): Promise<BatchOverview> {
  const log: Log = { database, batchId: batch.id, upToId, current: isCurrent(await readRunStarts(database, batch.id)) };
  const [{ stages, work, head }, { durations, failedAt }, audioS] = await Promise.all([
    figuresOf(database, batch.id, upToId),
    endsOf(log),
    audioDone(log),
  ]);
  const effective = effectiveBatch({ batch, head });
  const until = isGoingOn(effective) ? Date.parse(asOf) : null;
  const summaries = STAGES.map(({ name }) => summaryOf(name, stages.get(name)!));
  const overview = summaries.map((summary) => {
    const { stage } = summary;
    return stageOverview(summary, durations.get(stage) ?? new Durations(), audioS.get(stage) ?? 0, until);
  });
  return {
    batch: effective,
    done: sumOf(overview.map(({ done }) => done)),
    failed: sumOf(overview.map(({ failed }) => failed)),
    progress: sumOf(summaries.map(progressOf)) / summaries.length,
    work,
    stages: overview,
    spark: await sparkOf(log, summaries, failedAt),
    lastEventAt:
      summaries
        .map(({ lastEventAt }) => lastEventAt ?? "")
        .toSorted()
        .at(-1) || null,
    asOf,
    head,
  };
}

/** `until`: epoch ms; null when nothing more is to come of the batch. */
function stageOverview(
  { stage, label, status, done, failed, startedAt, work }: StageSummary,
  durations: Durations,
  audioS: number,
  until: number | null,
): StageOverview {
  const ms = workedMs(work, until);
  return {
    stage,
    label,
    status,
    done,
    failed,
    runs: work.runs,
    durationMs: startedAt === null ? null : ms,
    failureRate: failureRate(done, failed),
    perMinute: ms > 0 && done > 0 ? done / (ms / 60_000) : null,
    p50Ms: durations.percentile(0.5),
    p95Ms: durations.percentile(0.95),
    approximate: !durations.isExact,
    audioHoursPerHour: audioHoursPerHour(ms, audioS),
  };
}

function progressOf({ status, progress }: StageSummary): number {
  return status === "success" || status === "failed" ? 1 : (progress ?? 0);
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** What the attempts that ended took, by stage, and when those failed whose writer logs failures as completions. */
async function endsOf(log: Log): Promise<{ durations: Map<string, Durations>; failedAt: number[] }> {
  const durations = new Map(STAGES.map(({ name }) => [name as string, new Durations()]));
  const failedAt: number[] = [];
  await Promise.all([
    saidDurations(log, durations),
    (async () => {
      for await (const { stage, at, tookMs, isFailedCompletion } of oddEnds(log)) {
        if (tookMs !== null) durations.get(stage)?.add(tookMs);
        if (isFailedCompletion && durations.has(stage)) failedAt.push(at);
      }
    })(),
  ]);
  return { durations, failedAt };
}

async function saidDurations(
  { database, batchId, upToId, current }: Log,
  durations: ReadonlyMap<string, Durations>,
): Promise<void> {
  const { rows } = await sql<{ stage: string; durationMs: number; attempts: number }>`
    SELECT stage, durationMs, count(*) AS attempts FROM ${database.dialect.logBy("batchExecutionLog_replay")}
    WHERE batchId = ${batchId} AND id <= ${upToId} AND ${current} AND durationMs >= 0 AND fileName IS NOT NULL
      AND eventType IN ('file_complete', 'error') AND NOT coalesce(${IS_FAILED_COMPLETION}, 0)
    GROUP BY stage, durationMs`.execute(database.kysely);
  for (const { stage, durationMs, attempts } of rows) durations.get(stage)?.add(Number(durationMs), Number(attempts));
}

/**
 * Ends of files in each of {@link SPARK_POINTS} equal intervals from the first event to the last; empty without events.
 * `failedAt`: when files failed that were logged as completions.
 */
async function sparkOf(
  { database, batchId, upToId, current }: Log,
  summaries: readonly StageSummary[],
  failedAt: readonly number[],
): Promise<number[]> {
  const from = Math.min(...summaries.flatMap(({ startedAt }) => (startedAt === null ? [] : Date.parse(startedAt))));
  const to = Math.max(...summaries.flatMap(({ lastEventAt }) => (lastEventAt === null ? [] : Date.parse(lastEventAt))));
  if (!(to >= from)) return [];
  const widthMs = Math.max(1, Math.ceil((to - from + 1) / SPARK_POINTS));
  const { rows } = await sql<{ part: number; files: number }>`
    SELECT ${database.dialect.partOfTime(toDatabaseTime(new Date(from)), widthMs)} AS part, count(*) AS files
    FROM ${database.dialect.logBy("batchExecutionLog_replay")}
    WHERE batchId = ${batchId} AND id <= ${upToId} AND ${current} AND fileName IS NOT NULL AND ${IS_OTHER_END}
      AND stage IN (${sql.join(STAGES.map(({ name }) => name))})
    GROUP BY part`.execute(database.kysely);
  const spark = Array.from({ length: SPARK_POINTS }, () => 0);
  const count = (part: number, files: number): void => {
    if (part >= 0 && part < SPARK_POINTS) spark[part]! += files;
  };
  for (const { part, files } of rows) count(Number(part), Number(files));
  for (const at of failedAt) count(Math.floor((at - from) / widthMs), 1);
  return spark;
}
