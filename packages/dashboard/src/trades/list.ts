/** The list of the trades of a batch, as a route answers it and as a file to take away. */
import type { ListedTrade, OutcomeCount, TradeFilter, TradeWindow } from "@cofi/evidence/trade-list";
import type { Results } from "@cofi/evidence/results";
import type { TradeRow } from "@cofi/evidence/shapes";
import type { Shown } from "./shown.js";

/** As somebody asks who is shown pseudonyms. */
export interface AskedFilter extends TradeFilter {
  /** As it is shown. */
  client?: string | undefined;
}

/** Rows of an export that are read at a time. */
const EXPORT_ROWS = 1_000;

export const EXPORT_COLUMNS = [
  "tradeId",
  "orderId",
  "fills",
  "orderTime",
  "tradeTime",
  "client",
  "dealerId",
  "side",
  "quantity",
  "symbol",
  "price",
  "outcome",
  "mismatches",
  "callId",
  "reason",
] as const satisfies readonly (keyof TradeRow)[];

/** The filter with what is stored in the place of what was asked for; null when nothing can pass. */
export async function storedFilter(
  results: Results,
  batchId: number,
  asked: AskedFilter,
  shown: Shown,
): Promise<TradeFilter | null> {
  const names = (["text", "tradeId", "orderId", "dealerId", "callId"] as const).flatMap((name) => {
    const value = asked[name];
    return value === undefined ? [] : [[name, shown.storedName(value)] as const];
  });
  const filter: TradeFilter = { ...asked, ...Object.fromEntries(names) };
  if (asked.client === undefined || !shown.masked) return filter;
  const codes = await results.clientCodes(batchId);
  const client = codes.find((code) => shown.content(code) === asked.client);
  return client === undefined ? null : { ...filter, client };
}

export async function tradeRows(
  results: Results,
  batchId: number,
  filter: TradeFilter,
  counts: readonly OutcomeCount[],
  window: TradeWindow,
  shown: Shown,
): Promise<TradeRow[]> {
  const listed = await results.listedTrades(batchId, filter, counts, window);
  return listed.map((trade) => rowOf(trade, shown));
}

export function rowOf(trade: ListedTrade, shown: Shown): TradeRow {
  return {
    tradeId: shown.name(trade.tradeId),
    orderId: shown.name(trade.orderId),
    fills: trade.fills,
    orderTime: trade.orderTime.toISOString(),
    tradeTime: trade.tradeTime?.toISOString() ?? null,
    client: shown.content(trade.clientCode),
    dealerId: shown.name(trade.dealerId),
    side: trade.side,
    quantity: trade.quantity,
    symbol: trade.symbol,
    price: trade.price,
    outcome: trade.outcome,
    mismatches: trade.mismatches,
    callId: shown.name(trade.callId),
    reason: shown.sentence(trade.reason),
  };
}

/** All trades that pass, part by part. */
export async function* exportedTrades(
  results: Results,
  batchId: number,
  filter: TradeFilter | null,
  { sort, descending }: Pick<TradeWindow, "sort" | "descending">,
  shown: Shown,
): AsyncGenerator<TradeRow[]> {
  if (filter === null) return;
  const counts = await results.outcomeCounts(batchId, filter);
  for (let offset = 0; ; offset += EXPORT_ROWS) {
    const window = { sort, descending, offset, limit: EXPORT_ROWS };
    const rows = await tradeRows(results, batchId, filter, counts, window, shown);
    if (rows.length > 0) yield rows;
    if (rows.length < EXPORT_ROWS) return;
  }
}
