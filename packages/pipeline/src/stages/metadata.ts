/** callmetadata and trademetadata: the two CSV files, row by row. */
import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import type { Json } from "@cofi/event-log/events";
import type { StageName } from "@cofi/event-log/stages";
import type { BatchFolder } from "../batch/batch-folder.js";
import type { BatchContext } from "../batch/context.js";
import { skip } from "../batch/attempts.js";
import { asIs, defineStage } from "../batch/stage.js";
import { readCalls, type CallsCsv } from "../csv/calls-csv.js";
import type { RowError } from "../csv/csv-rows.js";
import { readTrades, type TradesCsv } from "../csv/trades-csv.js";
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
  /** Of all else by which its rows are judged: the time zone, and which recordings there are. */
  besideSha256: string;
  rows: number;
  accepted: number;
  refused: number;
  codes: Record<string, number>;
}

/** Rows of calls.csv are judged by the recordings that they name. */
function recordingsBeside({ recordings, refused }: BatchFolder): Iterable<string> {
  return [...recordings.map(({ fileName }) => fileName), ...refused.flatMap(({ name, reason }) => [name, reason])];
}

export const callMetadata = defineStage<"calls", CsvUnit, CsvAnswer>("callmetadata", ["calls"], (context) => {
  const { folder, calls, recordings, triageConfig, signal } = context;
  /** What `ask` has read, for `accept`: on a run that continues a batch only the latter is called. */
  let asked: CallsCsv | null = null;
  const csv = csvFile(context, folder.callsCsv, recordingsBeside(folder));
  return {
    ...csv,
    async ask({ name, path }) {
      const read = await csv.read(path);
      asked = await readCalls(folder, triageConfig, signal);
      return asIs({ ...read, ...logRowErrors(context, "callmetadata", name, asked.rows, asked.errors) });
    },
    async accept(_unit, answer) {
      const read = asked ?? (await readCalls(folder, triageConfig, signal));
      asked = null;
      context.refuse(answer.refused + (answer.codes["FILE_NOT_LISTED"] ?? 0));
      calls.replace(read.calls);
    },
    finish() {
      for (const { fileName } of recordings.all()) {
        if (calls.has(fileName)) continue;
        recordings.delete(fileName);
        skip(context, "callmetadata", fileName, "it has no valid row in calls.csv");
      }
      return Promise.resolve();
    },
  };
});

export const tradeMetadata = defineStage<"trades", CsvUnit, CsvAnswer>("trademetadata", ["trades"], (context) => {
  const { folder, trades, triageConfig, signal } = context;
  let asked: TradesCsv | null = null;
  const csv = csvFile(context, folder.tradesCsv, []);
  return {
    ...csv,
    async ask({ name, path }) {
      const read = await csv.read(path);
      asked = await readTrades(folder, triageConfig, signal);
      return asIs({ ...read, ...logRowErrors(context, "trademetadata", name, asked.rows, asked.errors) });
    },
    async accept(_unit, answer) {
      const read = asked ?? (await readTrades(folder, triageConfig, signal));
      asked = null;
      context.refuse(answer.refused);
      trades.all = read.trades;
      await context.persist(() => context.results.replaceTrades(context.run, read.trades));
    },
  };
});

/** What both have in common. `beside`: what else its rows are judged by. */
function csvFile({ triageConfig }: Pick<BatchContext, "triageConfig">, csv: string, beside: Iterable<string>) {
  const besideSha256 = sha256OfTexts([triageConfig.timeZone, ...beside]);
  return {
    read: async (path: string) => ({ sha256: await sha256Of(path), besideSha256 }),
    answeredBy: "this process" as const,
    plan: async () => ({ units: [{ name: basename(csv), path: csv }] }),
    payload: async ({ name, path }: CsvUnit): Promise<Json> => ({
      file_name: name,
      bytes: (await stat(path)).size,
      time_zone: triageConfig.timeZone,
    }),
    isStale: async ({ path }: CsvUnit, answer: CsvAnswer) =>
      answer.besideSha256 !== besideSha256 || answer.sha256 !== (await sha256Of(path)),
  };
}

/** One event a bad row; the file stays in flight until all have been logged. */
function logRowErrors(
  { logger }: Pick<BatchContext, "logger">,
  stage: StageName,
  fileName: string,
  rows: number,
  errors: readonly RowError[],
): Omit<CsvAnswer, "sha256" | "besideSha256"> {
  const codes: Record<string, number> = {};
  for (const { message, ...rest } of errors) {
    codes[rest.code] = (codes[rest.code] ?? 0) + 1;
    void logger.fileError(stage, fileName, { error: message, willRetry: true, metadata: toJson(rest) });
  }
  const refused = new Set(errors.flatMap(({ line }) => (line === null ? [] : [line]))).size;
  return { rows, accepted: rows - refused, refused, codes };
}

/** No text may hold NUL: names of files and time zones do not. */
function sha256OfTexts(texts: readonly string[]): string {
  return createHash("sha256").update(texts.join("\0")).digest("hex");
}
