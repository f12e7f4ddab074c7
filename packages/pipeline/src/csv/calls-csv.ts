/** calls.csv: one row a recording. */
import type { BatchFolder } from "../batch/batch-folder.js";
import {
  capitals,
  fileName,
  oneOf,
  optional,
  phone,
  positiveNumber,
  required,
  text,
  time,
  wholeNumber,
  type CellContext,
} from "./csv-columns.js";
import { csvRows, rowError, type RowError, type RowOf } from "./csv-rows.js";
import { redactPhone } from "./phone-number.js";

const COLUMNS = {
  callId: required("call_id", text(128)),
  fileName: required("file_name", fileName),
  startTime: required("start_time", time),
  /** Seconds. */
  durationS: required("duration_s", positiveNumber),
  direction: optional("direction", oneOf({ IN: "IN", OUT: "OUT" })),
  /** E.164. */
  callerNumber: optional("caller_number", phone, redactPhone),
  calleeNumber: optional("callee_number", phone, redactPhone),
  extension: optional("extension", text(32)),
  dealerId: optional("dealer_id", text(64)),
  clientCode: optional("client_code", capitals(64)),
  channels: optional("channels", wholeNumber(1, 64)),
};

/** A call as the broker's recorder describes it; null where the file says nothing. */
export type CallRow = RowOf<typeof COLUMNS>;

/** A call with the line of calls.csv that it stands on. */
export interface ListedCall extends CallRow {
  line: number;
}

export interface CallsCsv {
  calls: ListedCall[];
  errors: RowError[];
  /** Rows in the file, those set aside included. */
  rows: number;
}

/**
 * Reads and validates `folder`'s calls.csv. A row with an error is set aside and the others go on; of two rows with one id or
 * file the first stands.
 * @throws InputError, MissingColumnsError when the file as a whole cannot be used
 */
export async function readCalls(folder: BatchFolder, context: CellContext, signal?: AbortSignal): Promise<CallsCsv> {
  const result: CallsCsv = { calls: [], errors: [], rows: 0 };
  const recordings = new Set(folder.recordings.map((recording) => recording.fileName));
  const lineOfId = new Map<string, number>();
  const lineOfFile = new Map<string, number>();
  const named = new Set<string>();
  for await (const { line, row, errors } of csvRows(folder.callsCsv, COLUMNS, context, signal)) {
    result.rows++;
    result.errors.push(...errors);
    if (row === null) continue;
    const name = folder.nameOnDisk(row.fileName);
    named.add(name);
    const problems: RowError[] = [];
    const idLine = lineOfId.get(row.callId);
    if (idLine !== undefined)
      problems.push(
        rowError("calls.csv", line, COLUMNS.callId, "DUPLICATE_ID", `is the one of line ${idLine} again`, row.callId),
      );
    const fileLine = lineOfFile.get(name);
    if (fileLine !== undefined)
      problems.push(
        rowError("calls.csv", line, COLUMNS.fileName, "DUPLICATE_ID", `is the one of line ${fileLine} again`, name),
      );
    if (!recordings.has(name)) {
      const refused = folder.refused.find((file) => file.name === name)?.reason;
      const why = refused ? `cannot be used: the file ${refused}` : "names a file that is not in the batch's folder";
      problems.push(rowError("calls.csv", line, COLUMNS.fileName, "FILE_NOT_FOUND", why, name));
    }
    result.errors.push(...problems);
    if (problems.length > 0) continue;
    lineOfId.set(row.callId, line);
    lineOfFile.set(name, line);
    result.calls.push(listed(row, name, line));
  }
  for (const { fileName: name } of folder.recordings) {
    if (!named.has(name) && !folder.namedInCalls.has(name))
      result.errors.push(
        rowError("calls.csv", null, COLUMNS.fileName, "FILE_NOT_LISTED", "has no row for this recording", name),
      );
  }
  return result;
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
): { calls: T[]; errors: RowError[] } {
  const agreeing: T[] = [];
  const errors: RowError[] = [];
  for (const call of calls) {
    const measured = durations.get(call.fileName);
    // A hundredth for the rounding of both sides.
    if (measured === undefined || Math.abs(measured - call.durationS) <= toleranceS + 0.01) agreeing.push(call);
    else {
      const message = `says ${call.durationS} s but the recording lasts ${measured.toFixed(1)} s`;
      const value = String(call.durationS);
      errors.push(rowError("calls.csv", call.line, COLUMNS.durationS, "DURATION_MISMATCH", message, value));
    }
  }
  return { calls: agreeing, errors };
}
