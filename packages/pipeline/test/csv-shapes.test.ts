/** CSV files as people have them: separators, headers, ragged rows, values that spreadsheets and databases write. */
import { describe, expect, it } from "vitest";
import { CALLS_HEADER, TRADES_HEADER } from "./batch-files.js";
import { brief, callsOf, tradesOf } from "./read-csv.js";

const ROW = "c1,a.wav,2026-11-20T09:15:00Z,60,IN,+919812345678,,2104,D07,C1,1";
const CALL = {
  callId: "c1",
  callerNumber: "+919812345678",
  extension: "2104",
  dealerId: "D07",
  clientCode: "C1",
  channels: 1,
};
const codes = (remarks: readonly { code: string }[]): string[] => [...new Set(remarks.map(({ code }) => code))];

describe("the whole file", () => {
  it.each([
    ["semicolons", `${CALLS_HEADER}\n${ROW}\n`.replaceAll(",", ";"), ["SEPARATOR"]],
    ["tabs", `${CALLS_HEADER}\n${ROW}\n`.replaceAll(",", "\t"), ["SEPARATOR"]],
    ["bars", `${CALLS_HEADER}\n${ROW}\n`.replaceAll(",", "|"), ["SEPARATOR"]],
    [
      "a line that names the separator",
      `sep=;\r\n${`${CALLS_HEADER}\r\n${ROW}`.replaceAll(",", ";")}\r\n`,
      ["SEPARATOR", "LINES_BEFORE_HEADER"],
    ],
    ["a title before the header", `Calls of 20 November,,,\n,,,\n${CALLS_HEADER}\n${ROW}\n`, ["LINES_BEFORE_HEADER"]],
    ["a trailing comma in the header", `${CALLS_HEADER},,\n${ROW}\n`, []],
    ["trailing commas everywhere", `${CALLS_HEADER},\n${ROW},\n`, []],
    ["empty values at the end of rows", `${CALLS_HEADER}\n${ROW},,,\n`, ["RAGGED_ROW"]],
    ["names with blanks and capitals", `${CALLS_HEADER.replaceAll("_", " ").toUpperCase()}\n${ROW}\n`, []],
    ["the header again", `${CALLS_HEADER}\n${ROW}\n${CALLS_HEADER}\n`, ["REPEATED_HEADER"]],
    ["two columns of one name that nobody uses", `${CALLS_HEADER},Remarks,remarks\n${ROW},x,y\n`, ["REPEATED_COLUMN"]],
    ["a Ctrl-Z at its end", `${CALLS_HEADER}\n${ROW}\n\u001a`, []],
    ["rows of commas and blanks", `${CALLS_HEADER}\n,,,,,\n  \n${ROW}\n\n`, []],
  ])("with %s is understood", async (_what, csv, said) => {
    const { calls, errors, warnings, notes } = await callsOf(csv);
    expect([errors, warnings]).toEqual([[], []]);
    expect(calls).toMatchObject([CALL]);
    expect(codes(notes)).toEqual(said);
  });

  it("that repeats a column that is used is refused", async () => {
    await expect(callsOf(`${CALLS_HEADER},Client-Code\n${ROW},C2\n`)).resolves.toMatchObject({ calls: [CALL] });
    await expect(callsOf(`${CALLS_HEADER},client_code\n${ROW},C2\n`)).rejects.toThrow(/column client_code twice/);
  });
});

describe("a row", () => {
  it("with a quote inside a value is read as it stands there", async () => {
    const { calls, notes } = await callsOf(`${CALLS_HEADER},note\n${ROW},5" of it\n`);
    expect([calls.length, codes(notes)]).toEqual([1, ["STRAY_QUOTE"]]);
  });
});

describe("a value", () => {
  it("is read without what nobody sees, and what spreadsheets put around it", async () => {
    const row = `c1,a.wav,2026-11-20T09:15:00Z,60,IN,'+919812345678,,"=""2104""",\u00a0D07\u200e,\u200bC1,1`;
    const { calls, notes, warnings } = await callsOf(`${CALLS_HEADER}\n${row}\n`);
    expect([warnings, calls]).toEqual([[], [expect.objectContaining(CALL)]]);
    expect(notes.map(({ column, code }) => [column, code])).toEqual([
      ["caller_number", "SPREADSHEET_TEXT"],
      ["extension", "SPREADSHEET_TEXT"],
      ["dealer_id", "INVISIBLE_CHARACTERS"],
      ["client_code", "INVISIBLE_CHARACTERS"],
    ]);
  });

  it("that stands for nothing is none: two clients NULL are not one client", async () => {
    const { calls, warnings } = await callsOf(
      `${CALLS_HEADER}\nc1,a.wav,2026-11-20T09:15:00Z,60,-,NULL,#N/A,\\N,(null),#REF!,####\n`,
    );
    expect(warnings).toEqual([]);
    const nothing = {
      direction: null,
      callerNumber: null,
      calleeNumber: null,
      extension: null,
      dealerId: null,
      clientCode: null,
    };
    expect(calls).toMatchObject([nothing]);
    const { errors } = await tradesOf(`${TRADES_HEADER}\nt1,,2026-11-20T09:17:00Z,,NULL,,D07,X,BUY,1,1.5,\n`);
    expect(brief(errors)).toEqual([[2, "client_code", "MISSING_VALUE", "NULL"]]);
  });

  it("that a spreadsheet has shortened is no code: two of them would look the same", async () => {
    const row = (order: string, client: string): string =>
      `t1,${order},2026-11-20T09:17:00Z,,${client},,D07,X,BUY,1,1.5,`;
    const { trades, warnings } = await tradesOf(`${TRADES_HEADER}\n${row("1.23457E+15", "C1")}\n`);
    expect([trades[0]?.orderId, warnings.map(({ column }) => column)]).toEqual([null, ["order_id"]]);
    expect(brief((await tradesOf(`${TRADES_HEADER}\n${row("", "9.1E+11")}\n`)).errors)).toEqual([
      [2, "client_code", "BAD_TYPE", "9.1E+11"],
    ]);
  });
});

/** Quantity and price of the only trade, or what is said against them. */
async function numbers(quantity: string, price: string, separator = ","): Promise<unknown> {
  const quoted = (value: string): string => `"${value}"`;
  const row = [
    "t1",
    "",
    "2026-11-20T09:17:00Z",
    "",
    "C1",
    "",
    "D07",
    "X",
    "BUY",
    quoted(quantity),
    quoted(price),
    "DEALER",
  ];
  const { trades, errors } = await tradesOf(`${TRADES_HEADER.replaceAll(",", separator)}\n${row.join(separator)}\n`);
  return trades[0] ? [trades[0].quantity, trades[0].price] : errors.map(({ column }) => column);
}

describe("numbers without a mapping", () => {
  it.each([
    ["120", "1499.50", [120, 1499.5]],
    ["120.00", ".5", [120, 0.5]],
    ["1,20,000", "1,499.50", [120_000, 1499.5]],
    ["1.200.000", "1.499,50", [1_200_000, 1499.5]],
    ["1 200 000", "1 499,5", [1_200_000, 1499.5]],
    ["1'200'000", "1\u202f499.5", [1_200_000, 1499.5]],
    ["1.2E+01", "1499,5", [12, 1499.5]],
    ["120", "0,125", [120, 0.125]],
    ["120", "₹1,499.50", [120, 1499.5]],
    ["120", "Rs. 1,499.50/-", [120, 1499.5]],
    ["120", "INR 1499.50", [120, 1499.5]],
    ["120", "1499,50 €", [120, 1499.5]],
  ])("%s and %s mean one thing", async (quantity, price, found) => {
    expect(await numbers(quantity, price)).toEqual(found);
  });

  it.each([
    ["1,200", "1499.5", ["quantity"]],
    ["120", "1,499", ["price"]],
    ["1.2E+06", "1499.5", ["quantity"]],
    ["120", "1.49E+3", ["price"]],
    ["-5", "0", ["quantity", "price"]],
    ["1,2,3", "12,34.5", ["quantity", "price"]],
  ])("%s and %s may mean another, and are refused", async (quantity, price, columns) => {
    expect(await numbers(quantity, price)).toEqual(columns);
  });

  it("a point before three digits is refused where semicolons separate the values", async () => {
    expect(await numbers("120", "1.499")).toEqual([120, 1.499]);
    expect(await numbers("120", "1.499", ";")).toEqual(["price"]);
    expect(await numbers("120", "1499,5", ";")).toEqual([120, 1499.5]);
  });
});

/** The start of the only call, or what is said against it. */
async function start(time: string, timeZone = "Asia/Kolkata"): Promise<string> {
  const { calls, errors } = await callsOf(`${CALLS_HEADER}\nc1,a.wav,"${time}",60,,,,,,,\n`, {}, { timeZone });
  return calls[0]?.startTime.toISOString() ?? errors[0]?.message ?? "";
}

describe("times without a mapping", () => {
  it.each([
    "2026-11-20T09:15:00+05:30",
    "2026-11-20 09:15",
    "2026/11/20 09:15:00",
    "20/11/2026 09:15:00",
    "20-11-2026 09:15",
    "20.11.2026 9:15",
    "20.11.2026 09.15.00",
    "Fri Nov 20 2026 09:15:00 GMT+0530 (India Standard Time)",
    "11/20/2026 9:15:00 AM",
    "20-NOV-2026 09:15:00",
    "20 Nov 2026, 9:15 am",
    "20NOV2026 09:15:00",
    "Fri, 20 Nov 2026 03:45:00 GMT",
    "November 20, 2026 09:15",
    "20261120T091500",
    "20261120091500",
  ])("%s is one time", async (time) => {
    expect(await start(time)).toBe("2026-11-20T03:45:00.000Z");
  });

  it("a day that may be a month is refused, unless both are the same", async () => {
    expect(await start("03/04/2026 09:15")).toMatch(/may have the day or the month first.*COFI_CSV_MAPPING/);
    expect(await start("05/05/2026 09:15")).toBe("2026-05-05T03:45:00.000Z");
  });

  it.each([
    "20/11/2026",
    "46346.385",
    "20-11-26 09:15",
    "2026-11-20 09:15 IST",
    "20/13/2026 09:15",
    "2026-11-20 13:15 PM",
    "1763610300",
  ])("%s is refused", async (time) => {
    expect(await start(time)).toMatch(/^calls\.csv, line 2: start_time /);
  });
});

describe("the contract of a trade", () => {
  const header =
    "trade_id,order_time,client_code,dealer_id,symbol,side,quantity,price,instrument,expiry,strike,option_type";
  const contract = async (terms: string, symbol = "INFY") => {
    const row = `t1,2026-11-20T09:17:00Z,C1,D07,${symbol},B,10,1.5,${terms}`;
    const { trades, ...said } = await tradesOf(`${header}\n${row}\n`);
    const [one] = trades;
    return { terms: one && [one.instrument, one.expiry, one.strike, one.optionType], unread: one?.unread, ...said };
  };

  it.each([
    ["FUT,26-NOV-2026,0,XX", ["FUT", "2026-11-26", null, null]],
    ["FUT,26NOV2026,-1,XX", ["FUT", "2026-11-26", null, null]],
    ["FUT,2026-11-26 00:00:00,-0.01,xx", ["FUT", "2026-11-26", null, null]],
    ["FUT,NOV-2026,,", ["FUT", "2026-11", null, null]],
    ["EQ,,0.00,-", ["EQ", null, null, null]],
    ["OPT,2026-11-26,24500,put", ["OPT", "2026-11-26", 24500, "PE"]],
  ])("%s is understood", async (terms, found) => {
    const read = await contract(terms);
    expect([read.terms, read.unread, read.warnings]).toEqual([found, undefined, []]);
  });

  it("that is not understood is not taken for any contract", async () => {
    const read = await contract("FUTSTK,03/04/2026,many,YY");
    expect(read.terms).toEqual([null, null, null, null]);
    expect(read.unread).toEqual(["instrument", "expiry", "strike", "option_type"]);
  });

  it.each([
    ["OPT,2026-11-26,0,CE", ["strike"]],
    ["OPT,,24500,XX", ["expiry", "option_type"]],
    ["FUT,,0,XX", ["expiry"]],
    ["OPT,,many,", ["strike", "expiry", "option_type"]],
  ])("%s may be any of several contracts, with a warning", async (terms, columns) => {
    expect((await contract(terms)).warnings.map(({ column }) => column)).toEqual(columns);
  });

  it.each(["NIFTY26NOV24500CE", "INFY26NOVFUT", "BANKNIFTY 26NOV2026 51000 PE"])("%s says it all", async (symbol) => {
    expect((await contract(symbol.endsWith("FUT") ? "FUT,,," : "OPT,,,", symbol)).warnings).toEqual([]);
  });
});

it("a duration may have hours, minutes and seconds", async () => {
  const csv = (duration: string): string => `${CALLS_HEADER}\nc1,a.wav,2026-11-20T09:15:00Z,${duration},,,,,,,\n`;
  expect((await callsOf(csv("00:01:10.5"))).calls[0]?.durationS).toBe(70.5);
  expect((await callsOf(csv("70 sec"))).calls[0]?.durationS).toBe(70);
  // Minutes and seconds, or hours and minutes.
  expect((await callsOf(csv("01:10"))).errors[0]?.column).toBe("duration_s");
});
