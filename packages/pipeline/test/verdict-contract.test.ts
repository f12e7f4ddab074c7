/** The contract that was executed is the one that was spoken of, both ways: share, future or option, strike, type, expiry. */
import type { ExtractedTrade } from "@cofi/pipeline/engine-contract";
import { NOTHING_KNOWN } from "@cofi/pipeline/executed-order";
import { expiryIn, isNearest, isSpokenExpiry } from "@cofi/pipeline/expiry";
import { verdict } from "@cofi/pipeline/verdict";
import { describe, expect, it } from "vitest";
import { call, input, order, spoken, type Fields } from "./verdict-builders.js";

const DAY = "2026-11-23";

function judged(executed: Fields, heard: Partial<ExtractedTrade>, expiries: string[] = []) {
  const known = { ...NOTHING_KNOWN, expiries };
  return verdict(input({ order: order({ day: DAY, ...executed }), calls: [call({ trades: [spoken(heard)] })], known }));
}

const kind = (...args: Parameters<typeof judged>) => {
  const { verdict: found, mismatches } = judged(...args);
  return [found, ...mismatches].join(" ");
};

describe("share, future and option", () => {
  it.each([
    [{ instrument: "FUT" }, { instrument: "EQ" }],
    [{ instrument: "EQ" }, { instrument: "FUT" }],
    [{ instrument: "OPT", strike: 1500, optionType: "CE" }, { instrument: "EQ" }],
    [{ instrument: "OPT", strike: 1500, optionType: "CE" }, { instrument: "FUT" }],
    [{ instrument: "FUT" }, { instrument: "OPT", strike: 1500, option_type: "CE" }],
    [{ instrument: null, strike: 1500, optionType: "PE" }, { instrument: "EQ" }],
  ] as [Fields, Partial<ExtractedTrade>][])("%j is not %j", (executed, heard) => {
    expect(kind(executed, heard)).toBe("MISMATCH SYMBOL");
  });

  it("are the same where the file or the call does not say", () => {
    expect(kind({ instrument: null }, { instrument: "FUT" })).toBe("CONFIRMED");
    expect(kind({ instrument: "EQ" }, { instrument: null })).toBe("CONFIRMED");
    expect(kind({ instrument: "FUT" }, { instrument: null })).toBe("LOW_CONFIDENCE");
  });
});

describe("strike and type", () => {
  const executed = { symbol: "NIFTY", instrument: "OPT", strike: 24_500, optionType: "CE", price: 80 };
  const heard = { symbol: "NIFTY", instrument: "OPT", strike: 24_500, option_type: "CE", price: 80 } as const;

  it.each([
    [{}, {}, "CONFIRMED"],
    [{ strike: 24_600 }, {}, "MISMATCH SYMBOL"],
    [{ optionType: "PE" }, {}, "MISMATCH SYMBOL"],
    [{}, { strike: null }, "LOW_CONFIDENCE"],
    [{}, { option_type: null }, "LOW_CONFIDENCE"],
    [{ strike: null }, {}, "LOW_CONFIDENCE"],
  ] as [Fields, Partial<ExtractedTrade>, string][])("%j and %j", (differs, heardInstead, result) => {
    expect(kind({ ...executed, ...differs }, { ...heard, ...heardInstead })).toBe(result);
  });
});

describe("the expiry", () => {
  const future = { instrument: "FUT", expiry: "2026-11-26" };
  const heard = { instrument: "FUT" } as const;

  it("that was spoken of is compared, and named", () => {
    expect(kind(future, { ...heard, expiry: "november" })).toBe("CONFIRMED");
    const found = judged(future, { ...heard, expiry: "december" });
    expect(found).toMatchObject({ verdict: "MISMATCH", mismatches: ["SYMBOL"] });
    expect(found.reason).toContain("spoken INFY FUT december, executed INFY FUT 2026-11-26");
    expect(kind(future, { ...heard, expiry: "the usual one" })).toBe("LOW_CONFIDENCE");
  });

  it("that was not spoken of is the nearest", () => {
    expect(kind(future, heard)).toBe("CONFIRMED");
    expect(kind({ ...future, expiry: "2026-12-31" }, heard)).toBe("LOW_CONFIDENCE");
    expect(kind({ ...future, expiry: "2026-12-31", day: "2026-11-28" }, heard)).toBe("CONFIRMED");
    expect(kind({ ...future, expiry: "2026-12-31", day: "2026-11-28" }, heard, ["2026-12-03"])).toBe("LOW_CONFIDENCE");
  });

  it.each([
    ["2026-11-26", "2026-11-26"],
    ["26-NOV-2026", "2026-11-26"],
    ["26NOV26", "2026-11-26"],
    ["26/11/2026", "2026-11-26"],
    ["NOV 2026", "2026-11"],
    ["2026-11", "2026-11"],
    ["soon", null],
    ["2026-13-45", null],
  ])("%s in a file is %s", (text, day) => {
    expect(expiryIn(text)).toBe(day);
  });

  it.each([
    ["december", "2026-12-31", true],
    ["26 november", "2026-11-26", true],
    ["26 november", "2026-11-24", false],
    ["2026-11-26", "2026-11-26", true],
    ["this week", "2026-11-26", true],
    ["weekly", "2026-12-31", false],
    ["next week", "2026-12-03", true],
    ["current month", "2026-11-26", true],
    ["next month", "2026-12-31", true],
    ["next month", "2027-01-28", false],
    ["far month", "2027-01-28", true],
    ["november", "2026-11", true],
    ["soon", "2026-11-26", null],
  ] as [string, string, boolean | null][])("spoken as %s, executed %s: %s", (text, expiry, same) => {
    expect(isSpokenExpiry(text, expiry, DAY)).toBe(same);
  });

  it.each([
    ["INFY", "FUT", "2026-11-26", DAY, true],
    ["INFY", "FUT", "2026-12-31", DAY, false],
    ["INFY", "FUT", "2026-12-31", "2026-11-27", null],
    ["INFY", "FUT", "2026-12-31", "2026-12-01", true],
    ["NIFTY", "OPT", "2026-11-26", DAY, true],
    ["NIFTY", "OPT", "2026-11-26", "2026-11-05", null],
    ["RELIANCE", "OPT", "2026-11-26", "2026-11-05", true],
    ["INFY", "FUT", "2026-11", DAY, true],
  ] as [string, string, string, string, boolean | null][])(
    "%s %s %s on %s is the nearest: %s",
    (symbol, instrument, expiry, day, nearest) => {
      expect(isNearest({ symbol, instrument, expiry, day }, [])).toBe(nearest);
    },
  );
});

describe("prices and quantities that may mean two numbers", () => {
  const prices = { low: 7.8, high: 7.9 };
  const heardPrice = (price: number, price_readings: number[], low = prices.low, high = prices.high) => {
    const known = { ...NOTHING_KNOWN, prices: { low, high } };
    const trades = [spoken({ price, price_readings })];
    return verdict(input({ order: order({ price: 7.85 }), calls: [call({ trades })], known })).verdict;
  };

  it("far from every price of the batch are misheard", () => {
    expect(heardPrice(785, [785, 7.85])).toBe("CONFIRMED");
    expect(heardPrice(785, [785, 7.8])).toBe("MISMATCH");
    expect(heardPrice(785, [785])).toBe("LOW_CONFIDENCE");
    expect(heardPrice(785, [785, 7.85], 7.8, 790)).toBe("CONFIRMED");
    expect(heardPrice(785, [785, 7.8], 7.8, 790)).toBe("LOW_CONFIDENCE");
  });

  it("have to agree", () => {
    expect(kind({}, { quantity: 300, quantity_readings: [300, 250] })).toBe("CONFIRMED");
    expect(kind({}, { quantity: 200, quantity_readings: [200, 150] })).toBe("LOW_CONFIDENCE");
    expect(kind({}, { quantity: 150, quantity_readings: [150, 100] })).toBe("MISMATCH QTY");
  });
});
