/**
 * Ends of attempts that a count by SQL alone would get wrong, each with the word before it: those whose writer does not say how
 * long they took, and failed completions, which some writers log beside an error for the same failure.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { sql } from "kysely";
import { toApiTime } from "@cofi/event-log/time";
import { saidMs } from "../work/work-fold.js";
import type { Log } from "./audio-done.js";

/** As the fold of the detail takes it. */
export interface OddEnd {
  stage: string;
  /** Epoch ms. */
  at: number;
  isFailedCompletion: boolean;
  /** null while nobody knows. */
  tookMs: number | null;
}

export const IS_FAILED_COMPLETION = sql`(eventType = 'file_complete' AND status = 'failed')`;

interface EndRow {
  id: number;
  stage: string;
  timestamp: string;
  durationMs: number | null;
  isFailedCompletion: number;
  /** Id of the attempt's event before it. */
  wordId: number | null;
}

const PAGE = 2_000;

/** Those that count: a failure that is said again is left out. @throws the driver's error */
export async function* oddEnds(log: Log): AsyncGenerator<OddEnd> {
  for (let after = 0; ;) {
    const ends = await endsAfter(log, after);
    const words = await wordsOf(
      log,
      ends.flatMap(({ wordId }) => wordId ?? []),
    );
    for (const end of ends) {
      const word = end.wordId === null ? undefined : words.get(end.wordId);
      const isFailedCompletion = Number(end.isFailedCompletion) === 1;
      if (isFailedCompletion && word?.isFailure) continue;
      const at = Date.parse(toApiTime(end.timestamp));
      const measured = word?.isStart && word.at > 0 ? Math.max(0, at - word.at) : null;
      yield { stage: end.stage, at, isFailedCompletion, tookMs: saidMs(end.durationMs) ?? measured };
    }
    if (ends.length < PAGE) return;
    after = ends.at(-1)!.id;
    await nextTurn();
  }
}

async function endsAfter({ database, batchId, upToId, current }: Log, after: number): Promise<EndRow[]> {
  const { rows } = await sql<EndRow>`
    SELECT ends.*, (
      SELECT id FROM ${database.dialect.logBy("batchExecutionLog_state")}
      WHERE batchId = ${batchId} AND stage = ends.stage AND fileName = ends.fileName AND id < ends.id AND ${current}
        AND eventType IN ('file_start', 'file_complete', 'error')
      ORDER BY stage DESC, fileName DESC, id DESC LIMIT 1) AS wordId
    FROM (
      SELECT id, stage, fileName, timestamp, durationMs, CASE WHEN ${IS_FAILED_COMPLETION} THEN 1 ELSE 0 END AS isFailedCompletion
      FROM ${database.dialect.logBy("batchExecutionLog_replay")}
      WHERE batchId = ${batchId} AND id > ${after} AND id <= ${upToId} AND ${current} AND fileName IS NOT NULL
        AND eventType IN ('file_complete', 'error') AND (durationMs IS NULL OR durationMs < 0 OR ${IS_FAILED_COMPLETION})
      ORDER BY id LIMIT ${PAGE}) AS ends
    ORDER BY ends.id`.execute(database.kysely);
  return rows;
}

async function wordsOf({ database }: Log, ids: readonly number[]) {
  if (ids.length === 0) return new Map<number, never>();
  const rows = await database.kysely
    .selectFrom("batchExecutionLog")
    .select(["id", "eventType", "status", "timestamp"])
    .where("id", "in", ids)
    .execute();
  return new Map(
    rows.map(({ id, eventType, status, timestamp }) => [
      id,
      {
        at: Date.parse(toApiTime(timestamp)),
        isStart: eventType === "file_start",
        isFailure:
          eventType === "error"
            ? status !== "processing" && status !== "pending"
            : eventType === "file_complete" && status === "failed",
      },
    ]),
  );
}
