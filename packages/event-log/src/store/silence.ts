/** Which batches are marked as running although nobody works on them any more, by the database's clock. */
import { sql, type RawBuilder } from "kysely";
import type { Database } from "../database/dialect.js";
import type { Silence } from "../events.js";
import { parseJson } from "../json.js";
import { toApiTime } from "../time.js";

/** A writer without a lease may work on one file for long; after so many ms without an event it counts as silent. */
const FOREIGN_SILENCE_MS = 30 * 60_000;

/** What a row of `batchStatus` says about its signs of life. */
export interface SignsOfLife {
  id: number;
  status: string;
  run: number;
  createdAt: string;
  startedAt: string | null;
  leaseOwner: string | null;
  leaseExpiresAt: string | null;
  /** Of a batch that has not ended and whose lease, if it has one, has run out; null for every other one, and without events. */
  lastEventAt: string | null;
  isLeft: number;
  silentBefore: string;
}

/** Columns that stand beside those of `batchStatus`. An event is looked up only for a batch that may be silent. */
export function signsOfLife({ dialect }: Database): {
  isLeft: RawBuilder<number>;
  lastEventAt: RawBuilder<string | null>;
  silentBefore: RawBuilder<string>;
} {
  const isLeft = sql<number>`CASE WHEN status IN ('pending', 'running')
    AND (leaseOwner IS NULL OR leaseExpiresAt IS NULL OR leaseExpiresAt < ${dialect.now}) THEN 1 ELSE 0 END`;
  return {
    isLeft,
    lastEventAt: sql<string | null>`CASE WHEN ${isLeft} = 1 THEN (SELECT timestamp
      FROM ${dialect.logBy("batchExecutionLog_replay")} WHERE batchId = batchStatus.id ORDER BY batchId DESC, id DESC LIMIT 1) END`,
    silentBefore: dialect.fromNow(-FOREIGN_SILENCE_MS),
  };
}

/** @returns null while somebody may be at work; `leaseMs`: how long the lease lasts, if it is known */
export function silenceOf(signs: SignsOfLife, leaseMs: number | null): Silence | null {
  const { isLeft, status, run, createdAt, startedAt, leaseOwner, leaseExpiresAt, lastEventAt, silentBefore } = signs;
  if (Number(isLeft) === 0) return null;
  const lastEvent = lastEventAt === null ? 0 : Date.parse(toApiTime(lastEventAt));
  if (leaseOwner !== null && leaseExpiresAt !== null) {
    const renewed = leaseMs === null ? 0 : Date.parse(toApiTime(leaseExpiresAt)) - leaseMs;
    const last = Math.max(lastEvent, renewed) || Date.parse(toApiTime(startedAt ?? createdAt));
    return { since: new Date(last).toISOString(), run };
  }
  // A batch that was only opened does not count as running.
  if (status === "pending" && lastEvent === 0) return null;
  const last = lastEvent || Date.parse(toApiTime(startedAt ?? createdAt));
  return last < Date.parse(toApiTime(silentBefore)) ? { since: new Date(last).toISOString(), run: null } : null;
}

/** How long the lease of a run lasts, by its recorded configuration; null when that does not say. */
export function leaseMsOf(configuration: string): number | null {
  const parsed = parseJson(configuration);
  const pipeline = parsed !== null && typeof parsed === "object" && !Array.isArray(parsed) ? parsed["pipeline"] : null;
  if (pipeline === null || typeof pipeline !== "object" || Array.isArray(pipeline)) return null;
  const leaseMs = pipeline["leaseMs"];
  return typeof leaseMs === "number" ? leaseMs : null;
}
