/** MySQL and MariaDB. */
import {
  Kysely,
  MysqlAdapter,
  MysqlDialect,
  sql,
  type QueryExecutorProvider,
  type RawBuilder,
  type Transaction,
} from "kysely";
import { createPool } from "mysql2";
import type { Database, Dialect, InsertTarget, InsertValue } from "./dialect.js";
import { MysqlConnections } from "./mysql-connections.js";
import { insertNothing, insertRows } from "./mysql-insert.js";
import { runLists } from "./mysql-statements.js";
import { describeUrl } from "./settings.js";
import type { Tables } from "./tables.js";

const dialect: Dialect = {
  name: "mysql",
  now: sql`UTC_TIMESTAMP(3)`,
  fromNow: (ms) => sql`UTC_TIMESTAMP(3) + INTERVAL ${ms * 1_000} MICROSECOND`,
  logBy: (index) => sql`batchExecutionLog FORCE INDEX (${sql.raw(index)})`,
  // In floating point, which is exact here: MySQL rounds a decimal quotient to a few digits, 39.99996 to 40.0000.
  partOfTime: (from, widthMs) =>
    sql`FLOOR(TIMESTAMPDIFF(MICROSECOND, ${from}, timestamp) / ${sql.raw(`${widthMs * 1_000}e0`)})`,
  isNull: (column) => sql`${sql.ref(column)} IS NULL`,
  transcriptsWith(sequences, { before, limit }) {
    // Each word by the index, and then the order of the words: the index takes seconds for a phrase of frequent words.
    const match = sequences.flatMap(({ words, isOpen }) =>
      words.map((word, at) => `+${word}${isOpen && at === words.length - 1 ? "*" : ""}`),
    );
    const phrases = sequences
      .filter(({ words }) => words.length > 1)
      .map(({ words, isOpen }) => sql`AND words LIKE ${`% ${words.join(" ")}${isOpen ? "" : " "}%`}`);
    return sql`SELECT id FROM transcript WHERE MATCH (words) AGAINST (${match.join(" ")} IN BOOLEAN MODE)
      ${sql.join(phrases, sql` `)} ${before === null ? sql`` : sql`AND id < ${before}`} ORDER BY id DESC LIMIT ${sql.lit(limit)}`;
  },
  holdingRows: sql`LOCK IN SHARE MODE`,
  claimingRows: sql`FOR UPDATE`,
  undoesDdl: false,
};

/** A day: for migrations, and the wait for another one's lock. */
const PATIENCE_MS = 86_400_000;

/** Bounds for the prepared statements that a connection keeps, and how many all of them keep: servers take 16,382. */
const KEPT_STATEMENTS = { least: 16, most: 64, ofProcess: 4_096 };

export class MysqlDatabase implements Database {
  readonly dialect = dialect;
  readonly isEmbedded = false;
  readonly kysely: Kysely<Tables>;
  readonly description: string;
  readonly #url: string;
  readonly #silenceMs: number;
  readonly #connections: MysqlConnections;

  constructor(url: string, { poolSize, queryTimeoutMs }: { poolSize: number; queryTimeoutMs: number }) {
    this.#url = url;
    // Nobody is silent within a transaction for as long as a query may take.
    this.#silenceMs = queryTimeoutMs;
    this.description = describeUrl(url);
    this.#connections = this.#connect(poolSize, queryTimeoutMs);
    this.kysely = new Kysely<Tables>({ dialect: new ServerDialect({ pool: this.#connections }) });
  }

  insertNew(target: InsertTarget, rows: readonly (readonly InsertValue[])[]): Promise<void> {
    return insertRows(this.#connections, target, rows);
  }

  checkInsert(target: InsertTarget): Promise<void> {
    return insertNothing(this.#connections, target);
  }

  async lists(_columns: readonly string[], select: RawBuilder<unknown>): Promise<InsertValue[][]> {
    const connection = await this.#connections.acquire();
    try {
      const { sql: text, parameters } = select.compile(this.kysely);
      const rows = await this.#connections.guard(connection, () => runLists(connection, text, parameters));
      connection.release();
      return rows;
    } catch (error) {
      connection.destroy();
      throw error;
    }
  }

  /** At the level of the session: read committed. */
  transaction<T>(work: (db: Transaction<Tables>) => Promise<T>): Promise<T> {
    return this.kysely.transaction().execute(work);
  }

  /** On connections of its own: a migration, and the wait for another one's lock, may take longer than any query of the running system. */
  async patiently<T>(work: (db: Kysely<Tables>) => Promise<T>): Promise<T> {
    const db = new Kysely<Tables>({ dialect: new ServerDialect({ pool: this.#connect(2, PATIENCE_MS) }) });
    try {
      return await work(db);
    } finally {
      await db.destroy();
    }
  }

  /** The server keeps deleted rows until it uses their space again: docs/architecture.md says how to make it do so. */
  eraseRemoved(): Promise<boolean> {
    return Promise.resolve(true);
  }

  /** Each statement goes to the database of this name, whichever that is by now. */
  followExchange(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return this.kysely.destroy();
  }

  #connect(connectionLimit: number, timeoutMs: number): MysqlConnections {
    const { least, most, ofProcess } = KEPT_STATEMENTS;
    const maxPreparedStatements = Math.max(least, Math.min(most, Math.floor(ofProcess / connectionLimit)));
    const pool = createPool({
      uri: this.#url,
      connectionLimit,
      maxPreparedStatements,
      charset: "utf8mb4_bin",
      timezone: "Z",
      dateStrings: true,
      jsonStrings: true,
      supportBigNumbers: true,
      connectTimeout: 10_000,
      enableKeepAlive: true,
      gracefulEnd: true,
      multipleStatements: false,
    });
    const statements = maxPreparedStatements * connectionLimit;
    const times = { timeoutMs, silenceMs: this.#silenceMs };
    return new MysqlConnections(pool, times, { description: this.description, statements });
  }
}

class ServerDialect extends MysqlDialect {
  override createAdapter(): MysqlAdapter {
    return new ServerAdapter();
  }
}

const MIGRATION_LOCK = "cofi_migrate";
const MIGRATION_LOCK_WAIT_S = 3_600;

/** Kysely's own lock has one name for all databases of a server, and is not asked whether it was taken. */
class ServerAdapter extends MysqlAdapter {
  override async acquireMigrationLock(db: Kysely<unknown>): Promise<void> {
    if (!(await getLock(db, MIGRATION_LOCK, MIGRATION_LOCK_WAIT_S)))
      throw new Error(`another migration of this database has held its lock for ${MIGRATION_LOCK_WAIT_S} s`);
  }

  override releaseMigrationLock(db: Kysely<unknown>): Promise<void> {
    return releaseLock(db, MIGRATION_LOCK);
  }
}

/** Locks belong to the server: those of one database must not keep out another's. At most 64 characters. */
function lockName(name: string): RawBuilder<string> {
  return sql`CONCAT(${name}, '_', LEFT(SHA2(DATABASE(), 256), 32))`;
}

async function getLock(db: QueryExecutorProvider, name: string, waitS: number): Promise<boolean> {
  const { rows } = await sql<{ held: number }>`SELECT GET_LOCK(${lockName(name)}, ${waitS}) AS held`.execute(db);
  return Number(rows[0]?.held) === 1;
}

async function releaseLock(db: QueryExecutorProvider, name: string): Promise<void> {
  await sql`DO RELEASE_LOCK(${lockName(name)})`.execute(db);
}
