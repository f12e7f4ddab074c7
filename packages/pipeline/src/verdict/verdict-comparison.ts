/** Compares an executed order with an order extracted from a call, field by field. */
import type { ExtractedTrade } from "../hosts/engine-contract.js";
import { compareClient } from "./client-comparison.js";
import { compareContract, namesSymbol } from "./contract-comparison.js";
import type { ExecutedOrder, Finding, Known } from "./executed-order.js";
import type { VerdictConfig } from "./verdict-config.js";

export type Mismatch = "SIDE" | "SYMBOL" | "QTY" | "PRICE" | "CLIENT";

export interface Comparison {
  /** The call speaks of this order: the same symbol, or all of side, quantity and price. */
  related: boolean;
  /** Higher fits better. */
  fit: number;
  mismatches: Mismatch[];
  /** What each mismatch is, in its order. */
  differences: string[];
  /** What the call leaves open and has to be known. */
  unknown: string[];
  /** Every comparison as a line. */
  lines: string[];
}

/** What each field adds to the fit when it is the same; one that differs takes the same away. */
const WEIGHTS: Readonly<Record<Mismatch, number>> = { SYMBOL: 8, SIDE: 4, QTY: 3, PRICE: 2, CLIENT: 1 };
/** Exactly what was spoken fits better than a part of it. */
const EXACT = 1;

/** `heardCode` is the client code heard in the call; one that was named with the order counts before it. */
export function compareOrder(
  order: ExecutedOrder,
  spoken: ExtractedTrade,
  heardCode: string | null,
  known: Known,
  config: VerdictConfig,
): Comparison {
  const findings: Readonly<Record<Mismatch, Finding>> = {
    SIDE: compareSide(order, spoken),
    SYMBOL: compareContract(order, spoken, known),
    QTY: compareQuantity(order, spoken),
    PRICE: comparePrice(order, spoken, known, config),
    CLIENT: compareClient(order.clientCode, spoken.client_code ?? heardCode, known, config),
  };
  const entries = Object.entries(findings) as [Mismatch, Finding][];
  const different = entries.filter(([, { outcome }]) => outcome === "different");
  const restFits = (["SIDE", "QTY", "PRICE"] as const).every((field) => findings[field].outcome === "same");
  const isExact = spokenShares(order, spoken) === executedShares(order);
  const fit = entries.reduce(
    (sum, [field, { outcome }]) => sum + WEIGHTS[field] * ({ same: 1, open: 0, different: -1 } as const)[outcome],
    isExact ? EXACT : 0,
  );
  return {
    related: namesSymbol(order, spoken) || (spoken.symbol !== null && restFits && isExact),
    fit,
    mismatches: different.map(([field]) => field),
    differences: different.map(([, { text }]) => text),
    unknown: entries.flatMap(([, { missing }]) => missing ?? []),
    lines: entries.map(([field, { outcome, text }]) => `${field}: ${outcome}. ${text}`),
  };
}

function compareSide(order: ExecutedOrder, { side, closes_position: closes }: ExtractedTrade): Finding {
  if (side === null)
    return { outcome: "open", text: "the call does not say whether to buy or sell", missing: "the side" };
  const text = `spoken ${side}, executed ${order.side}`;
  if (side === order.side) return { outcome: "same", text };
  // A long position is closed by selling, a short one by buying: which it was, the call does not say.
  return closes
    ? { outcome: "open", text: `spoken of closing a position, executed ${order.side}`, missing: "the side" }
    : { outcome: "different", text };
}

/** In shares; null when it is not spoken, or spoken in lots of unknown size. */
export function spokenShares(order: Pick<ExecutedOrder, "lotSize">, spoken: ExtractedTrade): number | null {
  return inShares(order, spoken, spoken.quantity);
}

function inShares(
  { lotSize }: Pick<ExecutedOrder, "lotSize">,
  { unit }: Pick<ExtractedTrade, "unit">,
  quantity: number | null,
): number | null {
  if (quantity === null || quantity <= 0) return null;
  if (unit !== "LOTS") return quantity;
  return lotSize === null ? null : quantity * lotSize;
}

export function executedShares({ fills }: Pick<ExecutedOrder, "fills">): number {
  return fills.reduce((sum, { quantity }) => sum + quantity, 0);
}

/** An order may be filled in part, so less than spoken is fine. */
function compareQuantity(order: ExecutedOrder, spoken: ExtractedTrade): Finding {
  const shares = spokenShares(order, spoken);
  const executed = executedShares(order);
  const { unit, quantity } = spoken;
  const said = quantity === null ? "no quantity" : `${quantity} ${unit === "LOTS" ? "lots" : "shares"}`;
  const lot = unit === "LOTS" && order.lotSize !== null ? ` of ${order.lotSize}` : "";
  const text = `spoken ${said}${lot}, executed ${executed}${order.fills.length > 1 ? ` in ${order.fills.length} fills` : ""}`;
  if (shares === null) return { outcome: "open", text, missing: "the quantity" };
  const readings = spoken.quantity_readings.map((each) => inShares(order, spoken, each) ?? shares);
  return agreed([shares, ...readings], (each) => executed <= each, text, "the quantity");
}

/** All that was heard has to say the same: what was heard in two ways is for a person. */
function agreed(
  readings: readonly number[],
  isKept: (reading: number) => boolean,
  text: string,
  what: string,
): Finding {
  const kept = readings.filter(isKept).length;
  if (kept === readings.length) return { outcome: "same", text };
  if (kept === 0) return { outcome: "different", text };
  return { outcome: "open", text: `${text}; heard as ${[...new Set(readings)].join(" and as ")}`, missing: what };
}

/** A limit buy at or below the spoken price, a sell at or above; a market order has no limit to keep. */
function comparePrice(order: ExecutedOrder, spoken: ExtractedTrade, known: Known, config: VerdictConfig): Finding {
  if (spoken.price_type !== "LIMIT" || spoken.price === null) {
    const text = spoken.price_type === "MARKET" ? "spoken at market" : "no price spoken";
    return { outcome: spoken.price_type === "MARKET" ? "same" : "open", text };
  }
  const prices = order.fills.map((fill) => fill.price);
  const worst = order.side === "BUY" ? Math.max(...prices) : Math.min(...prices);
  const all = [...new Set([spoken.price, ...spoken.price_readings])];
  const readings = all.filter((price) => isPlausible(price, order, known, config));
  const [limit] = readings;
  const executed = `executed ${order.side} at ${worst}`;
  if (limit === undefined) {
    const text = `spoken limit ${spoken.price}, which is far from every price of ${order.symbol} in the batch, ${executed}`;
    return { outcome: "open", text, missing: "the price, which was misheard" };
  }
  const keeps = (price: number): boolean => {
    const slack = price * config.priceTolerance;
    return order.side === "BUY" ? worst <= price + slack : worst >= price - slack;
  };
  return agreed(readings, keeps, `spoken limit ${limit}, ${executed}`, "the price");
}

/** Prices of options move far within a day, those of shares are held by the exchange. */
function isPlausible(price: number, order: ExecutedOrder, { prices }: Known, config: VerdictConfig): boolean {
  if (prices === null) return true;
  const isOption = order.instrument === "OPT" || order.strike !== null;
  const factor = (isOption ? config.optionPriceFactor : config.priceFactor) ?? Infinity;
  return price >= prices.low / factor && price <= prices.high * factor;
}
