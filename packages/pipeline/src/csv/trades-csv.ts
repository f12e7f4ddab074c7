/** trades.csv: one row a fill. */
import type { BatchFolder } from "../batch/batch-folder.js";
import {
  capitals,
  oneOf,
  optional,
  phones,
  positiveNumber,
  required,
  text,
  time,
  wholeNumber,
  type CellContext,
} from "./csv-columns.js";
import { csvRows, rowError, type RowError, type RowOf } from "./csv-rows.js";
import { redactPhone } from "./phone-number.js";

const COLUMNS = {
  tradeId: required("trade_id", text(128)),
  orderId: optional("order_id", text(128)),
  orderTime: required("order_time", time),
  tradeTime: optional("trade_time", time),
  clientCode: required("client_code", capitals(64)),
  /** E.164. */
  clientPhones: optional("client_phones", phones, redactPhone),
  dealerId: required("dealer_id", text(64)),
  exchange: optional("exchange", capitals(32)),
  symbol: required("symbol", capitals(64)),
  instrument: optional("instrument", oneOf({ EQ: "EQ", FUT: "FUT", OPT: "OPT" })),
  expiry: optional("expiry", text(32)),
  strike: optional("strike", positiveNumber),
  optionType: optional("option_type", oneOf({ CE: "CE", PE: "PE", CALL: "CE", PUT: "PE", C: "CE", P: "PE" })),
  side: required("side", oneOf({ BUY: "BUY", SELL: "SELL", B: "BUY", S: "SELL" })),
  /** In shares or contracts' units, as executed. */
  quantity: required("quantity", wholeNumber(1, Number.MAX_SAFE_INTEGER)),
  lotSize: optional("lot_size", wholeNumber(1, 2_147_483_647)),
  price: required("price", positiveNumber),
  orderType: optional("order_type", capitals(16)),
  /** DEALER, ONLINE …: where the order came from. */
  orderSource: optional("order_source", capitals(32)),
};

/** An executed trade (a fill of an order); null where the file says nothing. */
export type TradeRow = Omit<RowOf<typeof COLUMNS>, "clientPhones"> & {
  /** E.164; empty when the broker knows none. */
  clientPhones: string[];
};

/** A trade with the line of trades.csv that it stands on. */
export type ListedTrade = TradeRow & { line: number };

export interface TradesCsv {
  trades: ListedTrade[];
  errors: RowError[];
  /** Rows in the file, those set aside included. */
  rows: number;
}

/**
 * Reads and validates `folder`'s trades.csv. A row with an error is set aside and the others go on; of two rows with one id
 * the first stands.
 * @throws InputError, MissingColumnsError when the file as a whole cannot be used
 */
export async function readTrades(
  folder: Pick<BatchFolder, "tradesCsv">,
  context: CellContext,
  signal?: AbortSignal,
): Promise<TradesCsv> {
  const result: TradesCsv = { trades: [], errors: [], rows: 0 };
  const lineOfId = new Map<string, number>();
  for await (const { line, row, errors } of csvRows(folder.tradesCsv, COLUMNS, context, signal)) {
    result.rows++;
    result.errors.push(...errors);
    if (row === null) continue;
    const problems: RowError[] = [];
    const idLine = lineOfId.get(row.tradeId);
    if (idLine !== undefined)
      problems.push(
        rowError(
          "trades.csv",
          line,
          COLUMNS.tradeId,
          "DUPLICATE_ID",
          `is the one of line ${idLine} again`,
          row.tradeId,
        ),
      );
    if (row.tradeTime !== null && row.tradeTime < row.orderTime) {
      const message = `is before the order_time ${row.orderTime.toISOString()}: an order cannot be executed before it is placed`;
      const value = row.tradeTime.toISOString();
      problems.push(rowError("trades.csv", line, COLUMNS.tradeTime, "TRADE_BEFORE_ORDER", message, value));
    }
    result.errors.push(...problems);
    if (problems.length > 0) continue;
    lineOfId.set(row.tradeId, line);
    result.trades.push({ ...row, clientPhones: row.clientPhones ?? [], line });
  }
  return result;
}
