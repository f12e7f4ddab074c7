/** MySQL and MariaDB. */
import { Kysely, MysqlDialect, sql, type Transaction } from "kysely";
import { createPool, type Pool } from "mysql2";
import type { Database, Dialect, InsertTarget, InsertValue } from "./dialect.js";
import { MysqlConnections } from "./mysql-connections.js";
import { insertRows } from "./mysql-insert.js";
import { describeUrl } from "./settings.js";
import type { Tables } from "./tables.js";

const dialect: Dialect = {
  name: "mysql",
  now: sql`UTC_TIMESTAMP(3)`,
  fromNow: (ms) => sql`UTC_TIMESTAMP(3) + INTERVAL ${ms * 1_000} MICROSECOND`,
  logBy: (index) => sql`batchExecutionLog FORCE INDEX (${sql.raw(index)})`,
  partOfTime: (from, widthMs) =>
    sql`FLOOR(TIMESTAMPDIFF(MICROSECOND, ${from}, timestamp) / ${sql.lit(widthMs * 1_000)})`,
  holdingRows: sql`LOCK IN SHARE MODE`,
  undoesDdl: false,
};

export class MysqlDatabase implements Database {
  readonly dialect = dialect;
  readonly isEmbedded = false;
  readonly kysely: Kysely<Tables>;
  readonly description: string;
  readonly #pool: Pool;
  readonly #connections: MysqlConnections;

  constructor(url: string, { poolSize, queryTimeoutMs }: { poolSize: number; queryTimeoutMs: number }) {
    this.#pool = createPool({
      uri: url,
      connectionLimit: poolSize,
      charset: "utf8mb4",
      timezone: "Z",
      dateStrings: true,
      jsonStrings: true,
      supportBigNumbers: true,
      connectTimeout: 10_000,
      enableKeepAlive: true,
      multipleStatements: false,
    });
    // UTC for CURRENT_TIMESTAMP and TIMESTAMP; strict, so that a value that does not fit is an error and never cut in silence.
    this.#pool.on("connection", (connection) => {
      connection.query(
        "SET time_zone = '+00:00', sql_mode = CONCAT_WS(',', NULLIF(@@sql_mode, ''), 'STRICT_ALL_TABLES')",
        (error) => {
          if (error) connection.destroy();
        },
      );
    });
    this.#connections = new MysqlConnections(this.#pool, queryTimeoutMs);
    this.kysely = new Kysely<Tables>({ dialect: new MysqlDialect({ pool: this.#connections }) });
    this.description = describeUrl(url);
  }

  insertNew(target: InsertTarget, rows: readonly (readonly InsertValue[])[]): Promise<void> {
    return insertRows(this.#connections, target, rows);
  }

  /** Read committed: at MySQL's default level, deleting rows that do not exist locks the gap they would stand in. */
  transaction<T>(work: (db: Transaction<Tables>) => Promise<T>): Promise<T> {
    return this.kysely.transaction().setIsolationLevel("read committed").execute(work);
  }

  exclusively<T>(name: string, work: (db: Kysely<Tables>) => Promise<T>): Promise<T | null> {
    return this.kysely.connection().execute(async (db) => {
      const { rows } = await sql<{ held: number }>`SELECT GET_LOCK(${name}, 0) AS held`.execute(db);
      if (Number(rows[0]?.held) !== 1) return null;
      try {
        return await work(db);
      } finally {
        await sql`DO RELEASE_LOCK(${name})`.execute(db);
      }
    });
  }

  /** The bare pool: a migration, and the wait for another one's lock, may take longer than any query of the running system. */
  patiently<T>(work: (db: Kysely<Tables>) => Promise<T>): Promise<T> {
    return work(new Kysely({ dialect: new MysqlDialect({ pool: this.#pool }) }));
  }

  close(): Promise<void> {
    return this.kysely.destroy();
  }
}
