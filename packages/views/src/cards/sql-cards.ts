/**
 * The cards of a batch by SQL: the same result as the fold of `projection.ts` over all events, without reading them. It takes
 * two passes over an index for each stage, side by side on the connections of the pool.
 */
import { sql, type RawBuilder, type SqlBool } from "kysely";
import type { Database } from "@cofi/event-log/database";
import type { Batch, Snapshot, StageStatus } from "@cofi/event-log/events";
import { effectiveBatch, summaryOf, type StageFigures } from "./projection.js";
import { STAGES, STEPS, WORK } from "@cofi/event-log/stages";
import { isCurrent } from "@cofi/event-log/run-filter";
import { readRunStarts } from "@cofi/event-log/runs";
import type { Store } from "@cofi/event-log/store";
import { toApiTime, toDatabaseTime } from "@cofi/event-log/time";

export interface SqlFigures {
  /** By stage, in stage order. */
  stages: Map<string, StageFigures>;
  unknownStages: Record<string, number>;
  /** Highest id; 0 without events. */
  head: number;
}

const MINUTE_MS = 60_000;
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
  const [{ stages, unknownStages, head }, latest] = await Promise.all([
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
    asOf,
    head,
    eventsPerStage,
  };
}

/** Counts over all events of the batch with an id up to `upToId`. @throws the driver's error */
export async function figuresOf(database: Database, batchId: number, upToId: number): Promise<SqlFigures> {
  const stages = new Map<string, StageFigures>();
  const unknownStages: Record<string, number> = {};
  let head = 0;
  const [names, starts] = await Promise.all([stageNames(database, batchId), readRunStarts(database, batchId)]);
  await Promise.all(
    names.map(async (stage) => {
      const part: Part = { database, batchId, stage, upToId, current: isCurrent(starts) };
      const last = await edge({ ...part, current: sql`1 = 1` }, "id", "desc");
      if (!last) return;
      head = Math.max(head, last.id);
      if (KNOWN.has(stage)) stages.set(stage, await figuresOfStage(part));
      else {
        const count = await countOf(part);
        if (count > 0) unknownStages[stage] = count;
      }
    }),
  );
  for (const { name } of WORK) if (!stages.has(name)) stages.set(name, EMPTY);
  return { stages, unknownStages, head };
}

/** The events of one stage of a batch with an id up to `upToId`. */
interface Part {
  database: Database;
  batchId: number;
  stage: string;
  upToId: number;
  /** Leaves history out. */
  current: RawBuilder<SqlBool>;
}

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

async function figuresOfStage(part: Part): Promise<StageFigures> {
  const latest = await edge(part, "timestamp", "desc");
  // All its events are history.
  if (!latest) return EMPTY;
  const lastEventAt = toApiTime(latest.timestamp);
  const [groups, { errors, bound, total, processed }, first] = await Promise.all([
    fileGroups(part, toDatabaseTime(new Date(Date.parse(lastEventAt) - MINUTE_MS))),
    stageIds(part),
    edge(part, "id", "asc", true),
  ]);
  const said = await saidBy(part.database, [bound, total, processed]);
  const count = (code: number, what: "files" | "recent"): number =>
    Number(groups.find((group) => Number(group.code) === code)?.[what] ?? 0);
  const end = bound === null ? undefined : said.get(bound);
  const isComplete = end?.eventType === "stage_complete";
  const status: StageStatus = isComplete ? (end.status === "failed" ? "failed" : "success") : "processing";
  return {
    status: first ? status : "pending",
    totalFiles: (total === null ? null : said.get(total)?.totalFiles) ?? null,
    processedFiles: (processed === null ? null : said.get(processed)?.processedFiles) ?? 0,
    isByFile: groups.length > 0,
    done: count(FILE_DONE, "files"),
    failed: count(FAILED, "files"),
    inFlight: count(IN_FLIGHT, "files"),
    errors: Number(errors),
    startedAt: first ? toApiTime(first.timestamp) : null,
    finishedAt: isComplete ? toApiTime(end.timestamp) : null,
    lastEventAt,
    finishedLastMinute: count(FILE_DONE, "recent") + count(FAILED, "recent"),
  };
}

/** The first or last event by id or time: the end of an index. */
async function edge(
  { database, batchId, stage, upToId, current }: Part,
  by: "id" | "timestamp",
  order: "asc" | "desc",
  noInfo = false,
): Promise<{ id: number; timestamp: string } | undefined> {
  const index = by === "id" ? "batchExecutionLog_batch_stage" : "batchExecutionLog_batch_stage_time";
  const { rows } = await sql<{ id: number; timestamp: string }>`
    SELECT id, timestamp FROM ${database.dialect.logBy(index)}
    WHERE batchId = ${batchId} AND stage = ${stage} AND id <= ${upToId} AND ${current} ${noInfo ? sql`AND eventType <> 'info'` : sql``}
    ORDER BY ${sql.ref(by)} ${sql.raw(order)} LIMIT 1`.execute(database.kysely);
  return rows[0];
}

async function countOf({ database, batchId, stage, upToId, current }: Part): Promise<number> {
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
 * Counts the files at each code, and those of them that reached it after `since`. In the order of the index, so that the
 * groups of files need no sorting.
 */
async function fileGroups(
  { database, batchId, stage, upToId, current }: Part,
  since: string,
): Promise<{ code: number; files: number; recent: number }[]> {
  const { rows } = await sql<{ code: number; files: number; recent: number }>`
    SELECT last & 3 AS code, count(*) AS files, sum(CASE WHEN recent = last >> 2 THEN 1 ELSE 0 END) AS recent FROM (
      SELECT max(id * 4 + ${FILE_CODE}) AS last, max(CASE WHEN timestamp > ${since} THEN id END) AS recent
      FROM ${database.dialect.logBy("batchExecutionLog_state")}
      WHERE batchId = ${batchId} AND stage = ${stage} AND fileName IS NOT NULL AND id <= ${upToId} AND ${current}
        AND eventType IN ('file_start', 'file_complete', 'error')
      GROUP BY fileName) AS files
    GROUP BY last & 3`.execute(database.kysely);
  return rows;
}

/** Ids of the latest events about the stage as a whole; null when there are none. */
interface StageIds {
  errors: number;
  bound: number | null;
  total: number | null;
  processed: number | null;
}

async function stageIds({ database, batchId, stage, upToId, current }: Part): Promise<StageIds> {
  const { rows } = await sql<StageIds>`
    SELECT coalesce(sum(CASE WHEN eventType = 'error' THEN 1 ELSE 0 END), 0) AS errors,
      max(CASE WHEN eventType IN ('stage_start', 'stage_complete') THEN id END) AS bound,
      max(CASE WHEN totalFiles IS NOT NULL THEN id END) AS total,
      max(CASE WHEN processedFiles IS NOT NULL THEN id END) AS processed
    FROM ${database.dialect.logBy("batchExecutionLog_state")}
    WHERE batchId = ${batchId} AND stage = ${stage} AND id <= ${upToId} AND ${current}
      AND (eventType IN ('error', 'stage_start', 'stage_complete') OR totalFiles IS NOT NULL OR processedFiles IS NOT NULL)
    `.execute(database.kysely);
  return rows[0] as StageIds;
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
