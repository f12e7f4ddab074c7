/** How llm1 handles corrections, cancellations, and statements that are not orders. */
import { describe, expect, it } from "vitest";
import { segmentsOf, type Segment } from "./llm-support.js";
import { useExtraction } from "./llm1-support.js";

const { extractFrom, trades, orders } = useExtraction();

describe("corrections", () => {
  const order = "sell three hundred h d f c bank at sixteen fifty";

  it.each([
    ["no no make it two hundred and fifty shares not three hundred", "SELL 250 HDFCBANK 1650"],
    ["sorry not three hundred two hundred and fifty", "SELL 250 HDFCBANK 1650"],
    ["change the price to sixteen sixty", "SELL 300 HDFCBANK 1660"],
    ["actually make it sixteen forty five", "SELL 300 HDFCBANK 1645"],
    ["no no make it market price", "SELL 300 HDFCBANK market"],
    ["sorry buy not sell", "BUY 300 HDFCBANK 1650"],
    ["i said two hundred and fifty shares", "SELL 250 HDFCBANK 1650"],
    ["no no not h d f c bank axis bank", "SELL 300 AXISBANK 1650"],
    ["no it is sixteen forty", "SELL 300 HDFCBANK 1640"],
    ["no make it market", "SELL 300 HDFCBANK market"],
    ["three hundred h d f c bank correct no it is sixteen forty", "SELL 300 HDFCBANK 1640"],
  ])("%s", async (line, corrected) => {
    expect(await orders(order, line)).toEqual([corrected]);
  });

  it("may repeat what was ordered, when it was read back wrongly", async () => {
    const lines = [
      "c: sell five hundred ntpc at three fifty",
      "d: four hundred ntpc at three fifty",
      "c: five hundred",
    ];
    const segments = segmentsOf(lines.map((line) => line.slice(3))).map((segment, index): Segment => ({
      ...segment,
      speaker: index === 1 ? "dealer" : "client",
    }));
    expect((await extractFrom(segments)).trades).toMatchObject([{ quantity: 500, quantity_readings: [] }]);
  });

  it("of a limit to the market that nobody said to be one leave no certain order", async () => {
    const [trade] = await trades(order, "three hundred h d f c bank sell at market", "yes");
    expect(trade?.confidence).toBeLessThan(0.5);
  });

  it("take back the confirmation until the order is read back again", async () => {
    const [open] = await trades(
      order,
      "selling three hundred h d f c bank correct",
      "yes",
      "no no make it two hundred",
    );
    expect(open).toMatchObject({ quantity: 200, client_confirmed: false, read_back: false });
    const [closed] = await trades(
      order,
      "no no make it two hundred",
      "two hundred h d f c bank sell at sixteen fifty",
      "yes",
    );
    expect(closed).toMatchObject({ quantity: 200, client_confirmed: true, read_back: true });
  });

  it("that were misheard are put right by the read back", async () => {
    const lines = [
      order,
      "no no making do hundred than fifty chairs",
      "okay two hundred and fifty shares of h d f c bank sell at sixteen fifty confirm",
      "yes confirm",
    ];
    expect(await orders(...lines)).toEqual(["SELL 250 HDFCBANK 1650"]);
  });

  it("that were misheard and never read back leave no certain order", async () => {
    const [trade] = await trades(order, "no no making and fitting chairs", "done sir");
    expect(trade?.confidence).toBeLessThanOrEqual(0.5);
    expect(trade?.client_confirmed).toBe(false);
  });
});

describe("cancellations", () => {
  it("of an older order do not touch a new one", async () => {
    expect(await orders("cancel the old order in axis bank", "sure i will cancel axis bank")).toEqual([
      "CANCEL AXISBANK",
    ]);
  });

  it("of an order of this call follow it", async () => {
    expect(await orders("buy two hundred infosys at fifteen hundred", "no cancel it")).toEqual([
      "BUY 200 INFY 1500",
      "CANCEL BUY INFY",
    ]);
  });

  it("and changes of a pending order are distinguished", async () => {
    expect(await orders("modify my pending order in infosys to fifteen ten")).toEqual(["MODIFY INFY 1510"]);
  });
});

describe("statements that are not orders", () => {
  it.each([
    ["what is the price of wipro now", "wipro is trading at four hundred and ten rupees fifty paise"],
    ["good evening sir your state bank shares are at eight hundred and twenty five now", "let me think about it"],
    ["should i buy two hundred infosys at fifteen hundred"],
    ["do not sell two hundred infosys"],
    ["i bought two hundred infosys last week at fifteen hundred"],
    ["you can book profit now"],
    ["nifty is at twenty two thousand today"],
    ["buy something good"],
    [""],
  ])("%s", async (...lines) => {
    expect(await orders(...lines)).toEqual([]);
  });

  it.each([
    ["you should buy two hundred infosys at fifteen hundred", "no i will think about it"],
    ["do you want to buy two hundred infosys at fifteen hundred", "no not today"],
  ])("stay proposals without the client's yes: %s", async (...lines) => {
    expect(await orders(...lines)).toEqual(["PROPOSAL BUY 200 INFY 1500"]);
  });

  it("becomes one when the client agrees to a proposal", async () => {
    expect(await orders("shall i buy two hundred infosys at fifteen hundred for you", "yes go ahead")).toEqual([
      "BUY 200 INFY 1500",
    ]);
  });
});

describe("known traps", () => {
  it("reads no price into the report of an execution", async () => {
    const order = "buy two hundred infosys at market price";
    expect(await orders(order, "order executed eight")).toEqual(["BUY 200 INFY market"]);
    expect(await orders(order, "executed eight fifteen hundred and two sir")).toEqual(["BUY 200 INFY market"]);
    expect(await orders(order, "okay", "order executed bought two hundred infosys at fourteen ninety nine")).toEqual([
      "BUY 200 INFY market",
    ]);
  });

  it("hears 'at' where the recogniser wrote 'eight'", async () => {
    expect(await orders("buy two hundred infosys eight fifteen hundred")).toEqual(["BUY 200 INFY 1500"]);
  });

  it("does not take the quoted price for the limit", async () => {
    expect(
      await orders("what is wipro trading at", "wipro is at four fifteen", "okay buy one thousand wipro at four ten"),
    ).toEqual(["BUY 1000 WIPRO 410"]);
  });

  it("does not take the digits of the client code for a quantity", async () => {
    expect(await orders("client code a b one two three four buy infosys two hundred at fifteen hundred")).toEqual([
      "BUY 200 INFY 1500",
    ]);
  });

  it("does not take a dealer's 'yes sir' or a lone 'okay' for the client's confirmation", async () => {
    const [trade] = await trades("buy two hundred infosys at market", "okay sir", "order placed");
    expect(trade).toMatchObject({ read_back: false, client_confirmed: false });
  });

  it("takes a confirmation from the client only, where speakers are labelled", async () => {
    const labelled = (last: "dealer" | "client"): Segment[] =>
      segmentsOf(["buy ten titan at market", "buy ten titan at market correct", "yes correct"]).map(
        (segment, index) => ({
          ...segment,
          speaker: (["client", "dealer", last] as const)[index] ?? null,
        }),
      );
    expect((await extractFrom(labelled("client"))).trades[0]?.client_confirmed).toBe(true);
    expect((await extractFrom(labelled("dealer"))).trades[0]?.client_confirmed).toBe(false);
  });
});
