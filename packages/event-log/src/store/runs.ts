/** Verbs on `batchRun` and the lease: who runs a batch, under which number, with which configuration. */
import { createHash } from "node:crypto";
import { sql, type Kysely } from "kysely";
import type { Database } from "../database/dialect.js";
import type { Tables } from "../database/tables.js";
import type { Json } from "../events.js";
import type { RunStart } from "../run-order.js";
import { toApiTime } from "../time.js";
import { BatchStore, type BatchPatch } from "./batches.js";

/** The right to run a batch: `run` is the fencing token, which only grows. */
export interface Run {
  readonly batchId: number;
  readonly run: number;
  /** Unique among all processes. */
  readonly owner: string;
}

/** How a run ended. `lost`: another run took over before it had said so. */
export type RunOutcome = "completed" | "completed_with_errors" | "failed" | "interrupted" | "lost";

export interface RunRecord extends Run {
  /** ISO 8601. */
  startedAt: string;
  endedAt: string | null;
  outcome: RunOutcome | null;
  /** Of Cofi. */
  version: string;
  /** JSON text of the configuration in force. */
  configuration: string;
  /** Lower-case hex, of the bytes of `configuration`. */
  configurationSha256: string;
}

/** A newer run of the batch has begun: nothing more may be written for the older one. */
export class RunSupersededError extends Error {
  override readonly name = "RunSupersededError";

  constructor({ batchId, run }: Pick<Run, "batchId" | "run">) {
    super(`Run ${run} of batch ${batchId} may not write any more: a newer run of the batch has begun.`);
  }
}

/** Every method throws `DatabaseUnavailableError` when the database cannot be reached for now. */
export class RunStore extends BatchStore {
  /**
   * Begins the next run of a batch and takes its lease for `leaseMs`, by the database's clock: those of two hosts may differ
   * by more than a lease lasts.
   * @returns null while another owner holds the lease, or when there is no such batch
   */
  async beginRun(
    batchId: number,
    {
      owner,
      leaseMs,
      version,
      configuration,
    }: { owner: string; leaseMs: number; version: string; configuration: Json },
  ): Promise<Run | null> {
    const { now, fromNow } = this.database.dialect;
    const text = JSON.stringify(configuration);
    const configurationSha256 = createHash("sha256").update(text).digest("hex");
    return this.query(() =>
      this.database.transaction(async (db) => {
        const taken = await db
          .updateTable("batchStatus")
          .set((eb) => ({
            leaseOwner: owner,
            leaseExpiresAt: fromNow(leaseMs),
            run: eb("run", "+", 1),
            payloadsRemovedAt: null,
          }))
          .where("id", "=", batchId)
          // An owner that already has it has lost the answer to this very statement.
          .where((eb) =>
            eb.or([eb("leaseOwner", "is", null), eb("leaseOwner", "=", owner), eb("leaseExpiresAt", "<", now)]),
          )
          .executeTakeFirst();
        if (taken.numUpdatedRows === 0n) return null;
        const { run } = await db
          .selectFrom("batchStatus")
          .select("run")
          .where("id", "=", batchId)
          .executeTakeFirstOrThrow();
        await db
          .updateTable("batchRun")
          .set({ endedAt: now, outcome: "lost" satisfies RunOutcome })
          .where("batchId", "=", batchId)
          .where("endedAt", "is", null)
          .execute();
        const values = { batchId, run, owner, version, configuration: text, configurationSha256 };
        await db
          .insertInto("batchRun")
          .values({ ...values, startedAt: now })
          .execute();
        return { batchId, run, owner };
      }),
    );
  }

  /** By batch: its newest run, and whether that holds the lease at this moment, by the database's clock. Batches that are gone are left out. */
  async leases(batchIds: readonly number[]): Promise<Map<number, { run: number; isHeld: boolean }>> {
    if (batchIds.length === 0) return new Map();
    const { now } = this.database.dialect;
    const isHeld = sql<number>`CASE WHEN leaseOwner IS NOT NULL AND leaseExpiresAt >= ${now} THEN 1 ELSE 0 END`;
    const select = this.db
      .selectFrom("batchStatus")
      .select(["id", "run", isHeld.as("isHeld")])
      .where("id", "in", [...batchIds]);
    const rows = await this.query(() => select.execute());
    return new Map(rows.map((row) => [row.id, { run: row.run, isHeld: Number(row.isHeld) === 1 }]));
  }

  /** Renews the lease for `leaseMs`. @returns false when the run does not hold it any more */
  async renewRun({ batchId, run, owner }: Run, leaseMs: number): Promise<boolean> {
    const result = await this.query(() =>
      this.db
        .updateTable("batchStatus")
        .set({ leaseExpiresAt: this.database.dialect.fromNow(leaseMs) })
        .where("id", "=", batchId)
        .where("run", "=", run)
        .where("leaseOwner", "=", owner)
        .executeTakeFirst(),
    );
    return result.numUpdatedRows > 0n;
  }

  /** Gives the lease back and records how the run ended. Changes nothing for a run that has been taken over. */
  async endRun({ batchId, run, owner }: Run, outcome: RunOutcome): Promise<void> {
    const { now } = this.database.dialect;
    await this.query(() =>
      this.database.transaction(async (db) => {
        await db
          .updateTable("batchStatus")
          .set({ leaseOwner: null, leaseExpiresAt: null })
          .where("id", "=", batchId)
          .where("run", "=", run)
          .where("leaseOwner", "=", owner)
          .execute();
        await db
          .updateTable("batchRun")
          .set({ endedAt: now, outcome })
          .where("batchId", "=", batchId)
          .where("run", "=", run)
          .where("endedAt", "is", null)
          .execute();
      }),
    );
  }

  /** The runs of a batch, oldest first. */
  async runs(batchId: number): Promise<RunRecord[]> {
    const select = this.db.selectFrom("batchRun").selectAll().where("batchId", "=", batchId).orderBy("run");
    const rows = await this.query(() => select.execute());
    return rows.map((row) => ({
      ...row,
      startedAt: toApiTime(row.startedAt),
      endedAt: row.endedAt && toApiTime(row.endedAt),
      outcome: row.outcome as RunOutcome | null,
    }));
  }

  /** Changes the row of the batch on behalf of a run. @throws RunSupersededError when a newer run has begun */
  async updateBatchOf(run: Run, patch: BatchPatch): Promise<void> {
    if (!(await this.patchBatch(run.batchId, patch, run.run))) throw new RunSupersededError(run);
  }

  /** The first event of each run in the log of a batch, those without events left out; ascending. */
  async runStarts(batchId: number): Promise<RunStart[]> {
    return this.query(() => readRunStarts(this.database, batchId));
  }
}

/**
 * As {@link RunStore.runStarts}. Asks the index for each number in turn, for runs are numbered one after the other: it steps
 * to a number that a row of the same statement names, but servers would read the whole batch to find the next higher one.
 * @throws the driver's error
 */
export async function readRunStarts(database: Database, batchId: number): Promise<RunStart[]> {
  const log = database.dialect.logBy("batchExecutionLog_run");
  const starts: RunStart[] = [];
  for (let asked = -1; ;) {
    const newer = sql`FROM ${log} WHERE batchId = ${batchId} AND run > ${asked}`;
    const { rows } = await sql<{ run: number | null; firstId: number | null; highest: number }>`
      WITH RECURSIVE numbers (run, lowest, highest) AS (
        SELECT (SELECT min(run) ${newer}), (SELECT min(run) ${newer}), (SELECT max(run) ${newer})
        UNION ALL SELECT run + 1, lowest, highest FROM numbers WHERE run < highest AND run - lowest < ${MOST_ASKED - 1})
      SELECT run, highest,
        (SELECT id FROM ${log} WHERE batchId = ${batchId} AND run = numbers.run ORDER BY run, id LIMIT 1) AS firstId
      FROM numbers ORDER BY run`.execute(database.kysely);
    for (const { run, firstId } of rows) if (run !== null && firstId !== null) starts.push({ run, firstId });
    const last = rows.at(-1);
    if (!last || last.run === null || last.run >= last.highest) return starts;
    asked = last.run;
  }
}

/** In one statement: servers end a recursion after a thousand. Only rows of other writers leave numbers out. */
const MOST_ASKED = 500;

/**
 * The first statement of every transaction that writes for a run: while the transaction lasts no newer run can begin.
 * @throws RunSupersededError when one has begun
 */
export async function fence(
  { dialect }: Database,
  db: Kysely<Tables>,
  run: Pick<Run, "batchId" | "run">,
): Promise<void> {
  const { rows } = await sql<{ run: number }>`
    SELECT run FROM batchStatus WHERE id = ${run.batchId} ${dialect.holdingRows}`.execute(db);
  if (rows[0]?.run !== run.run) throw new RunSupersededError(run);
}
