/** Holds keep things from retention until somebody releases them. Rows are only added; those in force follow from all rows. */
import { sql, type Kysely } from "kysely";
import { isDuplicate, reportUnavailable, type Database } from "@cofi/event-log/database";
import { HOLD_SCOPES, type HoldScope } from "@cofi/event-log/held";
import type { Tables } from "@cofi/event-log/tables";
import { toApiTime } from "@cofi/event-log/time";

/** A hold cannot be set or released; the message says why. */
export class HoldRefusedError extends Error {
  override readonly name = "HoldRefusedError";
  /** missing: there is no such hold, or nothing to hold · done: somebody has released it before */
  readonly kind: "missing" | "done";

  constructor(kind: "missing" | "done", message: string) {
    super(message);
    this.kind = kind;
  }
}

/** The thing to hold. */
export interface HoldSubject {
  scope: HoldScope;
  /** null only for a client, in all batches. */
  batchId: number | null;
  /** The id of the call or trade, or the code of the client; null for a batch. */
  subject: string | null;
}

/** Who sets or releases a hold, and why. */
export interface HoldReason {
  who: string;
  role: string;
  reason: string;
}

interface Said extends HoldReason {
  /** ISO 8601, by the database's clock. */
  at: string;
}

export interface Hold extends HoldSubject, Said {
  number: number;
  released: (Said & { number: number }) | null;
}

/** Every method throws `DatabaseUnavailableError` when the database cannot be reached for now. */
export class Holds {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Says whether there is something to hold, which may be gone a moment later. @throws HoldRefusedError */
  async assertThere(subject: HoldSubject): Promise<void> {
    await this.#query(() => assertThere(this.#database.kysely, subject));
  }

  /**
   * From the moment on at which this resolves, retention removes nothing of it: a step of retention that is under way ends before.
   * `payloadsRemovedAt`: retention has removed payloads and recordings of this batch before.
   * @throws HoldRefusedError when there is nothing left to hold
   */
  async hold(subject: HoldSubject, by: HoldReason): Promise<{ number: number; payloadsRemovedAt: string | null }> {
    return this.#query(() =>
      this.#database.transaction(async (db) => {
        const { dialect } = this.#database;
        // Each step of retention changes this row first, and whoever reads it so waits for the end of the step, as the step does for this.
        await sql`SELECT id FROM retention ${dialect.holdingRows}`.execute(db);
        const payloadsRemovedAt = await assertThere(db, subject);
        const values = { ...subject, ...by, releases: null, at: dialect.now };
        const { insertId } = await db.insertInto("retentionHold").values(values).executeTakeFirstOrThrow();
        return { number: Number(insertId), payloadsRemovedAt };
      }),
    );
  }

  /** @throws HoldRefusedError when there is no such hold, or it was released before */
  async release(number: number, by: HoldReason): Promise<void> {
    const hold = await this.inForce(number);
    const values = { ...by, releases: number, scope: null, batchId: hold.batchId, subject: null };
    const row = { ...values, at: this.#database.dialect.now };
    try {
      await this.#query(() => this.#database.kysely.insertInto("retentionHold").values(row).execute());
    } catch (error) {
      if (isDuplicate(error)) await this.inForce(number);
      throw error;
    }
  }

  /** The hold of this number. @throws HoldRefusedError when there is none, or it was released before */
  async inForce(number: number): Promise<Hold> {
    const [hold] = await this.#holds({ number });
    if (!hold) throw new HoldRefusedError("missing", `There is no hold ${number}.`);
    const { released } = hold;
    if (released)
      throw new HoldRefusedError("done", `Hold ${number} was released by ${released.who} at ${released.at}.`);
    return hold;
  }

  /** Newest first: those in force, or with `released` all. */
  async list({ batchId, released = false }: { batchId?: number | undefined; released?: boolean } = {}): Promise<
    Hold[]
  > {
    const holds = await this.#holds({ batchId });
    return released ? holds : holds.filter((hold) => hold.released === null);
  }

  async #holds({ number, batchId }: { number?: number; batchId?: number | undefined }): Promise<Hold[]> {
    let select = this.#database.kysely
      .selectFrom("retentionHold as hold")
      .leftJoin("retentionHold as release", "release.releases", "hold.number")
      .select(["hold.number", "hold.scope", "hold.batchId", "hold.subject"])
      .select(["hold.who", "hold.role", "hold.at", "hold.reason"])
      .select(["release.number as releaseNumber", "release.who as releaseWho", "release.role as releaseRole"])
      .select(["release.at as releaseAt", "release.reason as releaseReason"])
      .where("hold.releases", "is", null)
      .orderBy("hold.number", "desc");
    if (number !== undefined) select = select.where("hold.number", "=", number);
    if (batchId !== undefined)
      select = select.where((eb) => eb.or([eb("hold.batchId", "=", batchId), eb("hold.batchId", "is", null)]));
    const rows = await this.#query(() => select.execute());
    return rows.map((row) => ({
      number: row.number,
      // A scope of another version keeps everything: see `heldIn`.
      scope: HOLD_SCOPES.find((scope) => scope === row.scope) ?? "batch",
      batchId: row.batchId,
      subject: row.subject,
      who: row.who,
      role: row.role,
      at: toApiTime(row.at),
      reason: row.reason,
      released:
        row.releaseNumber === null
          ? null
          : {
              number: row.releaseNumber,
              who: row.releaseWho ?? "",
              role: row.releaseRole ?? "",
              at: toApiTime(row.releaseAt ?? ""),
              reason: row.releaseReason ?? "",
            },
    }));
  }

  #query<T>(work: () => Promise<T>): Promise<T> {
    return reportUnavailable(this.#database, work);
  }
}

/**
 * In words: `trade T7 of batch 3`.
 * @param name what the subject may be called; null where it may not be named
 */
export function holdInWords({ scope, batchId }: HoldSubject, name: string | null): string {
  if (scope === "batch") return `batch ${batchId}`;
  const what = name === null ? `a ${scope}` : `${scope} ${name}`;
  return batchId === null ? `${what} in all batches` : `${what} of batch ${batchId}`;
}

/** @returns when retention removed payloads of the batch; null when it did not. @throws HoldRefusedError */
async function assertThere(db: Kysely<Tables>, { scope, batchId, subject }: HoldSubject): Promise<string | null> {
  if (batchId === null) return null;
  const batch = await db
    .selectFrom("batchStatus")
    .select("payloadsRemovedAt")
    .where("id", "=", batchId)
    .executeTakeFirst();
  if (!batch) {
    const gone = await db
      .selectFrom("removedBatch")
      .select("removedAt")
      .where("batchId", "=", batchId)
      .executeTakeFirst();
    throw new HoldRefusedError(
      "missing",
      gone
        ? `Nothing of batch ${batchId} is left to hold: retention removed it at ${toApiTime(gone.removedAt)}.`
        : `There is no batch ${batchId}.`,
    );
  }
  const removedAt = batch.payloadsRemovedAt === null ? null : toApiTime(batch.payloadsRemovedAt);
  if (scope !== "batch" && !(await isThere(db, batchId, scope, subject ?? "")))
    throw new HoldRefusedError(
      "missing",
      `Nothing of this ${scope} is in batch ${batchId}. It never was, or retention has removed it; there is nothing left to hold.`,
    );
  return removedAt;
}

async function isThere(
  db: Kysely<Tables>,
  batchId: number,
  scope: Exclude<HoldScope, "batch">,
  subject: string,
): Promise<boolean> {
  const places = {
    call: [
      ["callRecord", "callId"],
      ["transcript", "callId"],
    ],
    trade: [
      ["trade", "tradeId"],
      ["batchExecutionLog", "fileName"],
    ],
    client: [
      ["trade", "clientCode"],
      ["callRecord", "clientCode"],
    ],
  } as const;
  for (const [table, column] of places[scope]) {
    const { rows } = await sql`
      SELECT 1 AS found FROM ${sql.table(table)} WHERE batchId = ${batchId} AND ${sql.ref(column)} = ${subject} LIMIT 1`.execute(
      db,
    );
    if (rows.length > 0) return true;
  }
  return false;
}
