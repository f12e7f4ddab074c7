/** callmetadata and trademetadata: the two CSV files, row by row. */
import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import type { Json } from "@cofi/event-log/events";
import type { StageName } from "@cofi/event-log/stages";
import { skip } from "../batch/attempts.js";
import type { BatchFolder } from "../batch/batch-folder.js";
import type { BatchContext } from "../batch/context.js";
import { asIs, defineStage } from "../batch/stage.js";
import { readCalls, type ListedCall } from "../csv/calls-csv.js";
import type { CsvReading } from "../csv/csv-settings.js";
import { CsvReport, type FileFacts, type Remark, type Severity } from "../csv/remarks.js";
import { readTrades, type ListedTrade } from "../csv/trades-csv.js";
import { toJson } from "./log-values.js";
import { sha256Of } from "./recordings.js";

interface CsvUnit {
  name: string;
  path: string;
}

/** Remarks of one kind: their number, and the first of them. */
interface Said {
  code: string;
  column: string | null;
  count: number;
  first: Pick<Remark, "line" | "value" | "message">[];
}

/** What the log keeps of a CSV file: its rows are in the result tables, its bad rows in events of their own. */
interface CsvAnswer {
  /** Of the file: a corrected file is read again by the next run. */
  sha256: string;
  /** Of all else by which its rows are judged: the time zone, the settings of the CSV files, and which recordings there are. */
  besideSha256: string;
  rows: number;
  accepted: number;
  refused: number;
  codes: Record<string, number>;
  /** How the file as a whole was read. */
  read: FileFacts | null;
  /** Values that were not understood and are taken as not given; and values that were understood though they are written in another way. */
  warnings: { count: number; kinds: Said[] };
  notes: { count: number; kinds: Said[] };
}

/** Rows of calls.csv are judged by the recordings that they name. */
function recordingsBeside({ recordings, refused }: BatchFolder): Iterable<string> {
  return [...recordings.map(({ fileName }) => fileName), ...refused.flatMap(({ name, reason }) => [name, reason])];
}

export const callMetadata = defineStage<"calls", CsvUnit, CsvAnswer>("callmetadata", ["calls"], (context) => {
  const { folder, calls, recordings, signal } = context;
  const csv = csvFile<ListedCall>(context, "callmetadata", {
    path: folder.callsCsv,
    beside: recordingsBeside(folder),
    read: (reading, report) => readCalls(folder, reading, { ...(report && { report }), signal }),
  });
  return {
    ...csv.work,
    async accept(_unit, answer) {
      calls.replace(await csv.rows());
      context.refuse(answer.refused + (answer.codes["FILE_NOT_LISTED"] ?? 0));
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
  const { folder, trades, signal } = context;
  const csv = csvFile<ListedTrade>(context, "trademetadata", {
    path: folder.tradesCsv,
    beside: [],
    read: (reading, report) => readTrades(folder, reading, { ...(report && { report }), signal }),
  });
  return {
    ...csv.work,
    async accept(_unit, answer) {
      const read = await csv.rows();
      context.refuse(answer.refused);
      trades.all = read;
      await context.persist(() => context.results.replaceTrades(context.run, read));
    },
  };
});

/** One of the files: all else by which its rows are judged, and how they are read. */
interface CsvPart<Row> {
  path: string;
  beside: Iterable<string>;
  read(reading: CsvReading, report?: CsvReport): Promise<Row[]>;
}

/** The common part of both. `rows`: as `ask` has read them, or read again on a run that continues a batch. */
function csvFile<Row>(
  context: Pick<BatchContext, "triageConfig" | "csv" | "logger" | "report">,
  stage: StageName,
  part: CsvPart<Row>,
) {
  const { triageConfig, csv, report: tell } = context;
  const reading = { ...csv, timeZone: triageConfig.timeZone };
  const settings = JSON.stringify([csv.phoneCountry, csv.mappingTexts]);
  const besideSha256 = sha256OfTexts([triageConfig.timeZone, settings, ...part.beside]);
  let asked: Row[] | null = null;
  return {
    async rows(): Promise<Row[]> {
      const rows = asked ?? (await part.read(reading));
      asked = null;
      return rows;
    },
    work: {
      answeredBy: "this process" as const,
      plan: async () => ({ units: [{ name: basename(part.path), path: part.path }] }),
      payload: async ({ name, path }: CsvUnit): Promise<Json> => ({
        file_name: name,
        bytes: (await stat(path)).size,
        time_zone: triageConfig.timeZone,
        phone_country: csv.phoneCountry,
        mappings: Object.keys(csv.mappingTexts),
      }),
      isStale: async ({ path }: CsvUnit, answer: CsvAnswer) =>
        answer.besideSha256 !== besideSha256 || answer.sha256 !== (await sha256Of(path)),
      async ask({ name, path }: CsvUnit) {
        const sha256 = await sha256Of(path);
        const report = new CsvReport((said) => logError(context, stage, name, said));
        asked = await part.read(reading, report);
        logOthers(context, stage, name, report);
        const warned = report.count("warning");
        if (warned > 0)
          tell(
            `${name}: ${warned === 1 ? "1 value needs" : `${warned} values need`} a look; \`npx cofi check\` lists them.`,
          );
        return asIs<CsvAnswer>({ sha256, besideSha256, ...answerOf(report) });
      },
    },
  };
}

function answerOf(report: CsvReport): Omit<CsvAnswer, "sha256" | "besideSha256"> {
  const { rows, refused, facts } = report;
  const codes: Record<string, number> = {};
  for (const { code, count } of report.kinds("error")) codes[code] = (codes[code] ?? 0) + count;
  return {
    rows,
    accepted: rows - refused,
    refused,
    codes,
    read: facts,
    warnings: saidBy(report, "warning"),
    notes: saidBy(report, "note"),
  };
}

function saidBy(report: CsvReport, severity: Severity): CsvAnswer["warnings"] {
  const kinds = report.kinds(severity).map(({ code, column, count, first }) => ({
    code,
    column,
    count,
    first: first.map(({ line, value, message }) => ({ line, ...(value !== undefined && { value }), message })),
  }));
  return { count: report.count(severity), kinds };
}

/** One event an error; reading waits for them now and then, and the file stays in flight until all have been logged. */
function logError({ logger }: Pick<BatchContext, "logger">, stage: StageName, fileName: string, said: Remark) {
  const { severity, message, ...metadata } = said;
  if (severity !== "error") return undefined;
  return logger.fileError(stage, fileName, { error: message, willRetry: true, metadata: toJson(metadata) });
}

/** One event for all warnings, and one for all notes, of one kind. */
function logOthers(
  { logger }: Pick<BatchContext, "logger">,
  stage: StageName,
  fileName: string,
  report: CsvReport,
): void {
  for (const severity of ["warning", "note"] as const)
    for (const kind of saidBy(report, severity).kinds) {
      const more = kind.count === 1 ? "" : ` ${kind.count - 1} more like it.`;
      const message = `${kind.first[0]?.message ?? ""}${more}`;
      void logger.info(stage, message, { fileName, metadata: toJson({ rows: { severity, ...kind } }) });
    }
}

/** No text may hold NUL: names of files and time zones do not. */
function sha256OfTexts(texts: readonly string[]): string {
  return createHash("sha256").update(texts.join("\0")).digest("hex");
}
