/**
 * What all verbs on the result tables share. Each writing verb replaces what an earlier run stored, in one transaction, so that
 * running a stage again changes nothing or corrects it, and nobody sees half of it.
 */
import { sql, type Insertable, type Transaction } from "kysely";
import { reportUnavailable, type Database } from "@cofi/event-log/database";
import type { ResultTables } from "@cofi/event-log/result-tables";
import { fence, type Run } from "@cofi/event-log/runs";
import type { Tables } from "@cofi/event-log/tables";
import { toApiTime } from "@cofi/event-log/time";

/** Rows per statement: below SQLite's 32,766 parameters and MySQL's 65,535 with the widest table. */
const CHUNK = 200;

/** The run that writes; results of an older run than the newest are refused. */
export type Writer = Pick<Run, "batchId" | "run">;

/** Every method throws `DatabaseUnavailableError` when the database cannot be reached for now. */
export class ResultStore {
  protected readonly database: Database;

  constructor(database: Database) {
    this.database = database;
  }

  protected query<T>(work: () => Promise<T>): Promise<T> {
    return reportUnavailable(this.database, work);
  }

  /** @throws RunSupersededError when a newer run of the batch has begun */
  protected write(run: Writer, work: (db: Transaction<Tables>) => Promise<void>): Promise<void> {
    return this.query(() =>
      this.database.transaction(async (db) => {
        await fence(this.database, db, run);
        await work(db);
      }),
    );
  }
}

/**
 * The rows in the order of these columns, the first of them first. Not by the database: MySQL refuses to sort rows of which
 * one does not fit into its sort buffer, and these hold texts of any length.
 */
export function ordered<Row, Column extends keyof Row>(rows: readonly Row[], ...columns: Column[]): Row[] {
  return rows.toSorted((a, b) => {
    const differing = columns.find((column) => a[column] !== b[column]);
    return differing === undefined ? 0 : a[differing] < b[differing] ? -1 : 1;
  });
}

export function* chunks<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += CHUNK) yield items.slice(start, start + CHUNK);
}

export function storedTime(stored: string): Date {
  return new Date(toApiTime(stored));
}

/** Of a column that these classes wrote themselves; such columns are not part of the contract with other writers. */
export function storedJson<T>(stored: string | null): T | null {
  return stored === null ? null : (JSON.parse(stored) as T);
}

export async function insertRows<T extends keyof ResultTables>(
  db: Transaction<Tables>,
  table: T,
  rows: readonly Insertable<ResultTables[T]>[],
): Promise<void> {
  for (const chunk of chunks(rows)) {
    const names = Object.keys(chunk[0] ?? {});
    const tuples = chunk.map((row) => sql`(${sql.join(names.map((name) => row[name as keyof typeof row]))})`);
    await sql`INSERT INTO ${sql.table(table)} (${sql.join(names.map((name) => sql.ref(name)))}) VALUES ${sql.join(tuples)}`.execute(
      db,
    );
  }
}

/** Tables of what was heard in calls. */
export const HEARD = ["transcript", "extractedTrade", "auditAnswer"] as const satisfies readonly (keyof ResultTables)[];

export async function deleteOfCalls(
  db: Transaction<Tables>,
  table: (typeof HEARD)[number],
  batchId: number,
  callIds: readonly string[],
): Promise<void> {
  for (const ids of chunks(callIds))
    await sql`DELETE FROM ${sql.table(table)} WHERE batchId = ${batchId} AND callId IN (${sql.join(ids)})`.execute(db);
}
