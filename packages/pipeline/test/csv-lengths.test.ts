/** Rows that have more or fewer values than the header has columns. */
import { describe, expect, it } from "vitest";
import { CALLS_HEADER, TRADES_HEADER } from "./batch-files.js";
import { brief, callsOf, tradesOf } from "./read-csv.js";

const ROW = "c1,a.wav,2026-11-20T09:15:00Z,60,IN,+919812345678,,2104,D07,C1,1";
const more = { "b.wav": "", "c.wav": "" };

describe("a row", () => {
  it("without its last values has none of them, with a word", async () => {
    const csv = `${CALLS_HEADER}\nc1,a.wav,2026-11-20T09:15:00Z,60,IN\n${ROW.replace("c1,a", "c2,b")}\n`;
    const { calls, errors, notes } = await callsOf(csv, more);
    expect(errors.map(({ code }) => code)).toEqual(["FILE_NOT_LISTED"]);
    expect(calls).toMatchObject([{ callId: "c1", callerNumber: null, channels: null }, { callId: "c2" }]);
    expect(brief(notes)).toEqual([[2, null, "RAGGED_ROW", undefined]]);
  });

  it("in which the file ends is refused: its last value may be cut", async () => {
    const header = "trade_id,order_time,client_code,dealer_id,symbol,side,quantity,price,order_source";
    const row = (n: number, price: string): string => `t${n},2026-11-20T09:17:00Z,C1,D07,X,BUY,10,${price}`;
    const cut = await tradesOf(`${header}\n${row(1, "1499.50,DEALER")}\n${row(2, "14")}`);
    expect(cut.trades.map(({ tradeId }) => tradeId)).toEqual(["t1"]);
    expect(cut.errors.map(({ message }) => message)).toEqual([
      "trades.csv, line 3: the row has 8 values, the header 9 columns, and the file ends within the row.",
    ]);
    // Where every row is like that, and where a line break follows, nothing is cut.
    expect((await tradesOf(`${header}\n${row(1, "14")}\n${row(2, "14")}`)).errors).toEqual([]);
    expect((await tradesOf(`${header}\n${row(1, "14,DEALER")}\n${row(2, "14")}\n`)).errors).toEqual([]);
  });

  it("with too many values is refused: one of them has lost its quotes", async () => {
    const { errors } = await tradesOf(`${TRADES_HEADER}\nt1,,2026-11-20T09:17:00Z,,C1,,D07,X,BUY,1,234,1.5,DEALER\n`);
    expect(errors.map(({ code, message }) => [code, message])).toEqual([
      [
        "MALFORMED_ROW",
        expect.stringMatching(/13 values, the header 12 columns: a value with a separator in it needs quotes/),
      ],
    ]);
  });

  it("of a usual number of values may be cut at its thousands, where most rows have no value too many", async () => {
    const row = (n: number, price: string, rest = "DEALER"): string =>
      `t${n},,2026-11-20T09:17:00Z,,C1,,D07,X,BUY,10,${price},${rest}`;
    const csv = (...rows: string[]) => tradesOf([TRADES_HEADER, ...rows, ""].join("\n"));
    const cut = await csv(row(1, "949.50"), row(2, "1,499.50", ""), row(3, "949.50,", ""));
    expect(cut.trades.map(({ tradeId, price }) => [tradeId, price])).toEqual([
      ["t1", 949.5],
      ["t3", 949.5],
    ]);
    expect(brief(cut.errors)).toEqual([[3, null, "MALFORMED_ROW", undefined]]);
    const lakhs = await csv(row(1, "949.50"), row(2, "1,20,499.50", ""), row(3, "949.50"), row(4, "1,20,499", ""));
    expect(lakhs.trades.map(({ tradeId }) => tradeId)).toEqual(["t1", "t3"]);
    // All rows have one value too many, and a price of one rupee beside a code of three digits.
    const whole = await csv(row(1, "1", "499,"), row(2, "1", "500,"));
    expect([whole.trades.map(({ price }) => price), whole.errors]).toEqual([[1, 1], []]);
  });

  it.each([
    ["more", "c2,b.wav,2026-11-20T09:15:00Z,60,IN,,,2104,Rao, Asha,,"],
    ["fewer", "c2,b.wav,2026-11-20T09:15:00Z,60,IN,,,2104,Rao, Asha"],
  ])("with %s values than others, in which a name has lost its quotes, is refused", async (_how, row) => {
    const rows = [ROW, row, ROW.replace("c1,a", "c3,c")];
    const { calls, errors } = await callsOf([CALLS_HEADER, ...rows, ""].join("\n"), more);
    expect(calls.map(({ callId }) => callId)).toEqual(["c1", "c3"]);
    expect(errors[0]?.message).toMatch(/line 3: the row has 1[02] values.*needs quotes around it/);
  });

  it("with a blank after every comma is as good as others", async () => {
    const rows = [ROW, `${ROW.replace("c1,a", "c2,b").replaceAll(",", ", ")},`, ROW.replace("c1,a", "c3,c")];
    const { calls, errors } = await callsOf([CALLS_HEADER, ...rows, ""].join("\n"), more);
    expect([calls.map(({ clientCode }) => clientCode), errors]).toEqual([["C1", "C1", "C1"], []]);
  });
});
