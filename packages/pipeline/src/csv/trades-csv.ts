/** trades.csv: one row a fill. */
import type { BatchFolder } from "../batch/batch-folder.js";
import type { CsvOptions } from "./calls-csv.js";
import { CONTRACT_COLUMNS, missingTerms } from "./contract-terms.js";
import { csvRows, type RowOf } from "./csv-rows.js";
import type { CsvReading } from "./csv-settings.js";
import { CsvReport, remark, type Remark, type RemarkCode } from "./remarks.js";
import { TRADE_COLUMNS } from "./trades-columns.js";

/** An executed trade (a fill of an order); null where the file says nothing. */
export type TradeRow = Omit<RowOf<typeof TRADE_COLUMNS>, "clientPhones"> & {
  /** E.164; empty when the broker knows none. */
  clientPhones: string[];
  /** Which terms of the contract the file gives in a way that was not understood: they are null. Left out where there are none. */
  unread?: readonly string[];
};

/** A trade with the line of trades.csv that it stands on. */
export type ListedTrade = TradeRow & { line: number };

const { tradeId: TRADE_ID, tradeTime: TRADE_TIME } = TRADE_COLUMNS;

const NOT_ONE_CONTRACT =
  "is not given, and the option or future may be any of several contracts: the trade is never CONFIRMED";

/**
 * Reads and validates `folder`'s trades.csv. A row with an error is set aside and the others continue; of two rows with one id
 * the first stands.
 * @throws InputError, MissingColumnsError when the file as a whole cannot be used
 */
export async function readTrades(
  folder: Pick<BatchFolder, "tradesCsv">,
  reading: CsvReading,
  { report = new CsvReport(), signal }: CsvOptions = {},
): Promise<ListedTrade[]> {
  const trades: ListedTrade[] = [];
  const lineOfId = new Map<string, number>();
  const mapping = reading.mapping?.trades ?? null;
  const rows = csvRows({ path: folder.tradesCsv, columns: TRADE_COLUMNS, context: reading, mapping, report, signal });
  for await (const { line, row, unread } of rows) {
    if (row === null) continue;
    const say = (severity: Remark["severity"], code: RemarkCode, column: string, what: string, value?: string): void =>
      report.add(remark({ severity, code }, { file: "trades.csv", line, column }, what, value));
    const idLine = lineOfId.get(row.tradeId);
    if (idLine !== undefined)
      say("error", "DUPLICATE_ID", TRADE_ID.name, `is the one of line ${idLine} again`, TRADE_ID.redact(row.tradeId));
    const isTooEarly = row.tradeTime !== null && row.tradeTime < row.orderTime;
    if (row.tradeTime && isTooEarly) {
      const what = `is before the order_time ${row.orderTime.toISOString()}: an order cannot be executed before it is placed`;
      say("error", "TRADE_BEFORE_ORDER", TRADE_TIME.name, what, row.tradeTime.toISOString());
    }
    if (idLine !== undefined || isTooEarly) {
      report.refused += 1;
      continue;
    }
    const terms = unread.filter((column) => CONTRACT_COLUMNS.has(column));
    const missing = missingTerms(row).filter((column) => !terms.includes(column));
    for (const column of missing) say("warning", "INCOMPLETE_CONTRACT", column, NOT_ONE_CONTRACT);
    lineOfId.set(row.tradeId, line);
    trades.push(listed(row, terms, line));
  }
  await report.settled();
  return trades;
}

/** All of one shape, written out, as in readCalls. */
function listed(row: RowOf<typeof TRADE_COLUMNS>, unread: readonly string[], line: number): ListedTrade {
  return {
    tradeId: row.tradeId,
    orderId: row.orderId,
    orderTime: row.orderTime,
    tradeTime: row.tradeTime,
    clientCode: row.clientCode,
    clientPhones: row.clientPhones ?? [],
    dealerId: row.dealerId,
    exchange: row.exchange,
    symbol: row.symbol,
    instrument: row.instrument,
    expiry: row.expiry,
    strike: row.strike,
    optionType: row.optionType,
    side: row.side,
    quantity: row.quantity,
    lotSize: row.lotSize,
    price: row.price,
    orderType: row.orderType,
    orderSource: row.orderSource,
    ...(unread.length > 0 && { unread }),
    line,
  };
}
