/** The one SQLite API of the project: `node:sqlite` where Node has it (22.13 and later), the package with the same API on Node 20. */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { createRequire } from "node:module";
import type { SqliteDatabase } from "kysely";

/** What both implementations can bind and return. */
type SqliteValue = string | number | bigint | null | Uint8Array;

export interface SqliteStatement {
  all(...parameters: SqliteValue[]): unknown[];
  get(...parameters: SqliteValue[]): unknown;
  run(...parameters: SqliteValue[]): { changes: number | bigint; lastInsertRowid: number | bigint };
  iterate(...parameters: SqliteValue[]): IterableIterator<unknown>;
}

export interface SqliteConnection {
  exec(sql: string): void;
  prepare(sql: string): SqliteStatement;
  close(): void;
}

type SqliteModule = { DatabaseSync: new (path: string) => SqliteConnection };

const require = createRequire(import.meta.url);

function sqliteModule(): SqliteModule {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const name = major > 22 || (major === 22 && minor >= 13) ? "node:sqlite" : "@photostructure/sqlite";
  const { emitWarning } = process;
  try {
    // Node 22 warns on the terminal that its SQLite is experimental each time it is loaded; the tests run on it.
    process.emitWarning = () => undefined;
    return require(name) as SqliteModule;
  } catch (error) {
    throw new Error(
      `SQLite cannot be loaded: Node ${process.versions.node} needs the optional package ${name}. ` +
        "Run `npm ci` without --omit=optional, or use Node 22.13 or later.",
      { cause: error },
    );
  } finally {
    process.emitWarning = emitWarning;
  }
}

/**
 * Opens (and creates, with its folder) the database file at `path`.
 * @throws an error without a code when that is impossible: a wrong path is not a database that is away for now
 */
export function openSqlite(path: string): SqliteConnection {
  const { DatabaseSync } = sqliteModule();
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return new DatabaseSync(path);
  } catch (error) {
    throw new Error((error as Error).message, { cause: error });
  }
}

const RETURNS_ROWS = /^\s*(select|with|pragma|values|explain)\b|\breturning\b/i;

/** The subset of better-sqlite3 that kysely drives, over a {@link SqliteConnection}. */
export function asKyselyDatabase(connection: SqliteConnection): SqliteDatabase {
  return {
    close: () => connection.close(),
    prepare(text) {
      // A transaction that takes the write lock only when it first writes may find that its reads are out of date.
      const sql = text === "begin" ? "begin immediate" : text;
      const statement = connection.prepare(sql);
      return {
        reader: RETURNS_ROWS.test(sql),
        all: (parameters) => statement.all(...(parameters as SqliteValue[])),
        run: (parameters) => statement.run(...(parameters as SqliteValue[])),
        iterate: (parameters) => statement.iterate(...(parameters as SqliteValue[])),
      };
    },
  };
}

/** Primary result code (https://www.sqlite.org/rescode.html) of an error of either implementation; null for any other error. */
export function sqliteErrorCode(error: unknown): number | null {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === "number" ? code & 0xff : null;
}
