/** Symbols as files write them, companies of a symbol master, and the vocabulary that engines are given. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ordersOf } from "@cofi/pipeline/orders";
import { spokenNames } from "@cofi/pipeline/spoken-names";
import { loadSymbolMaster } from "@cofi/pipeline/symbol-master";
import type { TradeRow } from "@cofi/pipeline/trades-csv";
import { readTradingSymbol } from "@cofi/pipeline/trading-symbol";
import { DEFAULT_TRIAGE } from "@cofi/pipeline/triage-config";
import { vocabularyOf } from "@cofi/pipeline/vocabulary";

const DAY = "2026-11-23";

describe("a trading symbol", () => {
  it.each([
    ["INFY", "INFY"],
    ["INFY-EQ", "INFY EQ"],
    ["NSE:INFY", "INFY"],
    ["RELIANCE.NS", "RELIANCE EQ"],
    ["BAJAJ-AUTO", "BAJAJ-AUTO"],
    ["BAJAJ-AUTO-EQ", "BAJAJ-AUTO EQ"],
    ["M&M-EQ", "M&M EQ"],
    ["3MINDIA", "3MINDIA"],
    ["NIFTY26NOV24500CE", "NIFTY OPT 2026-11 24500 CE"],
    ["NIFTY26NOV2624500CE", "NIFTY OPT 2026-11-26 24500 CE"],
    ["NIFTY26N2624500PE", "NIFTY OPT 2026-11-26 24500 PE"],
    ["NIFTY26D0324500PE", "NIFTY OPT 2026-12-03 24500 PE"],
    ["BANKNIFTY26NOVFUT", "BANKNIFTY FUT 2026-11"],
    ["BANKNIFTY26NOV26FUT", "BANKNIFTY FUT 2026-11-26"],
    ["BANKNIFTY26NOV26F", "BANKNIFTY FUT 2026-11-26"],
    ["NIFTY26NOV26C24500", "NIFTY OPT 2026-11-26 24500 CE"],
    ["OPTIDX NIFTY 26NOV2026 24500 CE", "NIFTY OPT 2026-11-26 24500 CE"],
    ["NIFTY 24500 CE 26 NOV 2026", "NIFTY OPT 2026-11-26 24500 CE"],
    ["RELIANCE26DEC1420.5PE", "RELIANCE OPT 2026-12 1420.5 PE"],
    ["M&M26NOV3000CE", "M&M OPT 2026-11 3000 CE"],
    ["TATA MOTORS LTD", "TATA MOTORS LTD"],
  ])("%s is %s", (text, contract) => {
    const { symbol, instrument, expiry, strike, optionType } = readTradingSymbol(text, DAY);
    expect([symbol, instrument, expiry, strike, optionType].filter((part) => part !== null).join(" ")).toBe(contract);
  });

  const row = (fields: Partial<TradeRow>): TradeRow => ({
    tradeId: "T1",
    orderId: "O1",
    orderTime: new Date(`${DAY}T05:00:00Z`),
    tradeTime: null,
    clientCode: "C1",
    clientPhones: [],
    dealerId: "D1",
    exchange: null,
    symbol: "INFY",
    instrument: null,
    expiry: null,
    strike: null,
    optionType: null,
    side: "BUY",
    quantity: 75,
    lotSize: null,
    price: 80,
    orderType: null,
    orderSource: "DEALER",
    ...fields,
  });

  it("says what the columns of its row leave open, and they count before it", () => {
    const rows = [
      row({ symbol: "NIFTY26NOV24500CE" }),
      row({ tradeId: "T2", symbol: "NIFTY", instrument: "OPT", strike: 24_500 }),
    ];
    const [order] = new Set(ordersOf(rows, DEFAULT_TRIAGE).values());
    expect(order).toMatchObject({
      symbol: "NIFTY",
      strike: 24_500,
      optionType: "CE",
      expiry: "2026-11",
      fills: [{}, {}],
    });
    const [other] = ordersOf([row({ symbol: "NIFTY26NOV24500CE", strike: 24_600 })], DEFAULT_TRIAGE).values();
    expect(other).toMatchObject({ strike: 24_600 });
    expect(other?.remarks.join()).toContain("The symbol NIFTY26NOV24500CE names another contract than the columns");
  });
});

describe("the names of a company", () => {
  it.each([
    ["Pidilite Industries Limited", ["pidilite industries", "pidilite"]],
    ["Bharat Electronics Ltd.", ["bharat electronics"]],
    ["Larsen & Toubro Limited", ["larsen and toubro", "larsen"]],
    ["Dr. Reddy's Laboratories Limited", ["dr reddys laboratories", "dr reddys"]],
    ["HDFC Bank Limited", ["hdfc bank", "hdfc"]],
    ["ITC Limited", []],
    ["Oil India Limited", ["oil india"]],
  ])("%s", (company, names) => {
    expect(spokenNames(company)).toEqual(names);
  });

  it("are no name of two", () => {
    const master = new Map([
      ["HDFCBANK", "HDFC Bank Limited"],
      ["HDFCLIFE", "HDFC Life Insurance Company Limited"],
    ]);
    expect(vocabularyOf(["HDFCBANK", "SUZLON", "HDFCBANK"], master)).toEqual({
      symbols: [
        { symbol: "HDFCBANK", names: ["hdfc bank"] },
        { symbol: "SUZLON", names: [] },
      ],
    });
    expect(vocabularyOf(["TATA MOTORS LTD"], new Map())).toEqual({
      symbols: [{ symbol: "TATA MOTORS LTD", names: ["tata motors"] }],
    });
  });
});

describe("COFI_SYMBOLS", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "cofi-symbols-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function load(text: string) {
    const path = join(folder, "symbols.csv");
    await writeFile(path, text);
    return loadSymbolMaster({ COFI_SYMBOLS: path });
  }

  it("names a CSV file as exchanges publish them", async () => {
    const master = await load(
      "\uFEFFSYMBOL,NAME OF COMPANY, SERIES\r\nSUZLON,Suzlon Energy Limited,EQ\r\ninfy,Infosys Limited\r\n,nothing,EQ\r\n",
    );
    expect([...master]).toEqual([
      ["SUZLON", "Suzlon Energy Limited"],
      ["INFY", "Infosys Limited"],
    ]);
    expect((await loadSymbolMaster({})).size).toBe(0);
  });

  it("that cannot be used is refused with its name and the reason", async () => {
    await expect(load("ticker,price\nA,1\n")).rejects.toThrow(/symbols\.csv, whose first line has no column name/);
    await expect(loadSymbolMaster({ COFI_SYMBOLS: join(folder, "none.csv") })).rejects.toThrow(/cannot be read as CSV/);
  });
});
