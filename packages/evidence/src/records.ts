/** What a batch finds out, as callers see it: times are Dates, flags booleans, JSON parsed; null is "not known". */

export interface CallRecord {
  callId: string;
  fileName: string;
  startTime: Date;
  /** Seconds, as calls.csv says. */
  durationS: number;
  direction: string | null;
  /** E.164. */
  callerNumber: string | null;
  calleeNumber: string | null;
  extension: string | null;
  dealerId: string | null;
  clientCode: string | null;
  channels: number | null;
  /** ISO 639-1, or `und`. */
  language: string | null;
  /** 0 to 1. */
  languageConfidence: number | null;
  /** Seconds from the start of the recording between which the conversation lies. */
  trimStartS: number | null;
  trimEndS: number | null;
  /** Seconds of speech inside the trim. */
  speechS: number | null;
  audioUsable: boolean;
}

/** What is not known of a call when it is stored may be left out. */
export type NewCall = Omit<CallRecord, AudioFinding> & Partial<Pick<CallRecord, AudioFinding>>;
type AudioFinding = "language" | "languageConfidence" | "trimStartS" | "trimEndS" | "speechS" | "audioUsable";

export interface NewTrade {
  tradeId: string;
  orderId: string | null;
  orderTime: Date;
  tradeTime: Date | null;
  clientCode: string;
  /** E.164. */
  clientPhones: string[];
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
}

export interface TriageStepRecord {
  rule: string;
  outcome: string;
  detail: string;
}

/** A trade with what triage and the verdict said of it; null before they ran. */
export interface TradeRecord extends NewTrade {
  triage: string | null;
  triageReason: string | null;
  triageSteps: TriageStepRecord[] | null;
  verdict: string | null;
  /** The call that the verdict rests on. */
  verdictCallId: string | null;
  verdictReason: string | null;
  verdictDetail: unknown;
}

export interface NewTriage {
  tradeId: string;
  result: string;
  reason: string;
  steps: readonly TriageStepRecord[];
  candidates: readonly {
    callId: string;
    rank: number;
    score: number;
    components: { phone: number; clientCode: number; dealer: number; time: number };
    flags: readonly string[];
    selected: boolean;
    reason: string;
  }[];
}

/** One call that triage considered for one trade. */
export interface TradeCallRecord {
  tradeId: string;
  callId: string;
  /** 1 is the best. */
  ranking: number;
  score: number;
  phoneScore: number;
  clientCodeScore: number;
  dealerScore: number;
  timeScore: number;
  flags: string[];
  selected: boolean;
  reason: string;
}

/** As the engines' contract has it: times are seconds from the start of the recording. */
export interface TranscriptSegment {
  id: number;
  start_s: number;
  end_s: number;
  text: string;
  confidence: number | null;
  /** null, or left out, where nobody can tell. */
  speaker?: "dealer" | "client" | null | undefined;
}

export interface TranscriptRecord {
  callId: string;
  language: string | null;
  /** 0 to 1. */
  confidence: number | null;
  model: string | null;
  text: string;
  segments: TranscriptSegment[];
}

/** Words of the transcript that a finding rests on; `segment` is the id of the segment they stand in. */
export interface Evidence {
  segment: number;
  start_s: number;
  end_s: number;
  quote: string;
}

export interface NewExtractedTrade {
  /** NEW, MODIFY, CANCEL, or PROPOSAL: spoken of and not ordered. */
  action: string;
  side: string | null;
  symbol: string | null;
  symbolSpoken: string | null;
  instrument: string | null;
  quantity: number | null;
  /** SHARES or LOTS. */
  unit: string | null;
  priceType: string | null;
  price: number | null;
  triggerPrice: number | null;
  strike: number | null;
  optionType: string | null;
  expiry: string | null;
  readBack: boolean | null;
  clientConfirmed: boolean | null;
  confidence: number | null;
  evidence: Evidence[];
}

/** A trade spoken of in a call. */
export interface ExtractedTradeRecord extends NewExtractedTrade {
  callId: string;
  /** Position in the call, from 0. */
  ordinal: number;
  /** Who the client says they are, or is addressed as, in this call. */
  clientName: string | null;
  clientCode: string | null;
}

export interface NewAnswer {
  questionId: string;
  answer: string;
  confidence: number | null;
  evidence: Evidence[];
  rationale: string | null;
}

export interface AnswerRecord extends NewAnswer {
  callId: string;
}

export interface NewVerdict {
  tradeId: string;
  verdict: string;
  callId: string | null;
  reason: string;
  /** Any JSON value. */
  detail: unknown;
}
