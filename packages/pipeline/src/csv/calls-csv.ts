/** calls.csv: one row a recording. */
import type { BatchFolder } from "../batch/batch-folder.js";
import { CALL_COLUMNS } from "./calls-columns.js";
import { csvRows, type RowOf } from "./csv-rows.js";
import type { CsvReading } from "./csv-settings.js";
import { CsvReport, remark, type Remark, type RemarkCode } from "./remarks.js";

/** A call as the broker's recorder describes it; null where the file says nothing. */
export type CallRow = RowOf<typeof CALL_COLUMNS>;

/** A call with the line of calls.csv that it stands on. */
export interface ListedCall extends CallRow {
  line: number;
}

/** Options of reading a file. */
export interface CsvOptions {
  /** Collects the remarks on the file. */
  report?: CsvReport;
  signal?: AbortSignal | undefined;
}

const { callId: CALL_ID, fileName: FILE_NAME, durationS: DURATION } = CALL_COLUMNS;

function said(
  severity: Remark["severity"],
  code: RemarkCode,
  line: number | null,
  column: { name: string; redact(value: string): string },
  what: string,
  value: string,
): Remark {
  return remark({ severity, code }, { file: "calls.csv", line, column: column.name }, what, column.redact(value));
}

/**
 * Reads and validates `folder`'s calls.csv. A row with an error is set aside and the others continue; of two rows with one id or
 * file the first stands.
 * @throws InputError, MissingColumnsError when the file as a whole cannot be used
 */
export async function readCalls(
  folder: Pick<BatchFolder, "callsCsv" | "recordings" | "places" | "refused" | "namedInCalls" | "fileNamed">,
  reading: CsvReading,
  { report = new CsvReport(), signal }: CsvOptions = {},
): Promise<ListedCall[]> {
  const calls: ListedCall[] = [];
  const refused = new Map(folder.refused.map(({ name, reason }) => [name, reason]));
  const lineOfId = new Map<string, number>();
  const lineOfFile = new Map<string, number>();
  const mapping = reading.mapping?.calls ?? null;
  const rows = csvRows({ path: folder.callsCsv, columns: CALL_COLUMNS, context: reading, mapping, report, signal });
  for await (const { line, row } of rows) {
    if (row === null) continue;
    const file = folder.fileNamed(row.fileName);
    const { name, how } = file === null || file === "ambiguous" ? { name: row.fileName, how: null } : file;
    const problems: Remark[] = [];
    const wrong = (...problem: [RemarkCode, Parameters<typeof said>[3], string, string]): unknown =>
      problems.push(said("error", problem[0], line, problem[1], problem[2], problem[3]));
    const idLine = lineOfId.get(row.callId);
    if (idLine !== undefined) wrong("DUPLICATE_ID", CALL_ID, `is the one of line ${idLine} again`, row.callId);
    const fileLine = lineOfFile.get(name);
    if (fileLine !== undefined) wrong("DUPLICATE_ID", FILE_NAME, `is the one of line ${fileLine} again`, name);
    if (!folder.places.has(name)) {
      const reason = refused.get(name);
      const why =
        file === "ambiguous"
          ? "may mean more than one file: other rows, or other files, have almost the same name"
          : "names a file that is not in the batch's folder";
      wrong("FILE_NOT_FOUND", FILE_NAME, reason ? `cannot be used: the file ${reason}` : why, name);
    }
    problems.forEach((problem) => report.add(problem));
    if (problems.length > 0) {
      report.refused += 1;
      continue;
    }
    if (how !== null)
      report.add(said("note", "FILE_NAME_MATCHED", line, FILE_NAME, `is ${JSON.stringify(name)}${how}`, row.fileName));
    lineOfId.set(row.callId, line);
    lineOfFile.set(name, line);
    calls.push(listed(row, name, line));
  }
  for (const { fileName: name } of folder.recordings) {
    if (folder.namedInCalls.has(name)) continue;
    report.add(said("error", "FILE_NOT_LISTED", null, FILE_NAME, "has no row for this recording", name));
    if (report.isBusy) await report.settled();
  }
  await report.settled();
  return calls;
}

/** All of one shape, written out: a batch may have a hundred thousand, and spread objects take four times the memory. */
function listed(row: CallRow, fileNameOnDisk: string, line: number): ListedCall {
  return {
    callId: row.callId,
    fileName: fileNameOnDisk,
    startTime: row.startTime,
    durationS: row.durationS,
    direction: row.direction,
    callerNumber: row.callerNumber,
    calleeNumber: row.calleeNumber,
    extension: row.extension,
    dealerId: row.dealerId,
    clientCode: row.clientCode,
    channels: row.channels,
    line,
  };
}

/** Seconds by which a row's duration may differ from the audio's: recorders count ring time and rounding differently. */
const DURATION_TOLERANCE_S = 2;

/**
 * Compares the durations that calls.csv claims with those of the audio, which an engine measures.
 * @param durations seconds by file name; a call whose file is not in it (its audio could not be read) passes
 * @returns the calls that agree, in order, and a DURATION_MISMATCH for each of the others
 */
export function checkDurations<T extends ListedCall>(
  calls: readonly T[],
  durations: ReadonlyMap<string, number>,
  toleranceS = DURATION_TOLERANCE_S,
): { calls: T[]; errors: Remark[] } {
  const agreeing: T[] = [];
  const errors: Remark[] = [];
  for (const call of calls) {
    const measured = durations.get(call.fileName);
    // A hundredth for the rounding of both sides.
    if (measured === undefined || Math.abs(measured - call.durationS) <= toleranceS + 0.01) agreeing.push(call);
    else {
      const message = `says ${call.durationS} s but the recording lasts ${measured.toFixed(1)} s`;
      errors.push(said("error", "DURATION_MISMATCH", call.line, DURATION, message, String(call.durationS)));
    }
  }
  return { calls: agreeing, errors };
}
