/** SQLite, the embedded default. There is one connection: kysely's turn-taking keeps its users apart. */
import { Kysely, sql, SqliteDialect, type RawBuilder, type Transaction } from "kysely";
import type { Database, Dialect, EraseOptions, InsertTarget, InsertValue } from "./dialect.js";
import { DatabaseUnavailableError } from "./errors.js";
import { describeUrl } from "./settings.js";
import { asKyselyDatabase, sqliteErrorCode, type SqliteConnection } from "./sqlite.js";
import { SqliteFile } from "./sqlite-file.js";
import { rewriteFile } from "./sqlite-rewrite.js";
import type { Tables } from "./tables.js";

/** ms that a statement may stop the whole process to wait for another process's lock, while opening and migrating. */
const PATIENCE_MS = 5_000;

const dialect: Dialect = {
  name: "sqlite",
  now: clock(0),
  fromNow: clock,
  logBy: (index) => sql`batchExecutionLog INDEXED BY ${sql.raw(index)}`,
  partOfTime: (from, widthMs) =>
    sql`CAST(floor(round((julianday(timestamp) - julianday(${from})) * 86400000) / ${sql.lit(widthMs)}) AS INTEGER)`,
  // IS NULL follows the pages of a long value to its end.
  isNull: (column) => sql`typeof(${sql.ref(column)}) = 'null'`,
  transcriptsWith(sequences, { before, limit }) {
    const match = sequences.map(({ words, isOpen }) => `"${words.join(" ")}"${isOpen ? " *" : ""}`).join(" ");
    return sql`SELECT rowid AS id FROM transcriptWords WHERE transcriptWords MATCH ${match}
      ${before === null ? sql`` : sql`AND rowid < ${before}`} ORDER BY rowid DESC LIMIT ${limit}`;
  },
  // Every transaction holds the write lock of the whole file.
  holdingRows: sql``,
  claimingRows: sql``,
  undoesDdl: true,
};

function clock(ms: number) {
  return sql<string>`strftime('%Y-%m-%d %H:%M:%f', 'now', ${`${ms / 1_000} seconds`})`;
}

export class SqliteDatabase implements Database {
  readonly dialect = dialect;
  readonly isEmbedded = true;
  readonly kysely: Kysely<Tables>;
  readonly description: string;
  readonly #path: string;
  readonly #connection: SqliteFile;

  /** @throws an error that names the file when it cannot be opened */
  constructor(url: string) {
    this.#path = url.slice("sqlite:".length);
    // WAL: the dashboard reads while the pipeline writes. NORMAL survives a killed process; the event's own durability is the
    // spool's. secure_delete: little is left of what goes, until the file is rewritten.
    this.#connection = new SqliteFile(
      this.#path,
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;",
      PATIENCE_MS,
    );
    this.kysely = new Kysely<Tables>({ dialect: new SqliteDialect({ database: asKyselyDatabase(this.#connection) }) });
    this.description = describeUrl(url);
  }

  async insertNew(target: InsertTarget, rows: readonly (readonly InsertValue[])[]): Promise<void> {
    await this.kysely.connection().execute(async () => insertRows(this.#connection, target, rows));
  }

  async checkInsert(target: InsertTarget): Promise<void> {
    await this.insertNew(target, []);
  }

  /** In one text: each value that the driver hands over takes longer than all the rest. */
  async lists(columns: readonly string[], select: RawBuilder<unknown>): Promise<InsertValue[][]> {
    // JSON has no place for the bytes that another writer may have stored in the place of a text.
    const values = columns.map(
      (name) => `CASE typeof(${name}) WHEN 'blob' THEN CAST(${name} AS TEXT) ELSE ${name} END`,
    );
    const { rows } = await sql<{ lists: string }>`
      SELECT json_group_array(json_array(${sql.raw(values.join(", "))})) AS lists FROM (${select})`.execute(
      this.kysely,
    );
    return JSON.parse(rows[0]?.lists ?? "[]") as InsertValue[][];
  }

  transaction<T>(work: (db: Transaction<Tables>) => Promise<T>): Promise<T> {
    return this.kysely.transaction().execute(work);
  }

  async patiently<T>(work: (db: Kysely<Tables>) => Promise<T>): Promise<T> {
    this.#waitFor(PATIENCE_MS);
    try {
      return await work(this.kysely);
    } finally {
      this.#waitFor(0);
    }
  }

  eraseRemoved(options: EraseOptions): Promise<boolean> {
    return rewriteFile(this.#path, options);
  }

  async followExchange(): Promise<void> {
    const { place } = this.#connection;
    if (place === "ours") return;
    if (place === "gone")
      throw new DatabaseUnavailableError(
        `There is no file any more at ${this.description}. Put the database back, or run \`npx cofi migrate\`, which makes an empty one.`,
      );
    // Alone: no statement, and no transaction, is on its way.
    await this.kysely.connection().execute(async () => this.#connection.reopen());
  }

  close(): Promise<void> {
    return this.kysely.destroy();
  }

  #waitFor(ms: number): void {
    this.#connection.exec(`PRAGMA busy_timeout = ${ms}`);
  }
}

function insertRows(
  connection: SqliteConnection,
  { table, columns, unique }: InsertTarget,
  rows: readonly (readonly InsertValue[])[],
): void {
  const insert = connection.prepare(
    `INSERT INTO ${table} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")}) ON CONFLICT (${unique}) DO NOTHING`,
  );
  connection.exec("BEGIN IMMEDIATE");
  try {
    for (const row of rows) insert.run(...row);
    connection.exec("COMMIT");
  } catch (error) {
    // After SQLITE_FULL and I/O errors SQLite may have rolled back by itself: the first error is the one that counts.
    try {
      connection.exec("ROLLBACK");
    } catch (rollback) {
      if (sqliteErrorCode(rollback) === null) throw rollback;
    }
    throw error;
  }
}
