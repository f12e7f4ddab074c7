/**
 * The right to prune a database, held by one process at a time. It is a row of the database itself: databases of one server do
 * not stand in each other's way, and each step that removes something proves, in its own transaction, that the right is still held.
 */
import { randomUUID } from "node:crypto";
import type { Kysely } from "kysely";
import { reportUnavailable } from "../../database/database.js";
import type { Database } from "../../database/dialect.js";
import type { Tables } from "../../database/tables.js";

/** How long the right outlives its last renewal: a process that ended without giving it back keeps others out for so long. */
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
  #renewal: NodeJS.Timeout | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  /** May be repeated when the answer was lost. From then on the right is renewed until it is given back. @returns false while another process holds it */
  async take(): Promise<boolean> {
    const { now, fromNow } = this.#database.dialect;
    const taken = await this.#database.kysely
      .updateTable("retention")
      .set({ owner: this.#owner, expiresAt: fromNow(LENGTH_MS) })
      .where((eb) => eb.or([eb("owner", "is", null), eb("owner", "=", this.#owner), eb("expiresAt", "<", now)]))
      .executeTakeFirst();
    if (taken.numUpdatedRows === 0n) return false;
    this.#renewal = setInterval(() => {
      // A host can take minutes to remove recordings. What prevents a renewal is met again, and reported, by the next step.
      void reportUnavailable(this.#database, () => this.hold(this.#database.kysely)).catch(() => undefined);
    }, LENGTH_MS / 3);
    return true;
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

  /** Gives the right back, where it is still held. Idempotent. */
  async release(): Promise<void> {
    clearInterval(this.#renewal);
    await this.#database.kysely
      .updateTable("retention")
      .set({ owner: null, expiresAt: null })
      .where("owner", "=", this.#owner)
      .execute();
  }
}
