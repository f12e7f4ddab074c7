/**
 * Retention: what is old enough goes, payloads before events, in small steps beside the writers.
 *
 * - Ages count from the end of a batch. A batch in progress is never touched; one that nobody ended counts as over when no
 *   run holds its lease and its last event is 30 days old.
 * - The clock is the database's, and it is believed only as far as the log bears it out: time goes on at most a day beyond
 *   the newest event, and nothing is removed when this host's clock says otherwise or the log comes from the future.
 * - Payloads, responses and transcripts go first; each event keeps how large they were and when they went. Evidence that
 *   proves a trade (extracted trades, answers, results of triage, verdicts and what they rest on) stays as long as the events.
 *
 * Every step is a transaction of its own, so a run that is stopped anywhere is finished by the next one.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { sql, type Kysely } from "kysely";
import { reportUnavailable } from "../database/database.js";
import type { Database } from "../database/dialect.js";
import type { Tables } from "../database/tables.js";
import { toApiTime, toDatabaseTime } from "../time.js";

export interface PruneOptions {
  /** ms after the end of a batch; null keeps them for ever. */
  keepPayloadsMs: number | null;
  keepEventsMs: number | null;
  /** Says what would go, and touches nothing. */
  dryRun?: boolean;
  /** Ends the run after the step at work. */
  signal?: AbortSignal | undefined;
  /** This host's clock. */
  now?: () => Date;
  /** Told after each batch. */
  onBatch?: ((pruned: PrunedBatch) => void) | undefined;
}

export interface PrunedBatch {
  id: number;
  name: string;
  /** ISO 8601. */
  endedAt: string;
  what: "payloads" | "events";
  /** Rows of the log that were changed or removed; in a dry run, that would be. */
  events: number;
  /** Of payloads and responses. */
  bytes: number;
}

/** Nothing was removed, because it could have been too much. */
export class PruneRefusedError extends Error {
  override readonly name = "PruneRefusedError";
}

const DAY_MS = 86_400_000;
/** Clocks that differ by more are not both right. */
const CLOCK_TOLERANCE_MS = 300_000;
/** How far the clock may be ahead of the newest event. */
const BEYOND_LOG_MS = DAY_MS;
const ABANDONED_MS = 30 * DAY_MS;
const ROWS_A_STEP = 500;
const RESULT_TABLES = ["auditAnswer", "extractedTrade", "transcript", "tradeCall", "trade", "callRecord"] as const;

/**
 * Removes what is older than it is to be kept.
 * @returns what went, by batch; null when another process is at it
 * @throws PruneRefusedError when a clock is wrong; DatabaseUnavailableError
 */
export async function prune(database: Database, options: PruneOptions): Promise<PrunedBatch[] | null> {
  return reportUnavailable(database, () => database.exclusively("cofi_prune", (db) => run(database, db, options)));
}

async function run(database: Database, db: Kysely<Tables>, options: PruneOptions): Promise<PrunedBatch[]> {
  const pruned: PrunedBatch[] = [];
  const now = await trustedNow(database, db, options.now?.() ?? new Date());
  if (now === null) return pruned;
  for (const batch of await endedBatches(db, now)) {
    if (options.signal?.aborted) break;
    const age = now - batch.endedAt;
    const isOlderThan = (keepMs: number | null): boolean => keepMs !== null && age > keepMs;
    const what = isOlderThan(options.keepEventsMs) ? "events" : "payloads";
    if (what === "payloads" && (batch.payloadsRemovedAt !== null || !isOlderThan(options.keepPayloadsMs))) continue;
    const counted = options.dryRun
      ? await count(db, batch.id, what)
      : await remove(db, batch.id, what, now, options.signal);
    if (counted === null) break;
    const { id, name } = batch;
    const one = { id, name, endedAt: new Date(batch.endedAt).toISOString(), what, ...counted } as const;
    pruned.push(one);
    options.onBatch?.(one);
  }
  return pruned;
}

/** Epoch ms by which ages are judged; null when there is nothing in the log. */
async function trustedNow({ dialect }: Database, db: Kysely<Tables>, host: Date): Promise<number | null> {
  const { rows } = await sql<{ now: string; newest: string | null; opened: string | null }>`
    SELECT ${dialect.now} AS now, (SELECT max(timestamp) FROM batchExecutionLog) AS newest,
      (SELECT max(createdAt) FROM batchStatus) AS opened`.execute(db);
  const [row] = rows;
  if (!row?.newest) return null;
  const [now, newest, opened] = [row.now, row.newest, row.opened ?? row.newest].map((time) =>
    Date.parse(toApiTime(time)),
  );
  if (now === undefined || newest === undefined || opened === undefined) return null;
  const seconds = (ms: number): string => `${Math.round(ms / 1_000)} s`;
  if (Math.abs(now - host.getTime()) > CLOCK_TOLERANCE_MS)
    throw new PruneRefusedError(
      `The database's clock and this host's differ by ${seconds(Math.abs(now - host.getTime()))}: one of them is wrong, and ages ` +
        "would be too. Nothing was removed. Set the clocks, then run it again.",
    );
  const ahead = Math.max(newest, opened) - now;
  if (ahead > CLOCK_TOLERANCE_MS)
    throw new PruneRefusedError(
      `The newest entry of the log is ${seconds(ahead)} ahead of the database's clock: the clock is wrong, or was wrong when it was ` +
        "written. Nothing was removed.",
    );
  return Math.min(now, newest + BEYOND_LOG_MS);
}

interface EndedBatch {
  id: number;
  name: string;
  /** Epoch ms. */
  endedAt: number;
  payloadsRemovedAt: string | null;
}

/** Oldest first. */
async function endedBatches(db: Kysely<Tables>, now: number): Promise<EndedBatch[]> {
  const rows = await db
    .selectFrom("batchStatus as batch")
    .select(["id", "name", "status", "createdAt", "finishedAt", "leaseExpiresAt", "payloadsRemovedAt"])
    .select((eb) =>
      eb
        .selectFrom("batchExecutionLog as log")
        .select("log.timestamp")
        .whereRef("log.batchId", "=", "batch.id")
        .orderBy("log.id", "desc")
        .limit(1)
        .as("lastEventAt"),
    )
    .orderBy("id")
    .execute();
  const at = (time: string | null): number => (time === null ? -Infinity : Date.parse(toApiTime(time)));
  return rows.flatMap(({ id, name, status, createdAt, finishedAt, lastEventAt, leaseExpiresAt, payloadsRemovedAt }) => {
    const endedAt = Math.max(at(createdAt), at(finishedAt), at(lastEventAt));
    const isEnded = status === "completed" || status === "completed_with_errors" || status === "failed";
    const isAbandoned = now - endedAt > ABANDONED_MS;
    if (at(leaseExpiresAt) > now || !(isEnded || isAbandoned)) return [];
    return [{ id, name: name ?? `Batch ${id}`, endedAt, payloadsRemovedAt }];
  });
}

interface Counted {
  events: number;
  bytes: number;
}

/** Responses that prove a trade: results of triage, and verdicts. They go with their events only. */
const IS_EVIDENCE = sql<boolean>`stage IN ('triaging', 'verdicts')`;

/** Bytes of an event's texts that go. */
function bytesOf(what: PrunedBatch["what"]) {
  const response = sql`coalesce(responseBytes, 0)`;
  const gone = what === "events" ? response : sql`CASE WHEN ${IS_EVIDENCE} THEN 0 ELSE ${response} END`;
  return sql<number>`coalesce(payloadBytes, 0) + ${gone}`;
}

async function count(db: Kysely<Tables>, batchId: number, what: PrunedBatch["what"]): Promise<Counted> {
  const { rows } = await sql<Counted>`
    SELECT count(*) AS events, coalesce(sum(${bytesOf(what)}), 0) AS bytes
    FROM batchExecutionLog WHERE batchId = ${batchId}`.execute(db);
  return { events: Number(rows[0]?.events), bytes: Number(rows[0]?.bytes) };
}

/** @returns null when it was stopped before its end */
async function remove(
  db: Kysely<Tables>,
  batchId: number,
  what: PrunedBatch["what"],
  now: number,
  signal: AbortSignal | undefined,
): Promise<Counted | null> {
  const total: Counted = { events: 0, bytes: 0 };
  for (let after = 0; ;) {
    if (signal?.aborted) return null;
    const started = performance.now();
    const step = await db
      .selectFrom("batchExecutionLog")
      .select(["id", bytesOf(what).as("bytes")])
      .where("batchId", "=", batchId)
      .where("id", ">", after)
      .orderBy("id")
      .limit(ROWS_A_STEP)
      .execute();
    const last = step.at(-1);
    if (!last) break;
    const ids = step.map(({ id }) => id);
    if (what === "events") await db.deleteFrom("batchExecutionLog").where("id", "in", ids).execute();
    else await removePayloads(db, ids, now);
    total.events += step.length;
    for (const { bytes } of step) total.bytes += Number(bytes);
    after = last.id;
    // As long a pause as the step took: writers have the database at least half of the time.
    await sleep(performance.now() - started);
  }
  const batch = db.updateTable("batchStatus").where("id", "=", batchId);
  if (what === "payloads") {
    await removeRows(db, "transcript", batchId);
    await batch.set({ payloadsRemovedAt: toDatabaseTime(new Date(now)) }).execute();
    return total;
  }
  for (const table of RESULT_TABLES) await removeRows(db, table, batchId);
  await db.deleteFrom("batchRun").where("batchId", "=", batchId).execute();
  await db.deleteFrom("batchStatus").where("id", "=", batchId).execute();
  return total;
}

/** The event says how large the text was, the hash where it was known, and when it went. */
async function removePayloads(db: Kysely<Tables>, ids: readonly number[], now: number): Promise<void> {
  const removedAt = new Date(now).toISOString();
  const gone = (text: "payload" | "response") => {
    const [bytes, cut] = [sql.ref(`${text}Bytes`), sql.ref(`${text}Cut`)];
    return sql<string | null>`CASE WHEN ${sql.ref(text)} IS NULL THEN ${cut} ELSE json_object(
      'bytes', coalesce(json_extract(${cut}, '$.bytes'), ${bytes}) + 0,
      'sha256', json_extract(${cut}, '$.sha256'), 'removedAt', ${removedAt}) END`;
  };
  // MySQL evaluates assignments from left to right: what they read of the texts comes before the texts go.
  await sql`UPDATE batchExecutionLog
    SET payloadCut = ${gone("payload")},
      responseCut = CASE WHEN ${IS_EVIDENCE} THEN responseCut ELSE ${gone("response")} END,
      payload = NULL,
      response = CASE WHEN ${IS_EVIDENCE} THEN response ELSE NULL END
    WHERE id IN (${sql.join(ids)}) AND (payload IS NOT NULL OR (response IS NOT NULL AND NOT ${IS_EVIDENCE}))`.execute(
    db,
  );
}

async function removeRows(db: Kysely<Tables>, table: (typeof RESULT_TABLES)[number], batchId: number): Promise<void> {
  for (;;) {
    const rows = await db.selectFrom(table).select("id").where("batchId", "=", batchId).limit(ROWS_A_STEP).execute();
    if (rows.length === 0) return;
    await db
      .deleteFrom(table)
      .where(
        "id",
        "in",
        rows.map(({ id }) => id),
      )
      .execute();
  }
}
