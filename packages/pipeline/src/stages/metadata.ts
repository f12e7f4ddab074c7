/** callmetadata and trademetadata: the two CSV files, row by row. */
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import type { Json } from "@cofi/event-log/events";
import type { StageName } from "@cofi/event-log/stages";
import type { BatchRun } from "../batch/batch-run.js";
import { readCalls } from "../csv/calls-csv.js";
import type { RowError } from "../csv/csv-rows.js";
import { IN_PROCESS, skip, type Stage } from "../batch/runner.js";
import { readTrades } from "../csv/trades-csv.js";
import { toJson } from "./log-values.js";
import { sha256Of } from "./recordings.js";

interface CsvUnit {
  name: string;
  path: string;
}

/** What the log keeps of a CSV file: its rows are in the result tables, its bad rows in events of their own. */
interface CsvAnswer {
  /** Of the file: a corrected file is read again by the next run. */
  sha256: string;
  rows: number;
  accepted: number;
  refused: number;
  codes: Record<string, number>;
}

export const callMetadata: Stage<CsvUnit, CsvAnswer> = {
  name: "callmetadata",
  answeredBy: () => IN_PROCESS,
  units: ({ folder }) => [{ name: basename(folder.callsCsv), path: folder.callsCsv }],
  isStale: csvIsStale,
  payload: csvPayload,
  async ask(run, { name, path }) {
    const sha256 = await sha256Of(path);
    const { rows, errors } = await readCalls(run.folder, { timeZone: run.timeZone });
    return { sha256, ...logRowErrors(run, "callmetadata", name, rows, errors) };
  },
  async accept(run, _unit, answer) {
    const { calls } = await readCalls(run.folder, { timeZone: run.timeZone });
    run.refused += answer.refused + (answer.codes["FILE_NOT_LISTED"] ?? 0);
    run.calls = new Map(calls.map((call) => [call.fileName, call]));
  },
  finish(run) {
    for (const fileName of run.active.keys()) {
      if (run.calls.has(fileName)) continue;
      run.active.delete(fileName);
      skip(run, "callmetadata", fileName, "it has no valid row in calls.csv");
    }
    return Promise.resolve();
  },
};

export const tradeMetadata: Stage<CsvUnit, CsvAnswer> = {
  name: "trademetadata",
  answeredBy: () => IN_PROCESS,
  units: ({ folder }) => [{ name: basename(folder.tradesCsv), path: folder.tradesCsv }],
  isStale: csvIsStale,
  payload: csvPayload,
  async ask(run, { name, path }) {
    const sha256 = await sha256Of(path);
    const { rows, errors } = await readTrades(run.folder, { timeZone: run.timeZone });
    return { sha256, ...logRowErrors(run, "trademetadata", name, rows, errors) };
  },
  async accept(run, _unit, answer) {
    const { trades } = await readTrades(run.folder, { timeZone: run.timeZone });
    run.refused += answer.refused;
    run.trades = trades;
    await run.persist(() => run.results.replaceTrades(run.run, trades));
  },
};

async function csvPayload(run: BatchRun, { name, path }: CsvUnit): Promise<Json> {
  return { file_name: name, bytes: (await stat(path)).size, time_zone: run.timeZone };
}

async function csvIsStale(_run: BatchRun, { path }: CsvUnit, answer: CsvAnswer): Promise<boolean> {
  return answer.sha256 !== (await sha256Of(path));
}

/** One event a bad row; the file stays in flight until all are told. */
function logRowErrors(
  run: BatchRun,
  stage: StageName,
  fileName: string,
  rows: number,
  errors: readonly RowError[],
): Omit<CsvAnswer, "sha256"> {
  const codes: Record<string, number> = {};
  for (const { message, ...rest } of errors) {
    codes[rest.code] = (codes[rest.code] ?? 0) + 1;
    void run.logger.fileError(stage, fileName, { error: message, willRetry: true, metadata: toJson(rest) });
  }
  const refused = new Set(errors.flatMap(({ line }) => (line === null ? [] : [line]))).size;
  return { rows, accepted: rows - refused, refused, codes };
}
