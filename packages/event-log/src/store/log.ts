/** Verbs on `batchExecutionLog`. */
import { sql, type SelectQueryBuilder, type Selectable } from "kysely";
import type { InsertTarget } from "../database/dialect.js";
import type { Tables } from "../database/tables.js";
import type { EventStatus, EventType, Json, LogEvent, LogEventDetail } from "../events.js";
import { parseJson } from "../json.js";
import { RunOrder } from "../run-order.js";
import { isCurrent } from "./run-filter.js";
import { PlaceStore } from "./places.js";
import { eventColumns, type StoredEvent } from "./event-columns.js";
import { toDetail, toEvent, toReplayed } from "./event-rows.js";
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
}

const WRITTEN = eventColumns("written");
const LOG: InsertTarget = { table: "batchExecutionLog", columns: WRITTEN, unique: "eventId" };

type ReplayedRow = Pick<Selectable<Tables["batchExecutionLog"]>, ReturnType<typeof eventColumns<"replayed">>[number]>;

/** Whether a replay reads what the event says in words: why something failed, or was left out. */
function hasText({ eventType, status }: Pick<ReplayedRow, "eventType" | "status">): boolean {
  return eventType === "error" || eventType === "info" || (eventType === "file_complete" && status === "failed");
}

/** Every method throws `DatabaseUnavailableError` when the database cannot be reached for now. */
export class LogStore extends PlaceStore {
  /** Inserts the events in order; one whose `eventId` is stored already is left as it is. On an error the first may be stored: insert all again. */
  async insertEvents(events: readonly StoredEvent[]): Promise<void> {
    if (events.length === 0) return;
    const rows = events.map((event) => WRITTEN.map((column) => event[column] ?? null));
    await this.query(() => this.database.insertNew(LOG, rows));
  }

  /** Newest first. `nextCursor` is the `before` of the next page; null on the last. */
  async events(batchId: number, query: EventQuery): Promise<{ events: LogEvent[]; nextCursor: string | null }> {
    let select = this.#events()
      .where("batchId", "=", batchId)
      .orderBy("id", "desc")
      .limit(query.limit + 1);
    select = filtered(select, query);
    if (query.currentOnly) select = select.where(isCurrent(await this.runStarts(batchId)));
    if (query.before !== undefined) select = select.where("id", "<", query.before);
    const rows = await this.query(() => select.execute());
    const events = await this.#markHistory(batchId, rows.slice(0, query.limit).map(toEvent));
    return { events, nextCursor: nextCursor(rows, query.limit) };
  }

  async event(id: number): Promise<LogEventDetail | null> {
    const select = this.#events().select(["payload", "response"]).where("id", "=", id);
    const row = await this.query(() => select.executeTakeFirst());
    if (!row) return null;
    const [event = null] = await this.#markHistory(row.batchId, [toDetail(row)]);
    return event;
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
    const events = bodies
      ? (await this.query(() => select.select(["payload", "response"]).execute())).map(toDetail)
      : (await this.query(() => select.execute())).map(toEvent);
    return this.#markHistory(batchId, events);
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
    return (await this.query(() => named.execute())).map(toEvent);
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
    const columns = sql.join(eventColumns("replayed").map((column) => sql.ref(column)));
    const select = sql<ReplayedRow>`SELECT ${columns} FROM ${this.database.dialect.logBy("batchExecutionLog_replay")}
      WHERE batchId = ${batchId} AND id > ${afterId} AND id <= ${upToId} ORDER BY id LIMIT ${limit}`;
    const { rows } = await this.query(() => select.execute(this.db));
    const told = await this.#texts(rows.filter(hasText).map(({ id }) => id));
    return rows.map((row) => toReplayed(row, told.get(row.id)));
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
    const select = this.db
      .selectFrom("batchExecutionLog")
      .select(["id", "errorMessage", "metadata"])
      .where("id", "in", ids);
    const rows = await this.query(() => select.execute());
    return new Map(rows.map(({ id, ...texts }) => [id, texts]));
  }

  /** Events of one batch with `afterId < id <= upToId`, ascending. */
  async batchEventsAfter(batchId: number, afterId: number, upToId: number, limit: number): Promise<LogEvent[]> {
    return this.#ascending(
      (select) => select.where("batchId", "=", batchId).where("id", ">", afterId).where("id", "<=", upToId),
      limit,
    );
  }

  async #markHistory<T extends LogEvent>(batchId: number, events: T[]): Promise<T[]> {
    if (events.every(({ run }) => run === null)) return events;
    const order = new RunOrder(await this.runStarts(batchId));
    return events.map((event) => (order.isHistory(event.run, event.id) ? { ...event, history: true } : event));
  }

  #events() {
    return this.db.selectFrom("batchExecutionLog").select(eventColumns("listed"));
  }

  async #ascending(
    filter: <Row>(
      select: SelectQueryBuilder<Tables, "batchExecutionLog", Row>,
    ) => SelectQueryBuilder<Tables, "batchExecutionLog", Row>,
    limit: number,
  ): Promise<LogEvent[]> {
    const select = filter(this.#events()).orderBy("id", "asc").limit(limit);
    return (await this.query(() => select.execute())).map(toEvent);
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
