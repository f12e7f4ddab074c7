/** Compares an executed order with an order extracted from a call, field by field. */
import type { ExtractedTrade } from "../hosts/engine-contract.js";
import type { VerdictConfig } from "./verdict-config.js";

/** What the verdict needs of a fill: columns of trades.csv. */
export interface VerdictTrade {
  tradeId: string;
  orderTime: Date;
  clientCode: string;
  symbol: string;
  instrument: string | null;
  strike: number | null;
  optionType: string | null;
  side: "BUY" | "SELL";
  quantity: number;
  lotSize: number | null;
  price: number;
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

/** `fills` are of one order; `heardCode` is the client code heard in the call. */
export function compareTrade(
  fills: readonly VerdictTrade[],
  spoken: ExtractedTrade,
  heardCode: string | null,
  config: VerdictConfig,
): Comparison {
  const [trade] = fills;
  if (!trade) throw new RangeError("An order needs at least one fill to be compared.");
  const findings: Readonly<Record<Mismatch, Finding>> = {
    SIDE: compareSide(trade, spoken),
    SYMBOL: compareSymbol(trade, spoken),
    QTY: compareQuantity(fills, trade, spoken),
    PRICE: comparePrice(fills, trade, spoken, config),
    CLIENT: compareClient(trade, heardCode, config),
  };
  const entries = Object.entries(findings) as [Mismatch, Finding][];
  const different = entries.filter(([, { outcome }]) => outcome === "different");
  const restFits = (["SIDE", "QTY", "PRICE"] as const).every((field) => findings[field].outcome === "same");
  return {
    related: namesSymbol(trade, spoken) || (spoken.symbol !== null && restFits && exactQuantity(fills, trade, spoken)),
    fit: entries.reduce(
      (sum, [field, { outcome }]) => sum + WEIGHTS[field] * ({ same: 1, open: 0, different: -1 } as const)[outcome],
      0,
    ),
    mismatches: different.map(([field]) => field),
    differences: different.map(([, { text }]) => text),
    unknown: [
      ...(findings.SIDE.outcome === "open" ? ["the side"] : []),
      ...(findings.QTY.outcome === "open" ? ["the quantity"] : []),
    ],
    lines: entries.map(([field, { outcome, text }]) => `${field}: ${outcome}. ${text}`),
  };
}

function compareSide(trade: VerdictTrade, { side }: ExtractedTrade): Finding {
  if (side === null) return { outcome: "open", text: `the call does not say whether to buy or sell` };
  return { outcome: side === trade.side ? "same" : "different", text: `spoken ${side}, executed ${trade.side}` };
}

function plain(symbol: string): string {
  return symbol.toUpperCase().replaceAll(/[^A-Z0-9]/g, "");
}

function namesSymbol(trade: VerdictTrade, { symbol }: ExtractedTrade): boolean {
  return symbol !== null && plain(symbol) === plain(trade.symbol);
}

/** Another strike or option type is another contract. What the call leaves out is not held against it. */
function compareSymbol(trade: VerdictTrade, spoken: ExtractedTrade): Finding {
  const contract = (symbol: string | null, strike: number | null, type: string | null): string =>
    [symbol ?? "no symbol", strike, type].filter((part) => part !== null).join(" ");
  const text = `spoken ${contract(spoken.symbol, spoken.strike, spoken.option_type)}, executed ${contract(trade.symbol, trade.strike, trade.optionType)}`;
  const otherStrike = spoken.strike !== null && trade.strike !== null && spoken.strike !== trade.strike;
  const otherType =
    spoken.option_type !== null && trade.optionType !== null && spoken.option_type !== trade.optionType.toUpperCase();
  const optionForShare = spoken.instrument === "OPT" && trade.instrument !== null && trade.instrument !== "OPT";
  const same = namesSymbol(trade, spoken) && !otherStrike && !otherType && !optionForShare;
  return { outcome: same ? "same" : "different", text };
}

/** In shares; null when it is not spoken, or spoken in lots of unknown size. */
function spokenShares(trade: VerdictTrade, { quantity, unit }: ExtractedTrade): number | null {
  if (quantity === null || quantity <= 0) return null;
  if (unit !== "LOTS") return quantity;
  return trade.lotSize === null ? null : quantity * trade.lotSize;
}

function executed(fills: readonly VerdictTrade[]): number {
  return fills.reduce((sum, { quantity }) => sum + quantity, 0);
}

/** An order may be filled in part, so less than spoken is fine. */
function compareQuantity(fills: readonly VerdictTrade[], trade: VerdictTrade, spoken: ExtractedTrade): Finding {
  const shares = spokenShares(trade, spoken);
  const said =
    spoken.quantity === null ? "no quantity" : `${spoken.quantity} ${spoken.unit === "LOTS" ? "lots" : "shares"}`;
  const lot = spoken.unit === "LOTS" && trade.lotSize !== null ? ` of ${trade.lotSize}` : "";
  const text = `spoken ${said}${lot}, executed ${executed(fills)}${fills.length > 1 ? ` in ${fills.length} fills` : ""}`;
  if (shares === null) return { outcome: "open", text };
  return { outcome: executed(fills) <= shares ? "same" : "different", text };
}

function exactQuantity(fills: readonly VerdictTrade[], trade: VerdictTrade, spoken: ExtractedTrade): boolean {
  return spokenShares(trade, spoken) === executed(fills);
}

/** A limit buy at or below the spoken price, a sell at or above; a market order has no limit to keep. */
function comparePrice(
  fills: readonly VerdictTrade[],
  trade: VerdictTrade,
  spoken: ExtractedTrade,
  config: VerdictConfig,
): Finding {
  if (spoken.price_type !== "LIMIT" || spoken.price === null) {
    const text = spoken.price_type === "MARKET" ? "spoken at market" : "no price spoken";
    return { outcome: spoken.price_type === "MARKET" ? "same" : "open", text };
  }
  const { price } = spoken;
  const slack = price * config.priceTolerance;
  const worst =
    trade.side === "BUY" ? Math.max(...fills.map((fill) => fill.price)) : Math.min(...fills.map((fill) => fill.price));
  const keeps = trade.side === "BUY" ? worst <= price + slack : worst >= price - slack;
  return { outcome: keeps ? "same" : "different", text: `spoken limit ${price}, executed ${trade.side} at ${worst}` };
}

function compareClient(trade: VerdictTrade, heardCode: string | null, config: VerdictConfig): Finding {
  if (heardCode === null) return { outcome: "open", text: "no client code heard" };
  const apart = distanceOf(plain(heardCode), plain(trade.clientCode));
  const text = `heard client ${heardCode}, executed for ${trade.clientCode}`;
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
