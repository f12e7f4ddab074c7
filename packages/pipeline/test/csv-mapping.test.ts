/** Mappings: the names, formats and words of other systems. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readMapping, type CsvMapping } from "@cofi/pipeline/csv-mapping";
import { csvSettings, PLAIN_CSV } from "@cofi/pipeline/csv-settings";
import { folderWith } from "./batch-files.js";
import { brief, callsOf, tradesOf } from "./read-csv.js";

const shipped = async (name: string): Promise<CsvMapping> => (await csvSettings({ COFI_CSV_MAPPING: name })).mapping;

describe("the mapping of exchanges", () => {
  it("reads trades by their names, words, times and numbers", async () => {
    const mapping = await shipped("nse-bse-trades");
    const csv = [
      "Trade No,Order No,Order Time,Trade Date,Trade Time,Client Code,Mobile No,User ID,Exchange,Symbol,Instrument Type,Expiry Date,Strike Price,Option Type,Buy/Sell,Trade Qty,Trade Price",
      '900001,11000001,03-04-2026 09:16:05,03-APR-2026,09:16:09,ab1,+919810000001,D01,NSE,INFY,FUTSTK,28-APR-2026,-0.01,XX,1,"1,200","1,499.50"',
      "900002,11000002,03/04/2026 09:17:00,03-APR-2026,09:17:01,AB2,,D01,NSE,NIFTY,OPTIDX,28APR2026,24500,CE,S,75,120.05",
    ].join("\n");
    const { trades, errors, warnings } = await tradesOf(csv, { mapping, timeZone: "UTC" });
    expect([errors, warnings]).toEqual([[], []]);
    expect(trades).toMatchObject([
      {
        tradeId: "900001",
        orderId: "11000001",
        orderTime: new Date("2026-04-03T09:16:05+05:30"),
        tradeTime: new Date("2026-04-03T09:16:09+05:30"),
        clientCode: "AB1",
        clientPhones: ["+919810000001"],
        instrument: "FUT",
        expiry: "2026-04-28",
        strike: null,
        optionType: null,
        side: "BUY",
        quantity: 1200,
        price: 1499.5,
      },
      { tradeId: "900002", instrument: "OPT", expiry: "2026-04-28", strike: 24500, optionType: "CE", side: "SELL" },
    ]);
  });

  it("reads files with the names of the documentation too", async () => {
    const mapping = await shipped("nse-bse-trades");
    const header =
      "trade_id,order_id,order_time,trade_time,client_code,client_phones,dealer_id,exchange,symbol,instrument,expiry,strike,option_type,side,quantity,lot_size,price,order_type,order_source";
    const { trades, errors, warnings, notes } = await tradesOf(
      `${header}\nT1,O1,2026-11-20T09:16:05+05:30,,AB1,+919810000001,D01,NSE,INFY,FUTSTK,26-NOV-2026,0,XX,B,120,,1499.50,LIMIT,DEALER\n`,
      { mapping },
    );
    expect([errors, warnings]).toEqual([[], []]);
    expect(trades).toMatchObject([
      { instrument: "FUT", expiry: "2026-11-26", strike: null, side: "BUY", quantity: 120 },
    ]);
    expect(notes.map(({ code }) => code)).toEqual(["NO_OPTION", "NO_OPTION"]);
  });
});

describe("the mapping of Asterisk", () => {
  const MASTER = [
    '"D01","9810000001","4711","from-trunk","""Asha"" <9810000001>","SIP/trunk-0001","SIP/4711-0002","Dial","SIP/4711","2026-11-20 09:14:50","2026-11-20 09:15:00","2026-11-20 09:16:00",70,60,"ANSWERED","DOCUMENTATION","1763610290.1","a.wav"',
    '"D01","9810000002","4711","from-trunk","9810000002","SIP/trunk-0003","","Dial","SIP/4711","2026-11-20 09:20:00","","2026-11-20 09:20:20",20,0,"NO ANSWER","DOCUMENTATION","1763610290.2",""',
    '"D02","4712","9810000003","from-internal","4712","SIP/4712-0004","SIP/trunk-0005","Dial","SIP/trunk","2026-11-20 09:30:00","2026-11-20 09:30:05","2026-11-20 09:31:05",65,60,"ANSWERED","DOCUMENTATION","1763610290.3",""',
  ];

  it("reads Master.csv, which has no header, and leaves out what nobody answered", async () => {
    const mapping = await shipped("asterisk-cdr");
    const reading = { mapping, timeZone: "Asia/Kolkata", phoneCountry: "IN" } as const;
    const { calls, errors, warnings, notes } = await callsOf(MASTER.join("\n"), { "1763610290.3.wav": "" }, reading);
    expect(errors).toEqual([]);
    expect(calls).toMatchObject([
      {
        callId: "1763610290.1",
        fileName: "a.wav",
        startTime: new Date("2026-11-20T09:15:00+05:30"),
        durationS: 60,
        direction: "IN",
        callerNumber: "+919810000001",
        calleeNumber: null,
        dealerId: "D01",
      },
      { callId: "1763610290.3", fileName: "1763610290.3.wav", direction: "OUT", calleeNumber: "+919810000003" },
    ]);
    // Extensions are no numbers.
    expect(warnings.map(({ line, column }) => [line, column])).toEqual([
      [1, "callee_number"],
      [3, "caller_number"],
    ]);
    expect(notes.map(({ code, line }) => [code, line])).toEqual([
      ["NO_HEADER", null],
      ["PASSED_OVER", 2],
    ]);
  });

  it("reads an export with a header, whose recordings have paths", async () => {
    const mapping = await shipped("asterisk-cdr");
    const csv = [
      "calldate;clid;src;dst;dcontext;duration;billsec;disposition;accountcode;uniqueid;recordingfile",
      "2026-11-20 09:15:00;x;+919810000001;+912240000000;ext-did;70;60;ANSWERED;;17636.1;2026/11/20/a.wav",
    ].join("\n");
    const { calls, errors } = await callsOf(csv, {}, { mapping });
    expect([errors, calls[0]?.fileName, calls[0]?.callId]).toEqual([[], "a.wav", "17636.1"]);
  });

  it("says which column a header lacks, and does not take it for a row", async () => {
    const mapping = await shipped("asterisk-cdr");
    await expect(callsOf("accountcode,src,dst,start,duration\n1,2,3,4,5\n", {}, { mapping })).rejects.toThrow(
      /lacks the columns uniqueid \(call_id\), recordingfile \(file_name\)\. .* or its mapping asterisk-cdr/,
    );
  });
});

describe("a mapping of one's own", () => {
  it("names separators, signs of numbers, formats and values that are the same everywhere", async () => {
    const mapping = readMapping("mine", {
      trades: {
        separator: "~",
        decimal: ",",
        thousands: ".",
        columns: { trade_id: "Nr", order_time: "{Tag} {Zeit}", dealer_id: { value: "D01" }, side: "Art" },
        words: { side: { Kauf: "BUY", Verkauf: "SELL" }, order_source: { TEL: "DEALER" } },
        formats: { order_time: "MM/DD/YY h:mm A" },
      },
    });
    const csv =
      "Nr~Tag~Zeit~client_code~symbol~Art~quantity~price~order_source\n1~03/04/26~9:15 PM~C1~X~kauf~1.200~1.499,5~tel\n";
    const { trades, errors } = await tradesOf(csv, { mapping, timeZone: "UTC" });
    expect(errors).toEqual([]);
    expect(trades).toMatchObject([
      {
        tradeId: "1",
        orderTime: new Date("2026-03-04T21:15:00Z"),
        dealerId: "D01",
        side: "BUY",
        quantity: 1200,
        price: 1499.5,
        orderSource: "DEALER",
      },
    ]);
  });

  it("refuses what is not in its formats, and says when a column that it names is not there", async () => {
    const mapping = readMapping("mine", {
      calls: { columns: { extension: "Ext" }, formats: { start_time: "MM/DD/YYYY HH:mm" } },
    });
    const csv = (time: string): string => `call_id,file_name,start_time,duration_s\nc1,a.wav,${time},60\n`;
    const { errors, notes } = await callsOf(csv("20/11/2026 09:15"), {}, { mapping });
    expect(errors[0]?.message).toMatch(/start_time is not in the format MM\/DD\/YYYY HH:mm that the mapping gives/);
    expect(brief(notes)).toEqual([[null, "extension", "MAPPED_COLUMN_MISSING", undefined]]);
    expect((await callsOf(csv("2026-11-20T09:15:00Z"), {}, { mapping })).errors).toEqual([]);
    expect((await callsOf(csv("03/04/2026 09:15"), {}, { mapping })).calls[0]?.startTime.toISOString()).toBe(
      "2026-03-04T09:15:00.000Z",
    );
  });

  it.each([
    [{}, 'It needs "calls" or "trades", or both.'],
    [{ trade: {} }, "trade is no part of a mapping (did you mean trades?)."],
    [{ trades: { column: {} } }, "trades.column is no part of a mapping (did you mean columns?)."],
    [
      { trades: { columns: { tradeid: "x" } } },
      "trades.columns.tradeid is no column of trades.csv (did you mean trade_id?).",
    ],
    [
      { trades: { columns: { trade_id: 5 } } },
      'trades.columns.trade_id must be the name of a column, {"value": "…"}, or a list of these.',
    ],
    [
      { trades: { columns: { trade_id: "{Nr" } } },
      'trades.columns.trade_id: "{Nr" has a brace that is not closed or not opened, or nothing in it.',
    ],
    [
      { trades: { encoding: "latin1" } },
      'trades.encoding must be one of "utf-8", "utf-16le", "utf-16be", "windows-1252".',
    ],
    [
      { calls: { words: { direction: { EIN: "INWARDS" } } } },
      'calls.words.direction.EIN: "INWARDS" must be one of IN, OUT.',
    ],
    [
      { calls: { formats: { start_time: "DD.MM.YYYY" } } },
      /^calls\.formats\.start_time: "DD\.MM\.YYYY" has no hour: it takes YYYY/,
    ],
    [{ calls: { formats: { start_time: "DD.MM.YYYY hh:mm" } } }, /has no A for the half of the day/],
    [{ calls: { formats: { start_time: "DD.MM.YYYY quarter HH:mm" } } }, /has "quarter", which is no token/],
    [{ calls: { formats: { dealer_id: "YYYY" } } }, "calls.formats.dealer_id is given, but dealer_id is no time."],
    [{ calls: { decimal: ",", thousands: "," } }, "calls.thousands is the sign of calls.decimal too."],
    [{ calls: { time_zone: "IST+5" } }, 'calls.time_zone is "IST+5", which is no IANA time zone such as Asia/Kolkata.'],
    [{ calls: { separator: "ab" } }, /^calls\.separator: must be one character/],
    [{ calls: { header: ["a", "a"] } }, 'calls.header names "a" twice.'],
  ])("that is wrong is refused with its place: %j", (content, problem) => {
    expect(() => readMapping("mine", content)).toThrow(problem);
  });
});

describe("COFI_CSV_MAPPING", () => {
  it("names files, and mappings that come with Cofi, one for each CSV file", async () => {
    const folder = await folderWith({
      "mine.json": '{"calls": {"columns": {"call_id": "Id"}}}',
      "bad.json": '{"calls": }',
    });
    const mine = join(folder, "mine.json");
    const { mapping, mappingTexts } = await csvSettings({ COFI_CSV_MAPPING: `${mine}, nse-bse-trades` });
    expect([mapping.calls?.name, mapping.trades?.name]).toEqual([mine, "nse-bse-trades"]);
    expect(Object.keys(mappingTexts)).toEqual([mine, "nse-bse-trades"]);
    for (const [value, said] of [
      [`${mine},asterisk-cdr`, /names two mappings of calls\.csv/],
      [
        "asterisk",
        /names asterisk, which cannot be read as JSON: ENOENT.* Mappings that come with Cofi: nse-bse-trades, asterisk-cdr/,
      ],
      [join(folder, "bad.json"), /bad\.json, which cannot be read as JSON: .*Correct the file/],
    ] as const)
      await expect(csvSettings({ COFI_CSV_MAPPING: value })).rejects.toThrow(said);
    await writeFile(mine, '{"calls": {"columns": {"cal_id": "Id"}}}');
    await expect(csvSettings({ COFI_CSV_MAPPING: mine })).rejects.toThrow(
      /The mapping .*mine\.json \(COFI_CSV_MAPPING\) is not valid\. calls\.columns\.cal_id is no column of calls\.csv/,
    );
  });

  it("and COFI_PHONE_COUNTRY may be left out, and are checked", async () => {
    expect(await csvSettings({})).toEqual(PLAIN_CSV);
    expect((await csvSettings({ COFI_PHONE_COUNTRY: "in" })).phoneCountry).toBe("IN");
    await expect(csvSettings({ COFI_PHONE_COUNTRY: "India" })).rejects.toThrow(
      /COFI_PHONE_COUNTRY is "India"; expected a country of ISO 3166/,
    );
  });
});

it("reads through a mapping what it reads without one", async () => {
  const code = fc
    .stringMatching(/^[A-Z][A-Z0-9]{0,8}$/)
    .filter((text) => !/^(?:NULL|NA|NAN|NIL|NONE|UNDEFINED)$/.test(text));
  const trade = fc.record({
    tradeId: code,
    orderTime: fc.date({ min: new Date("2000-01-01"), max: new Date("2100-01-01"), noInvalidDate: true }),
    clientCode: code,
    side: fc.constantFrom("BUY" as const, "SELL" as const),
    quantity: fc.integer({ min: 1, max: 10_000_000 }),
    price: fc.integer({ min: 1, max: 100_000_000 }).map((cents) => cents / 100),
  });
  const mapping = readMapping("mine", {
    trades: {
      decimal: ",",
      thousands: ".",
      columns: {
        trade_id: "Nr",
        order_time: "{Tag} {Zeit}",
        client_code: "Kunde",
        side: "Art",
        quantity: "Menge",
        price: "Kurs",
        dealer_id: { value: "D" },
        symbol: { value: "X" },
      },
      words: { side: { K: "BUY", V: "SELL" } },
      formats: { order_time: "D.M.YYYY H:mm:ss.S" },
    },
  });
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(trade, { selector: ({ tradeId }) => tradeId, minLength: 1, maxLength: 5 }),
      async (written) => {
        const plain = written.map(
          (one) =>
            `${one.tradeId},${one.orderTime.toISOString()},${one.clientCode},D,X,${one.side},${one.quantity},${one.price}`,
        );
        const own = written.map(({ orderTime: at, ...one }) => {
          const day = `${at.getUTCDate()}.${at.getUTCMonth() + 1}.${at.getUTCFullYear()}`;
          const clock = `${at.getUTCHours()}:${at.toISOString().slice(14, 23)}`;
          const amount = (value: number): string => value.toLocaleString("de-DE", { maximumFractionDigits: 2 });
          return [
            amount(one.price),
            one.tradeId,
            one.clientCode,
            one.side === "BUY" ? "k" : "V",
            amount(one.quantity),
            day,
            clock,
          ].join(";");
        });
        const header = "trade_id,order_time,client_code,dealer_id,symbol,side,quantity,price";
        const [one, other] = await Promise.all([
          tradesOf([header, ...plain].join("\n")),
          tradesOf(["Kurs;Nr;Kunde;Art;Menge;Tag;Zeit", ...own].join("\n"), { mapping, timeZone: "UTC" }),
        ]);
        expect([one.errors, other.errors]).toEqual([[], []]);
        expect(other.trades).toEqual(one.trades);
      },
    ),
    { numRuns: 60 },
  );
});
