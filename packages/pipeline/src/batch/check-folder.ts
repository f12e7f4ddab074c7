/** Reads a folder as a run would, without engines and without a database, and finds the rows that a run would refuse. */
import { basename } from "node:path";
import { readCalls, type ListedCall } from "../csv/calls-csv.js";
import type { CsvReading } from "../csv/csv-settings.js";
import { CsvReport, type RemarkListener } from "../csv/remarks.js";
import { readTrades, type ListedTrade } from "../csv/trades-csv.js";
import { InputError } from "../input-error.js";
import type { TriageCall } from "../triage/triage-calls.js";
import type { TriageConfig } from "../triage/triage-config.js";
import { triage } from "../triage/triage.js";
import { readBatchFolder, type BatchFolder } from "./batch-folder.js";

/** One of the CSV files. */
export interface CheckedFile<Row> {
  name: string;
  report: CsvReport;
  rows: readonly Row[];
  /** Why the file as a whole cannot be used; null when it can. */
  problem: string | null;
}

export interface CheckedFolder {
  folder: BatchFolder;
  calls: CheckedFile<ListedCall>;
  trades: CheckedFile<ListedTrade>;
  /** How many trades would get each result of triage, as far as the rows alone tell; null where a file cannot be used. */
  triage: ReadonlyMap<string, number> | null;
  /** A run would refuse nothing, as far as the files show before a recording is heard. */
  isAccepted: boolean;
}

export interface CheckOptions {
  reading: CsvReading;
  triageConfig: TriageConfig;
  /** Gets everything that is said of the rows, in order, calls first; awaited now and then. */
  listener?: RemarkListener;
  signal?: AbortSignal;
}

/** @throws InputError when the folder is no batch; the signal's reason when it aborts */
export async function checkFolder(
  path: string,
  { reading, triageConfig, listener, signal }: CheckOptions,
): Promise<CheckedFolder> {
  const folder = await readBatchFolder(path, signal, reading);
  const calls = await checked(folder.callsCsv, listener, (report) => readCalls(folder, reading, { report, signal }));
  const trades = await checked(folder.tradesCsv, listener, (report) => readTrades(folder, reading, { report, signal }));
  const isUsable = calls.problem === null && trades.problem === null;
  const refused = [calls, trades].some(({ report }) => report.count("error") > 0);
  return {
    folder,
    calls,
    trades,
    triage: isUsable ? triageByRows(folder, calls.rows, trades.rows, triageConfig) : null,
    isAccepted: isUsable && !refused,
  };
}

async function checked<Row>(
  path: string,
  listener: RemarkListener | undefined,
  read: (report: CsvReport) => Promise<Row[]>,
): Promise<CheckedFile<Row>> {
  const report = new CsvReport(listener);
  const file = { name: basename(path), report };
  try {
    return { ...file, rows: await read(report), problem: null };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { ...file, rows: [], problem: error.message };
  }
}

/** As if every call had speech enough, and lasted as long as its row says. */
function triageByRows(
  folder: BatchFolder,
  calls: readonly ListedCall[],
  trades: readonly ListedTrade[],
  config: TriageConfig,
): Map<string, number> {
  const heard = calls.map((call): TriageCall => {
    const endTime = new Date(call.startTime.getTime() + call.durationS * 1000);
    return { ...call, speechS: null, audioUsable: true, endTime };
  });
  const counts = new Map<string, number>();
  for (const { result } of triage(trades, heard, config, folder.recordings.length - calls.length))
    counts.set(result, (counts.get(result) ?? 0) + 1);
  return new Map([...counts].toSorted(([, a], [, b]) => b - a));
}
