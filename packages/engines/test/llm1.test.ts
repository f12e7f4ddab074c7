import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  segmentsOf,
  startTextEngine,
  type Extraction,
  type Segment,
  type TextEngine,
  type Trade,
} from "./llm-support.js";

let engine: TextEngine;
beforeAll(async () => {
  engine = await startTextEngine("llm1");
});
afterAll(() => engine.close());

async function extractFrom(segments: readonly Segment[]): Promise<Extraction> {
  const response = await engine.post({ call_id: "C1", language: "en", transcript: { segments } });
  expect(response.status).toBe(200);
  const extraction = (await response.json()) as Extraction;
  for (const { evidence } of extraction.trades) {
    expect(evidence.length).toBeGreaterThan(0);
    for (const { segment, start_s, end_s, quote } of evidence) {
      const source = segments.find(({ id }) => id === segment);
      expect(source?.text).toContain(quote);
      expect([start_s, end_s]).toEqual([source?.start_s, source?.end_s]);
    }
  }
  return extraction;
}

const extract = (...lines: string[]): Promise<Extraction> => extractFrom(segmentsOf(lines));

async function trades(...lines: string[]): Promise<Trade[]> {
  return (await extract(...lines)).trades;
}

/** "BUY 200 INFY 1500", so that a test reads like the order. */
function brief({
  action,
  side,
  quantity,
  unit,
  symbol,
  strike,
  option_type,
  price,
  price_type,
  trigger,
}: Trade): string {
  const option = strike === null ? [] : [strike, option_type];
  const at = price ?? (price_type === "MARKET" ? "market" : "open");
  const parts = [action === "NEW" ? null : action, side, quantity, unit === "LOTS" ? "lots" : null, symbol, ...option];
  return [...parts, action === "CANCEL" ? null : at, trigger === null ? null : `trigger ${trigger}`]
    .filter((part) => part !== null)
    .join(" ");
}

async function orders(...lines: string[]): Promise<string[]> {
  return (await trades(...lines)).map(brief);
}

interface Truth {
  id: string;
  client: string;
  labels: { type: string; start: number; end: number; speaker?: string; text?: string }[];
  trades: { side: string; symbol: string; qty: number; price: number | null }[];
}

describe("the reference transcripts of the sample calls", async () => {
  const truth = JSON.parse(await readFile(new URL("../../../samples/truth.json", import.meta.url), "utf8")) as Truth[];

  function turns(call: Truth, labelled: boolean): Segment[] {
    return call.labels
      .filter(({ type }) => type === "speech")
      .map(({ start, end, text, speaker }, id) => ({
        id,
        start_s: start,
        end_s: end,
        text: text ?? "",
        confidence: 1,
        ...(labelled && speaker !== undefined && { speaker }),
      }));
  }

  /** The voice detector may leave out the pause between two turns. */
  function merged(segments: readonly Segment[], size: number): Segment[] {
    return segments.flatMap((segment, index) => {
      const group = segments.slice(index, index + size);
      const text = group.map((one) => one.text).join(" ");
      return index % size === 0 ? [{ ...segment, end_s: group.at(-1)?.end_s ?? segment.end_s, text }] : [];
    });
  }

  const cutting = [
    ["one segment a turn", (call: Truth) => turns(call, false)],
    ["with speaker labels", (call: Truth) => turns(call, true)],
    ["two turns a segment", (call: Truth) => merged(turns(call, false), 2)],
    ["three turns a segment", (call: Truth) => merged(turns(call, false), 3)],
    ["the call in one segment", (call: Truth) => merged(turns(call, false), 99)],
  ] as const;

  it.each(cutting)("give every order exactly: %s", async (_, cut) => {
    for (const call of truth) {
      const { trades: found, client_identity } = await extractFrom(cut(call));
      const ordered = found.filter(({ action }) => action === "NEW");
      const spoken = ordered.map(({ side, symbol, quantity, price }) => ({ side, symbol, qty: quantity, price }));
      expect(spoken, call.id).toEqual(call.trades);
      if (call.trades.length > 0) expect(client_identity.code, call.id).toBe(call.client);
    }
  });

  it.each(cutting.slice(0, 2))("are read back and confirmed: %s", async (_, cut) => {
    for (const call of truth) {
      const { trades: found } = await extractFrom(cut(call));
      for (const trade of found.filter(({ action }) => action === "NEW"))
        expect([call.id, trade.read_back, trade.client_confirmed]).toEqual([call.id, true, true]);
    }
  });
});

describe("the client's identity", () => {
  it.each([
    ["this is anita sharma my client code is a b one two three four", "Anita Sharma", "AB1234"],
    ["hi priya this is suresh client code c k seven seven eight one", "Suresh", "CK7781"],
    ["good morning arjun here account h j three three nine zero", "Arjun", "HJ3390"],
    ["my name is ravi u c c is m n double zero four two", "Ravi", "MN0042"],
    ["Hello, this is Neha Gupta, client code: XY9087.", "Neha Gupta", "XY9087"],
    ["client id a for apple b for bombay one two three four", null, "AB1234"],
    ["this is regarding my account", null, null],
    ["this call is recorded", null, null],
  ])("%s", async (line, name, code) => {
    const { client_identity } = await extract("good morning dealing desk rahul speaking", line);
    expect(client_identity).toEqual({ name, code });
  });

  it("is found in the answer to the dealer's question", async () => {
    const { client_identity, trades: none } = await extract(
      "may i have your client code please",
      "yes it is p q eight eight one two",
      "thank you",
    );
    expect(client_identity.code).toBe("PQ8812");
    expect(none).toEqual([]);
  });
});

describe("orders", () => {
  it.each([
    ["buy two hundred shares of infosys at fifteen hundred", "BUY 200 INFY 1500"],
    ["i would like to purchase fifty t c s at market", "BUY 50 TCS market"],
    ["please sell hundred shares of larsen and toubro at thirty four fifty", "SELL 100 LT 3450"],
    ["wipro two hundred shares buy at four ten", "BUY 200 WIPRO 410"],
    ["sell 1,200 HDFC Bank at Rs. 1,650.50", "SELL 1200 HDFCBANK 1650.5"],
    ["sell three hundred i t c limit four ten trigger four oh five", "SELL 300 ITC 410 trigger 405"],
    ["sell three hundred i t c at four ten stop loss at four hundred", "SELL 300 ITC 410 trigger 400"],
    [
      "can you buy two lots of nifty twenty two thousand call at one hundred and twenty",
      "BUY 2 lots NIFTY 22000 CE 120",
    ],
    ["sell one lot bank nifty forty eight thousand five hundred put at two ten", "SELL 1 lots BANKNIFTY 48500 PE 210"],
    ["buy three lots of nifty futures at twenty two thousand one hundred", "BUY 3 lots NIFTY 22100"],
    ["buy one lakh shares of vodafone idea at seven point five", "BUY 100000 IDEA 7.5"],
    ["by two hundred shares of titan at thirty two hundred", "BUY 200 TITAN 3200"],
    ["buy infosys two hundred at fifteen hundred", "BUY 200 INFY 1500"],
    ["buy ten percent less no buy forty cipla at market price", "BUY 40 CIPLA market"],
  ])("%s", async (line, order) => {
    expect(await orders(line)).toEqual([order]);
  });

  it("name the instrument and its expiry", async () => {
    const [future] = await trades("buy three lots of reliance futures november expiry at fourteen hundred");
    expect(future).toMatchObject({ instrument: "FUT", expiry: "november", quantity: 3, unit: "LOTS", price: 1400 });
    const [option] = await trades("sell two lots nifty twenty two thousand put at ninety");
    expect(option).toMatchObject({ instrument: "OPT", strike: 22000, option_type: "PE" });
    const [share] = await trades("buy ten titan at market");
    expect(share).toMatchObject({ instrument: "EQ", price_type: "MARKET", price: null, symbol_spoken: "titan" });
  });

  it("may be several in one breath", async () => {
    expect(await orders("buy two hundred infosys at fifteen hundred and three hundred wipro at four ten")).toEqual([
      "BUY 200 INFY 1500",
      "BUY 300 WIPRO 410",
    ]);
    expect(await orders("sell fifty titan at market and buy twenty maruti at eleven thousand")).toEqual([
      "SELL 50 TITAN market",
      "BUY 20 MARUTI 11000",
    ]);
  });

  it("for the same symbol are two when another is asked for", async () => {
    expect(
      await orders(
        "buy two hundred infosys at fifteen hundred",
        "buy another three hundred infosys at fourteen ninety",
      ),
    ).toEqual(["BUY 200 INFY 1500", "BUY 300 INFY 1490"]);
  });

  it("are completed by the answers to the dealer's questions", async () => {
    expect(
      await orders(
        "i want to buy infosys",
        "how many shares",
        "two hundred",
        "at what price",
        "fifteen hundred rupees",
      ),
    ).toEqual(["BUY 200 INFY 1500"]);
  });

  it("go on over a pause", async () => {
    expect(await orders("sell three hundred wipro", "at four hundred and ten")).toEqual(["SELL 300 WIPRO 410"]);
  });
});

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
  ])("%s", async (line, corrected) => {
    expect(await orders(order, line)).toEqual([corrected]);
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

  it("and changes of a pending order are told apart", async () => {
    expect(await orders("modify my pending order in infosys to fifteen ten")).toEqual(["MODIFY INFY 1510"]);
  });
});

describe("what is no order", () => {
  it.each([
    ["what is the price of wipro now", "wipro is trading at four hundred and ten rupees fifty paise"],
    ["good evening sir your state bank shares are at eight hundred and twenty five now", "let me think about it"],
    ["should i buy two hundred infosys at fifteen hundred"],
    ["do not sell two hundred infosys"],
    ["you should buy two hundred infosys at fifteen hundred", "no i will think about it"],
    ["do you want to buy two hundred infosys at fifteen hundred", "no not today"],
    ["i bought two hundred infosys last week at fifteen hundred"],
    ["you can book profit now"],
    ["nifty is at twenty two thousand today"],
    ["buy something good"],
    [""],
  ])("%s", async (...lines) => {
    expect(await orders(...lines)).toEqual([]);
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
    const labelled = (last: string): Segment[] =>
      segmentsOf(["buy ten titan at market", "buy ten titan at market correct", "yes correct"]).map(
        (segment, index) => ({
          ...segment,
          speaker: ["c", "d", last][index] ?? "c",
        }),
      );
    expect((await extractFrom(labelled("c"))).trades[0]?.client_confirmed).toBe(true);
    expect((await extractFrom(labelled("d"))).trades[0]?.client_confirmed).toBe(false);
  });
});

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

describe("payloads that do not fit", () => {
  it.each([
    [{}, "call_id"],
    [{ call_id: "C1", language: "en" }, "transcript"],
    [{ call_id: "C1", language: "en", transcript: { segments: [{ id: 0 }] } }, "transcript.segments.0.start_s"],
    [
      { call_id: "C1", language: "en", transcript: { segments: [{ ...segmentsOf(["x"])[0], confidence: 2 }] } },
      "transcript.segments.0.confidence",
    ],
    [[], "the body"],
  ])("%j names %s", async (body, field) => {
    const response = await engine.post(body);
    expect(response.status).toBe(400);
    const problem = (await response.json()) as { type: string; detail: string };
    expect(problem.type).toBe("bad-request");
    expect(problem.detail).toContain(field);
  });

  it("a transcript without words gives no trades", async () => {
    expect(await extractFrom([])).toMatchObject({ trades: [], client_identity: { name: null, code: null } });
    expect(await extract("…", "???")).toMatchObject({ trades: [] });
  });
});
