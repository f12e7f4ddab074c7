/** The step `calls`, after lid: inserts the calls of the batch with what was found out about their audio. */
import type { NewCall } from "@cofi/evidence/records";
import { IN_PROCESS, defineStage, asIs } from "../batch/stage.js";

export const calls = defineStage("calls", ["calls", "ivr", "lid"], (context) => ({
  answeredBy: IN_PROCESS,
  plan: async () => ({ units: [] }),
  payload: () => null,
  ask: () => asIs(null),
  async finish() {
    const rows = context.calls.all();
    const byFile = new Map(
      rows.map(({ line: _line, ...row }): [string, NewCall] => [row.fileName, { ...row, audioUsable: false }]),
    );
    // A call whose audio could not be processed is inserted too, marked so.
    for await (const [name, { answer }] of context.answers.each("ivr", byFile.keys()))
      Object.assign(byFile.get(name)!, {
        trimStartS: answer.trim.start_s,
        trimEndS: answer.trim.end_s,
        speechS: answer.speech_s,
        audioUsable: true,
      } satisfies Partial<NewCall>);
    for await (const [name, { answer }] of context.answers.each("lid", byFile.keys()))
      Object.assign(byFile.get(name)!, {
        language: answer.language,
        languageConfidence: answer.confidence,
      } satisfies Partial<NewCall>);
    await context.persist(() => context.results.replaceCalls(context.run, [...byFile.values()]));
    await context.logger.info("calls", `${rows.length} calls inserted`, { metadata: { calls: rows.length } });
  },
}));
