/** A verdict as an event of the step `verdicts` holds it: the response of `file_complete`, with the trade's id as file name. */

/** The events, recordings and settings that a verdict rests on. */
export interface RestsOn {
  /** Number of the run that judged. */
  run: number;
  /** Of the configuration in force, which `batchRun` holds; lower-case hex. */
  configurationSha256: string;
  /** Of the facts of the order: its fills and what they agree on; lower-case hex. null when the trade has no order in scope. */
  orderSha256: string | null;
  /** Of the other orders that may rest on the same spoken ones; null or left out when there are none. */
  othersSha256?: string | null;
  /** Of what the batch knows beside the order: prices, expiries and other clients; left out by older versions. */
  knownSha256?: string;
  /** Id of the event that holds the result of triage; null when the log does not hold it. */
  triaging: number | null;
  /** The calls that were considered, best first. */
  calls: readonly CallEvidence[];
}

/** Ids of the events that hold what was found out about one call; null where a stage did not do it. */
export interface CallEvidence {
  callId: string;
  fileName: string;
  /** Lower-case hex; null when the recording never reached a host. */
  recordingSha256: string | null;
  fileDistribution: number | null;
  ivr: number | null;
  stt: number | null;
  llm1: number | null;
  llm2: number | null;
}

export interface VerdictStatement {
  tradeId: string;
  /** null: the trade has no verdict, because no call is expected or the trade is not there any more. */
  verdict: string | null;
  /** A sentence. */
  reason: string;
  /** The call that decided. */
  callId: string | null;
  mismatches: readonly string[];
  /** What was compared, line by line. */
  lines: readonly string[];
  restsOn: RestsOn;
}

/** Whether a response is a statement of ours: another writer may log what it likes under the name of the step. */
export function isStatement(response: unknown): response is VerdictStatement {
  if (!isRecord(response) || !isRecord(response["restsOn"])) return false;
  const { tradeId, verdict, reason, callId, mismatches, lines, restsOn } = response;
  const {
    run,
    configurationSha256,
    orderSha256,
    othersSha256 = null,
    knownSha256 = "",
    triaging,
    calls,
  } = restsOn as Record<string, unknown>;
  return (
    [tradeId, reason, configurationSha256, knownSha256].every((text) => typeof text === "string") &&
    [verdict, callId, orderSha256, othersSha256].every((text) => text === null || typeof text === "string") &&
    [mismatches, lines].every((list) => Array.isArray(list) && list.every((item) => typeof item === "string")) &&
    typeof run === "number" &&
    isEventId(triaging) &&
    Array.isArray(calls) &&
    calls.every(isCallEvidence)
  );
}

function isCallEvidence(call: unknown): call is CallEvidence {
  if (!isRecord(call)) return false;
  const { callId, fileName, fileDistribution, ivr, stt, llm1, llm2 } = call;
  return (
    [callId, fileName].every((text) => typeof text === "string") &&
    [fileDistribution, ivr, stt, llm1, llm2].every(isEventId)
  );
}

function isEventId(value: unknown): boolean {
  return value === null || typeof value === "number";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A statement with the event that made it. */
export interface LoggedVerdict extends VerdictStatement {
  eventId: number;
  /** The event whose payload holds what the verdict was computed from; null when the log does not hold it. */
  basisEventId: number | null;
  /** ISO 8601. */
  loggedAt: string;
  /** The run that logged it; null for another writer. */
  run: number | null;
  /** Runs that judged the batch anew and came to the same: the verdict was in force in each. Ascending, without `run`. */
  confirmedBy: readonly number[];
  /** It arrived after a newer run had begun, and never was in force. */
  history?: true | undefined;
}

/** What a verdict that is new differs in from the one before, in words. */
export function whatChanged(before: RestsOn, after: RestsOn): string[] {
  const calls = new Map(before.calls.map((call) => [call.callId, call]));
  const isOther = (field: keyof CallEvidence): boolean =>
    after.calls.some((call) => {
      const known = calls.get(call.callId);
      return known !== undefined && known[field] !== call[field];
    });
  const sameCalls = before.calls.length === after.calls.length && after.calls.every(({ callId }) => calls.has(callId));
  return [
    ...(before.configurationSha256 === after.configurationSha256 ? [] : ["other configuration"]),
    ...(before.orderSha256 === after.orderSha256 ? [] : ["other trade row"]),
    ...((before.othersSha256 ?? null) === (after.othersSha256 ?? null)
      ? []
      : ["other trades of the same spoken orders"]),
    ...(!before.knownSha256 || before.knownSha256 === after.knownSha256
      ? []
      : ["other prices, expiries or clients in the batch"]),
    ...(sameCalls ? [] : ["other calls"]),
    ...(isOther("recordingSha256") ? ["other recording"] : []),
    ...(isOther("ivr") ? ["other length or speech of a call"] : []),
    ...(isOther("stt") ? ["other transcript"] : []),
    ...(isOther("llm1") ? ["other extraction"] : []),
    ...(isOther("llm2") ? ["other audit answers"] : []),
    ...(before.triaging === after.triaging ? [] : ["other result of triage"]),
  ];
}
