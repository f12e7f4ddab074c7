/**
 * The spool: a local SQLite file in which an event is safe before the database has it. One file a batch, held
 * exclusively by one process; the lock dies with the process. An event leaves only after the database has confirmed it.
 */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { EVENT_COLUMNS, eventValues, type StoredEvent } from "./event-insert.js";
import { isDamage, salvage } from "./spool-salvage.js";
import { openSqlite, sqliteErrorCode, type SqliteConnection, type SqliteStatement } from "./sqlite.js";

/** Another process (or another logger of this one) holds the spool file. */
export class SpoolInUseError extends Error {
  override readonly name = "SpoolInUseError";
}

/** `process`: what is acknowledged survives a killed process. `power`: also a power cut, at the price of one fsync a commit. */
export type Durability = "process" | "power";

export interface SpooledEvent {
  seq: number;
  event: StoredEvent;
}

const SQLITE_BUSY = 5;
const FILE = /^batch-\d+\.spool$/;

export class Spool {
  readonly path: string;
  /** For the operator, when the file was found damaged; null when it was not. */
  damage: string | null = null;
  readonly #connection: SqliteConnection;
  readonly #insert: SqliteStatement;
  readonly #select: SqliteStatement;
  readonly #delete: SqliteStatement;
  readonly #count: SqliteStatement;

  private constructor(path: string, connection: SqliteConnection) {
    this.path = path;
    this.#connection = connection;
    const columns = EVENT_COLUMNS.join(", ");
    this.#insert = connection.prepare(
      `INSERT INTO event (${columns}) VALUES (${EVENT_COLUMNS.map(() => "?").join(", ")})`,
    );
    this.#select = connection.prepare(`SELECT seq, ${columns} FROM event ORDER BY seq LIMIT ?`);
    this.#delete = connection.prepare("DELETE FROM event WHERE seq <= ?");
    this.#count = connection.prepare(
      "SELECT (SELECT count(*) FROM event) AS waiting, (SELECT count(*) FROM rejected) AS rejected",
    );
  }

  /**
   * Opens or creates the spool of a batch in `folder`.
   * @throws SpoolInUseError when another process holds it
   */
  static open(folder: string, batchId: number, durability: Durability = "process"): Spool {
    return Spool.openFile(join(folder, `batch-${batchId}.spool`), durability);
  }

  /**
   * A damaged file is put aside, and what can be read of it goes into a new one: {@link damage} tells.
   * @throws SpoolInUseError
   */
  static openFile(path: string, durability: Durability = "process"): Spool {
    try {
      return Spool.#open(path, durability);
    } catch (error) {
      if (!isDamage(error)) throw error;
      const { events, lost, keptAs } = salvage(path);
      const spool = Spool.#open(path, durability);
      spool.append(events);
      spool.damage =
        `The event spool ${path} was damaged: ${events.length} events were recovered, ` +
        `${lost ?? "an unknown number of"} lost at most. The damaged file is kept as ${keptAs}.`;
      return spool;
    }
  }

  static #open(path: string, durability: Durability): Spool {
    const connection = openSqlite(path);
    try {
      // EXCLUSIVE before the first read: the lock is taken here and kept, and WAL needs no shared memory file. The check
      // fails on a constraint: a prepared statement would keep a damaged file open on Node 20 (see close()).
      connection.exec(
        `PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = ${durability === "power" ? "FULL" : "NORMAL"};
         CREATE TABLE IF NOT EXISTS event (seq INTEGER PRIMARY KEY AUTOINCREMENT, ${EVENT_COLUMNS.join(", ")});
         CREATE TABLE IF NOT EXISTS rejected (seq INTEGER PRIMARY KEY, reason TEXT NOT NULL, ${EVENT_COLUMNS.join(", ")});
         BEGIN IMMEDIATE; COMMIT;
         CREATE TEMP TABLE sound (found CHECK (found = 'ok'));
         INSERT INTO sound SELECT quick_check FROM pragma_quick_check;
         DROP TABLE sound;`,
      );
      return new Spool(path, connection);
    } catch (error) {
      connection.close();
      if (sqliteErrorCode(error) !== SQLITE_BUSY) throw error;
      throw new SpoolInUseError(
        `The event spool ${path} is in use by another process: this batch is being run already. ` +
          "Wait for it to end, or stop it, then try again.",
        { cause: error },
      );
    }
  }

  /** Commits all events in one transaction, or none. Throws when the disk refuses. */
  append(events: readonly StoredEvent[]): void {
    this.#transaction(() => {
      for (const event of events) this.#insert.run(...eventValues(event));
    });
  }

  /** The oldest events, in the order in which they were appended. */
  oldest(limit: number): SpooledEvent[] {
    return (this.#select.all(limit) as (StoredEvent & { seq: number })[]).map(({ seq, ...event }) => ({ seq, event }));
  }

  /** Forgets everything up to `seq`: the database has confirmed it. */
  confirm(seq: number): void {
    this.#delete.run(seq);
  }

  /** Sets one event aside that the database can never store, with the reason; it no longer holds up the others. */
  reject({ seq, event }: SpooledEvent, reason: string): void {
    this.#transaction(() => {
      this.#connection
        .prepare(
          `INSERT INTO rejected (seq, reason, ${EVENT_COLUMNS.join(", ")}) VALUES (?, ?, ${EVENT_COLUMNS.map(() => "?").join(", ")})`,
        )
        .run(seq, reason, ...eventValues(event));
      this.#connection.prepare("DELETE FROM event WHERE seq = ?").run(seq);
    });
  }

  counts(): { waiting: number; rejected: number } {
    return this.#count.get() as { waiting: number; rejected: number };
  }

  /** Closes the file, and removes it when nothing is left in it. */
  close(): void {
    const { waiting, rejected } = this.counts();
    // The package for Node 20 cannot finalise statements, and a connection with live ones keeps its lock until they are
    // collected: so the lock is given up in words. Leaving WAL comes first (https://www.sqlite.org/wal.html#noshm).
    this.#connection.exec(
      "PRAGMA journal_mode = DELETE; PRAGMA locking_mode = NORMAL; SELECT count(*) FROM event WHERE seq = 0;",
    );
    this.#connection.close();
    if (waiting + rejected > 0) return;
    for (const suffix of ["", "-wal", "-shm", "-journal"]) rmSync(this.path + suffix, { force: true });
  }

  #transaction(work: () => void): void {
    this.#connection.exec("BEGIN IMMEDIATE");
    try {
      work();
      this.#connection.exec("COMMIT");
    } catch (error) {
      // After SQLITE_FULL and I/O errors SQLite may have rolled back by itself; then there is nothing to undo.
      try {
        this.#connection.exec("ROLLBACK");
      } catch (rollback) {
        if (sqliteErrorCode(rollback) === null) throw rollback;
      }
      throw error;
    }
  }
}

/** The spool files in `folder`, left by processes that ended before everything was shipped. */
export function spoolFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => FILE.test(name))
    .map((name) => join(folder, name));
}
