/** Which fills make an order, what the order says where they disagree, and that the order of rows decides nothing. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ExtractedTrade } from "@cofi/pipeline/engine-contract";
import { BatchFacts } from "@cofi/pipeline/batch-facts";
import { judgeOrders, triagedOrders } from "@cofi/pipeline/judge-orders";
import { ordersOf, type Order } from "@cofi/pipeline/orders";
import type { TradeRow } from "@cofi/pipeline/trades-csv";
import { triage } from "@cofi/pipeline/triage";
import type { TriageCall } from "@cofi/pipeline/triage-calls";
import { DEFAULT_TRIAGE } from "@cofi/pipeline/triage-config";
import { DEFAULT_VERDICT } from "@cofi/pipeline/verdict-config";

const CLIENT = "+919812345678";
const at = (minutes: number) => new Date(Date.UTC(2026, 10, 20, 10, minutes));

function trade(tradeId: string, more: Partial<TradeRow> = {}): TradeRow {
  return {
    tradeId,
    orderId: "O1",
    orderTime: at(0),
    tradeTime: null,
    clientCode: "AB1",
    clientPhones: [CLIENT],
    dealerId: "D1",
    exchange: null,
    symbol: "INFY",
    instrument: null,
    expiry: null,
    strike: null,
    optionType: null,
    side: "BUY",
    quantity: 100,
    lotSize: null,
    price: 1500,
    orderType: null,
    orderSource: "DEALER",
    ...more,
  };
}

function call(callId: string, more: Partial<TriageCall> = {}): TriageCall {
  return {
    callId,
    fileName: `${callId}.wav`,
    startTime: at(-2),
    endTime: at(-1),
    durationS: 60,
    direction: "IN",
    callerNumber: CLIENT,
    calleeNumber: null,
    extension: null,
    dealerId: "D1",
    clientCode: null,
    channels: 1,
    speechS: 40,
    audioUsable: true,
    ...more,
  };
}

function spoken(more: Partial<ExtractedTrade> = {}): ExtractedTrade {
  return {
    action: "NEW",
    side: "BUY",
    symbol: "INFY",
    symbol_spoken: null,
    instrument: null,
    quantity: 200,
    unit: "SHARES",
    price_type: "MARKET",
    price: null,
    trigger: null,
    strike: null,
    option_type: null,
    expiry: null,
    read_back: null,
    client_confirmed: true,
    client_answer: null,
    answer_evidence: [],
    initiated_by: null,
    closes_position: null,
    client_code: null,
    quantity_readings: [],
    price_readings: [],
    confidence: 0.9,
    evidence: [{ segment: 0, start_s: 1, end_s: 2, quote: "buy infosys" }],
    ...more,
  };
}

/** Triage and verdict of each trade, by its id. */
function results(trades: TradeRow[], calls: TriageCall[], heard: (callId: string) => readonly ExtractedTrade[] | null) {
  const triaged = triage(trades, calls, DEFAULT_TRIAGE);
  const found = new Map(triaged.map((one) => [one.tradeId, one]));
  const byId = new Map(calls.map((one) => [one.callId, one]));
  const callOf = (callId: string) => {
    const { startTime, endTime } = byId.get(callId) ?? call(callId);
    const more = { clientCode: null, answers: [], transcriptConfidence: 1, isConfidenceUnknown: false };
    const heardBy = { speakers: {}, unknownSymbols: [], isVocabularyOld: false };
    return { callId, startTime, endTime, trades: heard(callId), ...more, ...heardBy };
  };
  const toJudge = triagedOrders(trades, (tradeId) => found.get(tradeId), DEFAULT_TRIAGE);
  const facts = new BatchFacts(
    toJudge.map(({ order }) => order),
    [],
  );
  const judged = judgeOrders(toJudge, callOf, facts, DEFAULT_VERDICT);
  const verdicts = new Map(
    judged.flatMap(({ order, result }) => order.fills.map(({ tradeId }) => [tradeId, result] as const)),
  );
  return { triage: found, verdicts };
}

/** The orders of these trades, and the step that speaks of each trade's. */
function orders(...trades: TradeRow[]): { orders: Order[]; said: string } {
  const [first] = triage(trades, [call("c1")], DEFAULT_TRIAGE);
  const made = new Set(ordersOf(trades, DEFAULT_TRIAGE).values());
  return { orders: [...made], said: first?.steps.find(({ rule }) => rule === "ORDER")?.detail ?? "" };
}

describe("fills of one order", () => {
  it("that came by another way are out of scope, and the others are judged together, in any order of rows", () => {
    const rows = [
      trade("T1", { orderSource: "ONLINE" }),
      trade("T2"),
      trade("T3", { orderSource: null, quantity: 50 }),
    ];
    for (const each of [rows, rows.toReversed()]) {
      const found = results(each, [call("c1")], () => [spoken({ quantity: 150 })]);
      expect(found.triage.get("T1")?.result).toBe("OUT_OF_SCOPE");
      expect([...found.verdicts.keys()].toSorted()).toEqual(["T2", "T3"]);
      expect(found.verdicts.get("T2")).toMatchObject({ verdict: "CONFIRMED" });
      expect(found.triage.get("T2")?.steps[1]).toEqual({
        rule: "ORDER",
        outcome: "flag",
        detail:
          "Order O1 has 2 fills, which are triaged as one. 1 other fill came by ONLINE: out of scope, and left out.",
      });
    }
  });

  it.each([
    ["client", { clientCode: "ZR9" }],
    ["side", { side: "SELL" }],
    ["symbol", { symbol: "TCS" }],
    ["contract", { strike: 22_000 }],
    ["contract", { expiry: "2026-12-31" }],
  ] as const)("that differ in %s are not one order", (field, differs) => {
    const own = field === "contract" ? { strike: 21_000, expiry: "2026-11-26" } : {};
    const found = orders(trade("T1", own), trade("T2", { ...own, ...differs }), trade("T3", own));
    expect(found.orders.map(({ fills }) => fills.map(({ tradeId }) => tradeId))).toEqual([["T1", "T3"], ["T2"]]);
    expect(found.said).toContain(`1 other fill under this order id differs in ${field}: not the same order`);
  });

  it("say together what some of them leave out", () => {
    const option = { instrument: "OPT", strike: 22_000, optionType: "CE", lotSize: 75 } as const;
    const found = orders(trade("T1"), trade("T2", option));
    expect(found.orders).toMatchObject([{ ...option, fills: [{ tradeId: "T1" }, { tradeId: "T2" }], remarks: [] }]);
  });

  it("that leave open which of two contracts they are of belong to neither", () => {
    const found = orders(trade("T1", { strike: 1 }), trade("T2", { strike: 2 }), trade("T3"));
    expect(found.orders).toHaveLength(3);
  });

  it.each([
    ["dealer", { dealerId: "d0" }, { dealerIds: ["D0", "D1"] }, "The fills name the dealers D0 and D1"],
    ["lot size", { lotSize: 50 }, { lotSize: null }, "The fills give the lot sizes 50 and 75"],
    ["order time", { orderTime: at(-1) }, { orderTime: at(-1) }, "from 2026-11-20T09:59:00.000Z to 2026-11-20T10:00"],
    ["order type", { orderType: "LIMIT" }, {}, "The fills give the order types LIMIT and MARKET"],
    ["phones", { clientPhones: ["+442071234567"] }, { phones: ["+442071234567", CLIENT] }, "different phones"],
  ])("that disagree in %s follow a rule, which is said", (_field, differs, expected, said) => {
    const first = trade("T1", { lotSize: 75, orderType: "MARKET" });
    const second = trade("T2", { lotSize: 75, orderType: "MARKET", ...differs });
    for (const rows of [
      [first, second],
      [second, first],
    ]) {
      const found = orders(...rows);
      expect(found.orders).toMatchObject([{ ...expected, fills: [{}, {}] }]);
      expect(found.said).toContain(said);
    }
  });

  it("of two dealers fit a call of either", () => {
    const found = triage(
      [trade("T1"), trade("T2", { dealerId: "D2" })],
      [call("c1", { dealerId: "D2" })],
      DEFAULT_TRIAGE,
    );
    expect(found[0]?.candidates[0]).toMatchObject({ flags: [], components: { dealer: 20 } });
  });

  it("leave an extension that is configured for two dealers without a dealer", () => {
    const dealerExtensions = { D1: ["99"], D2: ["99"] };
    const [found] = triage([trade("T1")], [call("c1", { dealerId: null, extension: "99" })], {
      ...DEFAULT_TRIAGE,
      dealerExtensions,
    });
    expect(found?.candidates[0]?.flags).toEqual(["DEALER_UNKNOWN"]);
  });
});

describe("whatever the rows", () => {
  const anyTrade = fc.record({
    orderId: fc.constantFrom(null, "O1", "O1", "O2"),
    orderTime: fc.constantFrom(at(-90), at(0), at(1)),
    clientCode: fc.constantFrom("AB1", "AB1", "AB2"),
    clientPhones: fc.subarray([CLIENT, "+442071234567"]),
    dealerId: fc.constantFrom("D1", "d1", "D2"),
    symbol: fc.constantFrom("INFY", "INFY", "TCS"),
    side: fc.constantFrom("BUY" as const, "BUY" as const, "SELL" as const),
    instrument: fc.constantFrom(null, "EQ" as const, "OPT" as const),
    strike: fc.constantFrom(null, 100, 200),
    lotSize: fc.constantFrom(null, 50, 75),
    quantity: fc.constantFrom(50, 100, 150),
    price: fc.constantFrom(1490, 1510),
    orderType: fc.constantFrom(null, "LIMIT", "MARKET"),
    orderSource: fc.constantFrom(null, "DEALER", "ONLINE"),
  });
  const anyCall = fc.record({
    minutes: fc.constantFrom(-60, -2, 5),
    callerNumber: fc.constantFrom(null, CLIENT, "+442071234567"),
    dealerId: fc.constantFrom(null, "D1", "D2"),
    extension: fc.constantFrom(null, "1"),
    clientCode: fc.constantFrom(null, "AB1", "AB2"),
    audioUsable: fc.boolean(),
    heard: fc.constantFrom(
      null,
      [],
      [spoken()],
      [spoken({ unit: "LOTS", quantity: 2 }), spoken({ symbol: "TCS" })],
      [spoken({ price_type: "LIMIT", price: 1500 })],
    ),
  });

  it("gives each trade the same result when trades and calls are shuffled", () => {
    fc.assert(
      fc.property(
        fc.array(anyTrade, { maxLength: 7 }),
        fc.array(anyCall, { maxLength: 5 }),
        fc.infiniteStream(fc.nat()),
        (rows, made, random) => {
          const shuffled = <T>(items: T[]): T[] =>
            items
              .map((item) => ({ item, key: random.next().value as number }))
              .toSorted((a, b) => a.key - b.key)
              .map(({ item }) => item);
          const trades = rows.map((row, n) => trade(`T${n}`, row));
          const calls = made.map(({ minutes, heard: _heard, ...fields }, n) =>
            call(`c${n}`, { ...fields, startTime: at(minutes), endTime: at(minutes + 1) }),
          );
          const heard = (callId: string) => made[Number(callId.slice(1))]?.heard ?? null;
          const expected = results(trades, calls, heard);
          expect(results(shuffled(trades), shuffled(calls), heard)).toEqual(expected);
          for (const { tradeId, orderSource } of trades) {
            const isOut = orderSource === "ONLINE";
            expect(expected.triage.get(tradeId)?.result === "OUT_OF_SCOPE").toBe(isOut);
            expect(expected.verdicts.has(tradeId)).toBe(!isOut);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("puts every fill in scope into exactly one order, whose fills agree", () => {
    fc.assert(
      fc.property(fc.array(anyTrade, { maxLength: 7 }), (rows) => {
        const trades = rows.map((row, n) => trade(`T${n}`, row));
        const made = new Set(ordersOf(trades, DEFAULT_TRIAGE).values());
        const ids = [...made].flatMap(({ fills }) => fills.map(({ tradeId }) => tradeId));
        expect(ids.toSorted()).toEqual(
          trades.filter(({ orderSource }) => orderSource !== "ONLINE").map(({ tradeId }) => tradeId),
        );
        for (const { fills, clientCode, symbol, side, strike } of made)
          for (const { tradeId } of fills) {
            const row = trades.find((one) => one.tradeId === tradeId);
            expect(row).toMatchObject({ clientCode, symbol, side });
            if (row?.strike !== null) expect(row?.strike).toBe(strike);
          }
      }),
    );
  });
});
