/** Reads a calls.csv or trades.csv of a test, and tells what was said of it. */
import { join } from "node:path";
import { readBatchFolder } from "@cofi/pipeline/batch-folder";
import { readCalls, type ListedCall } from "@cofi/pipeline/calls-csv";
import { CsvReport, type Remark } from "@cofi/pipeline/csv-remarks";
import type { CsvReading } from "@cofi/pipeline/csv-settings";
import { readTrades, type ListedTrade } from "@cofi/pipeline/trades-csv";
import { batchWith, folderWith } from "./batch-files.js";

interface Said {
  /** Rows in the file, those set aside included. */
  rows: number;
  refused: number;
  errors: Remark[];
  warnings: Remark[];
  notes: Remark[];
}

async function said<T>(read: (report: CsvReport) => Promise<T>): Promise<[T, Said]> {
  const remarks: Remark[] = [];
  const report = new CsvReport((remark) => void remarks.push(remark));
  const found = await read(report);
  const of = (severity: Remark["severity"]): Remark[] => remarks.filter((remark) => remark.severity === severity);
  const { rows, refused } = report;
  return [found, { rows, refused, errors: of("error"), warnings: of("warning"), notes: of("note") }];
}

export type ReadCalls = Said & { calls: ListedCall[] };
export type ReadTrades = Said & { trades: ListedTrade[] };

/** As calls.csv in a batch that has a.wav, and other `files`. */
export async function callsOf(
  csv: string | Buffer,
  files: Record<string, string> = {},
  reading: Partial<CsvReading> = {},
): Promise<ReadCalls> {
  const whole = { timeZone: "UTC", ...reading };
  const folder = await readBatchFolder(await batchWith({ "calls.csv": csv, ...files }), undefined, whole);
  const [calls, rest] = await said((report) => readCalls(folder, whole, { report }));
  return { calls, ...rest };
}

export async function tradesOf(csv: string | Buffer, reading: Partial<CsvReading> = {}): Promise<ReadTrades> {
  const folder = await folderWith({ "trades.csv": csv });
  const whole = { timeZone: "Asia/Kolkata", ...reading };
  const [trades, rest] = await said((report) =>
    readTrades({ tradesCsv: join(folder, "trades.csv") }, whole, { report }),
  );
  return { trades, ...rest };
}

/** The places and kinds of what was said, for comparisons. */
export function brief(remarks: readonly Remark[]): (string | number | null | undefined)[][] {
  return remarks.map(({ line, column, code, value }) => [line, column, code, value]);
}
