/** One API over MySQL / MariaDB and SQLite: everything outside this module, the migrations and the hot insert is dialect-agnostic. */
import { setTimeout as sleep } from "node:timers/promises";
import { Kysely, MysqlDialect, SqliteDialect } from "kysely";
import { createPool, type Pool } from "mysql2";
import { MysqlConnections } from "./mysql-connections.js";
import { describeUrl } from "./settings.js";
import { asKyselyDatabase, openSqlite, sqliteErrorCode, type SqliteConnection } from "./sqlite.js";
import type { Tables } from "./tables.js";

export type Dialect = "mysql" | "sqlite";

/** The driver behind a {@link Database}: for the hot insert, which goes past the query builder. */
export type Driver =
  | { dialect: "mysql"; pool: Pool; connections: MysqlConnections }
  | { dialect: "sqlite"; connection: SqliteConnection };

export interface Database {
  readonly dialect: Dialect;
  readonly kysely: Kysely<Tables>;
  readonly driver: Driver;
  /** The URL without its password. */
  readonly description: string;
  close(): Promise<void>;
}

/** The database cannot be reached or refuses work for now; the same call may succeed later. */
export class DatabaseUnavailableError extends Error {
  override readonly name = "DatabaseUnavailableError";
}

const UNAVAILABLE_CODES: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EPIPE",
  "ETIMEDOUT",
  "ENOENT",
  "PROTOCOL_CONNECTION_LOST",
  "PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR",
  "PROTOCOL_ENQUEUE_AFTER_QUIT",
  "PROTOCOL_ENQUEUE_AFTER_DESTROY",
  "POOL_CLOSED",
  "ER_CON_COUNT_ERROR",
  "ER_SERVER_SHUTDOWN",
  "ER_NORMAL_SHUTDOWN",
  "ER_SHUTDOWN_COMPLETE",
  "ER_CONNECTION_KILLED",
  "ER_LOCK_WAIT_TIMEOUT",
  "ER_LOCK_DEADLOCK",
  "ER_DISK_FULL",
  "ER_RECORD_FILE_FULL",
  "ER_OPTION_PREVENTS_STATEMENT",
  "ER_QUERY_INTERRUPTED",
  "ER_STATEMENT_TIMEOUT",
]);
const SQLITE_BUSY = 5;
/** ms that a call waits for a writer of another process, and between its tries. */
const SQLITE_WAIT_MS = 5_000;
const SQLITE_RETRY_MS = 20;
/** SQLITE_BUSY, LOCKED, NOMEM, IOERR, FULL, CANTOPEN. */
const UNAVAILABLE_SQLITE: ReadonlySet<number> = new Set([5, 6, 7, 10, 13, 14]);

/** True when the same statement may succeed later: connection lost, locks, server going down, disk full. */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof DatabaseUnavailableError) return true;
  const sqlite = sqliteErrorCode(error);
  if (sqlite !== null) return UNAVAILABLE_SQLITE.has(sqlite);
  const { code, fatal } = (error ?? {}) as { code?: unknown; fatal?: unknown };
  return (typeof code === "string" && UNAVAILABLE_CODES.has(code)) || fatal === true;
}

/**
 * Runs `work`; what {@link isUnavailable} says of its error decides whether it leaves as {@link DatabaseUnavailableError}.
 * While another process holds an SQLite file, `work` is repeated, so it must do nothing but query: waiting inside SQLite
 * would stop the whole process.
 */
export async function reportUnavailable<T>(database: Database, work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + SQLITE_WAIT_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (sqliteErrorCode(error) === SQLITE_BUSY && performance.now() < deadline) {
        await sleep(SQLITE_RETRY_MS);
        continue;
      }
      if (error instanceof DatabaseUnavailableError || !isUnavailable(error)) throw error;
      throw unavailable(database.description, error);
    }
  }
}

function unavailable(description: string, error: unknown): DatabaseUnavailableError {
  const { code, message } = error as { code?: string; message?: string };
  const cause = message || code || String(error);
  return new DatabaseUnavailableError(
    `The database ${description} is unavailable: ${cause}. Check that it runs, and COFI_DATABASE_URL or MYSQL_*.`,
    { cause: error },
  );
}

/** ms after which a query to a server is given up with its connection: longer than any query here takes. */
const QUERY_TIMEOUT_MS = 30_000;

/**
 * Opens a database and proves that it answers.
 * @param url as `databaseUrl` gives it: `sqlite:/path` or `mysql://user:password@host:port/database`
 * @param options for servers: how many connections, and ms that one query may take
 * @throws DatabaseUnavailableError when it cannot be reached
 */
export async function openDatabase(
  url: string,
  { poolSize = 5, queryTimeoutMs = QUERY_TIMEOUT_MS }: { poolSize?: number; queryTimeoutMs?: number } = {},
): Promise<Database> {
  const database = url.startsWith("sqlite:") ? openSqliteFile(url) : openMysql(url, poolSize, queryTimeoutMs);
  try {
    await database.kysely.selectNoFrom((eb) => eb.val(1).as("one")).execute();
    waitInSqlite(database, 0);
  } catch (error) {
    await database.close();
    const { code } = error as { code?: string };
    if (isUnavailable(error)) throw unavailable(database.description, error);
    throw new Error(
      `The database ${database.description} refused us: ${(error as Error).message}${code ? ` (${code})` : ""}. ` +
        "Check user, password and database name in COFI_DATABASE_URL or MYSQL_*.",
      { cause: error },
    );
  }
  return database;
}

/** ms that a statement may stop the process to wait for another one's lock: none but while opening and migrating. */
export function waitInSqlite({ driver }: Database, ms: number): void {
  if (driver.dialect === "sqlite") driver.connection.exec(`PRAGMA busy_timeout = ${ms}`);
}

function openSqliteFile(url: string): Database {
  const connection = openSqlite(url.slice("sqlite:".length));
  // WAL: the dashboard reads while the pipeline writes. NORMAL survives a killed process; the event's own durability is the spool's.
  connection.exec(
    "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;",
  );
  const kysely = new Kysely<Tables>({ dialect: new SqliteDialect({ database: asKyselyDatabase(connection) }) });
  return {
    dialect: "sqlite",
    kysely,
    driver: { dialect: "sqlite", connection },
    description: describeUrl(url),
    close: () => kysely.destroy(),
  };
}

function openMysql(url: string, poolSize: number, queryTimeoutMs: number): Database {
  const pool = createPool({
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
  pool.on("connection", (connection) => {
    connection.query(
      "SET time_zone = '+00:00', sql_mode = CONCAT_WS(',', NULLIF(@@sql_mode, ''), 'STRICT_ALL_TABLES')",
      (error) => {
        if (error) connection.destroy();
      },
    );
  });
  const connections = new MysqlConnections(pool, queryTimeoutMs);
  const kysely = new Kysely<Tables>({ dialect: new MysqlDialect({ pool: connections }) });
  return {
    dialect: "mysql",
    kysely,
    driver: { dialect: "mysql", pool, connections },
    description: describeUrl(url),
    close: () => kysely.destroy(),
  };
}
