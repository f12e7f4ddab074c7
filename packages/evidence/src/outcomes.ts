/** What became of trades, for lists and their figures. The page imports this file too: nothing of Node. */

/** From what needs a look first to what needs none. UNJUDGED: triage and verdicts have not come to it; OUT_OF_SCOPE: no call is expected. */
export const OUTCOMES = [
  "MISMATCH",
  "ORDER_NOT_IN_CALL",
  "CANCELLED_IN_CALL",
  "NOT_CONFIRMED",
  "CONFIRMED_AFTER_ORDER",
  "LOW_CONFIDENCE",
  "NO_VOICE_EVIDENCE",
  "UNJUDGED",
  "OUT_OF_SCOPE",
  "CONFIRMED",
] as const;
export type KnownOutcome = (typeof OUTCOMES)[number];

/** Verdicts of other services, which this list does not hold, come before those that say nothing yet. */
const OTHERS_RANK = OUTCOMES.indexOf("UNJUDGED") - 0.5;

/** Orders outcomes: unproven first. */
export function byOutcome(a: string, b: string): number {
  return rankOf(a) - rankOf(b) || (a < b ? -1 : Number(a > b));
}

function rankOf(outcome: string): number {
  const rank = OUTCOMES.indexOf(outcome as KnownOutcome);
  return rank < 0 ? OTHERS_RANK : rank;
}

/** By what a list of trades is sorted. Not by client: the order of masked codes would say which comes before which. */
export const TRADE_SORTS = [
  "verdict",
  "trade",
  "order",
  "time",
  "dealer",
  "side",
  "quantity",
  "symbol",
  "price",
  "call",
] as const;
export type TradeSort = (typeof TRADE_SORTS)[number];
