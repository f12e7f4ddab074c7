/** Computes the verdicts of a batch from what its stages found, and stores them. */
import type { NewVerdict } from "@cofi/evidence/records";
import type { BatchRun } from "../batch/batch-run.js";
import { triageCalls } from "../stages/call-records.js";
import { judgeOrders } from "./judge-orders.js";
import type { VerdictCall } from "./verdict.js";
import { DEFAULT_VERDICT } from "./verdict-config.js";

/**
 * Computes and stores the verdict of every trade in scope.
 * @returns how many trades have which verdict, by name
 */
export async function storeVerdicts(run: BatchRun): Promise<Map<string, number>> {
  const calls = new Map(triageCalls(run).map((call) => [call.callId, heard(run, call)]));
  const config = { triage: run.triageConfig, verdict: DEFAULT_VERDICT };
  const judged = judgeOrders(
    run.trades,
    (tradeId) => run.triage.get(tradeId),
    (callId) => calls.get(callId),
    config,
  );
  const verdicts = judged.flatMap(({ order, result }) =>
    order.fills.flatMap(({ tradeId }): NewVerdict[] => {
      const { verdict, callId, reason, mismatches, detail: lines } = result;
      return verdict === null ? [] : [{ tradeId, verdict, callId, reason, detail: { mismatches, lines } }];
    }),
  );
  await run.persist(() => run.results.saveVerdicts(run.run, verdicts));
  const counts = new Map<string, number>();
  for (const { verdict } of verdicts) counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  return new Map([...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function heard(
  run: BatchRun,
  { callId, fileName, startTime, endTime }: ReturnType<typeof triageCalls>[number],
): VerdictCall {
  const extraction = run.findings.llm1.get(fileName);
  const transcript = run.findings.stt.get(fileName);
  // A call in which nothing was said was read, and holds no order.
  const isSilent = transcript?.segments.length === 0;
  return {
    callId,
    startTime,
    endTime,
    clientCode: extraction?.client_identity.code ?? null,
    trades: extraction?.trades ?? (isSilent ? [] : null),
    answers: run.findings.llm2.get(fileName)?.answers ?? [],
    transcriptConfidence: transcript?.confidence ?? null,
  };
}
