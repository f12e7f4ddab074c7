/**
 * Rule engine step 1: which calls may hold the client's instruction for a trade. `orders.ts` leaves out the trades that are
 * out of scope and puts the fills of one order together; the rules of `triage-rules.ts` are asked once per order. No input
 * or output happens here.
 */
import type { TradeRow } from "../csv/trades-csv.js";
import { ordersOf } from "./orders.js";
import { CallIndex, type TriageCall } from "./triage-calls.js";
import type { TriageConfig } from "./triage-config.js";
import { triageOrder, type OrderTriage, type TriageResult, type TriageStep } from "./triage-rules.js";

/** What triage says of one trade; each step and candidate with its reason. */
export interface TradeTriage extends OrderTriage {
  tradeId: string;
  orderId: string | null;
}

/** The result of triage for a trade as the log holds it: with what it rests on. */
export interface LoggedTriage extends TradeTriage {
  restsOn: {
    /** Number of the run that triaged. */
    run: number;
    /** Of the configuration in force; lower-case hex. */
    configurationSha256: string;
    /** The candidates, with the event that holds their length and speech; null where ivr did not do the call. */
    calls: readonly { callId: string; ivr: number | null }[];
  };
}

/** Results that say that no call was found, or none in time. */
const NO_CALL_FOUND: ReadonlySet<TriageResult> = new Set([
  "NO_CALL",
  "NO_CALL_FOR_CLIENT",
  "CALL_AFTER_ORDER",
  "CALL_OUT_OF_WINDOW",
  "CALL_TOO_SHORT",
]);

/** What a result leaves open that found no call: the order may be in a recording that nobody could look at. Empty for none. */
function unsearched(result: TriageResult, recordings: number): string {
  if (recordings === 0 || !NO_CALL_FOUND.has(result)) return "";
  const [one, was] = recordings === 1 ? ["recording has", "was"] : ["recordings have", "were"];
  return ` ${recordings} ${one} no valid row in calls.csv and ${was} not searched.`;
}

/**
 * Triages every trade, in the order given. Depends on nothing but its arguments; one call may serve many trades.
 * @param withoutRow recordings of the batch that have no valid row in calls.csv
 */
export function triage(
  trades: readonly TradeRow[],
  batchCalls: readonly TriageCall[],
  config: TriageConfig,
  withoutRow = 0,
): TradeTriage[] {
  const index = new CallIndex(batchCalls, trades, config);
  const orders = ordersOf(trades, config);
  const results = new Map(
    [...new Set(orders.values())].map((order) => {
      const found = triageOrder(order, index, config);
      return [order, { ...found, reason: `${found.reason}${unsearched(found.result, withoutRow)}` }];
    }),
  );

  return trades.map((trade) => {
    const { tradeId, orderId, orderSource } = trade;
    const order = orders.get(trade);
    const found = order && results.get(order);
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
