/**
 * Removes one batch, or the payloads of one, in small steps beside the writers. Each step is a transaction of its own that
 * counts what it changes; it waits for other writers as long as it takes.
 */
import { sql, type Kysely } from "kysely";
import type { Database } from "../../database/dialect.js";
import type { Tables } from "../../database/tables.js";
import { EVIDENCE } from "../../stages.js";
import { toDatabaseTime } from "../../time.js";
import type { EndedBatch } from "./ages.js";
import type { RetentionLock } from "./lock.js";
import { StoppedError, type Patience } from "./patience.js";
import { leaveTraces } from "./traces.js";

/** `payloads`: payloads, responses and transcripts. `events`: everything of the batch. */
export type What = "payloads" | "events";

export interface Counted {
  /** Rows of the log that were changed or removed. */
  events: number;
  /** Rows of results; transcripts are all that go with payloads. */
  results: number;
  /** Of payloads and responses. */
  bytes: number;
}

export interface Removed extends Counted {
  /** False when it was stopped, or the batch continues: a run has begun, events have come. The next time decides anew. */
  isWhole: boolean;
}

export interface RemovalOptions {
  database: Database;
  lock: RetentionLock;
  /** Epoch ms. */
  now: number;
  patience: Patience;
}

const ROWS_A_STEP = 500;
/** A step that took longer was held up by something that a longer pause would not help. */
const LONGEST_PAUSE_MS = 1_000;
const RESULT_TABLES = {
  payloads: ["transcript"],
  events: ["auditAnswer", "extractedTrade", "transcript", "tradeCall", "trade", "callRecord", "batchSealPart"],
} as const satisfies Record<What, readonly (keyof Tables)[]>;
type ResultTable = (typeof RESULT_TABLES)[What][number];

/** Responses that prove a trade: results of triage, and verdicts. They go with their events only. */
const IS_EVIDENCE = sql<boolean>`stage IN (${sql.join(EVIDENCE.map((name) => sql.lit(name)))})`;
const HAS_PAYLOAD = sql<boolean>`(payload IS NOT NULL OR (response IS NOT NULL AND NOT ${IS_EVIDENCE}))`;

function isRemovable(what: What) {
  return what === "events" ? sql<boolean>`1 = 1` : HAS_PAYLOAD;
}

/** Bytes of an event's texts that go. */
function bytesOf(what: What) {
  const response = sql`coalesce(responseBytes, 0)`;
  const gone = what === "events" ? response : sql`CASE WHEN ${IS_EVIDENCE} THEN 0 ELSE ${response} END`;
  return sql<number>`coalesce(payloadBytes, 0) + ${gone}`;
}

/** What {@link removeFrom} would count. */
export async function countIn(db: Kysely<Tables>, batch: EndedBatch, what: What): Promise<Counted> {
  const { rows } = await sql<Omit<Counted, "results">>`
    SELECT count(*) AS events, coalesce(sum(${bytesOf(what)}), 0) AS bytes FROM batchExecutionLog
    WHERE batchId = ${batch.id} AND id > ${firstAfter(batch, what)} AND id <= ${batch.lastId} AND ${isRemovable(what)}`.execute(
    db,
  );
  let results = 0;
  for (const table of RESULT_TABLES[what]) {
    const count = db.selectFrom(table).select((eb) => eb.fn.countAll().as("rows"));
    results += Number((await count.where("batchId", "=", batch.id).executeTakeFirstOrThrow()).rows);
  }
  return { events: Number(rows[0]?.events), results, bytes: Number(rows[0]?.bytes) };
}

/**
 * Removes what is to go of a batch.
 * @throws RetentionTakenOverError; the database's error, when it is none that passes
 */
export async function removeFrom(batch: EndedBatch, what: What, options: RemovalOptions): Promise<Removed> {
  return new Removal(batch, what, options).toItsEnd();
}

function firstAfter({ payloadsRemovedTo }: EndedBatch, what: What): number {
  return what === "events" ? 0 : payloadsRemovedTo;
}

/** The batch is not as it was when it was found old enough: a run has begun, or has begun and ended, or events have come. */
class BatchContinuesError extends Error {}

interface Step extends Omit<Counted, "results"> {
  /** Id of the last event that it looked at. */
  upTo: number;
}

class Removal {
  readonly #batch: EndedBatch;
  readonly #what: What;
  readonly #options: RemovalOptions;
  readonly #total: Removed = { events: 0, results: 0, bytes: 0, isWhole: false };
  #after: number;
  /** By `performance.now()`: when the last step had its turn. The time that it waited for others before does not count. */
  #begunAt = 0;

  constructor(batch: EndedBatch, what: What, options: RemovalOptions) {
    this.#batch = batch;
    this.#what = what;
    this.#options = options;
    this.#after = firstAfter(batch, what);
  }

  async toItsEnd(): Promise<Removed> {
    try {
      await this.#events();
      for (const table of RESULT_TABLES[this.#what]) await this.#results(table);
      await (this.#what === "events" ? this.#batchItself() : this.#payloadsAreRemoved());
      this.#total.isWhole = true;
    } catch (error) {
      if (!(error instanceof BatchContinuesError || error instanceof StoppedError)) throw error;
    }
    return this.#total;
  }

  async #events(): Promise<void> {
    for (;;) {
      const step = await this.#inTurn(
        (db) => this.#step(db),
        (done) => this.#isGone(done),
      );
      if (step === null) return;
      this.#total.events += step.events;
      this.#total.bytes += step.bytes;
      this.#after = step.upTo;
      await this.#rest();
    }
  }

  /** As long as the step took: writers have the database at least half of the time. */
  async #rest(): Promise<void> {
    await this.#options.patience.pause(Math.min(performance.now() - this.#begunAt, LONGEST_PAUSE_MS));
  }

  /** @returns null when there is nothing left */
  async #step(db: Kysely<Tables>): Promise<Step | null> {
    const what = this.#what;
    const rows = await db
      .selectFrom("batchExecutionLog")
      .select([
        "id",
        bytesOf(what).as("bytes"),
        sql<number>`CASE WHEN ${isRemovable(what)} THEN 1 ELSE 0 END`.as("goes"),
      ])
      .where("batchId", "=", this.#batch.id)
      .where("id", ">", this.#after)
      .where("id", "<=", this.#batch.lastId)
      .orderBy("id")
      .limit(ROWS_A_STEP)
      .execute();
    const upTo = rows.at(-1)?.id;
    if (upTo === undefined) return null;
    const going = rows.filter(({ goes }) => Number(goes) === 1);
    const ids = going.map(({ id }) => id);
    const changed =
      ids.length === 0 ? 0 : await (what === "events" ? deleteEvents(db, ids) : this.#removePayloads(db, ids));
    if (what === "payloads") await this.#note(db, { payloadsRemovedTo: upTo });
    return { events: changed, bytes: going.reduce((sum, { bytes }) => sum + Number(bytes), 0), upTo };
  }

  /** Whether a step whose commit was not answered has taken effect. */
  async #isGone(step: Step | null): Promise<boolean> {
    if (step === null) return true;
    const { rows } = await sql`
      SELECT id FROM batchExecutionLog WHERE batchId = ${this.#batch.id} AND id > ${this.#after} AND id <= ${step.upTo}
        AND ${isRemovable(this.#what)} LIMIT 1`.execute(this.#options.database.kysely);
    return rows.length === 0;
  }

  /** The event says how large the text was, the hash where it was known, and when it went. */
  async #removePayloads(db: Kysely<Tables>, ids: readonly number[]): Promise<number> {
    const removedAt = new Date(this.#options.now).toISOString();
    const gone = (text: "payload" | "response") => {
      const [bytes, cut] = [sql.ref(`${text}Bytes`), sql.ref(`${text}Cut`)];
      return sql<string | null>`CASE WHEN ${sql.ref(text)} IS NULL THEN ${cut} ELSE json_object(
        'bytes', coalesce(json_extract(${cut}, '$.bytes'), ${bytes}) + 0,
        'sha256', json_extract(${cut}, '$.sha256'), 'removedAt', ${removedAt}) END`;
    };
    // MySQL evaluates assignments from left to right: what they read of the texts comes before the texts go.
    const { numAffectedRows } = await sql`UPDATE batchExecutionLog
      SET payloadCut = ${gone("payload")},
        responseCut = CASE WHEN ${IS_EVIDENCE} THEN responseCut ELSE ${gone("response")} END,
        payload = NULL,
        response = CASE WHEN ${IS_EVIDENCE} THEN response ELSE NULL END
      WHERE id IN (${sql.join(ids)}) AND ${HAS_PAYLOAD}`.execute(db);
    return Number(numAffectedRows);
  }

  async #payloadsAreRemoved(): Promise<void> {
    const payloadsRemovedAt = toDatabaseTime(new Date(this.#options.now));
    await this.#inTurn((db) => this.#note(db, { payloadsRemovedAt }));
  }

  async #batchItself(): Promise<void> {
    const { id, createdAt } = this.#batch;
    const work = async (db: Kysely<Tables>): Promise<void> => {
      await db.deleteFrom("batchRun").where("batchId", "=", id).execute();
      await db.deleteFrom("batchStatus").where("id", "=", id).execute();
      const removedAt = toDatabaseTime(new Date(this.#options.now));
      await db.insertInto("removedBatch").values({ batchId: id, createdAt, removedAt }).execute();
    };
    const { kysely } = this.#options.database;
    const batch = kysely.selectFrom("batchStatus").select("id").where("id", "=", id);
    await this.#inTurn(work, async () => (await batch.execute()).length === 0);
  }

  async #results(table: ResultTable): Promise<void> {
    const { id } = this.#batch;
    const { kysely } = this.#options.database;
    const step = async (db: Kysely<Tables>): Promise<number[]> => {
      const rows = await db.selectFrom(table).select("id").where("batchId", "=", id).limit(ROWS_A_STEP).execute();
      const ids = rows.map((row) => row.id);
      if (ids.length > 0) await db.deleteFrom(table).where("id", "in", ids).execute();
      return ids;
    };
    const isGone = async (ids: readonly number[]): Promise<boolean> =>
      ids.length === 0 ||
      (await kysely.selectFrom(table).select("id").where("id", "in", ids).limit(1).execute()).length === 0;
    for (;;) {
      const { length } = await this.#inTurn(step, isGone);
      if (length === 0) return;
      this.#total.results += length;
      await this.#rest();
    }
  }

  async #note(
    db: Kysely<Tables>,
    values: { payloadsRemovedTo: number } | { payloadsRemovedAt: string },
  ): Promise<void> {
    await db.updateTable("batchStatus").set(values).where("id", "=", this.#batch.id).execute();
  }

  /**
   * Runs `work` in a transaction while no run of the batch begins, and again while the database is held by others or away.
   * @param isDone whether the work that had this result was committed, though the answer was lost; default: it is repeated
   */
  async #inTurn<T>(
    work: (db: Kysely<Tables>) => Promise<T>,
    isDone: (result: T) => Promise<boolean> = () => Promise.resolve(false),
  ): Promise<T> {
    const { database, lock, patience } = this.#options;
    for (;;) {
      const last: { result?: T } = {};
      const outcome = await patience.attempt(() =>
        database.transaction(async (db) => {
          delete last.result;
          await lock.hold(db);
          await this.#holdBatch(db);
          await leaveTraces(database, db);
          this.#begunAt = performance.now();
          return (last.result = await work(db));
        }),
      );
      if (outcome !== "unavailable") return outcome.result;
      const { result } = last;
      if ("result" in last && (await patience.until(() => isDone(result as T)))) return result as T;
    }
  }

  /** Until the transaction ends no run of the batch begins, and no event comes. @throws BatchContinuesError when the batch has continued */
  async #holdBatch(db: Kysely<Tables>): Promise<void> {
    const { now } = this.#options.database.dialect;
    const { run, status, finishedAt } = this.#batch.end;
    const held = await db
      .updateTable("batchStatus")
      .set((eb) => ({ payloadsRemovedTo: eb.ref("payloadsRemovedTo") }))
      .where("id", "=", this.#batch.id)
      .where("run", "=", run)
      .where("status", "=", status)
      .where("finishedAt", finishedAt === null ? "is" : "=", finishedAt)
      .where((eb) => eb.or([eb("leaseOwner", "is", null), eb("leaseExpiresAt", "<", now)]))
      .executeTakeFirst();
    if (held.numUpdatedRows === 0n) throw new BatchContinuesError();
    const late = db.selectFrom("batchExecutionLog").select("id").where("batchId", "=", this.#batch.id);
    if (await late.where("id", ">", this.#batch.lastId).limit(1).executeTakeFirst()) throw new BatchContinuesError();
  }
}

async function deleteEvents(db: Kysely<Tables>, ids: readonly number[]): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom("batchExecutionLog")
    .where("id", "in", [...ids])
    .executeTakeFirst();
  return Number(numDeletedRows);
}
