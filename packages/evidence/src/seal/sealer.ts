/** Seals the events of a batch when it ends: what they were then can be proven for ever. */
import { setTimeout as sleep } from "node:timers/promises";
import { sql, type Kysely } from "kysely";
import { isDuplicate, reportUnavailable, type Database } from "@cofi/event-log/database";
import { fence } from "@cofi/event-log/runs";
import type { Tables } from "@cofi/event-log/tables";
import type { Writer } from "../result-store.js";
import { FORM, printOf } from "./canonical.js";
import type { SigningKey } from "./keys.js";
import { PART_EVENTS, partOf, PartsHash, type SealedEvent } from "./parts.js";
import { sealedRows } from "./sealed-rows.js";
import { hashOfSeal, NO_SEAL, statementOf, type Seal } from "./statement.js";

/** Pause in ms before another try when another process was faster: random, up to this multiple of the tries so far. */
const PAUSE_MS = 5;
/** Far more than batches that end at the same time; each try is lost to one that succeeded. */
const MOST_TRIES = 1_000;

export class Sealer {
  readonly #database: Database;
  readonly #key: SigningKey;

  constructor(database: Database, key: SigningKey) {
    this.#database = database;
    this.#key = key;
  }

  /**
   * Seals what the batch has logged since its last seal. Only the run that holds the batch may; batches that end at the same time take their
   * turns by the primary key.
   * @param signal ends it early, without a seal
   * @throws RunSupersededError; DatabaseUnavailableError; the signal's reason
   */
  async seal(run: Writer, signal?: AbortSignal): Promise<Seal> {
    const { batchId } = run;
    const { afterId, lastId } = await this.#range(batchId);
    // What a process has left that did not come to the seal.
    await this.#write(run, async (db) => {
      await db.deleteFrom("batchSealPart").where("batchId", "=", batchId).where("firstId", ">", afterId).execute();
    });
    const hash = new PartsHash();
    let events = 0;
    let waiting: SealedEvent[] = [];
    const flush = async (): Promise<void> => {
      const part = partOf(waiting);
      waiting = [];
      hash.add(part);
      events += part.events;
      await this.#write(run, async (db) => {
        await db
          .insertInto("batchSealPart")
          .values({ batchId, ...part })
          .execute();
      });
    };
    for await (const rows of sealedRows(this.#database, batchId, { after: afterId, upTo: lastId }))
      for (const row of rows) {
        signal?.throwIfAborted();
        waiting.push({ id: row.id, ...printOf(row) });
        if (waiting.length === PART_EVENTS) await flush();
      }
    if (waiting.length > 0) await flush();
    signal?.throwIfAborted();
    return this.#append(run, { afterId, lastId, events, rowsSha256: hash.digest() });
  }

  /** From the end of the last seal to the newest event. */
  async #range(batchId: number): Promise<{ afterId: number; lastId: number }> {
    const { kysely } = this.#database;
    const sealed = kysely
      .selectFrom("batchSeal")
      .select((eb) => eb.fn.max("lastId").as("id"))
      .where("batchId", "=", batchId);
    const logged = sql<{ id: number | null }>`
      SELECT max(id) AS id FROM ${this.#database.dialect.logBy("batchExecutionLog_replay")} WHERE batchId = ${batchId}`;
    const afterId = Number((await this.#query(() => sealed.executeTakeFirst()))?.id ?? 0);
    const { rows } = await this.#query(() => logged.execute(kysely));
    return { afterId, lastId: Math.max(afterId, Number(rows[0]?.id ?? 0)) };
  }

  async #append(run: Writer, said: Pick<Seal, "afterId" | "lastId" | "events" | "rowsSha256">): Promise<Seal> {
    for (let tries = 1; tries <= MOST_TRIES; tries++) {
      const { databaseId, now, end } = await endOfSeals(this.#database);
      const { id: keyId } = this.#key.public;
      const { batchId, run: number } = run;
      const chained = { seq: (end?.seq ?? 0) + 1, at: now, keyId, previousHash: end?.hash ?? NO_SEAL };
      const seal = { form: FORM, batchId, run: number, ...said, ...chained };
      const signature = this.#key.sign(Buffer.from(statementOf(databaseId, seal))).toString("base64");
      const row = { ...seal, hash: hashOfSeal(databaseId, seal), signature };
      try {
        await this.#write(run, async (db) => void (await db.insertInto("batchSeal").values(row).execute()));
      } catch (error) {
        if (!isDuplicate(error)) throw error;
        await sleep(Math.random() * PAUSE_MS * Math.min(tries, 20));
        continue;
      }
      this.#key.ends.note(databaseId, row);
      return row;
    }
    throw new Error(`Other processes were faster ${MOST_TRIES} times: the batch ${run.batchId} was not sealed.`);
  }

  #query<T>(work: () => Promise<T>): Promise<T> {
    return reportUnavailable(this.#database, work);
  }

  #write(run: Writer, work: (db: Kysely<Tables>) => Promise<void>): Promise<void> {
    return this.#query(() =>
      this.#database.transaction(async (db) => {
        await fence(this.#database, db, run);
        await work(db);
      }),
    );
  }
}

/** Where the chain of seals ends, and by what clock. @throws DatabaseUnavailableError */
async function endOfSeals(
  database: Database,
): Promise<{ now: string; databaseId: string; end: { seq: number; hash: string } | null }> {
  const { rows } = await reportUnavailable(database, () =>
    sql<{ now: string; databaseId: string; seq: number | null; hash: string | null }>`
      SELECT ${database.dialect.now} AS now, databaseIdentity.id AS databaseId, last.seq, last.hash FROM databaseIdentity
      LEFT JOIN (SELECT seq, hash FROM batchSeal ORDER BY seq DESC LIMIT 1) AS last ON 1 = 1`.execute(database.kysely),
  );
  const [row] = rows;
  if (!row) throw new Error("The database has no identity: it was not migrated. Run `npx cofi migrate`.");
  const { now, databaseId, seq, hash } = row;
  return { now, databaseId, end: seq === null || hash === null ? null : { seq: Number(seq), hash } };
}
