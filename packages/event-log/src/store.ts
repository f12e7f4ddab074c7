/** All SQL on `batchStatus` and `batchExecutionLog`. Callers see verbs; results are the shapes of `events.ts`. */
import { sql, type Selectable, type SelectQueryBuilder, type SqlBool } from "kysely";
import type { BatchOverview } from "./detail/shapes.js";
import { reportUnavailable, type Database } from "./database.js";
import { insertEventRows, type StoredEvent } from "./event-insert.js";
import type {
  Batch,
  BatchStatus,
  Cut,
  EventStatus,
  EventType,
  Json,
  LogEvent,
  LogEventDetail,
  Snapshot,
} from "./events.js";
import { parseJson } from "./json.js";
import { overviewOf } from "./overview.js";
import { effectiveBatch, summaryOf } from "./projection.js";
import { figuresOf, indexed } from "./snapshot.js";
import { STAGES } from "./stages.js";
import type { BatchStatusTable, Tables } from "./tables.js";
import { toApiTime, toDatabaseTime } from "./time.js";

export interface BatchPatch {
  status?: BatchStatus;
  currentStage?: string | null;
  totalFiles?: number | null;
  startedAt?: Date | null;
  finishedAt?: Date | null;
}

export interface BatchFilter {
  /** A pending batch that has events counts as running. */
  status?: BatchStatus | undefined;
  /** Created at this time or later; ISO 8601. */
  from?: string | undefined;
  /** Created before this time. */
  to?: string | undefined;
  /** Part of the name, in any case, or the number. */
  text?: string | undefined;
}

export interface EventFilter {
  stage?: string | undefined;
  eventType?: EventType | undefined;
  status?: EventStatus | undefined;
  fileName?: string | undefined;
}

export interface EventQuery extends EventFilter {
  limit: number;
  /** Only events with a lower id: the cursor of the page before. */
  before?: number | undefined;
}

const LISTED = [
  "id",
  "batchId",
  "timestamp",
  "stage",
  "eventType",
  "fileName",
  "gpuIp",
  "status",
  "errorMessage",
  "totalFiles",
  "processedFiles",
  "metadata",
  "payloadBytes",
  "responseBytes",
  "payloadCut",
  "responseCut",
  "attempt",
  "durationMs",
] as const;

/** The columns of the index that replays read. */
const REPLAYED = [
  "id",
  "batchId",
  "timestamp",
  "stage",
  "eventType",
  "fileName",
  "gpuIp",
  "status",
  "totalFiles",
  "processedFiles",
  "attempt",
  "durationMs",
] as const;
type ReplayedRow = Pick<Selectable<Tables["batchExecutionLog"]>, (typeof REPLAYED)[number]>;

/** Whether a replay reads what the event says in words: why something failed, or was left out. */
function hasText({ eventType, status }: Pick<ReplayedRow, "eventType" | "status">): boolean {
  return eventType === "error" || eventType === "info" || (eventType === "file_complete" && status === "failed");
}

const BATCH = [
  "id",
  "name",
  "status",
  "currentStage",
  "totalFiles",
  "createdAt",
  "startedAt",
  "finishedAt",
] as const satisfies readonly (keyof BatchStatusTable)[];

/** Every method throws `DatabaseUnavailableError` when the database cannot be reached for now. */
export class Store {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async ping(): Promise<void> {
    await this.#run(() => this.#db.selectNoFrom((eb) => eb.val(1).as("one")).execute());
  }

  // --- batches

  /** Opens a batch in state `pending`. `folder` is the absolute path it is read from; null when there is none. */
  async createBatch(batch: { name: string; folder: string | null; totalFiles?: number | null }): Promise<Batch> {
    const values = { name: batch.name, folder: batch.folder, totalFiles: batch.totalFiles ?? null };
    const { insertId } = await this.#run(() =>
      this.#db.insertInto("batchStatus").values(values).executeTakeFirstOrThrow(),
    );
    const created = await this.batch(Number(insertId));
    if (!created) throw new Error(`Batch ${insertId} was inserted but cannot be read back.`);
    return created;
  }

  async batch(id: number): Promise<Batch | null> {
    const row = await this.#run(() => this.#batches().where("id", "=", id).executeTakeFirst());
    return row ? toBatch(row) : null;
  }

  /** The newest batch; null when there is none yet. */
  async currentBatch(): Promise<Batch | null> {
    const row = await this.#run(() => this.#batches().orderBy("id", "desc").limit(1).executeTakeFirst());
    return row ? toBatch(row) : null;
  }

  /** Newest first. `nextCursor` is the `before` of the next page; null on the last. */
  async batches(
    query: BatchFilter & { limit: number; before?: number | undefined },
  ): Promise<{ batches: Batch[]; nextCursor: string | null }> {
    const { status, from, to, text } = query;
    let select = this.#batches()
      .orderBy("id", "desc")
      .limit(query.limit + 1);
    if (query.before !== undefined) select = select.where("id", "<", query.before);
    if (from !== undefined) select = select.where("createdAt", ">=", toDatabaseTime(new Date(from)));
    if (to !== undefined) select = select.where("createdAt", "<", toDatabaseTime(new Date(to)));
    if (text !== undefined && text !== "") {
      const id = /^(?:batch )?(\d{1,15})$/i.exec(text.trim())?.[1];
      const inName = sql<SqlBool>`instr(lower(coalesce(name, '')), ${text.trim().toLowerCase()}) > 0`;
      select = select.where((eb) => (id === undefined ? inName : eb.or([inName, eb("id", "=", Number(id))])));
    }
    if (status === "pending" || status === "running") {
      const begun = sql<SqlBool>`EXISTS (SELECT 1 FROM batchExecutionLog WHERE batchId = batchStatus.id)`;
      select = select.where((eb) =>
        status === "pending"
          ? eb.and([eb("status", "=", "pending"), eb.not(begun)])
          : eb.or([eb("status", "=", "running"), eb.and([eb("status", "=", "pending"), begun])]),
      );
    } else if (status !== undefined) select = select.where("status", "=", status);
    const rows = await this.#run(() => select.execute());
    return { batches: rows.slice(0, query.limit).map(toBatch), nextCursor: nextCursor(rows, query.limit) };
  }

  /** The newest batch that was read from this folder. */
  async latestBatchOfFolder(folder: string): Promise<Batch | null> {
    const select = this.#batches().where("folder", "=", folder).orderBy("id", "desc").limit(1);
    const row = await this.#run(() => select.executeTakeFirst());
    return row ? toBatch(row) : null;
  }

  /** The folder that a batch is read from; null when it has none, or there is no such batch. */
  async folderOfBatch(id: number): Promise<string | null> {
    const select = this.#db.selectFrom("batchStatus").select("folder").where("id", "=", id);
    return (await this.#run(() => select.executeTakeFirst()))?.folder ?? null;
  }

  async updateBatch(id: number, patch: BatchPatch): Promise<void> {
    const { startedAt, finishedAt, ...rest } = patch;
    const values: Partial<Omit<BatchStatusTable, "id" | "status" | "createdAt">> & { status?: BatchStatus } = rest;
    if (startedAt !== undefined) values.startedAt = startedAt && toDatabaseTime(startedAt);
    if (finishedAt !== undefined) values.finishedAt = finishedAt && toDatabaseTime(finishedAt);
    if (Object.keys(values).length === 0) return;
    await this.#run(() => this.#db.updateTable("batchStatus").set(values).where("id", "=", id).execute());
  }

  /**
   * Takes or renews the right to run the batch for `ttlMs`, by the database's clock: those of two hosts may differ by
   * more than a lease lasts.
   * @returns false while another owner holds it
   */
  async acquireLease(id: number, owner: string, ttlMs: number): Promise<boolean> {
    const [now, end] =
      this.#database.dialect === "mysql"
        ? [sql<string>`UTC_TIMESTAMP(3)`, sql<string>`UTC_TIMESTAMP(3) + INTERVAL ${ttlMs * 1_000} MICROSECOND`]
        : [sqliteNow("+0 seconds"), sqliteNow(`${ttlMs / 1_000} seconds`)];
    const result = await this.#run(() =>
      this.#db
        .updateTable("batchStatus")
        .set({ leaseOwner: owner, leaseExpiresAt: end })
        .where("id", "=", id)
        .where((eb) =>
          eb.or([eb("leaseOwner", "is", null), eb("leaseOwner", "=", owner), eb("leaseExpiresAt", "<", now)]),
        )
        .executeTakeFirst(),
    );
    return result.numUpdatedRows > 0n;
  }

  async releaseLease(id: number, owner: string): Promise<void> {
    const free = { leaseOwner: null, leaseExpiresAt: null };
    await this.#run(() =>
      this.#db.updateTable("batchStatus").set(free).where("id", "=", id).where("leaseOwner", "=", owner).execute(),
    );
  }

  // --- events

  /** Inserts the events in order; one whose `eventId` is stored already is left as it is. On an error the first may be stored: insert all again. */
  async insertEvents(events: readonly StoredEvent[]): Promise<void> {
    if (events.length > 0) await this.#run(() => insertEventRows(this.#database, events));
  }

  /** Newest first. `nextCursor` is the `before` of the next page; null on the last. */
  async events(batchId: number, query: EventQuery): Promise<{ events: LogEvent[]; nextCursor: string | null }> {
    let select = this.#events()
      .where("batchId", "=", batchId)
      .orderBy("id", "desc")
      .limit(query.limit + 1);
    select = filtered(select, query);
    if (query.before !== undefined) select = select.where("id", "<", query.before);
    const rows = await this.#run(() => select.execute());
    return { events: rows.slice(0, query.limit).map(toEvent), nextCursor: nextCursor(rows, query.limit) };
  }

  async event(id: number): Promise<LogEventDetail | null> {
    const select = this.#events().select(["payload", "response"]).where("id", "=", id);
    const row = await this.#run(() => select.executeTakeFirst());
    return row ? toDetail(row) : null;
  }

  /** Events that pass the filter with `after < id <= upToId`, ascending. `bodies`: with payload and response. */
  async exportedEvents(
    batchId: number,
    filter: EventFilter,
    { after, upToId, limit, bodies }: { after: number; upToId: number; limit: number; bodies: boolean },
  ): Promise<(LogEvent | LogEventDetail)[]> {
    const select = filtered(this.#events(), filter)
      .where("batchId", "=", batchId)
      .where("id", ">", after)
      .where("id", "<=", upToId)
      .orderBy("id", "asc")
      .limit(limit);
    if (!bodies) return (await this.#run(() => select.execute())).map(toEvent);
    return (await this.#run(() => select.select(["payload", "response"]).execute())).map(toDetail);
  }

  /** Events of these files, or of none (null), with `after < id <= upToId`; ascending. */
  async eventsOfFiles(
    batchId: number,
    fileNames: readonly string[] | null,
    { after, upToId, limit }: { after: number; upToId: number; limit: number },
  ): Promise<LogEvent[]> {
    const select = this.#events()
      .where("batchId", "=", batchId)
      .where("id", ">", after)
      .where("id", "<=", upToId)
      .orderBy("id", "asc")
      .limit(limit);
    const named =
      fileNames === null ? select.where("fileName", "is", null) : select.where("fileName", "in", [...fileNames]);
    return (await this.#run(() => named.execute())).map(toEvent);
  }

  /** 0 when there is no event yet. */
  async maxEventId(): Promise<number> {
    const select = this.#db.selectFrom("batchExecutionLog").select((eb) => eb.fn.max("id").as("id"));
    return (await this.#run(() => select.executeTakeFirst()))?.id ?? 0;
  }

  /** The lowest id among the events of the last `ms` by the database's clock; null when there is none. */
  async firstIdSince(ms: number): Promise<number | null> {
    const since =
      this.#database.dialect === "mysql"
        ? sql<string>`UTC_TIMESTAMP(3) - INTERVAL ${ms * 1_000} MICROSECOND`
        : sqliteNow(`-${ms / 1_000} seconds`);
    const select = this.#db
      .selectFrom("batchExecutionLog")
      .select((eb) => eb.fn.min("id").as("id"))
      .where("timestamp", ">=", since);
    return (await this.#run(() => select.executeTakeFirst()))?.id ?? null;
  }

  /** Ids of the events of all batches with a higher id, ascending. */
  async idsAfter(afterId: number, limit: number): Promise<number[]> {
    const select = this.#db.selectFrom("batchExecutionLog").select("id").where("id", ">", afterId);
    return (await this.#run(() => select.orderBy("id").limit(limit).execute())).map(({ id }) => id);
  }

  /** Events of all batches with a higher id, ascending. Ids do not become visible in order: the tail knows the holes. */
  async eventsAfter(afterId: number, limit: number): Promise<LogEvent[]> {
    return this.#ascending((select) => select.where("id", ">", afterId), limit);
  }

  /** Those of the ids that are visible by now, ascending. */
  async eventsByIds(ids: readonly number[]): Promise<LogEvent[]> {
    if (ids.length === 0) return [];
    return this.#ascending((select) => select.where("id", "in", ids), ids.length);
  }

  /**
   * What a fold needs of the events with `afterId < id <= upToId`, ascending: texts only where they matter, in errors and
   * infos, sizes nowhere. Read from an index, for rows hold payloads of kilobytes.
   */
  async replay(batchId: number, afterId: number, upToId: number, limit: number): Promise<LogEvent[]> {
    const columns = sql.join(REPLAYED.map((column) => sql.ref(column)));
    const select = sql<ReplayedRow>`SELECT ${columns} FROM ${indexed(this.#database, "batchExecutionLog_replay")}
      WHERE batchId = ${batchId} AND id > ${afterId} AND id <= ${upToId} ORDER BY id LIMIT ${limit}`;
    const { rows } = await this.#run(() => select.execute(this.#db));
    const told = await this.#texts(rows.filter(hasText).map(({ id }) => id));
    return rows.map((row) => withoutBodies(row, told.get(row.id)));
  }

  /** The metadata of events, by id: of those that have some. */
  async metadataOf(ids: readonly number[]): Promise<Map<number, Json>> {
    const texts = await this.#texts(ids);
    return new Map(
      [...texts].flatMap(([id, { metadata }]) => (metadata === null ? [] : [[id, parseJson(metadata) ?? null]])),
    );
  }

  async #texts(ids: readonly number[]): Promise<Map<number, { errorMessage: string | null; metadata: string | null }>> {
    if (ids.length === 0) return new Map();
    const select = this.#db
      .selectFrom("batchExecutionLog")
      .select(["id", "errorMessage", "metadata"])
      .where("id", "in", ids);
    const rows = await this.#run(() => select.execute());
    return new Map(rows.map(({ id, ...texts }) => [id, texts]));
  }

  /** Events of one batch with `afterId < id <= upToId`, ascending. */
  async batchEventsAfter(batchId: number, afterId: number, upToId: number, limit: number): Promise<LogEvent[]> {
    return this.#ascending(
      (select) => select.where("batchId", "=", batchId).where("id", ">", afterId).where("id", "<=", upToId),
      limit,
    );
  }

  /**
   * What the fold of all events up to `upToId` shows, without reading them: cards, and the latest events of each stage.
   * `asOf` is the caller's clock, ISO 8601.
   */
  async snapshot(batch: Batch, upToId: number, eventsPerStage: number, asOf: string): Promise<Snapshot> {
    const [{ stages, unknownStages, head }, latest] = await Promise.all([
      this.#run(() => figuresOf(this.#database, batch.id, upToId)),
      Promise.all(
        STAGES.map(async ({ name }) => {
          const query = { stage: name, limit: eventsPerStage, before: upToId + 1 };
          return [name, (await this.events(batch.id, query)).events] as const;
        }),
      ),
    ]);
    return {
      batch: effectiveBatch({ batch, head }),
      stages: [...STAGES].map(({ name }) => summaryOf(name, stages.get(name)!)),
      events: Object.fromEntries(latest),
      unknownStages,
      asOf,
      head,
      eventsPerStage,
    };
  }

  /** One batch among others, by its events up to `upToId`. `asOf` is the caller's clock, ISO 8601. */
  async overview(batch: Batch, upToId: number, asOf: string): Promise<BatchOverview> {
    return this.#run(() => overviewOf(this.#database, batch, upToId, asOf));
  }

  /**
   * The checkpoint: each file that this stage completed, with its response. A file whose latest word is an error, and a
   * response that was cut or is no JSON, do not count.
   */
  async completedFiles(batchId: number, stage: string): Promise<Map<string, Json>> {
    const latest = this.#db
      .selectFrom("batchExecutionLog")
      .select((eb) => eb.fn.max("id").as("id"))
      .where("batchId", "=", batchId)
      .where("stage", "=", stage)
      .where("fileName", "is not", null)
      .where("eventType", "in", ["file_start", "file_complete", "error"])
      .groupBy("fileName");
    const rows = await this.#run(() =>
      this.#db
        .selectFrom("batchExecutionLog as log")
        .innerJoin(latest.as("latest"), "latest.id", "log.id")
        .select(["log.fileName", "log.response"])
        .where("log.eventType", "=", "file_complete")
        .where("log.responseCut", "is", null)
        .where(sql<SqlBool>`coalesce(log.status, 'success') = 'success'`)
        .execute(),
    );
    const completed = new Map<string, Json>();
    for (const { fileName, response } of rows) {
      const parsed = parseJson(response);
      if (fileName !== null && parsed !== undefined) completed.set(fileName, parsed);
    }
    return completed;
  }

  get #db() {
    return this.#database.kysely;
  }

  #run<T>(work: () => Promise<T>): Promise<T> {
    return reportUnavailable(this.#database, work);
  }

  #batches() {
    return this.#db.selectFrom("batchStatus").select(BATCH);
  }

  #events() {
    return this.#db.selectFrom("batchExecutionLog").select(LISTED);
  }

  async #ascending(
    filter: <Row>(
      select: SelectQueryBuilder<Tables, "batchExecutionLog", Row>,
    ) => SelectQueryBuilder<Tables, "batchExecutionLog", Row>,
    limit: number,
  ): Promise<LogEvent[]> {
    const select = filter(this.#events()).orderBy("id", "asc").limit(limit);
    return (await this.#run(() => select.execute())).map(toEvent);
  }
}

function filtered<Row>(
  select: SelectQueryBuilder<Tables, "batchExecutionLog", Row>,
  { stage, eventType, status, fileName }: EventFilter,
): SelectQueryBuilder<Tables, "batchExecutionLog", Row> {
  let narrowed = select;
  if (stage !== undefined) narrowed = narrowed.where("stage", "=", stage);
  if (eventType !== undefined) narrowed = narrowed.where("eventType", "=", eventType);
  if (status !== undefined) narrowed = narrowed.where("status", "=", status);
  if (fileName !== undefined) narrowed = narrowed.where("fileName", "=", fileName);
  return narrowed;
}

function sqliteNow(modifier: string) {
  return sql<string>`strftime('%Y-%m-%d %H:%M:%f', 'now', ${modifier})`;
}

function nextCursor(rows: readonly { id: number }[], limit: number): string | null {
  const last = rows[limit - 1];
  return rows.length > limit && last ? String(last.id) : null;
}

type BatchRow = Pick<Selectable<BatchStatusTable>, (typeof BATCH)[number]>;
function toBatch(row: BatchRow): Batch {
  return {
    ...row,
    name: row.name || `Batch ${row.id}`,
    createdAt: toApiTime(row.createdAt),
    startedAt: row.startedAt && toApiTime(row.startedAt),
    finishedAt: row.finishedAt && toApiTime(row.finishedAt),
  };
}

type EventRow = Omit<LogEvent, "metadata"> & {
  metadata: string | null;
  payloadCut: string | null;
  responseCut: string | null;
};

/** Field by field: a replay makes a million of these, and copying objects takes longer than reading them. */
function withoutBodies(
  row: ReplayedRow,
  texts: { errorMessage: string | null; metadata: string | null } | undefined,
): LogEvent {
  return {
    id: row.id,
    batchId: row.batchId,
    timestamp: toApiTime(row.timestamp),
    stage: row.stage,
    eventType: row.eventType,
    fileName: row.fileName,
    gpuIp: row.gpuIp,
    status: row.status,
    errorMessage: texts?.errorMessage ?? null,
    totalFiles: row.totalFiles,
    processedFiles: row.processedFiles,
    metadata: texts ? (parseJson(texts.metadata) ?? null) : null,
    payloadBytes: null,
    responseBytes: null,
    attempt: row.attempt,
    durationMs: row.durationMs,
  };
}

function toEvent(row: EventRow): LogEvent {
  const { payloadBytes, responseBytes, payloadCut, responseCut } = row;
  return {
    id: row.id,
    batchId: row.batchId,
    timestamp: toApiTime(row.timestamp),
    stage: row.stage,
    eventType: row.eventType,
    fileName: row.fileName,
    gpuIp: row.gpuIp,
    status: row.status,
    errorMessage: row.errorMessage,
    totalFiles: row.totalFiles,
    processedFiles: row.processedFiles,
    metadata: parseJson(row.metadata) ?? null,
    payloadBytes: toCut(payloadCut)?.bytes ?? payloadBytes,
    responseBytes: toCut(responseCut)?.bytes ?? responseBytes,
    attempt: row.attempt,
    durationMs: row.durationMs,
  };
}

function toDetail(row: EventRow & { payload: string | null; response: string | null }): LogEventDetail {
  const { payload, response, payloadCut, responseCut } = row;
  return { ...toEvent(row), payload, response, payloadCut: toCut(payloadCut), responseCut: toCut(responseCut) };
}

function toCut(text: string | null): Cut | null {
  return (parseJson(text) as Cut | undefined) ?? null;
}
