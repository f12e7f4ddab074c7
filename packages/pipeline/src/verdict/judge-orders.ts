/** Brings together, for each order in scope, what triage said of it and what was heard in its calls. No input or output happens here. */
import type { TradeRow } from "../csv/trades-csv.js";
import { ordersOf, type Order } from "../triage/orders.js";
import type { TriageConfig } from "../triage/triage-config.js";
import type { OrderTriage } from "../triage/triage-rules.js";
import { verdict, type VerdictCall, type VerdictResult } from "./verdict.js";
import type { VerdictConfig } from "./verdict-config.js";

/** What is known of a call, by its id; undefined for a call that is not in the batch any more. */
export type CallLookup = (callId: string) => VerdictCall | undefined;

/** An order that triage has a result for, and the calls that are worth a look, best first. */
export interface TriagedOrder {
  order: Order;
  triage: OrderTriage;
  callIds: string[];
}

/** An order with its verdict, which is that of each of its fills, and what it was computed from. */
export interface JudgedOrder {
  order: Order;
  triage: OrderTriage;
  /** The calls that were considered, best first. */
  calls: VerdictCall[];
  result: VerdictResult;
}

/** The orders in scope that triage has a result for, in the order in which their first trades come. */
export function triagedOrders(
  trades: readonly TradeRow[],
  triageOf: (tradeId: string) => OrderTriage | undefined,
  config: TriageConfig,
): TriagedOrder[] {
  return [...new Set(ordersOf(trades, config).values())].flatMap((order): TriagedOrder[] => {
    const [first] = order.fills;
    const triage = first && triageOf(first.tradeId);
    return triage ? [{ order, triage, callIds: worthALook(triage) }] : [];
  });
}

/** Neither the order of the trades nor that of the calls matters. */
export function judgeOrder(
  { order, triage, callIds }: TriagedOrder,
  callOf: CallLookup,
  config: VerdictConfig,
): JudgedOrder {
  const calls = callIds.flatMap((callId) => callOf(callId) ?? []);
  const input = { order, triage: triage.result, triageReason: triage.reason, calls };
  return { order, triage, calls, result: verdict(input, config) };
}

/** The calls that triage selected, or the later ones and those without usable audio where there is no other call; best first. */
function worthALook({ result, candidates }: OrderTriage): string[] {
  const isRuledOut = result === "CALL_AFTER_ORDER" || result === "AUDIO_UNUSABLE";
  return candidates
    .filter(({ selected, flags }) => selected || (isRuledOut && flags.some((flag) => flag === result)))
    .map(({ callId }) => callId);
}
