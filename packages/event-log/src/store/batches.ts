/** Verbs on `batchStatus`. */
import { sql, type Kysely, type Selectable, type SqlBool } from "kysely";
import { reportUnavailable } from "../database/database.js";
import type { Database } from "../database/dialect.js";
import type { BatchStatusTable, Tables } from "../database/tables.js";
import type { Batch, BatchStatus } from "../events.js";
import { toApiTime, toDatabaseTime } from "../time.js";
import { CLEAR, type EventLens } from "./lens.js";
import { nextCursor } from "./pages.js";
import { leaseMsOf, signsOfLife, silenceOf, type SignsOfLife } from "./silence.js";

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
export class BatchStore {
  readonly database: Database;
  /** What readers of this store get to see of events. */
  /** How it shows what it reads. */
  readonly lens: EventLens;

  constructor(database: Database, lens: EventLens = CLEAR) {
    this.database = database;
    this.lens = lens;
  }

  async ping(): Promise<void> {
    await this.query(() => this.db.selectNoFrom((eb) => eb.val(1).as("one")).execute());
  }

  /** Opens a batch in state `pending`. `folder` is the absolute path it is read from; null when there is none. */
  async createBatch(batch: { name: string; folder: string | null; totalFiles?: number | null }): Promise<Batch> {
    const values = { name: batch.name, folder: batch.folder, totalFiles: batch.totalFiles ?? null };
    const { insertId } = await this.query(() =>
      this.db.insertInto("batchStatus").values(values).executeTakeFirstOrThrow(),
    );
    const created = await this.batch(Number(insertId));
    if (!created) throw new Error(`Batch ${insertId} was inserted but cannot be read back.`);
    return created;
  }

  async batch(id: number): Promise<Batch | null> {
    return this.#first(selectBatches(this.database).where("id", "=", id));
  }

  /** The newest batch; null when there is none yet. */
  async currentBatch(): Promise<Batch | null> {
    return this.#first(selectBatches(this.database).orderBy("id", "desc"));
  }

  /** Newest first. `nextCursor` is the `before` of the next page; null on the last. */
  async batches(
    query: BatchFilter & { limit: number; before?: number | undefined },
  ): Promise<{ batches: Batch[]; nextCursor: string | null }> {
    const { status, from, to, text } = query;
    let select = selectBatches(this.database)
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
    const rows = await this.query(() => select.execute());
    const batches = await Promise.all(rows.slice(0, query.limit).map((row) => this.#toBatch(row)));
    return { batches, nextCursor: nextCursor(rows, query.limit) };
  }

  /** The newest batch that was read from this folder. */
  async latestBatchOfFolder(folder: string): Promise<Batch | null> {
    return this.#first(selectBatches(this.database).where("folder", "=", folder).orderBy("id", "desc"));
  }

  /** The folder that a batch is read from; null when it has none, or there is no such batch. */
  async folderOfBatch(id: number): Promise<string | null> {
    const select = this.db.selectFrom("batchStatus").select("folder").where("id", "=", id);
    return (await this.query(() => select.executeTakeFirst()))?.folder ?? null;
  }

  /** Changes the row of a batch that no run of ours writes to. A run uses `updateBatchOf`, which is refused when it is superseded. */
  async updateBatch(id: number, patch: BatchPatch): Promise<void> {
    await this.patchBatch(id, patch);
  }

  /** Of the database, made by a migration. @throws when the database has none: it was not migrated */
  async databaseId(): Promise<string> {
    const select = this.db.selectFrom("databaseIdentity").select("id");
    return (await this.query(() => select.executeTakeFirstOrThrow())).id;
  }

  /** Tells this batch from every other one in any database, also from one of the same number; null when there is none. */
  async identityOf(batchId: number): Promise<string | null> {
    const select = this.db
      .selectFrom(["databaseIdentity", "batchStatus"])
      .select(["databaseIdentity.id as database", "createdAt"])
      .where("batchStatus.id", "=", batchId);
    const row = await this.query(() => select.executeTakeFirst());
    return row ? `${row.database} ${toApiTime(row.createdAt)}` : null;
  }

  /** One statement, which takes its lock at once. @returns false when the row is not there, or is of another run than `run` */
  protected async patchBatch(id: number, patch: BatchPatch, run?: number): Promise<boolean> {
    const { startedAt, finishedAt, ...rest } = patch;
    const values: Partial<Omit<BatchStatusTable, "id" | "status" | "createdAt" | "run">> & { status?: BatchStatus } =
      rest;
    if (startedAt !== undefined) values.startedAt = startedAt && toDatabaseTime(startedAt);
    if (finishedAt !== undefined) values.finishedAt = finishedAt && toDatabaseTime(finishedAt);
    if (Object.keys(values).length === 0) return true;
    let update = this.db.updateTable("batchStatus").set(values).where("id", "=", id);
    if (run !== undefined) update = update.where("run", "=", run);
    return (await this.query(() => update.executeTakeFirst())).numUpdatedRows > 0n;
  }

  /** For the verbs of all rooms on this database. */
  query<T>(work: () => Promise<T>): Promise<T> {
    return reportUnavailable(this.database, work);
  }

  protected get db(): Kysely<Tables> {
    return this.database.kysely;
  }

  async #first(select: ReturnType<typeof selectBatches>): Promise<Batch | null> {
    const row = await this.query(() => select.limit(1).executeTakeFirst());
    return row ? this.#toBatch(row) : null;
  }

  async #toBatch(row: BatchRow): Promise<Batch> {
    const { id, name, status, currentStage, totalFiles, createdAt, startedAt, finishedAt } = row;
    const isLeased = Number(row.isLeft) === 1 && row.leaseOwner !== null;
    const silence = silenceOf(row, isLeased ? await this.#leaseMs(row) : null);
    return {
      id,
      name: name || `Batch ${id}`,
      status,
      currentStage,
      totalFiles,
      createdAt: toApiTime(createdAt),
      startedAt: startedAt && toApiTime(startedAt),
      finishedAt: finishedAt && toApiTime(finishedAt),
      ...(silence && { silence }),
    };
  }

  async #leaseMs({ id, run }: BatchRow): Promise<number | null> {
    const select = this.db
      .selectFrom("batchRun")
      .select("configuration")
      .where("batchId", "=", id)
      .where("run", "=", run);
    const row = await this.query(() => select.executeTakeFirst());
    return row ? leaseMsOf(row.configuration) : null;
  }
}

function selectBatches(database: Database) {
  const { isLeft, lastEventAt, silentBefore } = signsOfLife(database);
  return database.kysely
    .selectFrom("batchStatus")
    .select([...BATCH, "run", "leaseOwner", "leaseExpiresAt"])
    .select([isLeft.as("isLeft"), lastEventAt.as("lastEventAt"), silentBefore.as("silentBefore")]);
}

type BatchRow = Pick<Selectable<BatchStatusTable>, (typeof BATCH)[number]> & SignsOfLife;
