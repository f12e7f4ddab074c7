/** Brings together, for the orders in scope, what triage said of them and what was heard in their calls. No input or output happens here. */
import type { TradeRow } from "../csv/trades-csv.js";
import { ordersOf, type Order } from "../triage/orders.js";
import type { TriageConfig } from "../triage/triage-config.js";
import type { OrderTriage } from "../triage/triage-rules.js";
import { allot } from "./allotment.js";
import type { Claimant } from "./spoken-orders.js";
import type { BatchFacts } from "./batch-facts.js";
import type { Known } from "./executed-order.js";
import type { VerdictCall } from "./verdict-call.js";
import { claimantOf, verdictOn, type VerdictResult } from "./verdict.js";
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
  calls: readonly VerdictCall[];
  known: Known;
  /** The orders that may rest on the same spoken ones, with their calls. */
  others: readonly Rival[];
  result: VerdictResult;
}

/** Another order that was taken into account. */
export interface Rival {
  order: Order;
  calls: readonly VerdictCall[];
  known: Known;
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

/** Groups of orders that have a call in common, directly or through others: only together they can be judged. */
export function togetherByCalls(orders: readonly TriagedOrder[]): TriagedOrder[][] {
  const groups = new Map<TriagedOrder, TriagedOrder[]>(orders.map((one) => [one, [one]]));
  const firstOf = new Map<string, TriagedOrder>();
  for (const order of orders)
    for (const callId of order.callIds) {
      const first = firstOf.get(callId);
      if (!first) firstOf.set(callId, order);
      else if (groups.get(first) !== groups.get(order)) {
        const [one, other] = [groups.get(first)!, groups.get(order)!];
        one.push(...other);
        for (const member of other) groups.set(member, one);
      }
    }
  return [...new Set(groups.values())];
}

/** Judges orders together with all that have a call in common with them. Neither the order of the trades nor that of the calls matters. */
export function judgeOrders(
  orders: readonly TriagedOrder[],
  callOf: CallLookup,
  facts: BatchFacts,
  config: VerdictConfig,
): JudgedOrder[] {
  const inputs = orders.map(({ order, triage, callIds }) => {
    const calls = callIds.flatMap((callId) => callOf(callId) ?? []);
    const input = {
      order,
      triage: triage.result,
      triageReason: triage.reason,
      calls,
      known: facts.about(order, calls),
    };
    return { input, triage, claimant: claimantOf(input) };
  });
  const orderOf = new Map<Claimant, Order>(inputs.map(({ claimant, input }) => [claimant, input.order]));
  const shares = allot(
    inputs.filter(({ input }) => input.calls.length > 0).map(({ claimant }) => claimant),
    config,
  );
  return inputs.map(({ input, triage, claimant }): JudgedOrder => {
    const { allotted, others } = shares.get(claimant) ?? { allotted: null, others: [] };
    const { order, calls, known } = input;
    const rivals = others.map((other): Rival => ({ ...other, order: orderOf.get(other)! }));
    return { order, triage, calls, known, others: rivals, result: verdictOn(input, allotted, config) };
  });
}

/** The calls that triage selected, or the later ones and those without usable audio where there is no other call; best first. */
function worthALook({ result, candidates }: OrderTriage): string[] {
  const isRuledOut = result === "CALL_AFTER_ORDER" || result === "AUDIO_UNUSABLE";
  return candidates
    .filter(({ selected, flags }) => selected || (isRuledOut && flags.some((flag) => flag === result)))
    .map(({ callId }) => callId);
}
