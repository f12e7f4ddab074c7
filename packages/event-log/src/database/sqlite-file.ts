/** A connection to the SQLite file at a path, which can be opened again when another file has taken its place there. */
import { statSync } from "node:fs";
import { DatabaseUnavailableError } from "./errors.js";
import { openSqlite, type SqliteConnection, type SqliteStatement } from "./sqlite.js";

interface Opened {
  connection: SqliteConnection;
  /** Which file it is, and which one is its write-ahead log. */
  file: string | null;
  log: string | null;
}

/** Statements that are kept, and how long they may be: a list of values makes another statement for each length of it. */
const MOST_KEPT = 200;
const LONGEST_KEPT = 4_000;

export class SqliteFile implements SqliteConnection {
  readonly #path: string;
  readonly #settings: string;
  #opened: Opened;
  /** By their text, the one that was used last at the end: preparing a statement takes longer than most of them run. */
  readonly #statements = new Map<string, SqliteStatement>();
  /** The last one that is longer: rows in their thousands are inserted by one of them after the other. */
  #long: { sql: string; statement: SqliteStatement } | null = null;

  /**
   * @param settings SQL that each connection begins with
   * @param patienceMs for locks of other processes, while it begins
   * @throws an error that names the file when it cannot be opened
   */
  constructor(path: string, settings: string, patienceMs: number) {
    this.#path = path;
    this.#settings = settings;
    this.#opened = this.#open(patienceMs);
  }

  /** What is at the path now: the opened file, another one, or none. */
  get place(): "ours" | "another" | "gone" {
    const file = fileAt(this.#path);
    if (file === null) return "gone";
    return file === this.#opened.file ? "ours" : "another";
  }

  /**
   * Leaves the opened file for the one that is at the path now. Nothing may be in progress.
   * @throws DatabaseUnavailableError while the opened file is in use elsewhere; as the constructor
   */
  reopen(): void {
    this.#emptyLog();
    const opened = this.#open(0);
    // SQLite leaves everything at the path as it is when it closes a file that has lost its name.
    this.close();
    this.#opened = opened;
  }

  exec(sql: string): void {
    this.#opened.connection.exec(sql);
  }

  /** The statement may be one that is in use: rows that are still to come of {@link SqliteStatement.iterate} end by it. */
  prepare(sql: string): SqliteStatement {
    if (sql.length > LONGEST_KEPT) return this.#longOf(sql);
    const statement = this.#statements.get(sql) ?? this.#opened.connection.prepare(sql);
    this.#statements.delete(sql);
    this.#statements.set(sql, statement);
    if (this.#statements.size > MOST_KEPT) this.#statements.delete(this.#statements.keys().next().value ?? sql);
    return statement;
  }

  /** Each takes much memory, until somebody finds time to collect it: not while the next one follows at once. */
  #longOf(sql: string): SqliteStatement {
    if (this.#long?.sql !== sql) this.#long = { sql, statement: this.#opened.connection.prepare(sql) };
    return this.#long.statement;
  }

  close(): void {
    this.#statements.clear();
    this.#long = null;
    this.#opened.connection.close();
  }

  /** SQLite finds a log by its name alone: that of the file before would be read as the log of the new one. */
  #emptyLog(): void {
    if (fileAt(`${this.#path}-wal`) !== this.#opened.log) return;
    const outcome = this.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get() as { busy: number };
    if (outcome.busy !== 0)
      throw new DatabaseUnavailableError(
        "The SQLite file was exchanged, and another process still uses the file before and its log. Stop that process.",
      );
  }

  #open(patienceMs: number): Opened {
    const before = fileAt(this.#path);
    const connection = openSqlite(this.#path);
    try {
      connection.exec(`PRAGMA busy_timeout = ${patienceMs}; ${this.#settings}`);
      // Opens the log, which stays the same file until the connection is closed.
      connection.exec("SELECT count(*) FROM sqlite_master");
      connection.exec("PRAGMA busy_timeout = 0");
    } catch (error) {
      connection.close();
      throw error;
    }
    return { connection, file: before ?? fileAt(this.#path), log: fileAt(`${this.#path}-wal`) };
  }
}

function fileAt(path: string): string | null {
  const file = statSync(path, { throwIfNoEntry: false });
  return file ? `${file.dev} ${file.ino}` : null;
}
