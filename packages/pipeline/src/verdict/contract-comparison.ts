/** Compares the contract that was executed with the one that was spoken of, both ways: share, future or option, strike, type, expiry. */
import type { ExtractedTrade } from "../hosts/engine-contract.js";
import { expiryIn, isNearest, isSpokenExpiry } from "./expiry.js";
import type { ExecutedOrder, Finding, Known } from "./executed-order.js";

/**
 * Another strike, option type or expiry is another contract. What the call leaves out is for a person, apart from the nearest expiry, and
 * so is what trades.csv leaves out.
 */
export function compareContract(order: ExecutedOrder, spoken: ExtractedTrade, known: Known): Finding {
  const text = `spoken ${spokenContract(spoken)}, executed ${executedContract(order)}`;
  if (!namesSymbol(order, spoken)) return { outcome: "different", text };
  const unknown = (order.unknownTerms ?? []).map((term) => `the ${term}, which is not known from trades.csv,`);
  if (unknown.length > 0) return { outcome: "open", text, missing: unknown.join(" and ") };
  const [executedKind, spokenKind] = [kindOf(order), spokenKindOf(spoken)];
  if (executedKind !== null && spokenKind !== null && executedKind !== spokenKind)
    return { outcome: "different", text };
  const otherStrike = spoken.strike !== null && order.strike !== null && spoken.strike !== order.strike;
  const otherType =
    spoken.option_type !== null && order.optionType !== null && spoken.option_type !== order.optionType.toUpperCase();
  if (otherStrike || otherType) return { outcome: "different", text };
  const missing = [
    ...(executedKind === "OPT" && spoken.strike === null && order.strike !== null ? ["the strike"] : []),
    ...(executedKind === "OPT" && spoken.option_type === null && order.optionType !== null ? ["call or put"] : []),
    ...(spokenKind === "OPT" && spoken.strike !== null && order.strike === null ? ["the strike"] : []),
    ...(executedKind !== null && executedKind !== "EQ" && spokenKind === null ? ["the kind of contract"] : []),
  ];
  const expiry = executedKind === "EQ" ? "same" : compareExpiry(order, spoken, known);
  if (expiry === "different") return { outcome: "different", text };
  if (expiry === "open") missing.push(spoken.expiry === null ? "the expiry, which is not the nearest" : "the expiry");
  return missing.length > 0 ? { outcome: "open", text, missing: missing.join(" and ") } : { outcome: "same", text };
}

function compareExpiry(order: ExecutedOrder, spoken: ExtractedTrade, known: Known): "same" | "different" | "open" {
  const expiry = order.expiry === null ? null : expiryIn(order.expiry);
  if (expiry === null) return "same";
  if (spoken.expiry !== null && spoken.expiry.trim() !== "") {
    const isSame = isSpokenExpiry(spoken.expiry, expiry, order.day);
    return isSame === null ? "open" : isSame ? "same" : "different";
  }
  const { symbol, instrument, day } = order;
  return isNearest({ symbol, instrument, expiry, day }, known.expiries) === true ? "same" : "open";
}

/** Letters and digits in capitals. */
export function plain(symbol: string): string {
  return symbol.toUpperCase().replaceAll(/[^A-Z0-9]/g, "");
}

export function namesSymbol(order: Pick<ExecutedOrder, "symbol">, { symbol }: Pick<ExtractedTrade, "symbol">): boolean {
  return symbol !== null && plain(symbol) === plain(order.symbol);
}

type Kind = "EQ" | "FUT" | "OPT";

function kindOf({ instrument, strike, optionType, expiry }: ExecutedOrder): Kind | null {
  if (instrument === "EQ" || instrument === "FUT" || instrument === "OPT") return instrument;
  if (strike !== null || optionType !== null) return "OPT";
  return expiry === null ? null : "FUT";
}

function spokenKindOf({ instrument, strike, option_type }: ExtractedTrade): Kind | null {
  return instrument ?? (strike !== null || option_type !== null ? "OPT" : null);
}

/** `NIFTY 24500 CE december`, `INFY FUT`, `INFY` */
function spokenContract(spoken: ExtractedTrade): string {
  const kind = spokenKindOf(spoken);
  const { symbol, strike, option_type: type, expiry } = spoken;
  return words(symbol ?? "no symbol", kind === "EQ" || strike !== null ? null : kind, strike, type, expiry);
}

export function executedContract(order: ExecutedOrder): string {
  const kind = kindOf(order);
  const { symbol, strike, optionType, expiry } = order;
  return words(symbol, kind === "EQ" || strike !== null ? null : kind, strike, optionType, expiry);
}

function words(...parts: (string | number | null)[]): string {
  return parts.filter((part) => part !== null && part !== "").join(" ");
}
