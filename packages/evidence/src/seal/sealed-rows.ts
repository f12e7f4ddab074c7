/** Rows of the log as they are sealed, in order, with a bounded number of bytes in memory: rows hold bodies of any length. */
import { sql } from "kysely";
import { reportUnavailable, type Database } from "@cofi/event-log/database";
import { COLUMNS, type SealedRow } from "./canonical.js";

/** Rows whose sizes are asked for at once, and bytes of bodies that are read at once, but for a row that is larger. */
const MOST_ROWS = 500;
const MOST_BYTES = 4_000_000;

interface Size {
  id: number;
  bytes: number;
}

export interface RowRange {
  after: number;
  upTo: number;
  /** Only events of these files. */
  fileNames?: readonly string[];
}

/** The events of a batch with `after < id <= upTo`, ascending, some at a time. @throws DatabaseUnavailableError */
export async function* sealedRows(
  database: Database,
  batchId: number,
  { after, ...range }: RowRange,
): AsyncGenerator<SealedRow[]> {
  for (let from = after; ;) {
    const sizes = await sizesAfter(database, batchId, { ...range, after: from });
    for (const ids of groups(sizes)) yield rowsOf(database, ids);
    const last = sizes.at(-1);
    if (!last || sizes.length < MOST_ROWS) return;
    from = last.id;
  }
}

/** Ascending. @throws DatabaseUnavailableError */
export async function rowsOf(database: Database, ids: readonly number[]): Promise<SealedRow[]> {
  const select = database.kysely
    .selectFrom("batchExecutionLog")
    .select(COLUMNS)
    .where("id", "in", [...ids]);
  const rows = await reportUnavailable(database, () => select.execute());
  return rows.toSorted((a, b) => a.id - b.id);
}

async function sizesAfter(database: Database, batchId: number, { after, upTo, fileNames }: RowRange): Promise<Size[]> {
  const { dialect } = database;
  const log = dialect.logBy(fileNames ? "batchExecutionLog_batch_file" : "batchExecutionLog_replay");
  const isOfFiles = fileNames ? sql`fileName IN (${sql.join(fileNames)})` : sql`1 = 1`;
  const page = sql<{ id: number }>`(SELECT id FROM ${log}
    WHERE batchId = ${batchId} AND id > ${after} AND id <= ${upTo} AND ${isOfFiles} ORDER BY id LIMIT ${MOST_ROWS})`;
  const select = database.kysely
    .selectFrom(page.as("page"))
    .innerJoin("batchExecutionLog as log", "log.id", "page.id")
    .select(["log.id", sql<number>`coalesce(payloadBytes, 0) + coalesce(responseBytes, 0)`.as("bytes")]);
  const sizes = await reportUnavailable(database, () => select.execute());
  return sizes.map(({ id, bytes }) => ({ id, bytes: Number(bytes) })).toSorted((a, b) => a.id - b.id);
}

function groups(sizes: readonly Size[]): number[][] {
  const found: number[][] = [];
  let bytes = Infinity;
  for (const size of sizes) {
    if (bytes + size.bytes > MOST_BYTES) {
      found.push([]);
      bytes = 0;
    }
    found.at(-1)!.push(size.id);
    bytes += size.bytes;
  }
  return found;
}
