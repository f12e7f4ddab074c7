/** trades.csv, row by row. */
import { expect, it } from "vitest";
import { TRADES_HEADER } from "./batch-files.js";
import { brief, tradesOf } from "./read-csv.js";

it("reads a trade into values of its own types, null for what is absent", async () => {
  const { trades, errors } = await tradesOf(
    "trade_id,order_time,client_code,client_phones,dealer_id,symbol,side,quantity,price,instrument,option_type,strike,lot_size\n" +
      "t1,2026-11-20T09:17:00,c1,+91 98123 45678| 0044 20 7123 4567 |+919812345678,D07,nifty,b,75,120.05,opt,put,24000,75\n",
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

it("sets bad rows aside", async () => {
  const { trades, errors, rows } = await tradesOf(
    [
      TRADES_HEADER,
      "t1,,2026-11-20T09:17:00,2026-11-20T09:16:59,C1,,D07,X,BUY,10,1,DEALER",
      "t2,,2026-11-20T09:17:00,,C1,,D07,X,HOLD,10.5,0,DEALER",
      "t3,,2026-11-20T09:17:00,2026-11-20T09:17:00,C1,,D07,X,SELL,10,1,",
      "t3,,2026-11-20T09:17:00,,C1,,D07,X,SELL,10,1,",
      ",,,,,,,,,,,DEALER",
    ].join("\r\n"),
  );
  expect(trades.map((trade) => [trade.tradeId, trade.clientPhones])).toEqual([["t3", []]]);
  expect(rows).toBe(5);
  expect(brief(errors)).toEqual([
    [2, "trade_time", "TRADE_BEFORE_ORDER", "2026-11-20T03:46:59.000Z"],
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
});

it("keeps a trade of which an optional value is odd, and the good ones of several numbers", async () => {
  const header =
    "trade_id,order_time,client_code,client_phones,dealer_id,symbol,side,quantity,price,instrument,expiry,strike";
  const { trades, warnings, errors } = await tradesOf(
    `${header}\nt1,2026-11-20T09:17:00,C1,+919812345678|12ab|0442071234,D07,X,BUY,10,1,FUTSTK,03/04/2026,many\n`,
  );
  expect(errors).toEqual([]);
  expect(brief(warnings)).toEqual([
    [2, "client_phones", "BAD_PHONE", "••ab"],
    [2, "client_phones", "BAD_PHONE", "••••••••34"],
    [2, "instrument", "BAD_ENUM", "FUTSTK"],
    [2, "expiry", "BAD_TIME", "03/04/2026"],
    [2, "strike", "BAD_TYPE", "many"],
  ]);
  expect(trades).toMatchObject([
    {
      clientPhones: ["+919812345678"],
      instrument: null,
      expiry: null,
      strike: null,
      unread: ["instrument", "expiry", "strike"],
    },
  ]);
  expect(JSON.stringify(warnings)).not.toMatch(/98123|2071/);
});

const row = (id: number) =>
  `t${id},o${id},2026-11-20T09:17:00,,C${id},+9198123${10000 + (id % 9999)},D07,X,BUY,10,1,DEALER`;

it("streams twenty thousand rows", async () => {
  const csv = [TRADES_HEADER, ...Array.from({ length: 20_000 }, (_, id) => row(id))].join("\n");
  const { trades, errors } = await tradesOf(csv);
  expect(errors).toEqual([]);
  expect(trades).toHaveLength(20_000);
  expect(trades.at(-1)?.line).toBe(20_001);
});
