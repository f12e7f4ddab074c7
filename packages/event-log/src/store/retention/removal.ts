/**
 * Removes one batch, or the payloads of one, in small steps beside the writers. Each step is a transaction of its own that
 * counts what it changes; it waits for other writers as long as it takes.
 */
import { sql, type Kysely } from "kysely";
import type { Database } from "../../database/dialect.js";
import type { Tables } from "../../database/tables.js";
import { toDatabaseTime } from "../../time.js";
import type { EndedBatch } from "./ages.js";
import {
  heldIn,
  holdsAny,
  isHeldFile,
  isHeldResult,
  newestHold,
  RESULTS_OF,
  type Held,
  type ResultTable,
} from "./held.js";
import type { RetentionLock } from "./lock.js";
import { StoppedError, type Patience } from "./patience.js";
import { deleteEvents, removePayloads } from "./texts.js";
import { leaveTraces } from "./traces.js";
import { bytesOf, firstAfter, isRemovable, RESULT_TABLES, type Counted, type What } from "./what-goes.js";

export interface Removed extends Counted {
  /** False when it was stopped, or the batch continues: a run has begun, events have come. The next time decides anew. */
  isWhole: boolean;
  /** Something of it stays because it is held. */
  isHeld: boolean;
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

/**
 * Removes what is to go of a batch.
 * @throws RetentionTakenOverError; the database's error, when it is none that passes
 */
export async function removeFrom(batch: EndedBatch, what: What, options: RemovalOptions): Promise<Removed> {
  return new Removal(batch, what, options).toItsEnd();
}

/** The batch is not as it was when it was found old enough: a run has begun, or has begun and ended, or events have come. */
class BatchContinuesError extends Error {}

/** All of the batch is held. */
class BatchHeldError extends Error {}

interface Step extends Omit<Counted, "results"> {
  /** Events that went, or whose texts did. */
  ids: readonly number[];
  /** Id of the last event that it looked at. */
  upTo: number;
}

interface ResultStep {
  /** Rows that went. */
  ids: readonly number[];
  /** Id of the last row that it looked at; null when there is none left. */
  upTo: number | null;
}

class Removal {
  readonly #batch: EndedBatch;
  readonly #what: What;
  readonly #options: RemovalOptions;
  readonly #total: Removed = { events: 0, results: 0, bytes: 0, isWhole: false, isHeld: false };
  #after: number;
  /** As of the transaction that was begun last. */
  #held: Held | null = null;
  /** Number of the newest hold when something was left because it was held; null while nothing was. */
  #heldBack: number | null;
  /** By `performance.now()`: when the last step had its turn. The time that it waited for others before does not count. */
  #begunAt = 0;

  constructor(batch: EndedBatch, what: What, options: RemovalOptions) {
    this.#batch = batch;
    this.#what = what;
    this.#options = options;
    this.#after = firstAfter(batch, what);
    // All events are looked at once more when they go.
    this.#heldBack = what === "events" ? null : batch.heldBack;
  }

  async toItsEnd(): Promise<Removed> {
    try {
      await this.#events();
      for (const table of RESULT_TABLES[this.#what]) await this.#results(table);
      await (this.#what === "events" ? this.#batchItself() : this.#payloadsAreRemoved());
      this.#total.isWhole = true;
    } catch (error) {
      if (!(error instanceof BatchContinuesError || error instanceof BatchHeldError || error instanceof StoppedError))
        throw error;
    }
    return { ...this.#total, isHeld: this.#heldBack !== null };
  }

  async #events(): Promise<void> {
    for (;;) {
      const step = await this.#inTurn(
        (db, held) => this.#step(db, held),
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
  async #step(db: Kysely<Tables>, held: Held): Promise<Step | null> {
    const what = this.#what;
    const rows = await db
      .selectFrom("batchExecutionLog")
      .select([
        "id",
        "fileName",
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
    const going = rows.filter(({ goes, fileName }) => Number(goes) === 1 && !isHeldFile(held, fileName));
    const ids = going.map(({ id }) => id);
    const changed =
      ids.length === 0
        ? 0
        : await (what === "events" ? deleteEvents(db, ids) : removePayloads(db, ids, this.#options.now));
    if (what === "payloads") await this.#note(db, { payloadsRemovedTo: upTo, heldBack: this.#heldBack });
    return { events: changed, bytes: going.reduce((sum, { bytes }) => sum + Number(bytes), 0), ids, upTo };
  }

  /** Whether a step whose commit was not answered has taken effect. */
  async #isGone(step: Step | null): Promise<boolean> {
    if (step === null || step.ids.length === 0) return true;
    const { rows } = await sql`
      SELECT id FROM batchExecutionLog WHERE id IN (${sql.join(step.ids)}) AND ${isRemovable(this.#what)} LIMIT 1`.execute(
      this.#options.database.kysely,
    );
    return rows.length === 0;
  }

  async #payloadsAreRemoved(): Promise<void> {
    const payloadsRemovedAt = toDatabaseTime(new Date(this.#options.now));
    await this.#inTurn((db) => this.#note(db, { payloadsRemovedAt, heldBack: this.#heldBack }));
  }

  /**
   * A batch of which something was held stays, with that; the next time decides anew. Payloads, and recordings on hosts, are removed of all the
   * rest.
   */
  async #batchItself(): Promise<void> {
    const { id, createdAt } = this.#batch;
    const work = async (db: Kysely<Tables>): Promise<boolean> => {
      const removedAt = toDatabaseTime(new Date(this.#options.now));
      if (this.#heldBack !== null) {
        const done = { payloadsRemovedAt: removedAt, payloadsRemovedTo: this.#batch.lastId };
        await this.#note(db, { ...done, heldBack: this.#heldBack });
        return false;
      }
      await db.deleteFrom("batchRun").where("batchId", "=", id).execute();
      await db.deleteFrom("batchStatus").where("id", "=", id).execute();
      await db.deleteFrom("retentionHold").where("batchId", "=", id).execute();
      await db.insertInto("removedBatch").values({ batchId: id, createdAt, removedAt }).execute();
      return true;
    };
    const { kysely } = this.#options.database;
    const batch = kysely.selectFrom("batchStatus").select("id").where("id", "=", id);
    await this.#inTurn(work, async (isRemoved) => !isRemoved || (await batch.execute()).length === 0);
  }

  async #results(table: ResultTable): Promise<void> {
    const { id } = this.#batch;
    const { kysely } = this.#options.database;
    let after = 0;
    const step = async (db: Kysely<Tables>, held: Held): Promise<ResultStep> => {
      const columns = sql.join(["id", ...RESULTS_OF[table]].map((column) => sql.ref(column)));
      const { rows } = await sql<{ id: number; tradeId?: string; callId?: string }>`
        SELECT ${columns} FROM ${sql.table(table)} WHERE batchId = ${id} AND id > ${after}
        ORDER BY id LIMIT ${sql.lit(ROWS_A_STEP)}`.execute(db);
      const ids = rows.filter((row) => !isHeldResult(held, row)).map((row) => row.id);
      if (ids.length > 0) await db.deleteFrom(table).where("id", "in", ids).execute();
      return { ids, upTo: rows.at(-1)?.id ?? null };
    };
    const isGone = async ({ ids }: ResultStep): Promise<boolean> =>
      ids.length === 0 ||
      (
        await kysely
          .selectFrom(table)
          .select("id")
          .where("id", "in", [...ids])
          .limit(1)
          .execute()
      ).length === 0;
    for (;;) {
      const { ids, upTo } = await this.#inTurn(step, isGone);
      if (upTo === null) return;
      after = upTo;
      this.#total.results += ids.length;
      await this.#rest();
    }
  }

  async #note(
    db: Kysely<Tables>,
    values: { payloadsRemovedTo?: number; payloadsRemovedAt?: string; heldBack: number | null },
  ): Promise<void> {
    await db.updateTable("batchStatus").set(values).where("id", "=", this.#batch.id).execute();
  }

  /**
   * Runs `work` in a transaction while no run of the batch begins, with what is held of it until the transaction ends; and again
   * while the database is held by others or away.
   * @param isDone whether the work that had this result was committed, though the answer was lost; default: it is repeated
   */
  async #inTurn<T>(
    work: (db: Kysely<Tables>, held: Held) => Promise<T>,
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
          const held = await this.#whatIsHeld(db);
          if (held.isWhole) throw new BatchHeldError();
          await leaveTraces(database, db);
          this.#begunAt = performance.now();
          return (last.result = await work(db, held));
        }),
      );
      if (outcome !== "unavailable") return outcome.result;
      const { result } = last;
      if ("result" in last && (await patience.until(() => isDone(result as T)))) return result as T;
    }
  }

  /** No hold is set while the transaction has the right to remove: see {@link heldIn}. It is read anew when there is a newer row. */
  async #whatIsHeld(db: Kysely<Tables>): Promise<Held> {
    const newest = await newestHold(db);
    if (this.#held?.newest !== newest) this.#held = await heldIn(db, this.#batch.id);
    if (holdsAny(this.#held)) this.#heldBack ??= newest;
    return this.#held;
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
