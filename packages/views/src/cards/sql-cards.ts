/**
 * The cards of a batch by SQL: the same result as the fold of `projection.ts` over all events, without reading them. It takes
 * two passes over an index for each stage, side by side on the connections of the pool.
 */
import { sql } from "kysely";
import type { Database } from "@cofi/event-log/database";
import type { Batch, Snapshot, StageStatus, Work } from "@cofi/event-log/events";
import { effectiveBatch } from "../batch-state.js";
import { summaryOf, type StageFigures } from "./projection.js";
import { MINUTE_MS } from "./recent-finishes.js";
import { STAGES, STEPS, WORK } from "@cofi/event-log/stages";
import { edgeOf, type Part } from "../work/log-part.js";
import { sqlBatchWork, sqlStageWork, type BoundsCount, type SqlStageWork } from "../work/sql-work.js";
import { NO_WORK } from "../work/work-fold.js";
import { isCurrent } from "@cofi/event-log/run-filter";
import type { RunStart } from "@cofi/event-log/run-order";
import { readRunStarts } from "@cofi/event-log/runs";
import type { Store } from "@cofi/event-log/store";
import { toApiTime, toDatabaseTime } from "@cofi/event-log/time";

export interface SqlFigures {
  /** By stage, in stage order. */
  stages: Map<string, StageFigures>;
  unknownStages: Record<string, number>;
  /** Of the batch. */
  work: Work;
  /** Highest id; 0 without events. */
  head: number;
}

const KNOWN: ReadonlySet<string> = new Set(WORK.map(({ name }) => name));

/** How the latest event of a file is packed into one number with its id, so that MAX finds it: id * 4 + code. */
const IN_FLIGHT = 1;
export const FILE_DONE = 2;
const FAILED = 3;
export const FILE_CODE = sql<number>`CASE eventType
  WHEN 'file_start' THEN ${sql.lit(IN_FLIGHT)}
  WHEN 'file_complete' THEN CASE WHEN status = 'failed' THEN ${sql.lit(FAILED)} ELSE ${sql.lit(FILE_DONE)} END
  ELSE CASE WHEN status IN ('processing', 'pending') THEN ${sql.lit(IN_FLIGHT)} ELSE ${sql.lit(FAILED)} END END`;

/**
 * Returns what the fold of all events up to `upToId` shows, without reading them: cards, and the latest events of each stage.
 * `asOf` is the caller's clock, ISO 8601.
 * @throws DatabaseUnavailableError
 */
export async function sqlSnapshot(
  store: Store,
  batch: Batch,
  upToId: number,
  eventsPerStage: number,
  asOf: string,
): Promise<Snapshot> {
  const [{ stages, unknownStages, work, head }, latest] = await Promise.all([
    store.query(() => figuresOf(store.database, batch.id, upToId)),
    Promise.all(
      WORK.map(async ({ name }) => {
        const query = { stage: name, limit: eventsPerStage, before: upToId + 1, currentOnly: true };
        return [name, (await store.events(batch.id, query)).events] as const;
      }),
    ),
  ]);
  return {
    batch: effectiveBatch({ batch, head }),
    stages: STAGES.map(({ name }) => summaryOf(name, stages.get(name)!)),
    steps: STEPS.map(({ name }) => summaryOf(name, stages.get(name)!)),
    events: Object.fromEntries(latest),
    unknownStages,
    work,
    asOf,
    head,
    eventsPerStage,
  };
}

/** Counts over all events of the batch with an id up to `upToId`. @throws the driver's error */
export async function figuresOf(database: Database, batchId: number, upToId: number): Promise<SqlFigures> {
  const stages = new Map<string, StageFigures>();
  const atWork = new Map<string, SqlStageWork>();
  const unknownStages: Record<string, number> = {};
  let head = 0;
  const [names, starts] = await Promise.all([stageNames(database, batchId), readRunStarts(database, batchId)]);
  const whole = { database, batchId, upToId, current: isCurrent(starts) };
  await Promise.all(
    names.map(async (stage) => {
      const part = { ...whole, stage };
      const last = await edgeOf({ ...part, current: sql`1 = 1` }, "desc");
      if (!last) return;
      head = Math.max(head, last.id);
      if (!KNOWN.has(stage)) {
        const count = await countOf(part);
        if (count > 0) unknownStages[stage] = count;
        return;
      }
      const { figures, work } = await figuresOfStage(part, starts);
      stages.set(stage, figures);
      if (work) atWork.set(stage, work);
    }),
  );
  for (const { name } of WORK) if (!stages.has(name)) stages.set(name, EMPTY);
  return { stages, unknownStages, work: await sqlBatchWork(whole, starts, atWork), head };
}

type StagePart = Part & { stage: string };

const EMPTY: StageFigures = {
  status: "pending",
  totalFiles: null,
  processedFiles: 0,
  isByFile: false,
  done: 0,
  failed: 0,
  inFlight: 0,
  errors: 0,
  startedAt: null,
  finishedAt: null,
  work: NO_WORK,
  lastEventAt: null,
  finishedLastMinute: 0,
};

/** Hops from one stage to the next in the index; a DISTINCT would read all of it on SQLite. */
async function stageNames(database: Database, batchId: number): Promise<string[]> {
  const names: string[] = [];
  for (;;) {
    const { rows } = await sql<{ stage: string }>`
      SELECT stage FROM ${database.dialect.logBy("batchExecutionLog_batch_stage")}
      WHERE batchId = ${batchId} AND stage > ${names.at(-1) ?? ""} ORDER BY stage LIMIT 1`.execute(database.kysely);
    const [next] = rows;
    if (!next) return names;
    names.push(next.stage);
  }
}

async function figuresOfStage(
  part: StagePart,
  starts: readonly RunStart[],
): Promise<{ figures: StageFigures; work: SqlStageWork | null }> {
  const lastEventAt = await latestTime(part);
  // All its events are history.
  if (lastEventAt === null) return { figures: EMPTY, work: null };
  const minuteAgo = Date.parse(lastEventAt) - MINUTE_MS;
  const [groups, ids, first] = await Promise.all([
    fileGroups(part, minuteAgo),
    stageIds(part),
    edgeOf(part, "asc", { noInfo: true }),
  ]);
  const { bound, total, processed } = ids;
  const [said, work] = await Promise.all([
    saidBy(part.database, [bound, total, processed]),
    first && sqlStageWork(part, starts, first, boundsCount(ids)),
  ]);
  const end = bound === null ? undefined : said.get(bound);
  const isComplete = end?.eventType === "stage_complete";
  const status: StageStatus = isComplete ? (end.status === "failed" ? "failed" : "success") : "processing";
  const worked = work?.runs.work(work.last) ?? NO_WORK;
  const since = Date.parse(worked.since ?? "");
  // Only what has finished since the run began counts: another pass for a stage that was begun again a moment ago.
  const recent = worked.runs > 1 && since > minuteAgo ? await fileGroups(part, since - 1) : groups;
  const figures = {
    status: first ? status : "pending",
    totalFiles: (total === null ? null : said.get(total)?.totalFiles) ?? null,
    processedFiles: (processed === null ? null : said.get(processed)?.processedFiles) ?? 0,
    isByFile: groups.length > 0,
    done: countAt(groups, FILE_DONE, "files"),
    failed: countAt(groups, FAILED, "files"),
    inFlight: countAt(groups, IN_FLIGHT, "files"),
    errors: Number(ids.errors),
    startedAt: first ? new Date(first.at).toISOString() : null,
    finishedAt: isComplete ? toApiTime(end.timestamp) : null,
    work: worked,
    lastEventAt,
    finishedLastMinute: countAt(recent, FILE_DONE, "recent") + countAt(recent, FAILED, "recent"),
  } satisfies StageFigures;
  return { figures, work };
}

interface FileGroup {
  code: number;
  files: number;
  recent: number;
}

function countAt(groups: readonly FileGroup[], code: number, what: "files" | "recent"): number {
  return Number(groups.find((group) => Number(group.code) === code)?.[what] ?? 0);
}

/** ISO 8601; null when all events of the stage are history. */
async function latestTime({ database, batchId, stage, upToId, current }: StagePart): Promise<string | null> {
  const { rows } = await sql<{ timestamp: string }>`
    SELECT timestamp FROM ${database.dialect.logBy("batchExecutionLog_batch_stage_time")}
    WHERE batchId = ${batchId} AND stage = ${stage} AND id <= ${upToId} AND ${current}
    ORDER BY timestamp DESC LIMIT 1`.execute(database.kysely);
  return rows[0] ? toApiTime(rows[0].timestamp) : null;
}

async function countOf({ database, batchId, stage, upToId, current }: StagePart): Promise<number> {
  const { count } = await database.kysely
    .selectFrom("batchExecutionLog")
    .select((eb) => eb.fn.countAll().as("count"))
    .where("batchId", "=", batchId)
    .where("stage", "=", stage)
    .where("id", "<=", upToId)
    .where(current)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/**
 * Counts the files at each code, and those of them that reached it after `since`, epoch ms. In the order of the index, so
 * that the groups of files need no sorting.
 */
async function fileGroups(
  { database, batchId, stage, upToId, current }: StagePart,
  since: number,
): Promise<FileGroup[]> {
  const { rows } = await sql<FileGroup>`
    SELECT last & 3 AS code, count(*) AS files, sum(CASE WHEN recent = last >> 2 THEN 1 ELSE 0 END) AS recent FROM (
      SELECT max(id * 4 + ${FILE_CODE}) AS last,
        max(CASE WHEN timestamp > ${toDatabaseTime(new Date(since))} THEN id END) AS recent
      FROM ${database.dialect.logBy("batchExecutionLog_state")}
      WHERE batchId = ${batchId} AND stage = ${stage} AND fileName IS NOT NULL AND id <= ${upToId} AND ${current}
        AND eventType IN ('file_start', 'file_complete', 'error')
      GROUP BY fileName) AS files
    GROUP BY last & 3`.execute(database.kysely);
  return rows;
}

/** Ids of the latest events about the stage as a whole, null when there are none, and how many starts and ends there are. */
interface StageIds {
  errors: number;
  starts: number;
  ends: number;
  firstStart: number | null;
  bound: number | null;
  total: number | null;
  processed: number | null;
}

async function stageIds({ database, batchId, stage, upToId, current }: StagePart): Promise<StageIds> {
  const { rows } = await sql<StageIds>`
    SELECT coalesce(sum(CASE WHEN eventType = 'error' THEN 1 ELSE 0 END), 0) AS errors,
      coalesce(sum(CASE WHEN eventType = 'stage_start' THEN 1 ELSE 0 END), 0) AS starts,
      coalesce(sum(CASE WHEN eventType = 'stage_complete' THEN 1 ELSE 0 END), 0) AS ends,
      min(CASE WHEN eventType = 'stage_start' THEN id END) AS firstStart,
      max(CASE WHEN eventType IN ('stage_start', 'stage_complete') THEN id END) AS bound,
      max(CASE WHEN totalFiles IS NOT NULL THEN id END) AS total,
      max(CASE WHEN processedFiles IS NOT NULL THEN id END) AS processed
    FROM ${database.dialect.logBy("batchExecutionLog_state")}
    WHERE batchId = ${batchId} AND stage = ${stage} AND id <= ${upToId} AND ${current}
      AND (eventType IN ('error', 'stage_start', 'stage_complete') OR totalFiles IS NOT NULL OR processedFiles IS NOT NULL)
    `.execute(database.kysely);
  return rows[0] as StageIds;
}

function boundsCount({ starts, ends, firstStart, bound }: StageIds): BoundsCount {
  return { starts: Number(starts), ends: Number(ends), firstStart, latestBound: bound };
}

async function saidBy({ kysely }: Database, ids: readonly (number | null)[]) {
  const wanted = [...new Set(ids)].filter((id) => id !== null);
  if (wanted.length === 0) return new Map<number, never>();
  const rows = await kysely
    .selectFrom("batchExecutionLog")
    .select(["id", "timestamp", "eventType", "status", "totalFiles", "processedFiles"])
    .where("id", "in", wanted)
    .execute();
  return new Map(rows.map((row) => [row.id, row]));
}
