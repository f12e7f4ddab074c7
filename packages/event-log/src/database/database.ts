/** One API over MySQL / MariaDB and SQLite. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "./dialect.js";
import {
  DatabaseBusyError,
  DatabaseRejectedError,
  DatabaseUnavailableError,
  isDenied,
  isRejection,
  isUnavailable,
} from "./errors.js";
import { MysqlDatabase } from "./mysql-database.js";
import { sqliteErrorCode } from "./sqlite.js";
import { SqliteDatabase } from "./sqlite-database.js";

export type { Database, Dialect, DialectName, WordSequence } from "./dialect.js";
export {
  DatabaseBusyError,
  DatabaseError,
  DatabaseRejectedError,
  DatabaseUnavailableError,
  isDataError,
  isDuplicate,
  isUnavailable,
} from "./errors.js";

const SQLITE_BUSY = 5;
/** ms that a call waits for a writer of another process, and between its attempts. */
const SQLITE_WAIT_MS = 5_000;
const SQLITE_RETRY_MS = 20;

/**
 * Runs `work`; what {@link isUnavailable} says of its error decides whether it leaves as {@link DatabaseUnavailableError},
 * and a missing privilege leaves as {@link DatabaseRejectedError}.
 * While another process holds an SQLite file, `work` is repeated, so it must do nothing but query: waiting inside SQLite
 * would stop the whole process.
 * @param signal ends that waiting
 */
export async function reportUnavailable<T>(
  database: Database,
  work: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const deadline = performance.now() + SQLITE_WAIT_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (sqliteErrorCode(error) === SQLITE_BUSY) {
        if (performance.now() >= deadline || signal?.aborted) throw busy(database.description, error);
        await sleep(SQLITE_RETRY_MS);
        continue;
      }
      if (isDenied(error)) throw denied(database.description, error as Error);
      if (error instanceof DatabaseUnavailableError || !isUnavailable(error)) throw error;
      throw unavailable(database.description, error);
    }
  }
}

function denied(description: string, { message }: Error): DatabaseRejectedError {
  return new DatabaseRejectedError(
    `The user of the database ${description} lacks a privilege: ${message}. docs/database.md lists what to grant.`,
  );
}

function busy(description: string, cause: unknown): DatabaseBusyError {
  return new DatabaseBusyError(
    `The database ${description} is in use: another process has been writing to it for long, as cofi prune does when it rewrites the file.`,
    { cause },
  );
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
 * @throws DatabaseUnavailableError when it cannot be reached; DatabaseRejectedError when it cannot be used as it is: the
 *   login, the name, a file that is no database, a server's settings
 */
export async function openDatabase(
  url: string,
  { poolSize = 5, queryTimeoutMs = QUERY_TIMEOUT_MS }: { poolSize?: number; queryTimeoutMs?: number } = {},
): Promise<Database> {
  if (url.startsWith("sqlite:")) return openFile(url);
  const database = new MysqlDatabase(url, { poolSize, queryTimeoutMs });
  try {
    await database.kysely.selectNoFrom((eb) => eb.val(1).as("one")).execute();
  } catch (error) {
    await database.close();
    if (error instanceof DatabaseRejectedError || error instanceof DatabaseUnavailableError) throw error;
    const { message, code } = error as { message: string; code?: string };
    if (isUnavailable(error) && !isRejection(error)) throw unavailable(database.description, error);
    const advice = isRejection(error) ? " Check user, password and database name in COFI_DATABASE_URL or MYSQL_*." : "";
    throw new DatabaseRejectedError(
      `The database ${database.description} rejected the connection: ${message}${code ? ` (${code})` : ""}.${advice}`,
    );
  }
  return database;
}

function openFile(url: string): Database {
  try {
    return new SqliteDatabase(url);
  } catch (error) {
    if (isUnavailable(error)) throw unavailable(url, error);
    throw new DatabaseRejectedError(
      `The database ${url} cannot be opened: ${(error as Error).message.replace(/\.$/, "")}. Check COFI_DATABASE_URL and COFI_DATA_DIR.`,
    );
  }
}
