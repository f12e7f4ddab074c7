/** Reads seals, their parts, and what became of the batches that they are of. */
import { sql } from "kysely";
import { ResultStore } from "../result-store.js";
import type { PartHead, SealPart } from "./parts.js";
import type { Seal } from "./statement.js";

const SEALS_A_PAGE = 1_000;
/** Parts are some 100 KB each. */
const PARTS_A_PAGE = 20;
const PART = ["firstId", "lastId", "events", "digests", "checks", "sha256"] as const;

export type Presence = { is: "here"; prunedTo: number } | { is: "removed" } | { is: "missing" };

/** Every method throws `DatabaseUnavailableError` when the database cannot be reached for now. */
export class SealReader extends ResultStore {
  async databaseId(): Promise<string> {
    const select = this.database.kysely.selectFrom("databaseIdentity").select("id");
    return (await this.query(() => select.executeTakeFirstOrThrow())).id;
  }

  /** Of all batches, or of one; in the order of the chain. */
  async *seals(batchId?: number): AsyncGenerator<Seal> {
    for (let after = -1; ;) {
      let select = this.database.kysely.selectFrom("batchSeal").selectAll().where("seq", ">", after).orderBy("seq");
      if (batchId !== undefined) select = select.where("batchId", "=", batchId);
      const page = await this.query(() => select.limit(SEALS_A_PAGE).execute());
      yield* page;
      const last = page.at(-1);
      if (!last || page.length < SEALS_A_PAGE) return;
      after = last.seq;
    }
  }

  /** Those that begin with `after < id <= upTo`, in their order. */
  async *parts(batchId: number, { after, upTo }: { after: number; upTo: number }): AsyncGenerator<SealPart> {
    for (let from = after; ;) {
      const ids = sql<{ id: number }>`(SELECT id FROM batchSealPart
        WHERE batchId = ${batchId} AND firstId > ${from} AND firstId <= ${upTo} ORDER BY firstId LIMIT ${PARTS_A_PAGE})`;
      const select = this.database.kysely
        .selectFrom(ids.as("page"))
        .innerJoin("batchSealPart as part", "part.id", "page.id")
        .select(PART);
      const page = (await this.query(() => select.execute())).toSorted((a, b) => a.firstId - b.firstId);
      yield* page;
      const last = page.at(-1);
      if (!last || page.length < PARTS_A_PAGE) return;
      from = last.firstId;
    }
  }

  /** As {@link parts}, without their texts. */
  async partHeads(batchId: number, { after, upTo }: { after: number; upTo: number }): Promise<PartHead[]> {
    const select = this.database.kysely
      .selectFrom("batchSealPart")
      .select(["firstId", "lastId", "events", "sha256"])
      .where("batchId", "=", batchId)
      .where("firstId", ">", after)
      .where("firstId", "<=", upTo);
    return (await this.query(() => select.execute())).toSorted((a, b) => a.firstId - b.firstId);
  }

  /** All batches that there are, and those that have seals; ascending. */
  async batchIds(sealed: readonly number[]): Promise<number[]> {
    const select = this.database.kysely.selectFrom("batchStatus").select("id");
    const here = (await this.query(() => select.execute())).map(({ id }) => id);
    return [...new Set([...here, ...sealed])].toSorted((a, b) => a - b);
  }

  async presenceOf(batchId: number): Promise<Presence> {
    const { kysely } = this.database;
    const here = kysely.selectFrom("batchStatus").select("payloadsRemovedTo").where("id", "=", batchId);
    const batch = await this.query(() => here.executeTakeFirst());
    if (batch) return { is: "here", prunedTo: Number(batch.payloadsRemovedTo ?? 0) };
    const gone = kysely.selectFrom("removedBatch").select("batchId").where("batchId", "=", batchId);
    return (await this.query(() => gone.executeTakeFirst())) ? { is: "removed" } : { is: "missing" };
  }

  /** Events of the batch with a higher id; null when there are none. */
  async lateEvents(batchId: number, after: number): Promise<{ events: number; firstId: number } | null> {
    const select = sql<{ events: number; firstId: number | null }>`
      SELECT count(*) AS events, min(id) AS firstId FROM ${this.database.dialect.logBy("batchExecutionLog_replay")}
      WHERE batchId = ${batchId} AND id > ${after}`;
    const { rows } = await this.query(() => select.execute(this.database.kysely));
    const { events = 0, firstId = null } = rows[0] ?? {};
    return firstId === null ? null : { events: Number(events), firstId: Number(firstId) };
  }
}
