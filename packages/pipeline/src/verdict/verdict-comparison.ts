/** Compares an executed order with an order extracted from a call, field by field. */
import type { ExtractedTrade } from "../hosts/engine-contract.js";
import type { VerdictConfig } from "./verdict-config.js";

/** What the verdict needs of an executed order: what its fills agree on, and what each of them says. */
export interface ExecutedOrder {
  clientCode: string;
  symbol: string;
  instrument: string | null;
  strike: number | null;
  optionType: string | null;
  side: "BUY" | "SELL";
  /** Terms of the contract, by their columns in trades.csv, that nobody knows. */
  unknownTerms?: readonly string[];
  /** null when it is not known. */
  lotSize: number | null;
  /** When the order was placed. */
  orderTime: Date;
  /** At least one. */
  fills: readonly { tradeId: string; quantity: number; price: number }[];
}

export type Mismatch = "SIDE" | "SYMBOL" | "QTY" | "PRICE" | "CLIENT";

export interface Comparison {
  /** The call speaks of this order: the same symbol, or all of side, quantity and price. */
  related: boolean;
  /** Higher fits better. */
  fit: number;
  mismatches: Mismatch[];
  /** What each mismatch is, in its order. */
  differences: string[];
  /** Fields that the call leaves open and that have to be known. */
  unknown: string[];
  /** Every comparison as a line. */
  lines: string[];
}

type Outcome = "same" | "different" | "open";

interface Finding {
  outcome: Outcome;
  text: string;
}

/** What each field adds to the fit when it is the same; one that differs takes the same away. */
const WEIGHTS: Readonly<Record<Mismatch, number>> = { SYMBOL: 8, SIDE: 4, QTY: 3, PRICE: 2, CLIENT: 1 };

/** `heardCode` is the client code heard in the call. */
export function compareOrder(
  order: ExecutedOrder,
  spoken: ExtractedTrade,
  heardCode: string | null,
  config: VerdictConfig,
): Comparison {
  const findings: Readonly<Record<Mismatch, Finding>> = {
    SIDE: compareSide(order, spoken),
    SYMBOL: compareSymbol(order, spoken),
    QTY: compareQuantity(order, spoken),
    PRICE: comparePrice(order, spoken, config),
    CLIENT: compareClient(order, heardCode, config),
  };
  const entries = Object.entries(findings) as [Mismatch, Finding][];
  const different = entries.filter(([, { outcome }]) => outcome === "different");
  const restFits = (["SIDE", "QTY", "PRICE"] as const).every((field) => findings[field].outcome === "same");
  return {
    related: namesSymbol(order, spoken) || (spoken.symbol !== null && restFits && exactQuantity(order, spoken)),
    fit: entries.reduce(
      (sum, [field, { outcome }]) => sum + WEIGHTS[field] * ({ same: 1, open: 0, different: -1 } as const)[outcome],
      0,
    ),
    mismatches: different.map(([field]) => field),
    differences: different.map(([, { text }]) => text),
    unknown: [
      ...(findings.SIDE.outcome === "open" ? ["the side"] : []),
      ...(findings.QTY.outcome === "open" ? ["the quantity"] : []),
      ...(order.unknownTerms ?? []).map((term) => `the ${term}, which is not known from trades.csv,`),
    ],
    lines: entries.map(([field, { outcome, text }]) => `${field}: ${outcome}. ${text}`),
  };
}

function compareSide(order: ExecutedOrder, { side }: ExtractedTrade): Finding {
  if (side === null) return { outcome: "open", text: `the call does not say whether to buy or sell` };
  return { outcome: side === order.side ? "same" : "different", text: `spoken ${side}, executed ${order.side}` };
}

function plain(symbol: string): string {
  return symbol.toUpperCase().replaceAll(/[^A-Z0-9]/g, "");
}

function namesSymbol(order: ExecutedOrder, { symbol }: ExtractedTrade): boolean {
  return symbol !== null && plain(symbol) === plain(order.symbol);
}

/** Another strike or option type is another contract. What the call leaves out is not held against it. */
function compareSymbol(order: ExecutedOrder, spoken: ExtractedTrade): Finding {
  const contract = (symbol: string | null, strike: number | null, type: string | null): string =>
    [symbol ?? "no symbol", strike, type].filter((part) => part !== null).join(" ");
  const text = `spoken ${contract(spoken.symbol, spoken.strike, spoken.option_type)}, executed ${contract(order.symbol, order.strike, order.optionType)}`;
  const otherStrike = spoken.strike !== null && order.strike !== null && spoken.strike !== order.strike;
  const otherType =
    spoken.option_type !== null && order.optionType !== null && spoken.option_type !== order.optionType.toUpperCase();
  const optionForShare = spoken.instrument === "OPT" && order.instrument !== null && order.instrument !== "OPT";
  const same = namesSymbol(order, spoken) && !otherStrike && !otherType && !optionForShare;
  return { outcome: same ? "same" : "different", text };
}

/** In shares; null when it is not spoken, or spoken in lots of unknown size. */
function spokenShares(order: ExecutedOrder, { quantity, unit }: ExtractedTrade): number | null {
  if (quantity === null || quantity <= 0) return null;
  if (unit !== "LOTS") return quantity;
  return order.lotSize === null ? null : quantity * order.lotSize;
}

function executed({ fills }: ExecutedOrder): number {
  return fills.reduce((sum, { quantity }) => sum + quantity, 0);
}

/** An order may be filled in part, so less than spoken is fine. */
function compareQuantity(order: ExecutedOrder, spoken: ExtractedTrade): Finding {
  const shares = spokenShares(order, spoken);
  const said =
    spoken.quantity === null ? "no quantity" : `${spoken.quantity} ${spoken.unit === "LOTS" ? "lots" : "shares"}`;
  const lot = spoken.unit === "LOTS" && order.lotSize !== null ? ` of ${order.lotSize}` : "";
  const text = `spoken ${said}${lot}, executed ${executed(order)}${order.fills.length > 1 ? ` in ${order.fills.length} fills` : ""}`;
  if (shares === null) return { outcome: "open", text };
  return { outcome: executed(order) <= shares ? "same" : "different", text };
}

function exactQuantity(order: ExecutedOrder, spoken: ExtractedTrade): boolean {
  return spokenShares(order, spoken) === executed(order);
}

/** A limit buy at or below the spoken price, a sell at or above; a market order has no limit to keep. */
function comparePrice(order: ExecutedOrder, spoken: ExtractedTrade, config: VerdictConfig): Finding {
  if (spoken.price_type !== "LIMIT" || spoken.price === null) {
    const text = spoken.price_type === "MARKET" ? "spoken at market" : "no price spoken";
    return { outcome: spoken.price_type === "MARKET" ? "same" : "open", text };
  }
  const { price } = spoken;
  const slack = price * config.priceTolerance;
  const prices = order.fills.map((fill) => fill.price);
  const worst = order.side === "BUY" ? Math.max(...prices) : Math.min(...prices);
  const keeps = order.side === "BUY" ? worst <= price + slack : worst >= price - slack;
  return { outcome: keeps ? "same" : "different", text: `spoken limit ${price}, executed ${order.side} at ${worst}` };
}

function compareClient(order: ExecutedOrder, heardCode: string | null, config: VerdictConfig): Finding {
  if (heardCode === null) return { outcome: "open", text: "no client code heard" };
  const apart = distanceOf(plain(heardCode), plain(order.clientCode));
  const text = `heard client ${heardCode}, executed for ${order.clientCode}`;
  if (apart === 0) return { outcome: "same", text };
  return apart <= config.clientCodeTolerance
    ? { outcome: "open", text: `${text}; the code may be misheard` }
    : { outcome: "different", text };
}

/** Weighted Levenshtein distance of two codes: what was heard instead of a letter costs half of what a digit does. */
function distanceOf(a: string, b: string): number {
  const cost = (character: string | undefined): number =>
    character !== undefined && /[A-Z]/.test(character) ? 0.5 : 1;
  let row = [0];
  for (const character of b) row.push((row.at(-1) ?? 0) + cost(character));
  for (const heard of a) {
    const next = [(row[0] ?? 0) + cost(heard)];
    for (const [index, meant] of [...b].entries()) {
      const swap = heard === meant ? 0 : Math.max(cost(heard), cost(meant));
      next.push(
        Math.min((next[index] ?? 0) + cost(meant), (row[index + 1] ?? 0) + cost(heard), (row[index] ?? 0) + swap),
      );
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
