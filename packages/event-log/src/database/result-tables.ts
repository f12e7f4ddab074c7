/** The result tables as kysely sees them; the SQL that makes them is in `migrations/`. Times are UTC text, JSON is text, flags are 0 or 1. */
import type { Generated } from "kysely";

interface CallRecordTable {
  id: Generated<number>;
  batchId: number;
  callId: string;
  fileName: string;
  startTime: string;
  durationS: number;
  direction: string | null;
  callerNumber: string | null;
  calleeNumber: string | null;
  extension: string | null;
  dealerId: string | null;
  clientCode: string | null;
  channels: number | null;
  language: string | null;
  languageConfidence: number | null;
  trimStartS: number | null;
  trimEndS: number | null;
  speechS: number | null;
  audioUsable: Generated<number>;
}

interface TradeTable {
  id: Generated<number>;
  batchId: number;
  tradeId: string;
  orderId: string | null;
  orderTime: string;
  tradeTime: string | null;
  clientCode: string;
  clientPhones: string | null;
  dealerId: string;
  exchange: string | null;
  symbol: string;
  instrument: string | null;
  expiry: string | null;
  strike: number | null;
  optionType: string | null;
  side: string;
  quantity: number;
  lotSize: number | null;
  price: number;
  orderType: string | null;
  orderSource: string | null;
  triage: string | null;
  triageReason: string | null;
  triageSteps: string | null;
  verdict: string | null;
  verdictCallId: string | null;
  verdictReason: string | null;
  verdictDetail: string | null;
}

interface TradeCallTable {
  id: Generated<number>;
  batchId: number;
  tradeId: string;
  callId: string;
  ranking: number;
  score: number;
  phoneScore: number;
  clientCodeScore: number;
  dealerScore: number;
  timeScore: number;
  flags: string | null;
  selected: number;
  reason: string;
}

interface TranscriptTable {
  id: Generated<number>;
  batchId: number;
  callId: string;
  language: string | null;
  confidence: number | null;
  model: string | null;
  text: string;
  segments: string;
  /** What the index of words holds; null for transcripts of earlier versions. */
  words: Generated<string | null>;
  isIndexed: Generated<number>;
}

interface ExtractedTradeTable {
  id: Generated<number>;
  batchId: number;
  callId: string;
  ordinal: number;
  action: string;
  side: string | null;
  symbol: string | null;
  symbolSpoken: string | null;
  instrument: string | null;
  quantity: number | null;
  unit: string | null;
  priceType: string | null;
  price: number | null;
  triggerPrice: number | null;
  strike: number | null;
  optionType: string | null;
  expiry: string | null;
  readBack: number | null;
  clientConfirmed: number | null;
  confidence: number | null;
  clientName: string | null;
  clientCode: string | null;
  evidence: string | null;
}

interface AuditAnswerTable {
  id: Generated<number>;
  batchId: number;
  callId: string;
  questionId: string;
  answer: string;
  confidence: number | null;
  evidence: string | null;
  rationale: string | null;
}

interface ReviewTable {
  id: Generated<number>;
  batchId: number;
  /** Empty for what was done with the batch as a whole. */
  tradeId: string;
  /** Counts up from 1 within the case. */
  number: number;
  what: string;
  who: string;
  role: string;
  at: string;
  /** Of a decision, by its name in the table of reasons; of a correction what it corrects. */
  reason: string | null;
  note: string | null;
  /** Of a decision: the verdict that it is about, and the event that says it. */
  verdict: string | null;
  verdictEventId: number | null;
  data: string | null;
}

export interface ResultTables {
  callRecord: CallRecordTable;
  trade: TradeTable;
  tradeCall: TradeCallTable;
  transcript: TranscriptTable;
  extractedTrade: ExtractedTradeTable;
  auditAnswer: AuditAnswerTable;
  review: ReviewTable;
}
