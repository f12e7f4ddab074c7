/** A database of its own for a test, on each dialect, migrated and empty. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import { inject } from "vitest";
import { openDatabase, type Database, type DialectName } from "@cofi/event-log/database";
import { migrate } from "@cofi/event-log/migrate";
import { createDatabaseOn } from "./server.js";

export const DIALECTS = ["sqlite", "mysql"] as const satisfies readonly DialectName[];

export interface FreshDatabase {
  url: string;
  database: Database;
  /** Inserts a row as another service would: plain SQL, only the columns given. */
  insertForeign(row: Record<string, string | number | null>): Promise<number>;
  close(): Promise<void>;
}

/** The url of an empty database; `drop` removes it. */
export async function emptyDatabase(dialect: DialectName): Promise<{ url: string; drop: () => Promise<void> }> {
  if (dialect === "mysql") return createDatabaseOn(inject("serverUrl"));
  const folder = await mkdtemp(join(tmpdir(), "cofi-sqlite-"));
  return {
    url: `sqlite:${join(folder, "cofi.sqlite")}`,
    drop: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Inserts events into a database as another service would. */
export function insertInto({ kysely }: Database): FreshDatabase["insertForeign"] {
  return async (row) => {
    const names = sql.join(Object.keys(row).map((name) => sql.ref(name)));
    const values = sql.join(Object.values(row));
    const result = await sql`INSERT INTO ${sql.table("batchExecutionLog")} (${names}) VALUES (${values})`.execute(
      kysely,
    );
    return Number(result.insertId);
  };
}

export async function freshDatabase(dialect: DialectName): Promise<FreshDatabase> {
  const { url, drop } = await emptyDatabase(dialect);
  const database = await openDatabase(url);
  await migrate(database);
  return {
    url,
    database,
    insertForeign: insertInto(database),
    async close() {
      await database.close();
      await drop();
    },
  };
}
