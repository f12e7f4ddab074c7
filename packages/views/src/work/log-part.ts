/** Reads single events at the ends of what is there, each by a few steps in an index. */
import { sql, type RawBuilder, type SqlBool } from "kysely";
import type { Database } from "@cofi/event-log/database";
import { toApiTime } from "@cofi/event-log/time";
import type { Beginning } from "./stage-runs.js";

/** The events of a batch with an id up to `upToId`, history left out; of one stage, or of all (null). */
export interface Part {
  database: Database;
  batchId: number;
  stage: string | null;
  upToId: number;
  current: RawBuilder<SqlBool>;
}

/** The first or the latest event by id; `noInfo`: that is no info. @throws the driver's error */
export async function edgeOf(
  { database, batchId, stage, upToId, current }: Part,
  order: "asc" | "desc",
  { noInfo = false }: { noInfo?: boolean } = {},
): Promise<Beginning | null> {
  const index = stage === null ? "batchExecutionLog_replay" : "batchExecutionLog_batch_stage";
  const { rows } = await sql<{ id: number; timestamp: string; run: number | null }>`
    SELECT id, timestamp, run FROM ${database.dialect.logBy(index)}
    WHERE batchId = ${batchId} ${stage === null ? sql`` : sql`AND stage = ${stage}`} AND id <= ${upToId} AND ${current}
      ${noInfo ? sql`AND eventType <> 'info'` : sql``}
    ORDER BY id ${sql.raw(order)} LIMIT 1`.execute(database.kysely);
  return rows[0] ? beginningOf(rows[0]) : null;
}

/** Of a row. */
export function beginningOf({ id, timestamp, run }: { id: number; timestamp: string; run: number | null }): Beginning {
  return { id, at: Date.parse(toApiTime(timestamp)), run };
}
