/** What goes of a batch at which age, and how much of it there is. */
import { sql, type Kysely } from "kysely";
import type { Tables } from "../../database/tables.js";
import { EVIDENCE } from "../../stages.js";
import type { EndedBatch } from "./ages.js";
import { heldIn, holdsAny, isHeldFile, isHeldResult, RESULTS_OF, type Held, type ResultTable } from "./held.js";

/** `payloads`: payloads, responses and transcripts. `events`: everything of the batch. */
export type What = "payloads" | "events";

export interface Counted {
  /** Rows of the log that were changed or removed. */
  events: number;
  /** Rows of results; transcripts are all that go with payloads. */
  results: number;
  /** Of payloads and responses. */
  bytes: number;
}

/** In the order in which they go. Reviews go last: nobody adds one about a trade that is gone. */
export const RESULT_TABLES = {
  payloads: ["transcript"],
  events: [
    "auditAnswer",
    "extractedTrade",
    "transcript",
    "tradeCall",
    "trade",
    "callRecord",
    "review",
    "batchSealPart",
  ],
} as const satisfies Record<What, readonly ResultTable[]>;

/** Responses that prove a trade: results of triage, and verdicts. They go with their events only. */
export const IS_EVIDENCE = sql<boolean>`stage IN (${sql.join(EVIDENCE.map((name) => sql.lit(name)))})`;
export const HAS_PAYLOAD = sql<boolean>`(payload IS NOT NULL OR (response IS NOT NULL AND NOT ${IS_EVIDENCE}))`;

export function isRemovable(what: What) {
  return what === "events" ? sql<boolean>`1 = 1` : HAS_PAYLOAD;
}

/** Bytes of an event's texts that go. */
export function bytesOf(what: What) {
  const response = sql`coalesce(responseBytes, 0)`;
  const gone = what === "events" ? response : sql`CASE WHEN ${IS_EVIDENCE} THEN 0 ELSE ${response} END`;
  return sql<number>`coalesce(payloadBytes, 0) + ${gone}`;
}

export function firstAfter({ payloadsRemovedTo }: EndedBatch, what: What): number {
  return what === "events" ? 0 : payloadsRemovedTo;
}

/** What a removal would count. `held`: of what the batch has, something would stay. */
export async function countIn(
  db: Kysely<Tables>,
  batch: EndedBatch,
  what: What,
): Promise<Counted & { isHeld: boolean }> {
  const held = await heldIn(db, batch.id);
  const isHeld = holdsAny(held);
  if (held.isWhole) return { events: 0, results: 0, bytes: 0, isHeld };
  const name = isHeld ? sql<string | null>`fileName` : sql<null>`NULL`;
  const { rows } = await sql<{ name: string | null; events: number; bytes: number }>`
    SELECT ${name} AS name, count(*) AS events, coalesce(sum(${bytesOf(what)}), 0) AS bytes FROM batchExecutionLog
    WHERE batchId = ${batch.id} AND id > ${firstAfter(batch, what)} AND id <= ${batch.lastId} AND ${isRemovable(what)}
    GROUP BY ${isHeld ? sql`fileName` : sql`batchId`}`.execute(db);
  const going = rows.filter((row) => !isHeldFile(held, row.name));
  let results = 0;
  for (const table of RESULT_TABLES[what]) results += await countResults(db, table, batch.id, held);
  return {
    events: going.reduce((sum, { events }) => sum + Number(events), 0),
    results,
    bytes: going.reduce((sum, { bytes }) => sum + Number(bytes), 0),
    isHeld,
  };
}

async function countResults(db: Kysely<Tables>, table: ResultTable, batchId: number, held: Held): Promise<number> {
  const columns: readonly string[] = holdsAny(held) ? RESULTS_OF[table] : [];
  const keys = sql.join((columns.length > 0 ? columns : ["batchId"]).map((column) => sql.ref(column)));
  const { rows } = await sql<{ tradeId?: string; callId?: string; rows: number }>`
    SELECT ${keys}, count(*) AS ${sql.ref("rows")} FROM ${sql.table(table)} WHERE batchId = ${batchId} GROUP BY ${keys}`.execute(
    db,
  );
  return rows.reduce((sum, row) => (isHeldResult(held, row) ? sum : sum + Number(row.rows)), 0);
}
