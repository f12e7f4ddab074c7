/** Sums the audio that each stage of a batch has finished, without folding its events. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { sql, type RawBuilder, type SqlBool } from "kysely";
import type { Database } from "@cofi/event-log/database";
import { MOST_ASKED } from "../detail/fold/audio-lengths.js";
import { StringTable } from "../detail/fold/string-table.js";
import { audioSeconds } from "@cofi/event-log/event-metadata";
import { parseJson } from "@cofi/event-log/json";
import { FILE_CODE, FILE_DONE } from "../cards/sql-cards.js";
import { STAGES } from "@cofi/event-log/stages";

/**
 * Rows of one answer: a hundred thousand at once would stop a dashboard's other work for a third of a second. After each
 * the other work has a turn, for SQLite answers within the same one.
 */
const PAGE = 2_000;

/** The events of a batch with an id up to `upToId`, history left out. */
export interface Log {
  database: Database;
  batchId: number;
  upToId: number;
  current: RawBuilder<SqlBool>;
}

/** The state of one file in a stage. */
interface StageFile {
  fileName: string;
  /** Of its first start in the stage; null when none was logged. */
  startId: number | null;
  code: number;
}

/**
 * Seconds of audio in the files that are done, by stage, by the events with an id up to `upToId`. A file is as long as one
 * of its first starts says, which a replay asks too. The names are put together here: a server that joined them would make
 * temporary tables of names, and take seven times as long for a million events.
 * @throws the driver's error
 */
export async function audioDone(log: Log): Promise<Map<string, number>> {
  const names = new StringTable();
  /** By file: its first start in each stage. */
  const starts: number[][] = [];
  const done = new Map<string, number[]>();
  await Promise.all(
    STAGES.map(async ({ name: stage }) => {
      const ended: number[] = [];
      for await (const page of filesOf(log, stage))
        for (const { fileName, startId, code } of page) {
          const file = names.add(fileName);
          const own = (starts[file] ??= []);
          if (startId !== null) own.push(Number(startId));
          if (Number(code) === FILE_DONE) ended.push(file);
        }
      done.set(stage, ended);
    }),
  );
  const seconds = await secondsOf(log.database, starts);
  return new Map(
    [...done].map(([stage, files]) => [stage, files.reduce((sum, file) => sum + (seconds[file] ?? 0), 0)]),
  );
}

async function* filesOf({ database, batchId, upToId, current }: Log, stage: string): AsyncGenerator<StageFile[]> {
  for (let after = sql`fileName IS NOT NULL`; ;) {
    const { rows } = await sql<StageFile>`
      SELECT fileName, min(CASE WHEN eventType = 'file_start' THEN id END) AS startId, max(id * 4 + ${FILE_CODE}) & 3 AS code
      FROM ${database.dialect.logBy("batchExecutionLog_state")}
      WHERE batchId = ${batchId} AND stage = ${stage} AND ${after} AND id <= ${upToId} AND ${current}
        AND eventType IN ('file_start', 'file_complete', 'error')
      GROUP BY fileName ORDER BY fileName LIMIT ${PAGE}`.execute(database.kysely);
    yield rows;
    await nextTurn();
    if (rows.length < PAGE) return;
    after = sql`fileName > ${rows.at(-1)?.fileName}`;
  }
}

/** Seconds by file; files whose first starts give no length are missing. */
async function secondsOf(database: Database, starts: number[][]): Promise<number[]> {
  const seconds: number[] = [];
  for (const own of starts) own.sort((a, b) => a - b);
  for (let asked = 0; asked < MOST_ASKED; asked++) {
    const files = new Map<number, number>();
    for (const [file, own] of starts.entries()) {
      const id = own[asked];
      if (id !== undefined && seconds[file] === undefined) files.set(id, file);
    }
    // In the order of the table: the rows of a stage lie side by side.
    const ids = [...files.keys()].toSorted((a, b) => a - b);
    for (let from = 0; from < ids.length; from += PAGE) {
      const rows = await database.kysely
        .selectFrom("batchExecutionLog")
        .select(["id", "metadata"])
        .where("id", "in", ids.slice(from, from + PAGE))
        .where("metadata", "is not", null)
        .execute();
      for (const { id, metadata } of rows) {
        const said = audioSeconds(parseJson(metadata) ?? null);
        if (said !== null) seconds[files.get(id)!] = said;
      }
      await nextTurn();
    }
  }
  return seconds;
}
