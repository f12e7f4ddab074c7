/** Brings together what triage, transcripts, extraction and answers say of each order, and stores its verdict. */
import type { NewVerdict } from "@cofi/evidence/records";
import type { BatchRun } from "../batch/batch-run.js";
import type { ListedTrade } from "../csv/trades-csv.js";
import type { TradeTriage } from "../triage/triage.js";
import { triageCalls } from "../stages/call-records.js";
import type { TriageCall } from "../triage/triage-calls.js";
import { verdict, type VerdictCall } from "./verdict.js";

/**
 * Computes and stores the verdict of every trade in scope.
 * @returns how many trades have which verdict
 */
export async function storeVerdicts(run: BatchRun): Promise<Map<string, number>> {
  const calls = new Map(triageCalls(run).map((call) => [call.callId, call]));
  const verdicts: NewVerdict[] = [];
  const counts = new Map<string, number>();
  for (const fills of orders(run.trades)) {
    const found = run.triage.get(fills[0].tradeId);
    if (!found) continue;
    const {
      verdict: name,
      callId,
      reason,
      mismatches,
      detail,
    } = verdict({
      fills: fills.map((fill) => ({ ...fill, instrument: fill.instrument ?? null })),
      triage: found.result,
      triageReason: found.reason,
      calls: candidates(run, found, calls),
    });
    if (name === null) continue;
    counts.set(name, (counts.get(name) ?? 0) + fills.length);
    for (const { tradeId } of fills)
      verdicts.push({ tradeId, verdict: name, callId, reason, detail: { mismatches, lines: detail } });
  }
  await run.persist(() => run.results.saveVerdicts(run.run, verdicts));
  return counts;
}

/** The fills of one order together; a trade without an order id by itself. An order id may be used by more than one client. */
function orders(trades: readonly ListedTrade[]): [ListedTrade, ...ListedTrade[]][] {
  const groups = new Map<string, [ListedTrade, ...ListedTrade[]]>();
  for (const trade of trades) {
    const { orderId, tradeId, clientCode } = trade;
    const key = JSON.stringify(orderId === null ? [tradeId] : [orderId, clientCode]);
    const group = groups.get(key);
    if (group) group.push(trade);
    else groups.set(key, [trade]);
  }
  return [...groups.values()];
}

/** The calls worth a look, best first: those that triage selected, or the later ones where there is no earlier call. */
function candidates(run: BatchRun, found: TradeTriage, calls: ReadonlyMap<string, TriageCall>): VerdictCall[] {
  const late = found.result === "CALL_AFTER_ORDER" || found.result === "AUDIO_UNUSABLE";
  return found.candidates.flatMap(({ callId, selected, flags }): VerdictCall[] => {
    const call = calls.get(callId);
    if (!call || !(selected || (late && flags.some((flag) => flag === found.result)))) return [];
    const extraction = run.findings.llm1.get(call.fileName);
    const transcript = run.findings.stt.get(call.fileName);
    // Nothing was said: read, and no order in it.
    const silent = transcript?.segments.length === 0;
    return [
      {
        callId,
        startTime: call.startTime,
        endTime: call.endTime,
        clientCode: extraction?.client_identity.code ?? null,
        trades: extraction?.trades ?? (silent ? [] : null),
        answers: run.findings.llm2.get(call.fileName)?.answers ?? [],
        transcriptConfidence: transcript?.confidence ?? null,
      },
    ];
  });
}
