/** The step `calls`, after lid: inserts the calls of the batch with what was found out about their audio. */
import { CHANGED } from "@cofi/event-log/event-metadata";
import type { NewCall } from "@cofi/evidence/records";
import type { StageContext } from "../batch/context.js";
import { defineStage, asIs } from "../batch/stage.js";
import type { ListedCall } from "../csv/calls-csv.js";

/** Events that are written at once. */
const SAID_AT_ONCE = 1_000;

type CallsContext = StageContext<"calls" | "stt" | "llm1" | "llm2">;

export const calls = defineStage("calls", ["calls", "stt", "llm1", "llm2"], (context) => ({
  answeredBy: "this process",
  plan: async () => ({ units: [] }),
  payload: () => null,
  ask: () => asIs(null),
  async finish() {
    const rows = context.calls.all().map((call) => withFindings(call, context));
    const moving = (fileNames: readonly string[]): Promise<void> => sayMoved(context, fileNames);
    await context.persist(() => context.results.replaceCalls(context.run, rows, moving));
    await forgetOutdated(context);
    await context.logger.info("calls", `${rows.length} calls inserted`, { metadata: { calls: rows.length } });
  },
}));

/** Where the results of a stage are. */
const HEARD = { stt: "transcript", llm1: "extractedTrade", llm2: "auditAnswer" } as const;

/** The log says of recordings that get another call that what was heard is stored again: by this run, or by the next. */
async function sayMoved({ answers, logger }: CallsContext, fileNames: readonly string[]): Promise<void> {
  const heard = [...(await answers.ids("stt", fileNames)).keys()];
  const message = "Another call than in an earlier run: what was heard is stored again";
  for (let start = 0; start < heard.length; start += SAID_AT_ONCE) {
    const part = heard.slice(start, start + SAID_AT_ONCE);
    await Promise.all(part.map((fileName) => logger.info("calls", message, { fileName, metadata: CHANGED })));
  }
}

/** Removes results of recordings that have changed since: they must not stay under the call where a stage does not reach the recording again. */
async function forgetOutdated({ answers, calls: inBatch, persist, results, run }: CallsContext): Promise<void> {
  const changed = [...answers.changes.keys()].flatMap((name) => inBatch.of(name) ?? []);
  for (const stage of ["stt", "llm1", "llm2"] as const) {
    const heard = await answers.ids(
      stage,
      changed.map(({ fileName }) => fileName),
    );
    const outdated = changed.flatMap(({ callId, fileName }) => (heard.has(fileName) ? [] : [callId]));
    await persist(() => results.removeHeard(run, HEARD[stage], outdated));
  }
}

/** A call whose audio could not be processed is inserted too, marked so. */
function withFindings(call: ListedCall, { measured }: Pick<StageContext<never>, "measured">): NewCall {
  const speech = measured.speechOf(call.fileName);
  const heard = measured.languageOf(call.fileName);
  return {
    callId: call.callId,
    fileName: call.fileName,
    startTime: call.startTime,
    durationS: call.durationS,
    direction: call.direction,
    callerNumber: call.callerNumber,
    calleeNumber: call.calleeNumber,
    extension: call.extension,
    dealerId: call.dealerId,
    clientCode: call.clientCode,
    channels: call.channels,
    language: heard?.language ?? null,
    languageConfidence: heard?.confidence ?? null,
    trimStartS: speech?.trim.start_s ?? null,
    trimEndS: speech?.trim.end_s ?? null,
    speechS: speech?.speechS ?? null,
    audioUsable: speech !== undefined,
  };
}
