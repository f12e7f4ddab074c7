/** From what calls.csv says and what the engines found to the `callRecord` rows and to what triage looks at. */
import type { NewCall } from "@cofi/evidence/records";
import type { BatchRun } from "../batch/batch-run.js";
import { checkDurations } from "../csv/calls-csv.js";
import { InputRowError } from "../input-error.js";
import type { TriageCall } from "../triage/triage-calls.js";

/**
 * Lets a recording's call into the batch, now that its real duration is known.
 * @throws InputRowError DURATION_MISMATCH when calls.csv says another duration: which of the two is wrong, a person must tell
 */
export function admitCall(run: BatchRun, fileName: string): void {
  const call = run.calls.get(fileName);
  const measured = run.findings.ivr.get(fileName)?.duration_s;
  if (!call || measured === undefined) return;
  const [error] = checkDurations([call], new Map([[fileName, measured]])).errors;
  if (!error) return;
  run.calls.delete(fileName);
  throw new InputRowError(error.code, error.message);
}

/** Inserts the calls of the batch: those whose audio could not be processed too, marked so. */
export async function storeCalls(run: BatchRun): Promise<void> {
  const calls = [...run.calls.values()].map((call): NewCall => {
    const { line: _line, ...row } = call;
    const ivr = run.findings.ivr.get(call.fileName);
    const lid = run.findings.lid.get(call.fileName);
    return {
      ...row,
      language: lid?.language ?? null,
      languageConfidence: lid?.confidence ?? null,
      trimStartS: ivr?.trim.start_s ?? null,
      trimEndS: ivr?.trim.end_s ?? null,
      speechS: ivr?.speech_s ?? null,
      audioUsable: ivr !== undefined,
    };
  });
  await run.persist(() => run.results.replaceCalls(run.run, calls));
  await run.logger.info("lid", `${calls.length} calls inserted`, { metadata: { calls: calls.length } });
}

/** The batch's calls as triage looks at them. */
export function triageCalls(run: BatchRun): TriageCall[] {
  return [...run.calls.values()].map((call) => {
    const ivr = run.findings.ivr.get(call.fileName);
    return {
      ...call,
      speechS: ivr?.speech_s ?? null,
      audioUsable: ivr !== undefined,
      endTime: new Date(call.startTime.getTime() + (ivr?.duration_s ?? call.durationS) * 1000),
    };
  });
}
