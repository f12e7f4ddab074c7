/**
 * The right to prune a database, held by one process at a time. It is a row of the database itself: databases of one server do
 * not stand in each other's way, and each step that removes something proves, in its own transaction, that the right is still held.
 */
import { randomUUID } from "node:crypto";
import type { Kysely } from "kysely";
import type { Database } from "../../database/dialect.js";
import type { Tables } from "../../database/tables.js";

/** How long the right outlives its last step: a process that ended without giving it back keeps others out for so long. */
const LENGTH_MS = 60_000;

/** Another process prunes this database by now. */
export class RetentionTakenOverError extends Error {
  override readonly name = "RetentionTakenOverError";

  constructor() {
    super(
      "Another process prunes this database by now, because this one was held up for more than " +
        `${LENGTH_MS / 1_000} s. What this one has removed is removed; the other one continues.`,
    );
  }
}

export class RetentionLock {
  readonly #database: Database;
  readonly #owner = randomUUID();

  private constructor(database: Database) {
    this.#database = database;
  }

  /** @returns null while another process holds it */
  static async take(database: Database): Promise<RetentionLock | null> {
    const lock = new RetentionLock(database);
    const { now, fromNow } = database.dialect;
    const taken = await database.kysely
      .updateTable("retention")
      .set({ owner: lock.#owner, expiresAt: fromNow(LENGTH_MS) })
      .where((eb) => eb.or([eb("owner", "is", null), eb("owner", "=", lock.#owner), eb("expiresAt", "<", now)]))
      .executeTakeFirst();
    return taken.numUpdatedRows > 0n ? lock : null;
  }

  /** The first statement of every transaction that removes something. @throws RetentionTakenOverError */
  async hold(db: Kysely<Tables>): Promise<void> {
    const held = await db
      .updateTable("retention")
      .set({ expiresAt: this.#database.dialect.fromNow(LENGTH_MS) })
      .where("owner", "=", this.#owner)
      .executeTakeFirst();
    if (held.numUpdatedRows === 0n) throw new RetentionTakenOverError();
  }

  /** Gives the right back, where it is still held. */
  async release(): Promise<void> {
    await this.#database.kysely
      .updateTable("retention")
      .set({ owner: null, expiresAt: null })
      .where("owner", "=", this.#owner)
      .execute();
  }
}
