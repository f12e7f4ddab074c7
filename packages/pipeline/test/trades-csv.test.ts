/** trades.csv, row by row. */
import { join } from "node:path";
import { expect, it } from "vitest";
import { readTrades, type TradesCsv } from "@cofi/pipeline/trades-csv";
import { folderWith, TRADES_HEADER } from "./batch-files.js";

async function read(csv: string): Promise<TradesCsv> {
  const folder = await folderWith({ "trades.csv": csv });
  return readTrades({ tradesCsv: join(folder, "trades.csv") }, { timeZone: "Asia/Kolkata" });
}

it("reads a trade into values of its own types, null for what is absent", async () => {
  const { trades, errors } = await read(
    "trade_id,order_time,client_code,client_phones,dealer_id,symbol,side,quantity,price,instrument,option_type,strike,lot_size\n" +
      "t1,2026-11-20T09:17:00,c1,+91 98123 45678| 442071234567 |+919812345678,D07,nifty,b,75,120.05,opt,put,24000,75\n",
  );
  expect(errors).toEqual([]);
  expect(trades).toEqual([
    {
      line: 2,
      tradeId: "t1",
      orderId: null,
      orderTime: new Date("2026-11-20T03:47:00Z"),
      tradeTime: null,
      clientCode: "C1",
      clientPhones: ["+919812345678", "+442071234567"],
      dealerId: "D07",
      exchange: null,
      symbol: "NIFTY",
      instrument: "OPT",
      expiry: null,
      strike: 24000,
      optionType: "PE",
      side: "BUY",
      quantity: 75,
      lotSize: 75,
      price: 120.05,
      orderType: null,
      orderSource: null,
    },
  ]);
});

it("sets bad rows aside, phone numbers redacted", async () => {
  const { trades, errors, rows } = await read(
    [
      TRADES_HEADER,
      "t1,,2026-11-20T09:17:00,2026-11-20T09:16:59,C1,,D07,X,BUY,10,1,DEALER",
      "t2,,2026-11-20T09:17:00,,C1,+919812345678|0442071234,D07,X,HOLD,10.5,0,DEALER",
      "t3,,2026-11-20T09:17:00,2026-11-20T09:17:00,C1,,D07,X,SELL,10,1,",
      "t3,,2026-11-20T09:17:00,,C1,,D07,X,SELL,10,1,",
      ",,,,,,,,,,,DEALER",
    ].join("\r\n"),
  );
  expect(trades.map((trade) => [trade.tradeId, trade.clientPhones])).toEqual([["t3", []]]);
  expect(rows).toBe(5);
  expect(errors.map(({ line, column, code, value }) => [line, column, code, value])).toEqual([
    [2, "trade_time", "TRADE_BEFORE_ORDER", "2026-11-20T03:46:59.000Z"],
    [3, "client_phones", "BAD_PHONE", "+••••••••••••|••••••••34"],
    [3, "side", "BAD_ENUM", "HOLD"],
    [3, "quantity", "BAD_TYPE", "10.5"],
    [3, "price", "BAD_TYPE", "0"],
    [5, "trade_id", "DUPLICATE_ID", "t3"],
    ...["trade_id", "order_time", "client_code", "dealer_id", "symbol", "side", "quantity", "price"].map((column) => [
      6,
      column,
      "MISSING_VALUE",
      undefined,
    ]),
  ]);
  expect(JSON.stringify(errors)).not.toMatch(/98123|2071/);
});

const row = (id: number) =>
  `t${id},o${id},2026-11-20T09:17:00,,C${id},+9198123${10000 + (id % 9999)},D07,X,BUY,10,1,DEALER`;

it("streams twenty thousand rows", async () => {
  const csv = [TRADES_HEADER, ...Array.from({ length: 20_000 }, (_, id) => row(id))].join("\n");
  const { trades, errors } = await read(csv);
  expect(errors).toEqual([]);
  expect(trades).toHaveLength(20_000);
  expect(trades.at(-1)?.line).toBe(20_001);
});
