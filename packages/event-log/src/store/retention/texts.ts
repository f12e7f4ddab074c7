/** Removes events, or their texts alone. */
import { sql, type Kysely } from "kysely";
import type { Tables } from "../../database/tables.js";
import { HAS_PAYLOAD, IS_EVIDENCE } from "./what-goes.js";

/**
 * Each event says afterwards how large its texts were, the hash where it was known, and when they went.
 * @param now epoch ms
 * @returns how many events had texts
 */
export async function removePayloads(db: Kysely<Tables>, ids: readonly number[], now: number): Promise<number> {
  const removedAt = new Date(now).toISOString();
  const gone = (text: "payload" | "response") => {
    const [bytes, cut] = [sql.ref(`${text}Bytes`), sql.ref(`${text}Cut`)];
    return sql<string | null>`CASE WHEN ${sql.ref(text)} IS NULL THEN ${cut} ELSE json_object(
      'bytes', coalesce(json_extract(${cut}, '$.bytes'), ${bytes}) + 0,
      'sha256', json_extract(${cut}, '$.sha256'), 'removedAt', ${removedAt}) END`;
  };
  // MySQL evaluates assignments from left to right: what they read of the texts comes before the texts go.
  const { numAffectedRows } = await sql`UPDATE batchExecutionLog
    SET payloadCut = ${gone("payload")},
      responseCut = CASE WHEN ${IS_EVIDENCE} THEN responseCut ELSE ${gone("response")} END,
      payload = NULL,
      response = CASE WHEN ${IS_EVIDENCE} THEN response ELSE NULL END
    WHERE id IN (${sql.join(ids)}) AND ${HAS_PAYLOAD}`.execute(db);
  return Number(numAffectedRows);
}

/** @returns how many there were */
export async function deleteEvents(db: Kysely<Tables>, ids: readonly number[]): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom("batchExecutionLog")
    .where("id", "in", [...ids])
    .executeTakeFirst();
  return Number(numDeletedRows);
}
