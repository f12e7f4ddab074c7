/**
 * Slows down those who guess secrets, without shutting out those who know them. Guesses are counted in the database, so that neither a restart nor
 * another dashboard gives new ones.
 */
import { sql } from "kysely";
import { isDuplicate, reportUnavailable, type Database } from "@cofi/event-log/database";
import { toApiTime, toDatabaseTime } from "@cofi/event-log/time";
import { sha256 } from "./secrets.js";

/** Something that guesses are counted by: an address, an account at an address. */
export interface Counted {
  key: string;
  /** Guesses that may fail before the next ones have to wait. */
  free: number;
}

/** Epoch ms, by the database's clock. */
interface Count {
  failed: number;
  /** Before that, the next guess is not looked at. */
  nextAt: number;
  lastAt: number;
}

/** The first wait, which doubles with each guess that fails, and the longest. */
const WAIT_MS = { first: 1_000, longest: 60_000 };
/** Counts end when nothing was guessed for so many ms. */
const FORGOTTEN_MS = 900_000;
/** Rows that one guess removes of those that are forgotten: more than it adds. */
const REMOVED = 100;

/** Every method throws `DatabaseUnavailableError` when the database cannot be reached for now: then no secret is looked at. */
export class Guesses {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Call before a secret is looked at, and {@link succeeded} when it was right. Until then the guess counts as failed, so that many at once do not slip
   * through.
   * @returns ms to wait; 0: the secret may be looked at now
   */
  async begin(counted: readonly Counted[]): Promise<number> {
    const uncounted = new Map(counted.map(({ key, free }) => [stored(key), free]));
    while (uncounted.size > 0) {
      const { now, counts } = await this.#counts([...uncounted.keys()]);
      const wait = Math.max(0, ...[...counts.values()].map(({ nextAt }) => nextAt - now));
      if (wait > 0) return wait;
      // Whom somebody else was faster with is looked at again.
      for (const [guessed, free] of uncounted)
        if (await this.#count(guessed, free, counts.get(guessed), now)) uncounted.delete(guessed);
    }
    return 0;
  }

  /**
   * The secret was right: this guess does not count. What failed before it still does, except under `own`, where nobody else guesses.
   */
  async succeeded(counted: readonly Counted[], own: string | null = null): Promise<void> {
    for (const { key } of counted) {
      const right = this.#db
        .updateTable("accessGuess")
        .set({ failed: sql<number>`failed - 1`, nextAt: sql<string>`lastAt` })
        .where("guessed", "=", stored(key));
      await this.#query(() => right.where("failed", ">", 0).execute());
    }
    if (own === null) return;
    await this.#query(() => this.#db.deleteFrom("accessGuess").where("guessed", "=", stored(own)).execute());
  }

  async #counts(guessed: readonly string[]): Promise<{ now: number; counts: Map<string, Count> }> {
    const clock = await this.#query(() =>
      sql<{ now: string }>`SELECT ${this.#database.dialect.now} AS now`.execute(this.#db),
    );
    const now = epoch(clock.rows[0]!.now);
    const rows = await this.#query(() =>
      this.#db
        .selectFrom("accessGuess")
        .selectAll()
        .where("guessed", "in", [...guessed])
        .execute(),
    );
    const counts = rows.map(
      (row) => [row.guessed, { failed: row.failed, nextAt: epoch(row.nextAt), lastAt: epoch(row.lastAt) }] as const,
    );
    return { now, counts: new Map(counts) };
  }

  /** @returns false when somebody else has counted meanwhile */
  async #count(guessed: string, free: number, known: Count | undefined, now: number): Promise<boolean> {
    const failed = known && now - known.lastAt < FORGOTTEN_MS ? known.failed + 1 : 1;
    const values = { failed, nextAt: textOf(now + waitMs(failed - free)), lastAt: textOf(now) };
    if (known) {
      const update = this.#db.updateTable("accessGuess").set(values).where("guessed", "=", guessed);
      const unchanged = update.where("failed", "=", known.failed).where("lastAt", "=", textOf(known.lastAt));
      return (await this.#query(() => unchanged.executeTakeFirst())).numUpdatedRows === 1n;
    }
    await this.#removeForgotten(now);
    try {
      await this.#query(() =>
        this.#db
          .insertInto("accessGuess")
          .values({ guessed, ...values })
          .execute(),
      );
      return true;
    } catch (error) {
      if (isDuplicate(error)) return false;
      throw error;
    }
  }

  async #removeForgotten(now: number): Promise<void> {
    const before = textOf(now - FORGOTTEN_MS);
    const select = this.#db.selectFrom("accessGuess").select("guessed").where("lastAt", "<", before).limit(REMOVED);
    const old = (await this.#query(() => select.execute())).map(({ guessed }) => guessed);
    if (old.length === 0) return;
    const remove = this.#db.deleteFrom("accessGuess").where("guessed", "in", old).where("lastAt", "<", before);
    await this.#query(() => remove.execute());
  }

  get #db() {
    return this.#database.kysely;
  }

  #query<T>(work: () => Promise<T>): Promise<T> {
    return reportUnavailable(this.#database, work);
  }
}

/** @param beyond guesses that failed beyond those that may */
function waitMs(beyond: number): number {
  return beyond <= 0 ? 0 : Math.min(WAIT_MS.longest, WAIT_MS.first * 2 ** Math.min(beyond - 1, 16));
}

/**
 * Shortened, so that too many texts have the same hash for one of them to be found by trying: somebody may have typed a password into the field for
 * the user's name.
 */
function stored(key: string): string {
  return sha256(key).slice(0, 12);
}

function epoch(time: string): number {
  return Date.parse(toApiTime(time));
}

function textOf(ms: number): string {
  return toDatabaseTime(new Date(ms));
}
