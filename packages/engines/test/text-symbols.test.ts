import { readFile } from "node:fs/promises";
import { loadSymbols } from "@cofi/engines/text/symbols";
import { splitWords } from "@cofi/engines/text/words";
import { describe, expect, it } from "vitest";

const symbols = loadSymbols();
const find = (text: string) => symbols.matchAt(splitWords(text), 0);

describe("spoken symbols", async () => {
  const names = JSON.parse(await readFile(new URL("../data/symbols.json", import.meta.url), "utf8")) as Record<
    string,
    string[]
  >;

  it("are found by every name in the table, whole", () => {
    for (const [symbol, aliases] of Object.entries(names))
      for (const alias of aliases)
        expect([alias, find(`${alias} at market`)]).toEqual([
          alias,
          { symbol, count: splitWords(alias).length, quality: 1 },
        ]);
  });

  it("are found spelt, written together and as the symbol itself", () => {
    for (const text of ["h d f c bank", "hdfc bank", "HDFC Bank", "HDFCBANK"])
      expect(find(text)?.symbol).toBe("HDFCBANK");
    expect(find("INFY 200")).toEqual({ symbol: "INFY", count: 1, quality: 1 });
    expect(find("L&T")?.symbol).toBe("LT");
  });

  it("take the longest name", () => {
    expect(find("bank nifty futures")?.symbol).toBe("BANKNIFTY");
    expect(find("tech mahindra")?.symbol).toBe("TECHM");
  });

  it.each([
    ["infosis", "INFY"],
    ["relayance", "RELIANCE"],
    ["whipro", "WIPRO"],
    ["access bank", "AXISBANK"],
    ["tata motor", "TATAMOTORS"],
  ])("are found misheard, with less quality: %s", (heard, symbol) => {
    const match = find(heard);
    expect(match?.symbol).toBe(symbol);
    expect(match?.quality).toBeLessThan(1);
  });

  it.each(["fifty", "ninety", "share", "market", "any", "the", "order", "limit", "bank", "good morning", ""])(
    "are not found in %j",
    (text) => {
      expect(find(text)).toBeNull();
    },
  );
});
