/** Verbs on what lies outside of the database: recordings on hosts, and what is left of batches that retention has removed. */
import type { Kysely } from "kysely";
import type { Tables } from "../database/tables.js";
import { toApiTime } from "../time.js";
import { fence, RunStore, type Run } from "./runs.js";

/** Where files of a batch lie. */
export interface FilePlace {
  /** Names the place in whatever process it is asked for: a URL, or a name with the id of an installation. */
  place: string;
  /** For people. */
  description: string;
}

export interface FilesOfBatch extends FilePlace {
  batchId: number;
}

/** A batch whose payloads, or all of it, retention has removed. */
export interface RemovedBatch {
  /** As {@link RunStore.identityOf} gives it. */
  identity: string;
  /** Nothing of it is in the database any more. */
  isWhole: boolean;
}

/** Every method throws `DatabaseUnavailableError` when the database cannot be reached for now. */
export class PlaceStore extends RunStore {
  /** Notes that recordings of the batch are about to be put in a place. @throws RunSupersededError */
  async noteFiles(run: Run, { place, description }: FilePlace): Promise<void> {
    const { batchId } = run;
    await this.query(() =>
      this.database.transaction(async (db) => {
        await fence(this.database, db, run);
        const known = db.selectFrom("recordingPlace").select("place").where("batchId", "=", batchId);
        if (await known.where("place", "=", place).executeTakeFirst()) return;
        await db.insertInto("recordingPlace").values({ batchId, place, description }).execute();
      }),
    );
  }

  /** Where files of the batch lie. */
  async placesOf(batchId: number): Promise<FilePlace[]> {
    const select = this.db.selectFrom("recordingPlace").select(["place", "description"]).where("batchId", "=", batchId);
    return this.query(() => select.orderBy("place").execute());
  }

  /** Places with files of batches whose payloads are removed, or that are removed as a whole; and of `others`. */
  async filesToRemove(others: readonly number[] = []): Promise<FilesOfBatch[]> {
    return this.query(() => this.#due(others).execute());
  }

  /** Whether they are, at this moment, among {@link filesToRemove}: a run that has begun since has put others there. */
  async areToRemove({ batchId, place }: Pick<FilesOfBatch, "batchId" | "place">): Promise<boolean> {
    const select = this.#due([]).where("files.batchId", "=", batchId).where("files.place", "=", place);
    return (await this.query(() => select.executeTakeFirst())) !== undefined;
  }

  /** The files of the batch in this place are removed. @returns false when a run has begun meanwhile, which may have put others there */
  async filesAreRemoved({ batchId, place }: Pick<FilesOfBatch, "batchId" | "place">): Promise<boolean> {
    return this.query(() =>
      this.database.transaction(async (db) => {
        if (await hasPayloads(db, batchId)) return false;
        await db.deleteFrom("recordingPlace").where("batchId", "=", batchId).where("place", "=", place).execute();
        return true;
      }),
    );
  }

  /** What retention has removed of a batch of this number; null when the batch is as it was, or there was none. */
  async removedBatch(batchId: number): Promise<RemovedBatch | null> {
    const database = await this.databaseId();
    const here = this.db.selectFrom("batchStatus").select(["createdAt", "payloadsRemovedAt"]).where("id", "=", batchId);
    const gone = this.db.selectFrom("removedBatch").select("createdAt").where("batchId", "=", batchId);
    const batch = await this.query(() => here.executeTakeFirst());
    if (batch && batch.payloadsRemovedAt === null) return null;
    const found = batch ?? (await this.query(() => gone.executeTakeFirst()));
    return found ? { identity: `${database} ${toApiTime(found.createdAt)}`, isWhole: batch === undefined } : null;
  }

  #due(others: readonly number[]) {
    return this.db
      .selectFrom("recordingPlace as files")
      .leftJoin("batchStatus as batch", "batch.id", "files.batchId")
      .select(["files.batchId", "files.place", "files.description"])
      .where((eb) =>
        eb.or([
          eb("batch.id", "is", null),
          eb("batch.payloadsRemovedAt", "is not", null),
          ...(others.length > 0 ? [eb("files.batchId", "in", [...others])] : []),
        ]),
      )
      .orderBy("files.place")
      .orderBy("files.batchId");
  }
}

/** Until the transaction ends, no run of the batch begins. */
async function hasPayloads(db: Kysely<Tables>, batchId: number): Promise<boolean> {
  const hold = db
    .updateTable("batchStatus")
    .set((eb) => ({ payloadsRemovedTo: eb.ref("payloadsRemovedTo") }))
    .where("id", "=", batchId);
  await hold.execute();
  const batch = db.selectFrom("batchStatus").select("payloadsRemovedAt").where("id", "=", batchId);
  const row = await batch.executeTakeFirst();
  return row !== undefined && row.payloadsRemovedAt === null;
}
