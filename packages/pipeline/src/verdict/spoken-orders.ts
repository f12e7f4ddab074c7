/** The spoken orders that an executed one may be, and how well each fits it. */
import type { ExtractedTrade } from "../hosts/engine-contract.js";
import { confirmationOf, type Confirmation } from "./confirmation.js";
import { namesSymbol, plain } from "./contract-comparison.js";
import type { ExecutedOrder, Known } from "./executed-order.js";
import { isDoubtful, type VerdictCall } from "./verdict-call.js";
import { compareOrder, type Comparison } from "./verdict-comparison.js";
import type { VerdictConfig } from "./verdict-config.js";

/** An executed order, and where it may have been spoken of. */
export interface Claimant {
  order: ExecutedOrder;
  /** Best first. */
  calls: readonly VerdictCall[];
  known: Known;
}

/** A spoken order and how well it fits the executed one. */
export interface Found {
  call: VerdictCall;
  spoken: ExtractedTrade;
  position: number;
  comparison: Comparison;
  confirmation: Confirmation;
  cancelled: Cancellation | null;
  /** Seconds after the order was placed at which it is spoken of; null when it came in time. */
  lateS: number | null;
}

interface Cancellation {
  call: VerdictCall;
  spoken: ExtractedTrade;
}

/** Fits in everything and is confirmed · fits · may fit, but was not understood · is only proposed · differs · differs, and was not understood. */
const RANKS = { proves: 1e6, fits: 1e4, unsure: 5e3, proposed: 2e3, differs: 1e2, unclear: 1 } as const;
/** Of what fits alike, the call that triage ranked first. */
const RANK_OF_CALL = 1e-3;
/** The spoken orders that may be this one, in the order of its calls. */
export function candidatesFor(
  { order, calls, known }: Claimant,
  config: VerdictConfig,
): { found: Found; weight: number }[] {
  return calls.flatMap((call, rank) =>
    (call.trades ?? []).flatMap((spoken, position) => {
      // Of a share that the engine cannot name it can only have heard another one.
      const isUnknown = call.unknownSymbols.some((symbol) => plain(symbol) === plain(order.symbol));
      if (spoken.action === "CANCEL" || (isUnknown && !namesSymbol(order, spoken))) return [];
      const comparison = compareOrder(order, spoken, call.clientCode, known, config);
      const isProposal = spoken.action === "PROPOSAL";
      const isOther = isProposal && (!namesSymbol(order, spoken) || comparison.mismatches.includes("SIDE"));
      if (!comparison.related || isOther) return [];
      const confirmation = confirmationOf(spoken, call);
      const cancelled = cancellation(call, position, calls, order);
      const lateS = lateness(call, spoken, order, config);
      const found = { call, spoken, position, comparison, confirmation, cancelled, lateS };
      return [{ found, weight: weightOf(found, config) - rank * RANK_OF_CALL }];
    }),
  );
}

function weightOf(found: Found, config: VerdictConfig): number {
  const { call, spoken, comparison, confirmation, cancelled, lateS } = found;
  const isSure = spoken.confidence >= config.minTradeConfidence && !isDoubtful(call, config);
  const fits = comparison.mismatches.length === 0;
  const isOpen = cancelled !== null || lateS !== null || comparison.unknown.length > 0;
  const proves = fits && isSure && !isOpen && confirmation.state === "yes";
  const rank =
    spoken.action === "PROPOSAL"
      ? RANKS.proposed
      : proves
        ? RANKS.proves
        : fits
          ? isSure
            ? RANKS.fits
            : RANKS.unsure
          : isSure
            ? RANKS.differs
            : RANKS.unclear;
  // The lowest fit is the negative sum of all weights.
  return rank + comparison.fit + 20;
}

/** By how much the instruction came too late. */
function lateness(
  call: VerdictCall,
  { evidence }: ExtractedTrade,
  { orderTime }: ExecutedOrder,
  config: VerdictConfig,
): number | null {
  const first = evidence.length > 0 ? Math.min(...evidence.map(({ start_s }) => start_s)) : 0;
  const late = Math.round((call.startTime.getTime() + first * 1000 - orderTime.getTime()) / 1000);
  return late > config.clockSkewS ? late : null;
}

/** A cancellation of the same symbol: later in the call, or in a later one before the order was placed. */
function cancellation(
  call: VerdictCall,
  position: number,
  calls: readonly VerdictCall[],
  order: ExecutedOrder,
): Cancellation | null {
  const { symbol, side } = call.trades![position]!;
  const isOfIt = (other: ExtractedTrade): boolean =>
    other.action === "CANCEL" &&
    other.symbol === symbol &&
    (other.side === null || side === null || other.side === side);
  const here = call.trades!.find((other, index) => index > position && isOfIt(other));
  if (here) return { call, spoken: here };
  for (const later of calls) {
    if (later.startTime <= call.startTime || later.startTime > order.orderTime) continue;
    const spoken = later.trades?.find(isOfIt);
    if (spoken) return { call: later, spoken };
  }
  return null;
}
