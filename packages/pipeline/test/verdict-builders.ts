/** Orders, calls and spoken orders for the tests of the verdict. */
import type { ExtractedTrade } from "@cofi/pipeline/engine-contract";
import type { ExecutedOrder } from "@cofi/pipeline/executed-order";
import { verdict, type VerdictInput } from "@cofi/pipeline/verdict";
import type { VerdictCall } from "@cofi/pipeline/verdict-call";

export const CALL_START = new Date("2026-03-02T09:30:00Z");

export type Fill = ExecutedOrder["fills"][number];
export type Fields = Partial<Omit<ExecutedOrder, "fills"> & Fill>;

/** An order with one fill, or with these. */
export function order(
  { tradeId = "T1", quantity = 200, price = 1500, ...fields }: Fields = {},
  fills?: Fill[],
): ExecutedOrder {
  return {
    orderTime: new Date("2026-03-02T09:31:00Z"),
    clientCode: "AB1234",
    symbol: "INFY",
    instrument: "EQ",
    expiry: null,
    strike: null,
    optionType: null,
    side: "BUY",
    lotSize: null,
    day: "2026-03-02",
    fills: fills ?? [{ tradeId, quantity, price }],
    ...fields,
  };
}

export function spoken(fields: Partial<ExtractedTrade> = {}): ExtractedTrade {
  return {
    action: "NEW",
    side: "BUY",
    symbol: "INFY",
    symbol_spoken: "infosys",
    instrument: "EQ",
    quantity: 200,
    unit: "SHARES",
    price_type: "LIMIT",
    price: 1500,
    trigger: null,
    strike: null,
    option_type: null,
    expiry: null,
    read_back: true,
    client_confirmed: true,
    client_answer: null,
    answer_evidence: [],
    initiated_by: null,
    closes_position: null,
    client_code: null,
    quantity_readings: [],
    price_readings: [],
    confidence: 0.9,
    evidence: [{ segment: 3, start_s: 12, end_s: 16, quote: "buy two hundred infosys at fifteen hundred" }],
    ...fields,
  };
}

export function call(fields: Partial<VerdictCall> = {}): VerdictCall {
  return {
    callId: "C1",
    startTime: CALL_START,
    endTime: new Date("2026-03-02T09:31:10Z"),
    clientCode: "AB1234",
    trades: [spoken()],
    answers: [],
    transcriptConfidence: 0.9,
    isConfidenceUnknown: false,
    speakers: {},
    unknownSymbols: [],
    isVocabularyOld: false,
    ...fields,
  };
}

export function input(fields: Partial<VerdictInput> = {}): VerdictInput {
  return { order: order(), triage: "MATCHED", triageReason: "Call C1 scores 100.", calls: [call()], ...fields };
}

/** The verdict for one trade and what one call says. */
export function judge(tradeFields: Fields, spokenFields: Partial<ExtractedTrade>) {
  const { verdict: kind, mismatches } = verdict(
    input({ order: order(tradeFields), calls: [call({ trades: [spoken(spokenFields)] })] }),
  );
  return mismatches.length > 0 ? `${kind}[${mismatches.join("|")}]` : kind;
}
