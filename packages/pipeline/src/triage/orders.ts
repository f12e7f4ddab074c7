/**
 * The one place where trades become orders. The trades that a batch lists are fills; what triage and the verdict judge is
 * the order behind them. Which fills make an order, and what the order says, never depends on the order of rows: where
 * fills disagree, either they are not one order, or a rule decides, and the order's remarks say so.
 */
import { missingTerms } from "../csv/contract-terms.js";
import type { TradeRow } from "../csv/trades-csv.js";
import { dayIn } from "../csv/zoned-time.js";
import { readTradingSymbol } from "../symbols/trading-symbol.js";
import type { TriageConfig } from "./triage-config.js";

/** The fills of one order that are in scope, and what they agree on. */
export interface Order {
  orderId: string | null;
  clientCode: string;
  /** The share or index: what a trading symbol says of a contract stands in the fields below. */
  symbol: string;
  side: "BUY" | "SELL";
  instrument: string | null;
  expiry: string | null;
  strike: number | null;
  optionType: string | null;
  /**
   * Terms of the contract, by their columns, that nobody knows: a fill gives them in a way that was not understood, or an option or
   * future has none. Left out where there are none.
   */
  unknownTerms?: readonly string[];
  /** null when no fill gives one, or when they give different ones. */
  lotSize: number | null;
  /** E.164, of any fill; sorted, empty when none is known. */
  phones: readonly string[];
  /** In capitals, sorted; more than one when the fills disagree. */
  dealerIds: readonly string[];
  /** The earliest of the fills. */
  orderTime: Date;
  /** Of `orderTime`: `YYYY-MM-DD` in the configured zone. */
  day: string;
  /** By order time, then trade id. At least one. */
  fills: readonly Fill[];
  /** What the fills under this order id disagree in and what follows from it: sentences, without phone numbers. */
  remarks: readonly string[];
}

export interface Fill {
  tradeId: string;
  orderTime: Date;
  quantity: number;
  price: number;
}

/** What two fills of one order can never differ in, apart from the contract. */
const IDENTITY = ["clientCode", "side", "symbol"] as const;
/** A fill that leaves one of these out fits a fill that gives it. */
const CONTRACT = ["instrument", "expiry", "strike", "optionType"] as const;

const NAMES: Readonly<Record<(typeof IDENTITY)[number], string>> = {
  clientCode: "client",
  side: "side",
  symbol: "symbol",
};

/** Whether the order behind a trade is one that is given by phone. */
export function isInScope({ orderSource }: Pick<TradeRow, "orderSource">, config: TriageConfig): boolean {
  return orderSource === null || config.orderSources.includes(orderSource.toUpperCase());
}

/** The order of each trade in scope; trades out of scope are not in the map. Fills of one order share one object. */
export function ordersOf(trades: readonly TradeRow[], config: TriageConfig): ReadonlyMap<TradeRow, Order> {
  const orders = new Map<TradeRow, Order>();
  const rows = new Map(trades.map((row) => [withContract(row, config), row]));
  const ids = groupBy([...rows.keys()], ({ orderId, tradeId }) => (orderId === null ? [null, tradeId] : [orderId]));
  for (const underOneId of ids) {
    const inScope = underOneId.filter((trade) => isInScope(trade, config));
    for (const fills of groupBy(inScope, (trade) => IDENTITY.map((field) => trade[field])).flatMap(byContract)) {
      const order = orderOf(fills, underOneId, config);
      for (const fill of fills) orders.set(rows.get(fill)!, order);
    }
  }
  return orders;
}

/** A row with what its trading symbol says of the contract; columns that the file has count before it. */
interface ReadTrade extends TradeRow {
  /** The symbol as the file has it, where the columns say something else of the contract. */
  contradicted?: string;
}

function withContract(row: TradeRow, { timeZone }: TriageConfig): ReadTrade {
  const said = readTradingSymbol(row.symbol, dayIn(row.orderTime, timeZone));
  if (said.symbol === row.symbol) return { ...row };
  const differs =
    (row.instrument !== null && said.instrument !== null && row.instrument !== said.instrument) ||
    (row.strike !== null && said.strike !== null && row.strike !== said.strike) ||
    (row.optionType !== null && said.optionType !== null && row.optionType !== said.optionType);
  return {
    ...row,
    symbol: said.symbol,
    instrument: row.instrument ?? said.instrument,
    expiry: row.expiry ?? said.expiry,
    strike: row.strike ?? said.strike,
    optionType: row.optionType ?? said.optionType,
    ...(differs && { contradicted: row.symbol }),
  };
}

/** Fills that name two contracts are of two orders. One that leaves open which of them it is belongs to neither. */
function byContract(fills: readonly ReadTrade[]): ReadTrade[][] {
  const isOne = CONTRACT.every((field) => given(fills, (fill) => fill[field]).length <= 1);
  return isOne ? [[...fills]] : groupBy(fills, (fill) => CONTRACT.map((field) => fill[field]));
}

function orderOf(fills: readonly ReadTrade[], underOneId: readonly ReadTrade[], config: TriageConfig): Order {
  const sorted = fills.toSorted(compareFills);
  const [earliest] = sorted as [ReadTrade, ...ReadTrade[]];
  const { orderId, clientCode, symbol, side, orderTime } = earliest;
  const lotSizes = given(fills, ({ lotSize }) => lotSize);
  const contract = {
    instrument: given(fills, ({ instrument }) => instrument)[0] ?? null,
    expiry: given(fills, ({ expiry }) => expiry)[0] ?? null,
    strike: given(fills, ({ strike }) => strike)[0] ?? null,
    optionType: given(fills, ({ optionType }) => optionType)[0] ?? null,
  };
  const unread = fills.flatMap((fill) => fill.unread ?? []);
  const unknownTerms = [...new Set([...unread, ...missingTerms({ symbol, ...contract })])].toSorted();
  return {
    orderId,
    clientCode,
    symbol,
    side,
    ...contract,
    ...(unknownTerms.length > 0 && { unknownTerms }),
    lotSize: lotSizes.length === 1 ? (lotSizes[0] ?? null) : null,
    phones: [...new Set(fills.flatMap(({ clientPhones }) => clientPhones))].toSorted(),
    dealerIds: given(fills, ({ dealerId }) => dealerId.toUpperCase()),
    orderTime,
    day: dayIn(orderTime, config.timeZone),
    fills: sorted.map((fill) => ({
      tradeId: fill.tradeId,
      orderTime: fill.orderTime,
      quantity: fill.quantity,
      price: fill.price,
    })),
    remarks: remarksOn(fills, underOneId, config),
  };
}

function remarksOn(fills: readonly ReadTrade[], underOneId: readonly ReadTrade[], config: TriageConfig): string[] {
  const own = new Set<TradeRow>(fills);
  const others = underOneId.filter((trade) => !own.has(trade));
  const apart = others.filter((trade) => isInScope(trade, config));
  const out = others.filter((trade) => !isInScope(trade, config));
  const remarks: string[] = [];
  if (apart.length > 0) {
    const [first] = fills as readonly [TradeRow, ...TradeRow[]];
    const fields = IDENTITY.filter((field) => apart.some((other) => other[field] !== first[field]));
    const differs = [...fields.map((field) => NAMES[field]), ...(isAnotherContract(first, apart) ? ["contract"] : [])];
    remarks.push(
      `${count(apart.length, "other fill")} under this order id ${apart.length === 1 ? "differs" : "differ"} in ` +
        `${list(differs)}: not the same order, and judged apart.`,
    );
  }
  if (out.length > 0) {
    const sources = given(out, ({ orderSource }) => orderSource?.toUpperCase() ?? null);
    remarks.push(`${count(out.length, "other fill")} came by ${list(sources)}: out of scope, and left out.`);
  }
  const contradicted = given(fills, (fill) => fill.contradicted ?? null);
  if (contradicted.length > 0)
    remarks.push(
      `The symbol ${list(contradicted)} names another contract than the columns of its row: the columns count.`,
    );
  const dealers = given(fills, ({ dealerId }) => dealerId.toUpperCase());
  if (dealers.length > 1) remarks.push(`The fills name the dealers ${list(dealers)}: a call of any of them counts.`);
  const times = given(fills, ({ orderTime }) => orderTime.toISOString());
  if (times.length > 1)
    remarks.push(`The fills give order times from ${times[0]} to ${times.at(-1)}: the earliest counts.`);
  const lots = given(fills, ({ lotSize }) => lotSize);
  if (lots.length > 1) remarks.push(`The fills give the lot sizes ${list(lots)}: the lot size counts as unknown.`);
  const types = given(fills, ({ orderType }) => orderType);
  if (types.length > 1)
    remarks.push(`The fills give the order types ${list(types)}: the verdict rests on none of them.`);
  const phones = given(fills, ({ clientPhones }) => JSON.stringify(clientPhones.toSorted()));
  if (phones.length > 1) remarks.push("The fills give different phones of the client: a call from any of them counts.");
  return remarks;
}

/** Whether one of the others has this client, side and symbol, so that only the contract keeps them apart. */
function isAnotherContract(fill: TradeRow, others: readonly TradeRow[]): boolean {
  return others.some((other) => IDENTITY.every((field) => other[field] === fill[field]));
}

/** A total order: rows that compare as equal say the same. */
function compareFills(a: TradeRow, b: TradeRow): number {
  return (
    a.orderTime.getTime() - b.orderTime.getTime() ||
    compare(a.tradeId, b.tradeId) ||
    a.quantity - b.quantity ||
    a.price - b.price
  );
}

function compare<T extends string | number>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The different values that are given, sorted. */
function given<T extends string | number>(trades: readonly ReadTrade[], value: (trade: ReadTrade) => T | null): T[] {
  const values = trades.map(value).filter((each) => each !== null);
  return [...new Set(values)].toSorted(compare);
}

function groupBy<T extends TradeRow>(trades: readonly T[], key: (trade: T) => unknown): T[][] {
  const groups = new Map<string, T[]>();
  for (const trade of trades) {
    const text = JSON.stringify(key(trade));
    const group = groups.get(text);
    if (group) group.push(trade);
    else groups.set(text, [trade]);
  }
  return [...groups.values()];
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

function list(items: readonly (string | number)[]): string {
  return items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}
