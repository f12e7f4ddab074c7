/** What the dashboard answers about trades and calls, and what its page shows. Types alone. Where contents are masked, pseudonyms stand in their place. */
import type { TradeSort } from "./outcomes.js";

/** In the place of contents that were masked, or of what is not known. */
type Shown = string | null;

export interface TradeRow {
  tradeId: string;
  orderId: string | null;
  /** Trades of the same order in the batch. */
  fills: number;
  /** ISO 8601. */
  orderTime: string;
  tradeTime: string | null;
  client: string;
  dealerId: string;
  side: string;
  quantity: number;
  symbol: string;
  price: number;
  /** One of OUTCOMES, or the verdict of another service. */
  outcome: string;
  /** SIDE, SYMBOL, QTY, PRICE, CLIENT. */
  mismatches: readonly string[];
  callId: string | null;
  /** A sentence; null where it is masked, or not known yet. */
  reason: Shown;
}

/** A row of trades.csv that was set aside. */
export interface RefusedRow {
  line: number;
  /** The latest error of the row. */
  eventId: number;
  message: string | null;
}

export interface TradesPage {
  /** Contents are masked. */
  masked: boolean;
  rows: TradeRow[];
  /** In the place of `rows` when the outcome REFUSED is asked for. */
  refusedRows: RefusedRow[];
  /** Of all that pass, the place of the first row. */
  offset: number;
  /** That pass. */
  total: number;
  /** Of the whole batch by outcome, with REFUSED; their sum is the rows of trades.csv. */
  outcomes: { outcome: string; count: number }[];
  sort: TradeSort;
  asOf: string;
  head: number;
}

/** Words of a transcript that something rests on. */
export interface Quote {
  startS: number;
  endS: number;
  text: string;
}

export interface ComparedField {
  /** SIDE, SYMBOL, QTY, PRICE or CLIENT. */
  field: string;
  /** open: the call leaves it open. null: nothing was compared. */
  outcome: "same" | "different" | "open" | null;
  executed: string;
  spoken: Shown;
}

/** A call that triage considered for the trade, or that its verdict rests on. */
export interface Candidate {
  callId: string;
  /** null where the batch has no such call any more. */
  call: { fileName: string; startTime: string; durationS: number } | null;
  /** null: triage did not consider it. */
  triage: {
    ranking: number;
    score: number;
    parts: { phone: number; clientCode: number; dealer: number; time: number };
    flags: string[];
    selected: boolean;
    reason: Shown;
  } | null;
  /** The verdict rests on it. */
  decided: boolean;
  /** Ids of the events in which models were asked about it; null where that was not done. */
  events: { stt: number | null; llm1: number | null; llm2: number | null } | null;
}

export interface TradePage {
  masked: boolean;
  trade: TradeRow & {
    phones: string[];
    exchange: string | null;
    instrument: string | null;
    expiry: string | null;
    strike: number | null;
    optionType: string | null;
    lotSize: number | null;
    orderType: string | null;
    orderSource: string | null;
  };
  /** All trades of the order, this one among them. */
  fills: { tradeId: string; tradeTime: string | null; quantity: number; price: number; outcome: string }[];
  fields: ComparedField[];
  /** What was compared beside the fields. */
  notes: string[];
  triage: { result: string; reason: Shown; steps: { rule: string; outcome: string; detail: Shown }[] } | null;
  candidates: Candidate[];
  /** Newest first. */
  history: {
    eventId: number;
    loggedAt: string;
    run: number | null;
    /** Of Cofi. */
    version: string | null;
    verdict: string | null;
    reason: Shown;
    /** Runs that came to the same. */
    confirmedBy: readonly number[];
    /** It arrived after a newer run had begun. */
    late: boolean;
    /** What differs from the verdict before, in words. */
    changed: string[];
  }[];
}

/** An order that was heard in a call. */
export interface SpokenOrder {
  action: string;
  side: Shown;
  symbol: Shown;
  quantity: Shown;
  price: Shown;
  readBack: boolean | null;
  confirmed: boolean | null;
  /** 0 to 1. */
  confidence: number | null;
  quotes: Quote[];
}

export interface CallPage {
  masked: boolean;
  callId: string;
  fileName: string;
  startTime: string;
  durationS: number;
  direction: string | null;
  caller: Shown;
  callee: Shown;
  dealerId: string | null;
  client: Shown;
  language: string | null;
  /** Seconds between which the conversation lies. */
  trim: { startS: number; endS: number } | null;
  audioUsable: boolean;
  orders: SpokenOrder[];
  answers: { questionId: string; answer: string; confidence: number | null; rationale: Shown; quotes: Quote[] }[];
}

export interface TranscriptPage {
  masked: boolean;
  callId: string;
  language: string | null;
  model: string | null;
  /** 0 to 1. */
  confidence: number | null;
  segments: {
    id: number;
    startS: number;
    endS: number;
    text: string;
    confidence: number | null;
    speaker: "dealer" | "client" | null;
  }[];
}

/** The recording itself, or with less noise. */
export type SoundName = "original" | "denoised";

/** Leave to hear a call. */
export interface SoundAnswer {
  /** Goes with each request for the sound. */
  ticket: string;
  /** Whether the recording is the one that was processed, by its SHA-256; null where that is not known. */
  same: boolean | null;
  /** Where the recording lies. */
  source: "folder" | "engine";
  sounds: SoundName[];
}

export interface SoundPeaks {
  /** Length of the sound. */
  seconds: number;
  /** 0 to 255, one for each of equal parts. */
  peaks: number[];
}
