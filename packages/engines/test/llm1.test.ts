/** The extraction of llm1: the orders of the sample calls, the client's identity, instruments and their fields. */
import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { segmentsOf, type Segment } from "./llm-support.js";
import { useExtraction } from "./llm1-support.js";

const { extractFrom, extract, trades, orders, engine } = useExtraction();

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
        ...(labelled && { speaker: speaker === "d" ? ("dealer" as const) : ("client" as const) }),
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
    ["buy one lot nifty december twenty five thousand call at two hundred", "BUY 1 lots NIFTY 25000 CE 200"],
    ["sell two thousand yes bank at twenty one rupees fifty", "SELL 2000 YESBANK 21.5"],
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

  it("in lots, or with an expiry, are for a contract, which is also that of the order before", async () => {
    const read = "sell one lot reliance november future at market and buy one lot december at market";
    const two = await trades("square off my november reliance future and buy december one lot", read);
    expect(two).toMatchObject([
      { instrument: "FUT", expiry: "november" },
      { instrument: "FUT", expiry: "december" },
    ]);
    expect(await trades("buy two lots of titan")).toMatchObject([{ instrument: "FUT", unit: "LOTS" }]);
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

  it("share a verb that stands behind all of them", async () => {
    expect(await orders("fifty titan and twenty maruti buy at market")).toEqual([
      "BUY 50 TITAN market",
      "BUY 20 MARUTI market",
    ]);
  });

  it("for the same symbol are two when another is asked for", async () => {
    const both = ["BUY 200 INFY 1500", "BUY 300 INFY 1490"];
    expect(
      await orders(
        "buy two hundred infosys at fifteen hundred",
        "buy another three hundred infosys at fourteen ninety",
      ),
    ).toEqual(both);
    expect(await orders("buy two hundred infosys at fifteen hundred and three hundred at fourteen ninety")).toEqual(
      both,
    );
  });

  it("for the same symbol are one when the same is said again in one breath", async () => {
    expect(
      await orders("buy two hundred infosys at fifteen hundred two hundred infosys at fifteen hundred okay"),
    ).toEqual(["BUY 200 INFY 1500"]);
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

  it("continue over a pause", async () => {
    expect(await orders("sell three hundred wipro", "at four hundred and ten")).toEqual(["SELL 300 WIPRO 410"]);
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
    const response = await engine().post(body);
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
