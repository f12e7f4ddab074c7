/** Verbs on what lies outside of the database: recordings on hosts, and what is left of batches that retention has removed. */
import type { Kysely } from "kysely";
import type { Tables } from "../database/tables.js";
import { toApiTime } from "../time.js";
import { heldIn, holdsAny } from "./retention/held.js";
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
  /** Names of recordings that stay, because they are held. */
  keep: readonly string[];
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

  /** Where files of a batch lie, as far as is noted. */
  async filesOfBatch(batchId: number): Promise<FilePlace[]> {
    const select = this.db.selectFrom("recordingPlace").select(["place", "description"]);
    return this.query(() => select.where("batchId", "=", batchId).orderBy("place").execute());
  }

  /** Places with files of batches whose payloads are removed, or that are removed as a whole; and of `others`. Without batches that are held. */
  async filesToRemove(others: readonly number[] = []): Promise<FilesOfBatch[]> {
    return this.#withoutHeld(await this.query(() => this.#due(others).execute()));
  }

  /** What of them is, at this moment, among {@link filesToRemove}: a run that has begun since has put others there, or somebody holds them. */
  async stillToRemove({ batchId, place }: Pick<FilesOfBatch, "batchId" | "place">): Promise<FilesOfBatch | null> {
    const select = this.#due([]).where("files.batchId", "=", batchId).where("files.place", "=", place);
    const [files = null] = await this.#withoutHeld(await this.query(() => select.execute()));
    return files;
  }

  /**
   * The files of the batch in this place are removed, but for those that are held.
   * @returns false when there may be others: a run has begun meanwhile, or something of the batch is held
   */
  async filesAreRemoved({ batchId, place }: Pick<FilesOfBatch, "batchId" | "place">): Promise<boolean> {
    return this.query(() =>
      this.database.transaction(async (db) => {
        if ((await hasPayloads(db, batchId)) || holdsAny(await heldIn(db, batchId))) return false;
        await db.deleteFrom("recordingPlace").where("batchId", "=", batchId).where("place", "=", place).execute();
        return true;
      }),
    );
  }

  /** What retention has removed of a batch of this number; null when the batch is as it was, there was none, or something of it is held. */
  async removedBatch(batchId: number): Promise<RemovedBatch | null> {
    const database = await this.databaseId();
    const here = this.db.selectFrom("batchStatus").select(["createdAt", "payloadsRemovedAt"]).where("id", "=", batchId);
    const gone = this.db.selectFrom("removedBatch").select("createdAt").where("batchId", "=", batchId);
    const batch = await this.query(() => here.executeTakeFirst());
    if (batch && batch.payloadsRemovedAt === null) return null;
    // A file beside the database may have what is held of the batch.
    if (batch && holdsAny(await this.query(() => heldIn(this.db, batchId)))) return null;
    const found = batch ?? (await this.query(() => gone.executeTakeFirst()));
    return found ? { identity: `${database} ${toApiTime(found.createdAt)}`, isWhole: batch === undefined } : null;
  }

  async #withoutHeld(places: readonly Omit<FilesOfBatch, "keep">[]): Promise<FilesOfBatch[]> {
    const found: FilesOfBatch[] = [];
    for (const place of places) {
      const { isWhole, files } = await this.query(() => heldIn(this.db, place.batchId));
      if (!isWhole) found.push({ ...place, keep: [...files] });
    }
    return found;
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
