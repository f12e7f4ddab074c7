/** Which batches are over, for how long, and by which clock. */
import { sql, type Selectable } from "kysely";
import type { Database } from "../../database/dialect.js";
import type { BatchStatusTable } from "../../database/tables.js";
import { toApiTime } from "../../time.js";
import { newestHold } from "./held.js";

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

/**
 * Epoch ms by which ages are judged; null when there is nothing in the log.
 * @param host what this host's clock says
 * @throws PruneRefusedError
 */
export async function trustedNow({ dialect, kysely }: Database, host: Date): Promise<number | null> {
  const { rows } = await sql<{ now: string; newest: string | null; opened: string | null }>`
    SELECT ${dialect.now} AS now, (SELECT max(timestamp) FROM batchExecutionLog) AS newest,
      (SELECT max(createdAt) FROM batchStatus) AS opened`.execute(kysely);
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

export interface EndedBatch {
  id: number;
  name: string;
  /** In the database's form. */
  createdAt: string;
  /** Epoch ms. */
  endedAt: number;
  /** Id of its newest event; 0 when it has none. */
  lastId: number;
  /** Id of the event up to which payloads are removed; 0 while none are. */
  payloadsRemovedTo: number;
  /** Number of the newest hold when retention left something below that id because it was held. */
  heldBack: number | null;
  /** There is something of the batch whose payloads were not removed yet. */
  hasPayloads: boolean;
  /** As its row says of it; in the database's form. Where one of them differs, the batch has continued since. */
  end: Readonly<Pick<Selectable<BatchStatusTable>, "run" | "status" | "finishedAt">>;
}

/** Those that are over at `now`, oldest first. */
export async function endedBatches({ dialect, kysely }: Database, now: number): Promise<EndedBatch[]> {
  const lastId = sql<number>`(SELECT id FROM ${dialect.logBy("batchExecutionLog_replay")}
    WHERE batchId = batch.id ORDER BY batchId DESC, id DESC LIMIT 1)`;
  const rows = await kysely
    .selectFrom("batchStatus as batch")
    .leftJoin("batchExecutionLog as last", (join) => join.on("last.id", "=", lastId))
    .select(["batch.id", "name", "batch.status", "batch.run", "createdAt", "finishedAt", "leaseExpiresAt"])
    .select([
      "payloadsRemovedAt",
      "payloadsRemovedTo",
      "heldBack",
      "last.id as lastId",
      "last.timestamp as lastEventAt",
    ])
    .orderBy("batch.id")
    .execute();
  const newest = await newestHold(kysely);
  const at = (time: string | null): number => (time === null ? -Infinity : Date.parse(toApiTime(time)));
  return rows.flatMap((row): EndedBatch[] => {
    const { id, name, status, run, createdAt, finishedAt, payloadsRemovedAt } = row;
    const endedAt = Math.max(at(createdAt), at(finishedAt), at(row.lastEventAt));
    const isEnded = status === "completed" || status === "completed_with_errors" || status === "failed";
    const isAbandoned = now - endedAt > ABANDONED_MS;
    if (at(row.leaseExpiresAt) > now || !(isEnded || isAbandoned)) return [];
    // What was left because it was held may have been released since: all of the batch is looked at once more.
    const isHeldOtherwise = row.heldBack !== null && row.heldBack !== newest;
    const payloadsRemovedTo = isHeldOtherwise ? 0 : (row.payloadsRemovedTo ?? 0);
    const heldBack = isHeldOtherwise ? null : row.heldBack;
    const last = row.lastId ?? 0;
    const hasPayloads = payloadsRemovedAt === null || isHeldOtherwise || last > payloadsRemovedTo;
    const end = { run, status, finishedAt };
    const found = { id, name: name ?? `Batch ${id}`, createdAt, endedAt, lastId: last };
    return [{ ...found, payloadsRemovedTo, heldBack, hasPayloads, end }];
  });
}
