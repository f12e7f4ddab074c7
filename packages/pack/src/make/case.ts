/** All that a batch knows of one trade, as far as it fits into memory: events and recordings are read when they are written. */
import type { Batch } from "@cofi/event-log/events";
import type { RunRecord, Store } from "@cofi/event-log/store";
import type {
  AnswerRecord,
  CallRecord,
  ExtractedTradeRecord,
  TradeCallRecord,
  TradeRecord,
  TranscriptRecord,
} from "@cofi/evidence/records";
import type { Results } from "@cofi/evidence/results";
import type { ReviewRow } from "@cofi/evidence/review/case";
import { Reviews } from "@cofi/evidence/review/reviews";
import { SealReader } from "@cofi/evidence/seal-reader";
import type { Seal } from "@cofi/evidence/seal-statement";
import type { LoggedVerdict } from "@cofi/evidence/verdict-records";

/** A recording that the verdict rests on, or would. */
export interface CaseCall {
  callId: string;
  fileName: string;
  /** Of the recording that was processed; null when the log does not say. */
  sha256: string | null;
  /** As calls.csv and the engines have it; null when the batch does not know it any more. */
  record: CallRecord | null;
  transcript: TranscriptRecord | null;
  extracted: readonly ExtractedTradeRecord[];
  answers: readonly AnswerRecord[];
}

export interface Case {
  batch: Batch;
  databaseId: string;
  trade: TradeRecord;
  /** The trades of its order, which are judged together; itself among them. */
  order: readonly TradeRecord[];
  /** The calls that triage considered, best first. */
  candidates: readonly TradeCallRecord[];
  calls: readonly CaseCall[];
  /** Newest first. */
  verdicts: readonly LoggedVerdict[];
  /** What people did with the case, in its order. */
  reviews: readonly ReviewRow[];
  runs: readonly RunRecord[];
  /** Of the batch, in their order. */
  seals: readonly Seal[];
  /** Names under which the log has events of the case. */
  fileNames: readonly string[];
  /** Id of the newest event when the case was read. */
  upToId: number;
}

/** @returns null when the batch has no such trade. @throws DatabaseUnavailableError */
export async function readCase(store: Store, results: Results, batch: Batch, tradeId: string): Promise<Case | null> {
  const upToId = await store.maxEventId();
  const [trade] = await results.trades(batch.id, { tradeId });
  if (!trade) return null;
  const order = trade.orderId === null ? [trade] : await results.trades(batch.id, { orderId: trade.orderId });
  const candidates = await results.tradeCalls(batch.id, tradeId);
  const verdicts = await results.verdictHistory(batch.id, tradeId);
  const calls: CaseCall[] = [];
  for (const asked of callsOf(trade, candidates, verdicts)) {
    const call = await readCall(store, results, batch.id, asked);
    if (call) calls.push(call);
  }
  const seals: Seal[] = [];
  for await (const seal of new SealReader(store.database).seals(batch.id)) seals.push(seal);
  return {
    batch,
    databaseId: await store.databaseId(),
    trade,
    order,
    candidates,
    calls,
    verdicts,
    reviews: await new Reviews(store.database).rows(batch.id, tradeId),
    runs: await store.runs(batch.id),
    seals,
    fileNames: [...new Set([tradeId, ...calls.map(({ fileName }) => fileName)])],
    upToId,
  };
}

interface AskedCall {
  callId: string;
  fileName: string | null;
  sha256: string | null;
}

/** The calls that the verdict in force rests on; without a verdict, those that triage has selected. */
function callsOf(
  { verdictCallId }: TradeRecord,
  candidates: readonly TradeCallRecord[],
  verdicts: readonly LoggedVerdict[],
): AskedCall[] {
  const inForce = verdicts.find(({ history }) => history !== true);
  const found = new Map<string, AskedCall>();
  for (const { callId, fileName, recordingSha256: sha256 } of inForce?.restsOn.calls ?? [])
    found.set(callId, { callId, fileName, sha256 });
  const selected = candidates.flatMap(({ callId, selected: isSelected }) => (isSelected ? [callId] : []));
  for (const callId of inForce ? [verdictCallId] : selected)
    if (callId !== null && !found.has(callId)) found.set(callId, { callId, fileName: null, sha256: null });
  return [...found.values()];
}

/** null when the batch knows of no recording of the call. */
async function readCall(
  store: Store,
  results: Results,
  batchId: number,
  { callId, ...asked }: AskedCall,
): Promise<CaseCall | null> {
  const [record = null] = await results.calls(batchId, callId);
  const fileName = asked.fileName ?? record?.fileName;
  if (fileName === undefined) return null;
  return {
    callId,
    fileName,
    sha256: asked.sha256 ?? (await processedSha256(store, batchId, fileName)),
    record,
    transcript: await results.transcript(batchId, callId),
    extracted: await results.extractedTrades(batchId, callId),
    answers: await results.answers(batchId, callId),
  };
}

/** Of the recording that reached a host; null when the log does not say. */
async function processedSha256(store: Store, batchId: number, fileName: string): Promise<string | null> {
  const answers = await store.answers(batchId, "file_distribution", [fileName]);
  const response = answers.get(fileName)?.response;
  if (typeof response !== "object" || response === null || Array.isArray(response)) return null;
  const { sha256 } = response;
  return typeof sha256 === "string" && /^[0-9a-f]{64}$/i.test(sha256) ? sha256.toLowerCase() : null;
}
