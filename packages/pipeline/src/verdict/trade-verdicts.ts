/** Computes the verdicts of a batch from what its stages found, and stores them. */
import type { NewVerdict } from "@cofi/evidence/records";
import type { StageContext } from "../batch/context.js";
import { triageCalls } from "../stages/triaging.js";
import type { TradeTriage } from "../triage/triage.js";
import { judgeOrders } from "./judge-orders.js";
import type { VerdictCall } from "./verdict.js";
import { DEFAULT_VERDICT } from "./verdict-config.js";

export type VerdictContext = StageContext<"calls" | "trades" | "ivr" | "triaging" | "stt" | "llm1" | "llm2">;

/**
 * Computes and stores the verdict of every trade in scope.
 * @returns how many trades have which verdict, by name
 */
export async function storeVerdicts(context: VerdictContext): Promise<Map<string, number>> {
  const calls = await heardCalls(context);
  const triaged = new Map<string, TradeTriage>();
  const names = context.trades.all.map(({ tradeId }) => tradeId);
  for await (const [tradeId, { answer }] of context.answers.each("triaging", names)) triaged.set(tradeId, answer);
  const judged = judgeOrders(
    context.trades.all,
    (tradeId) => triaged.get(tradeId),
    (callId) => calls.get(callId),
    { triage: context.triageConfig, verdict: DEFAULT_VERDICT },
  );
  const verdicts = judged.flatMap(({ order, result }) =>
    order.fills.flatMap(({ tradeId }): NewVerdict[] => {
      const { verdict, callId, reason, mismatches, detail: lines } = result;
      return verdict === null ? [] : [{ tradeId, verdict, callId, reason, detail: { mismatches, lines } }];
    }),
  );
  await context.persist(() => context.results.saveVerdicts(context.run, verdicts));
  const counts = new Map<string, number>();
  for (const { verdict } of verdicts) counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  return new Map([...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** What was heard in each call, by its id: without the transcripts, which verdicts do not need. */
async function heardCalls(context: VerdictContext): Promise<Map<string, VerdictCall>> {
  const { answers } = context;
  const byFile = new Map(
    (await triageCalls(context)).map(({ callId, fileName, startTime, endTime }): [string, VerdictCall] => [
      fileName,
      { callId, startTime, endTime, clientCode: null, trades: null, answers: [], transcriptConfidence: null },
    ]),
  );
  const files = [...byFile.keys()];
  for await (const [name, { answer }] of answers.each("stt", files)) {
    // A call in which nothing was said was read, and holds no order.
    const trades = answer.segments.length === 0 ? [] : null;
    byFile.set(name, { ...byFile.get(name)!, trades, transcriptConfidence: answer.confidence });
  }
  for await (const [name, { answer }] of answers.each("llm1", files))
    byFile.set(name, { ...byFile.get(name)!, trades: answer.trades, clientCode: answer.client_identity.code });
  for await (const [name, { answer }] of answers.each("llm2", files))
    byFile.set(name, { ...byFile.get(name)!, answers: answer.answers });
  return new Map([...byFile.values()].map((call) => [call.callId, call]));
}
