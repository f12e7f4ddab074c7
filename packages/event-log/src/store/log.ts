/** Verbs on `batchExecutionLog`. */
import { sql, type RawBuilder, type SelectQueryBuilder } from "kysely";
import type { InsertTarget } from "../database/dialect.js";
import type { Tables } from "../database/tables.js";
import type { EventStatus, EventType, Json, LogEvent, LogEventDetail } from "../events.js";
import { parseJson } from "../json.js";
import { RunOrder } from "../run-order.js";
import { isCurrent } from "./run-filter.js";
import { PlaceStore } from "./places.js";
import { eventColumns, type StoredEvent } from "./event-columns.js";
import { replayed, REPLAYED, toDetail, toEvent, toReplayed } from "./event-rows.js";
import { nextCursor } from "./pages.js";

export interface EventFilter {
  stage?: string | undefined;
  eventType?: EventType | undefined;
  status?: EventStatus | undefined;
  fileName?: string | undefined;
}

export interface EventQuery extends EventFilter {
  /** Leaves out what arrived after a newer run had begun. */
  currentOnly?: boolean | undefined;
  limit: number;
  /** Only events with a lower id: the cursor of the page before. */
  before?: number | undefined;
  /** Only events with a higher id, oldest first: the cursor of the page before. Not with `before`. */
  after?: number | undefined;
}

const WRITTEN = eventColumns("written");
const LOG: InsertTarget = { table: "batchExecutionLog", columns: WRITTEN, unique: "eventId" };

/** Whether a replay reads what the event says in words: why something failed, or was left out. */
function hasText(row: readonly unknown[]): boolean {
  const eventType = replayed(row, "eventType");
  if (eventType === "error" || eventType === "info") return true;
  return eventType === "file_complete" && replayed(row, "status") === "failed";
}

/** Every method throws `DatabaseUnavailableError` when the database cannot be reached for now. */
export class LogStore extends PlaceStore {
  /** Inserts the events in order; one whose `eventId` is stored already is left as it is. On an error the first may be stored: insert all again. */
  async insertEvents(events: readonly StoredEvent[]): Promise<void> {
    if (events.length === 0) return;
    const rows = events.map((event) => WRITTEN.map((column) => event[column] ?? null));
    await this.query(() => this.database.insertNew(LOG, rows));
  }

  /** Proves that events can be inserted: the spool would keep them until they can. @throws DatabaseRejectedError */
  async assertCanInsert(): Promise<void> {
    await this.query(() => this.database.checkInsert(LOG));
  }

  /** Newest first, or oldest first with `after`. `nextCursor` is the `before` or `after` of the next page; null on the last. */
  async events(batchId: number, query: EventQuery): Promise<{ events: LogEvent[]; nextCursor: string | null }> {
    const order = query.after === undefined ? "desc" : "asc";
    const conditions = this.#passing(batchId, query);
    if (query.currentOnly) conditions.push(isCurrent(await this.runStarts(batchId)));
    if (query.before !== undefined) conditions.push(sql`id < ${query.before}`);
    if (query.after !== undefined) conditions.push(sql`id > ${query.after}`);
    const page = this.#page(indexFor(query), conditions, order, query.limit + 1);
    const ascending = byId(await this.query(() => page.execute()));
    const rows = order === "desc" ? ascending.toReversed() : ascending;
    const events = await this.#markHistory(
      batchId,
      rows.slice(0, query.limit).map((row) => this.#shown(row)),
    );
    return { events, nextCursor: nextCursor(rows, query.limit) };
  }

  async event(id: number): Promise<LogEventDetail | null> {
    const select = this.#events().select(["payload", "response"]).where("id", "=", id);
    const row = await this.query(() => select.executeTakeFirst());
    if (!row) return null;
    const [event = null] = await this.#markHistory(row.batchId, [this.lens.detail(toDetail(row))]);
    return event;
  }

  /** Events that pass the filter with `after < id <= upToId`, ascending. `bodies`: with payload and response. */
  async exportedEvents(
    batchId: number,
    filter: EventFilter,
    { after, upToId, limit, bodies }: { after: number; upToId: number; limit: number; bodies: boolean },
  ): Promise<(LogEvent | LogEventDetail)[]> {
    const conditions = [...this.#passing(batchId, filter), sql`id > ${after}`, sql`id <= ${upToId}`];
    const page = this.#page(indexFor(filter), conditions, "asc", limit);
    const events = bodies
      ? byId(await this.query(() => page.select(["log.payload", "log.response"]).execute())).map((row) =>
          this.lens.detail(toDetail(row)),
        )
      : byId(await this.query(() => page.execute())).map((row) => this.#shown(row));
    return this.#markHistory(batchId, events);
  }

  /** Events of these files, or of none (null), with `after < id <= upToId`; ascending. */
  async eventsOfFiles(
    batchId: number,
    fileNames: readonly string[] | null,
    { after, upToId, limit }: { after: number; upToId: number; limit: number },
  ): Promise<LogEvent[]> {
    const stored = fileNames?.map((name) => this.lens.storedName(name)) ?? null;
    const isOfFiles = stored === null ? sql`fileName IS NULL` : sql`fileName IN (${sql.join(stored)})`;
    const conditions = [sql`batchId = ${batchId}`, sql`id > ${after}`, sql`id <= ${upToId}`, isOfFiles];
    const page = this.#page(BY_FILE, conditions, "asc", limit);
    return byId(await this.query(() => page.execute())).map((row) => this.#shown(row));
  }

  /** 0 when there is no event yet. */
  async maxEventId(): Promise<number> {
    const select = this.db.selectFrom("batchExecutionLog").select((eb) => eb.fn.max("id").as("id"));
    return (await this.query(() => select.executeTakeFirst()))?.id ?? 0;
  }

  /** The lowest id among the events of the last `ms` by the database's clock; null when there is none. */
  async firstIdSince(ms: number): Promise<number | null> {
    const select = this.db
      .selectFrom("batchExecutionLog")
      .select((eb) => eb.fn.min("id").as("id"))
      .where("timestamp", ">=", this.database.dialect.fromNow(-ms));
    return (await this.query(() => select.executeTakeFirst()))?.id ?? null;
  }

  /** Ids of the events of all batches with a higher id, ascending. */
  async idsAfter(afterId: number, limit: number): Promise<number[]> {
    const select = this.db.selectFrom("batchExecutionLog").select("id").where("id", ">", afterId);
    return (await this.query(() => select.orderBy("id").limit(limit).execute())).map(({ id }) => id);
  }

  /** Events of all batches with a higher id, ascending. Ids do not become visible in order: the tail knows the holes. */
  async eventsAfter(afterId: number, limit: number): Promise<LogEvent[]> {
    return this.#ascending((select) => select.where("id", ">", afterId), limit);
  }

  /** Events of all batches with `fromId <= id <= toId`, ascending. */
  async eventsBetween(fromId: number, toId: number, limit: number): Promise<LogEvent[]> {
    return this.#ascending((select) => select.where("id", ">=", fromId).where("id", "<=", toId), limit);
  }

  /** How many events there are with `fromId <= id <= toId`, by `id >> bits`; numbers without any are missing. */
  async countIds(fromId: number, toId: number, bits: number): Promise<Map<number, number>> {
    const part = sql<number>`id >> ${sql.lit(bits)}`;
    const select = this.db
      .selectFrom("batchExecutionLog")
      .select([part.as("part"), (eb) => eb.fn.countAll().as("events")])
      .where("id", ">=", fromId)
      .where("id", "<=", toId)
      .groupBy(part);
    return new Map((await this.query(() => select.execute())).map((row) => [Number(row.part), Number(row.events)]));
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
    const select = sql`SELECT ${columns} FROM ${this.database.dialect.logBy("batchExecutionLog_replay")}
      WHERE batchId = ${batchId} AND id > ${afterId} AND id <= ${upToId} ORDER BY id LIMIT ${limit}`;
    const rows = await this.query(() => this.database.lists(REPLAYED, select));
    const texts = await this.#texts(rows.filter(hasText).map((row) => replayed(row, "id")));
    return rows.map((row) => this.lens.event(toReplayed(row, texts.get(replayed(row, "id")))));
  }

  /** The metadata of events, by id: of those that have some. */
  async metadataOf(ids: readonly number[]): Promise<Map<number, Json>> {
    const texts = await this.#texts(ids);
    return new Map(
      [...texts].flatMap(([id, { metadata }]) =>
        metadata === null ? [] : [[id, this.lens.metadata(parseJson(metadata) ?? null)]],
      ),
    );
  }

  async #texts(ids: readonly number[]): Promise<Map<number, { errorMessage: string | null; metadata: string | null }>> {
    if (ids.length === 0) return new Map();
    const select = this.db
      .selectFrom("batchExecutionLog")
      .select(["id", "errorMessage", "metadata"])
      .where("id", "in", ids);
    const rows = await this.query(() => select.execute());
    return new Map(rows.map(({ id, ...texts }) => [id, texts]));
  }

  /** Events of one batch with `afterId < id <= upToId`, ascending. */
  async batchEventsAfter(batchId: number, afterId: number, upToId: number, limit: number): Promise<LogEvent[]> {
    const conditions = [sql`batchId = ${batchId}`, sql`id > ${afterId}`, sql`id <= ${upToId}`];
    const page = this.#page(BY_ID, conditions, "asc", limit);
    return byId(await this.query(() => page.execute())).map((row) => this.#shown(row));
  }

  /** How many events of one batch have `afterId < id <= upToId`, history left out. */
  async countBatchEvents(batchId: number, afterId: number, upToId: number): Promise<number> {
    const current = isCurrent(await this.runStarts(batchId));
    const select = sql<{ events: number }>`
      SELECT count(*) AS events FROM ${this.database.dialect.logBy("batchExecutionLog_replay")}
      WHERE batchId = ${batchId} AND id > ${afterId} AND id <= ${upToId} AND ${current}`;
    const { rows } = await this.query(() => select.execute(this.db));
    return Number(rows[0]?.events ?? 0);
  }

  async #markHistory<T extends LogEvent>(batchId: number, events: T[]): Promise<T[]> {
    if (events.every(({ run }) => run === null)) return events;
    const order = new RunOrder(await this.runStarts(batchId));
    return events.map((event) => (order.isHistory(event.run, event.id) ? { ...event, history: true } : event));
  }

  /**
   * Of the events that meet all conditions, those with the first ids; they come in any order. The ids alone are sorted by the
   * database, within an index: MySQL refuses to sort rows of which one does not fit into its sort buffer.
   */
  #page(index: string, conditions: readonly RawBuilder<unknown>[], order: "asc" | "desc", limit: number) {
    const page = sql<{ id: number }>`(SELECT id FROM ${this.database.dialect.logBy(index)}
      WHERE ${sql.join(conditions, sql` AND `)} ORDER BY id ${sql.raw(order)} LIMIT ${limit})`;
    return this.db
      .selectFrom(page.as("page"))
      .innerJoin("batchExecutionLog as log", "log.id", "page.id")
      .select(eventColumns("listed").map((column) => `log.${column}` as const));
  }

  #events() {
    return this.db.selectFrom("batchExecutionLog").select(eventColumns("listed"));
  }

  /** By the primary key, in whose order the rows are. */
  async #ascending(
    filter: <Row>(
      select: SelectQueryBuilder<Tables, "batchExecutionLog", Row>,
    ) => SelectQueryBuilder<Tables, "batchExecutionLog", Row>,
    limit: number,
  ): Promise<LogEvent[]> {
    const select = filter(this.#events()).orderBy("id", "asc").limit(limit);
    return (await this.query(() => select.execute())).map((row) => this.#shown(row));
  }

  #shown(row: Parameters<typeof toEvent>[0]): LogEvent {
    return this.lens.event(toEvent(row));
  }

  #passing(batchId: number, { fileName, ...filter }: EventFilter): RawBuilder<unknown>[] {
    return passing(batchId, {
      ...filter,
      fileName: fileName === undefined ? undefined : this.lens.storedName(fileName),
    });
  }
}

function byId<Row extends { id: number }>(rows: readonly Row[]): Row[] {
  return rows.toSorted((a, b) => a.id - b.id);
}

const BY_ID = "batchExecutionLog_replay";
const BY_STAGE = "batchExecutionLog_batch_stage";
const BY_FILE = "batchExecutionLog_batch_file";

/** The index that leaves the least to look through. The optimisers would read a table backwards for the newest of an old batch. */
function indexFor({ stage, fileName }: EventFilter): string {
  if (fileName !== undefined) return BY_FILE;
  return stage === undefined ? BY_ID : BY_STAGE;
}

/** What events of the batch that pass the filter meet. */
function passing(batchId: number, { stage, eventType, status, fileName }: EventFilter): RawBuilder<unknown>[] {
  const wanted = Object.entries({ batchId, stage, eventType, status, fileName });
  return wanted.flatMap(([column, value]) => (value === undefined ? [] : [sql`${sql.ref(column)} = ${value}`]));
}
