/**
 * Rule engine step 1: which calls may hold the client's instruction for a trade. Trades out of scope are told apart, fills of
 * one order are put together, and the rules of `triage-rules.ts` are asked once per order. No input or output happens here.
 */
import type { TradeRow } from "../csv/trades-csv.js";
import { CallIndex, type TriageCall } from "./triage-calls.js";
import type { TriageConfig } from "./triage-config.js";
import { triageOrder, type OrderTriage, type TriageStep } from "./triage-rules.js";
import type { Order } from "./triage-score.js";
import { dayIn } from "../csv/zoned-time.js";

/** What triage says of one trade; each step and candidate with its reason. */
export interface TradeTriage extends OrderTriage {
  tradeId: string;
  orderId: string | null;
}

function inScope({ orderSource }: TradeRow, config: TriageConfig): boolean {
  return orderSource === null || config.orderSources.includes(orderSource.toUpperCase());
}

/** The fills of an order by time, then id: whatever order they come in, they make the same {@link Order}. */
function orderOf(fills: readonly TradeRow[], config: TriageConfig): Order {
  const sorted = fills.toSorted(
    (a, b) => a.orderTime.getTime() - b.orderTime.getTime() || (a.tradeId < b.tradeId ? -1 : 1),
  );
  const [first] = sorted as [TradeRow, ...TradeRow[]];
  return {
    orderId: first.orderId,
    orderMs: first.orderTime.getTime(),
    day: dayIn(first.orderTime, config.timeZone),
    clientCode: first.clientCode,
    phones: [...new Set(fills.flatMap((fill) => fill.clientPhones))],
    dealerId: first.dealerId,
    fills: fills.length,
  };
}

/** An order id alone may be used by more than one client. */
function orderKey({ orderId, tradeId, clientCode }: TradeRow): string {
  return JSON.stringify(orderId === null ? [tradeId] : [orderId, clientCode]);
}

/** Triages every trade, in the order given. Depends on nothing but its arguments; one call may serve many trades. */
export function triage(
  trades: readonly TradeRow[],
  batchCalls: readonly TriageCall[],
  config: TriageConfig,
): TradeTriage[] {
  const index = new CallIndex(batchCalls, config);
  const fills = new Map<string, TradeRow[]>();
  for (const trade of trades) {
    if (!inScope(trade, config)) continue;
    const key = orderKey(trade);
    const group = fills.get(key);
    if (group) group.push(trade);
    else fills.set(key, [trade]);
  }
  const orders = new Map([...fills].map(([key, group]) => [key, triageOrder(orderOf(group, config), index, config)]));

  return trades.map((trade) => {
    const { tradeId, orderId, orderSource } = trade;
    const found = inScope(trade, config) ? orders.get(orderKey(trade)) : undefined;
    if (!found) {
      const detail = `The order came by ${orderSource}, not by ${config.orderSources.join(" or ")}: no call is expected.`;
      const steps: TriageStep[] = [{ rule: "SCOPE", outcome: "stop", detail }];
      return { tradeId, orderId, result: "OUT_OF_SCOPE", reason: detail, steps, candidates: [] };
    }
    const detail =
      orderSource === null
        ? "The order's source is not given: taken for a phone order."
        : `The order came by ${orderSource}.`;
    const scope: TriageStep = { rule: "SCOPE", outcome: orderSource === null ? "flag" : "pass", detail };
    return { tradeId, orderId, ...found, steps: [scope, ...found.steps] };
  });
}
