/** What the page shows. */
import type { Database } from "@cofi/event-log/database";
import type { Batch } from "@cofi/event-log/events";
import type {
  AnswerRecord,
  CallRecord,
  ExtractedTradeRecord,
  TradeCallRecord,
  TradeRecord,
  TranscriptRecord,
} from "@cofi/evidence/records";
import type { ReviewRow } from "@cofi/evidence/review/case";
import type { LoggedVerdict } from "@cofi/evidence/verdict-records";

export interface PageCall {
  call: {
    callId: string;
    fileName: string;
    sha256: string | null;
    record: CallRecord | null;
    transcript: TranscriptRecord | null;
    extracted: readonly ExtractedTradeRecord[];
    answers: readonly AnswerRecord[];
  };
  /** Of the recording, from the page. */
  name: string;
  /** null when the recording is not in the pack. */
  copy: object | null;
  problem: string | null;
}

export interface PageMaterial {
  case: {
    batch: Batch;
    trade: TradeRecord;
    order: readonly TradeRecord[];
    candidates: readonly TradeCallRecord[];
    verdicts: readonly LoggedVerdict[];
    reviews: readonly ReviewRow[];
    seals: readonly { seq: number; at: string; events: number; keyId: string }[];
  };
  recordings: readonly PageCall[];
  database: Database;
}
