/** Trades, calls and short answers for the tests of triage. */
import type { TradeRow } from "@cofi/pipeline/trades-csv";
import { triage, type TradeTriage } from "@cofi/pipeline/triage";
import type { TriageCall } from "@cofi/pipeline/triage-calls";
import { DEFAULT_TRIAGE, type TriageConfig } from "@cofi/pipeline/triage-config";

export const CLIENT = "+919812345678";
/** 10:00 on the trading day; minutes and seconds after it. */
export const at = (minutes: number, seconds = 0) => new Date(Date.UTC(2026, 10, 20, 10, minutes, seconds));

export const trade = (more: Partial<TradeRow> = {}): TradeRow => ({
  tradeId: "t1",
  orderId: "o1",
  orderTime: at(0),
  tradeTime: null,
  clientCode: "C1",
  clientPhones: [CLIENT],
  dealerId: "D07",
  exchange: "NSE",
  symbol: "RELIANCE",
  instrument: "EQ",
  expiry: null,
  strike: null,
  optionType: null,
  side: "BUY",
  quantity: 100,
  lotSize: null,
  price: 1650,
  orderType: null,
  orderSource: "DEALER",
  ...more,
});

/** From its start, one minute long unless said. */
export const call = (callId: string, startTime: Date, more: Partial<TriageCall> = {}): TriageCall => ({
  callId,
  fileName: `${callId}.wav`,
  startTime,
  endTime: new Date(startTime.getTime() + 60_000),
  durationS: 60,
  direction: "IN",
  callerNumber: CLIENT,
  calleeNumber: null,
  extension: null,
  dealerId: "D07",
  clientCode: null,
  channels: 1,
  speechS: 40,
  audioUsable: true,
  ...more,
});

export function one(
  calls: TriageCall[],
  more: Partial<TradeRow> = {},
  config: Partial<TriageConfig> = {},
): TradeTriage {
  const [result] = triage([trade(more)], calls, { ...DEFAULT_TRIAGE, ...config });
  if (!result) throw new Error("no result");
  return result;
}

export const selected = (result: TradeTriage) =>
  result.candidates.filter((each) => each.selected).map((each) => each.callId);

export const byId = (results: TradeTriage[]) => results.toSorted((a, b) => (a.tradeId < b.tradeId ? -1 : 1));

export const number = (client: number) => `+9198${String(10_000_000 + client)}`;

export const spread = (id: number) => at(-60 + (id % 400));
