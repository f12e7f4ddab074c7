/** How llm1 handles words that the recogniser is unsure of, and its own confidence. */
import { describe, expect, it } from "vitest";
import { segmentsOf } from "./llm-support.js";
import { useExtraction } from "./llm1-support.js";

const { extractFrom, trades, orders } = useExtraction();

describe("what was misheard once", () => {
  const order = "sell one hundred and fifty reliance at market price";

  it("does not overrule what was understood better", async () => {
    const lines = [
      "sell three hundred wipro at sixteen fifty",
      "selling three hundred wipro at sixty fifty correct",
      "yes",
    ];
    const heard = segmentsOf(lines).map((segment, index) => ({ ...segment, confidence: [0.93, 0.7, 0.9][index] ?? 1 }));
    const [trade] = (await extractFrom(heard)).trades;
    expect(trade).toMatchObject({ price: 1650, quantity: 300 });
    expect(trade?.confidence).toBeLessThan(0.93);
  });

  it("does not become the quantity of the order before it", async () => {
    expect(
      await orders(order, "sell one fifty shares of reliance correct", "sell eight and also buy ten titan at market"),
    ).toEqual(["SELL 150 RELIANCE market", "BUY 10 TITAN market"]);
  });

  it("is outvoted by what was said twice", async () => {
    const [trade] = await trades(
      "buy two hundred infosys at fifteen hundred",
      "buy two hundred infosys at fifteen hundred correct",
      "yes buy three hundred infosys at fifteen hundred",
    );
    expect(trade?.quantity).toBe(200);
    expect(trade?.confidence).toBeCloseTo(0.9);
  });

  it("names no client where the code was hardly understood", async () => {
    const { client_identity } = await extractFrom(segmentsOf(["client code a b one two three four"], 0.55));
    expect(client_identity.code).toBeNull();
  });
});

describe("confidence", () => {
  const lines = [
    "buy two hundred infosys at fifteen hundred",
    "so buy two hundred infosys at fifteen hundred correct",
    "yes",
  ];

  it("is below one half where the recogniser gets one word in three wrong", async () => {
    for (const confidence of [0, 0.1, 0.34, 0.49, 0.6, 0.7]) {
      const [trade] = (await extractFrom(segmentsOf(lines, confidence))).trades;
      expect(trade?.confidence).toBeLessThan(0.5);
    }
    expect((await extractFrom(segmentsOf(lines, 0.93))).trades[0]?.confidence).toBeCloseTo(0.865);
  });

  it("rests on the better of the order and its read back", async () => {
    const mixed = segmentsOf(lines).map((segment, index) => ({ ...segment, confidence: index === 0 ? 0.3 : 0.9 }));
    expect((await extractFrom(mixed)).trades[0]?.confidence).toBeCloseTo(0.81);
  });

  it("is lower for a symbol that was misheard", async () => {
    const [known] = await trades("buy fifty maruti at market");
    const [misheard] = await trades("buy fifty marooti at market");
    expect(misheard?.symbol).toBe("MARUTI");
    expect(misheard?.confidence).toBeLessThan(known?.confidence ?? 0);
  });

  it("is lower when order and read back differ", async () => {
    const [trade] = await trades("buy two hundred infosys at market", "buy three hundred infosys at market correct");
    expect(trade).toMatchObject({ quantity: 300, confidence: 0.8 });
  });

  it("may be unknown to the recogniser", async () => {
    expect((await extractFrom(segmentsOf(lines, null))).trades[0]?.confidence).toBeCloseTo(0.563);
  });
});
