/** How llm1 follows an order over the turns of a call, where it is known who speaks. */
import { describe, expect, it } from "vitest";
import { segmentsOf, type Segment, type Trade } from "./llm-support.js";
import { useExtraction } from "./llm1-support.js";

const { extractFrom } = useExtraction();

/** The trades of turns that read `c: …` for the client and `d: …` for the dealer, in brief. */
async function heard(...turns: string[]): Promise<string[]> {
  const segments = segmentsOf(turns.map((turn) => turn.slice(3))).map((segment, index): Segment => ({
    ...segment,
    speaker: turns[index]?.startsWith("d") ? "dealer" : "client",
  }));
  return (await extractFrom(segments)).trades.map(brief);
}

function brief({ action, side, quantity, symbol, price, price_type, client_confirmed, client_answer }: Trade): string {
  const at = price ?? (price_type === "MARKET" ? "market" : "open");
  const state = client_confirmed ? "confirmed" : (client_answer ?? "NONE");
  const known = [action, side, quantity, symbol].filter((part) => part !== null);
  return [...known, ...(action === "CANCEL" ? [] : [at, state])].join(" ");
}

describe("an order that is changed after it was agreed to", () => {
  const order = ["c: buy two hundred ongc at two forty two", "d: two hundred o n g c at two forty two okay", "c: okay"];

  it.each([
    ["c: modify it to two forty four", "d: modified to two forty four two hundred o n g c"],
    ["c: please raise it to two forty four", "d: raising to two forty four two hundred o n g c"],
    ["c: change the order to two forty four", "d: two hundred o n g c at two forty four"],
  ])("%s", async (change, readBack) => {
    expect(await heard(...order, "d: placed sir", change, readBack, "c: yes")).toEqual([
      "NEW BUY 200 ONGC 244 confirmed",
    ]);
  });

  it("a client's limit becomes an order at market", async () => {
    const turns = ["c: sell one hundred larsen at thirty six fifty", "d: larsen is at thirty six twenty now sir"];
    const then = ["c: okay sell at market then", "d: one hundred larsen sell at market", "c: yes"];
    expect(await heard(...turns, ...then)).toEqual(["NEW SELL 100 LT market confirmed"]);
  });

  it("a number that found no place in it leaves the price open", async () => {
    const segments = [...order, "c: two forty eight"].map((turn, id): Segment => ({
      ...segmentsOf([turn.slice(3)])[0]!,
      id,
      speaker: turn.startsWith("d") ? "dealer" : "client",
    }));
    const [trade] = (await extractFrom(segments)).trades;
    expect(trade?.price === 248 || trade?.price_readings.includes(248)).toBe(true);
  });

  it("half of it is what the client takes", async () => {
    const turns = ["d: shall i sell your four hundred tata steel at one fifty", "c: sell half only"];
    expect(await heard(...turns, "d: two hundred tata steel at one fifty", "c: yes")).toEqual([
      "NEW SELL 200 TATASTEEL 150 confirmed",
    ]);
  });
});

describe("several orders for a share", () => {
  it("one is cancelled and another given", async () => {
    const turns = ["c: buy two hundred itc at four zero five", "d: two hundred i t c at four hundred five", "c: yes"];
    const again = [
      "c: cancel that and buy five hundred itc at four hundred",
      "d: buying five hundred itc at four hundred",
    ];
    expect(await heard(...turns, "d: done", ...again, "c: yes correct")).toEqual([
      "NEW BUY 200 ITC 405 REFUSED",
      "CANCEL BUY 200 ITC",
      "NEW BUY 500 ITC 400 confirmed",
    ]);
  });

  it("more of it is a second order", async () => {
    const turns = ["c: buy two hundred ongc at two forty", "d: two hundred o n g c at two forty", "c: yes"];
    const more = ["c: and add one hundred more at two thirty eight", "d: one hundred more at two thirty eight"];
    expect(await heard(...turns, ...more, "c: right")).toEqual([
      "NEW BUY 200 ONGC 240 confirmed",
      "NEW BUY 100 ONGC 238 confirmed",
    ]);
  });

  it("another account makes another order", async () => {
    const own = "c: buy one hundred cipla at fifteen twenty in my account v j one one zero two";
    const other = "c: yes and in my mother's account v j one one zero three buy one hundred cipla at fifteen twenty";
    expect(await heard(own, "d: one hundred cipla at fifteen twenty", other, "d: for her too", "c: yes")).toHaveLength(
      2,
    );
  });
});

describe("clients say", () => {
  it.each([
    [
      "the same quantity of another share",
      [
        "c: buy one hundred itc at four ten",
        "d: one hundred itc at four ten",
        "c: yes and same quantity of wipro at two fifty",
      ],
      "NEW BUY 100 WIPRO 250 NONE",
    ],
    [
      "which of two proposals they take",
      ["d: shall i buy hundred ntpc at three sixty and hundred ongc at two forty", "c: take the ntpc leave ongc"],
      "NEW BUY 100 NTPC 360 confirmed",
    ],
    [
      "a share in place of another",
      [
        "c: buy one hundred tata motors at seven hundred",
        "c: wait instead of tata motors buy one hundred mahindra at thirty one fifty",
      ],
      "NEW BUY 100 M&M 3150 NONE",
    ],
    [
      "which order they had placed, and cancel it",
      [
        "c: i had put a sell order in tata motors please cancel that",
        "d: two hundred tata motors sell at seven twenty cancelled",
      ],
      "CANCEL TATAMOTORS",
    ],
    [
      "why it is urgent",
      [
        "c: sell one hundred titan at market",
        "d: one hundred titan sell at market",
        "c: yes do it fast before it falls",
      ],
      "NEW SELL 100 TITAN market confirmed",
    ],
  ])("%s", async (_, turns, last) => {
    expect(await heard(...turns)).toContain(last);
  });
});
