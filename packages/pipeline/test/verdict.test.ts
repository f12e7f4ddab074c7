/** The rules of the verdict one by one. */
import type { ExtractedTrade } from "@cofi/pipeline/engine-contract";
import type { AuditAnswer } from "@cofi/pipeline/engine-contract";
import { ClientCodes } from "@cofi/pipeline/client-comparison";
import { NOTHING_KNOWN } from "@cofi/pipeline/executed-order";
import { verdict } from "@cofi/pipeline/verdict";
import { describe, expect, it } from "vitest";
import { call, input, judge, order, spoken } from "./verdict-builders.js";

describe("one call, one order", () => {
  it("is confirmed, with the words it rests on", () => {
    const found = verdict(input());
    expect(found).toMatchObject({ verdict: "CONFIRMED", mismatches: [], callId: "C1" });
    expect(found.reason).toContain('"buy two hundred infosys at fifteen hundred"');
    expect(found.detail).toHaveLength(5);
  });

  it.each([
    ["SIDE", { side: "SELL" }, { price_type: "MARKET", price: null }],
    ["SYMBOL", { symbol: "TCS" }, {}],
    ["QTY", { quantity: 201 }, {}],
    ["PRICE", { price: 1500.05 }, {}],
  ] as const)("differs in %s", (field, tradeFields, spokenFields) => {
    expect(judge(tradeFields, spokenFields)).toBe(`MISMATCH[${field}]`);
  });

  it("names every difference, with both values", () => {
    const found = verdict(input({ order: order({ quantity: 300, price: 1510 }) }));
    expect(found.mismatches).toEqual(["QTY", "PRICE"]);
    expect(found.reason).toContain("spoken 200 shares, executed 300");
    expect(found.reason).toContain("spoken limit 1500, executed BUY at 1510");
  });

  it("keeps a limit when it buys at or below and sells at or above", () => {
    expect(judge({ price: 1499.5 }, {})).toBe("CONFIRMED");
    expect(judge({ side: "SELL", price: 1500.5 }, { side: "SELL" })).toBe("CONFIRMED");
    expect(judge({ side: "SELL", price: 1499.5 }, { side: "SELL" })).toBe("MISMATCH[PRICE]");
    expect(judge({ price: 9999 }, { price_type: "MARKET", price: null })).toBe("CONFIRMED");
  });

  it("multiplies lots with the lot size", () => {
    const lots = { unit: "LOTS", quantity: 2, instrument: "FUT", symbol: "NIFTY", price: 22000 } as const;
    const future = { symbol: "NIFTY", instrument: "FUT", price: 22000, lotSize: 75 };
    expect(judge({ ...future, quantity: 150 }, lots)).toBe("CONFIRMED");
    expect(judge({ ...future, quantity: 151 }, lots)).toBe("MISMATCH[QTY]");
    expect(judge({ ...future, quantity: 150, lotSize: null }, lots)).toBe("LOW_CONFIDENCE");
  });

  it("takes another strike or option type for another contract", () => {
    const option = {
      symbol: "NIFTY",
      instrument: "OPT",
      strike: 22000,
      optionType: "CE",
      lotSize: 75,
      quantity: 75,
      price: 120,
    };
    const heard = {
      symbol: "NIFTY",
      instrument: "OPT",
      strike: 22000,
      option_type: "CE",
      unit: "LOTS",
      quantity: 1,
      price: 120,
    } as const;
    expect(judge(option, heard)).toBe("CONFIRMED");
    expect(judge({ ...option, strike: 22100 }, heard)).toBe("MISMATCH[SYMBOL]");
    expect(judge({ ...option, optionType: "PE" }, heard)).toBe("MISMATCH[SYMBOL]");
  });

  it("is not confirmed without the client's yes, unless the audit answer holds one", () => {
    expect(judge({}, { client_confirmed: false })).toBe("NOT_CONFIRMED");
    expect(judge({}, { client_confirmed: null })).toBe("NOT_CONFIRMED");
    const yes: AuditAnswer = {
      question_id: "client_confirmed",
      answer: "YES",
      confidence: 0.9,
      evidence: [],
      rationale: "Yes.",
    };
    const answered = call({ trades: [spoken({ client_confirmed: null })], answers: [yes] });
    expect(verdict(input({ calls: [answered] })).verdict).toBe("CONFIRMED");
  });

  it("goes to a person when a needed field was not heard", () => {
    expect(judge({}, { quantity: null })).toBe("LOW_CONFIDENCE");
    expect(judge({}, { side: null })).toBe("LOW_CONFIDENCE");
  });
});

describe("the client code", () => {
  const heard = (clientCode: string | null, clients: string[], fields: Partial<ExtractedTrade> = {}) => {
    const codes = new ClientCodes([...clients, "AB1234"]);
    const code = fields.client_code ?? clientCode;
    const other = code === null ? undefined : codes.nearestOther(code, "AB1234");
    const otherClients =
      code === null || other === undefined ? {} : { [code.replaceAll(/\W/g, "").toUpperCase()]: other };
    const calls = [call({ clientCode, trades: [spoken(fields)] })];
    const { verdict: kind, mismatches } = verdict(input({ calls, known: { ...NOTHING_KNOWN, otherClients } }));
    return [kind, ...mismatches].join(" ");
  };

  it.each([
    ["the same", "ab-1234", [], "CONFIRMED"],
    ["none", null, ["ZR5520"], "CONFIRMED"],
    ["a misheard digit", "AB1284", ["ZR5520"], "CONFIRMED"],
    ["two misheard letters", "GP1234", ["ZR5520"], "CONFIRMED"],
    ["far from all that are known", "AV1789", ["ZR5520"], "LOW_CONFIDENCE"],
    ["another client's", "ZR5520", ["ZR5520"], "MISMATCH CLIENT"],
    ["like another client's", "ZR5529", ["ZR5520"], "MISMATCH CLIENT"],
    ["another client's, whose code is hardly different", "AB1235", ["AB1235"], "LOW_CONFIDENCE"],
  ] as [string, string | null, string[], string][])("%s", (_what, code, clients, kind) => {
    expect(heard(code, clients)).toBe(kind);
  });

  it("that is named with the order counts before the one of the call", () => {
    expect(heard("ZR5520", ["ZR5520"], { client_code: "AB1234" })).toBe("CONFIRMED");
    expect(heard("AB1234", ["ZR5520"], { client_code: "ZR5520" })).toBe("MISMATCH CLIENT");
  });
});

describe("time", () => {
  it("an instruction spoken after the order comes too late, beyond the clocks' skew", () => {
    const at = (orderTime: string) => verdict(input({ order: order({ orderTime: new Date(orderTime) }) }));
    expect(at("2026-03-02T09:29:12Z").verdict).toBe("CONFIRMED");
    expect(at("2026-03-02T09:29:11Z")).toMatchObject({ verdict: "CONFIRMED_AFTER_ORDER", callId: "C1" });
    expect(at("2026-03-02T09:29:11Z").reason).toContain("61 s after");
  });

  it("a later call that was transcribed shows a confirmation after the order", () => {
    const later = call({ startTime: new Date("2026-03-02T11:00:00Z"), endTime: new Date("2026-03-02T11:02:00Z") });
    const triaged = { triage: "CALL_AFTER_ORDER", triageReason: "No call before the order." } as const;
    expect(verdict(input({ ...triaged, calls: [later] })).verdict).toBe("CONFIRMED_AFTER_ORDER");
    expect(verdict(input({ ...triaged, calls: [] })).verdict).toBe("NO_VOICE_EVIDENCE");
    expect(verdict(input({ ...triaged, calls: [{ ...later, trades: [] }] })).verdict).toBe("NO_VOICE_EVIDENCE");
  });
});

describe("cancellations", () => {
  const cancel = spoken({ action: "CANCEL", quantity: null, price: null, price_type: null });

  it("after the order cancel it, before it they belong to an older one", () => {
    expect(verdict(input({ calls: [call({ trades: [spoken(), cancel] })] })).verdict).toBe("CANCELLED_IN_CALL");
    expect(verdict(input({ calls: [call({ trades: [cancel, spoken()] })] })).verdict).toBe("CONFIRMED");
  });

  it("of another symbol or side do not matter, and a doubtful one goes to a person", () => {
    const withCancel = (fields: Partial<ExtractedTrade>) =>
      verdict(input({ calls: [call({ trades: [spoken(), { ...cancel, ...fields }] })] })).verdict;
    expect(withCancel({ symbol: "AXISBANK" })).toBe("CONFIRMED");
    expect(withCancel({ side: "SELL" })).toBe("CONFIRMED");
    expect(withCancel({ side: null })).toBe("CANCELLED_IN_CALL");
    expect(withCancel({ confidence: 0.2 })).toBe("LOW_CONFIDENCE");
  });
});

describe("without an order in the call", () => {
  it.each(["NO_CALL", "NO_CALL_FOR_CLIENT", "CALL_OUT_OF_WINDOW", "CALL_TOO_SHORT"] as const)(
    "%s gives no voice evidence, for triage's reason",
    (triage) => {
      const found = verdict(input({ triage, triageReason: "No call was found.", calls: [] }));
      expect(found).toMatchObject({ verdict: "NO_VOICE_EVIDENCE", callId: null, reason: "No call was found." });
    },
  );

  it("a trade out of scope gets no verdict", () => {
    expect(verdict(input({ triage: "OUT_OF_SCOPE", triageReason: "The order came by ONLINE." }))).toEqual({
      verdict: null,
      mismatches: [],
      callId: null,
      reason: "The order came by ONLINE.",
      detail: [],
    });
  });

  it("a call that speaks of other orders does not hold this one", () => {
    const other = call({ trades: [spoken({ symbol: "WIPRO", quantity: 10, price: 410 })] });
    const found = verdict(input({ calls: [other] }));
    expect(found).toMatchObject({ verdict: "ORDER_NOT_IN_CALL", callId: "C1" });
    expect(found.reason).toBe("BUY 200 INFY is not spoken of in call C1, which holds 1 other order.");
    expect(verdict(input({ calls: [call({ trades: [] })] })).verdict).toBe("ORDER_NOT_IN_CALL");
  });

  it("of a share that the engine cannot name goes to a person, whatever else was ordered", () => {
    const unknown = { unknownSymbols: ["MTARTECH"] };
    const trade = order({ symbol: "MTARTECH" });
    for (const trades of [
      [],
      [spoken({ symbol: "TCS" })],
      [spoken({ symbol: "TCS", price_type: "MARKET", price: null })],
    ]) {
      const found = verdict(input({ order: trade, calls: [call({ ...unknown, trades })] }));
      expect(found.verdict).toBe("LOW_CONFIDENCE");
      expect(found.reason).toContain("no spoken name for MTARTECH");
    }
    expect(verdict(input({ calls: [call({ trades: [], isVocabularyOld: true })] })).verdict).toBe("LOW_CONFIDENCE");
  });

  it("a call that nobody could read goes to a person", () => {
    expect(verdict(input({ calls: [call({ trades: null })] }))).toMatchObject({
      verdict: "LOW_CONFIDENCE",
      callId: "C1",
    });
    expect(verdict(input({ calls: [call({ trades: [], transcriptConfidence: 0.69 })] })).verdict).toBe(
      "LOW_CONFIDENCE",
    );
    expect(verdict(input({ triage: "AUDIO_UNUSABLE", calls: [] })).verdict).toBe("LOW_CONFIDENCE");
  });
});

describe("several calls", () => {
  it("the one whose extraction fits best decides", () => {
    const wrong = call({ callId: "C1", trades: [spoken({ quantity: 50 })] });
    const right = call({ callId: "C2" });
    for (const calls of [
      [wrong, right],
      [right, wrong],
    ])
      expect(verdict(input({ triage: "AMBIGUOUS", calls }))).toMatchObject({ verdict: "CONFIRMED", callId: "C2" });
  });

  it("equal fits go to the surer extraction, then to the call that triage ranked first", () => {
    const unsure = call({ callId: "C1", trades: [spoken({ confidence: 0.3 })] });
    const sure = call({ callId: "C2" });
    expect(verdict(input({ calls: [unsure, sure] })).callId).toBe("C2");
    expect(verdict(input({ calls: [sure, call({ callId: "C3" })] })).callId).toBe("C2");
  });

  it("a call that was not transcribed does not hide the one that was", () => {
    const calls = [call({ callId: "C1", trades: null }), call({ callId: "C2" })];
    expect(verdict(input({ calls }))).toMatchObject({ verdict: "CONFIRMED", callId: "C2" });
    const none = [call({ callId: "C1", trades: null }), call({ callId: "C2", trades: [] })];
    expect(verdict(input({ calls: none }))).toMatchObject({ verdict: "LOW_CONFIDENCE", callId: "C1" });
  });
});

describe("the fills of an order", () => {
  it("sum up to at most what was spoken", () => {
    const filled = (...quantities: number[]) =>
      input({
        order: order(
          {},
          quantities.map((quantity, index) => ({ tradeId: `T${index}`, quantity, price: 1500 })),
        ),
      });
    expect(verdict(filled(120, 80)).verdict).toBe("CONFIRMED");
    expect(verdict(filled(120, 50)).verdict).toBe("CONFIRMED");
    expect(verdict(filled(120, 81)).mismatches).toEqual(["QTY"]);
  });

  it("each keep the limit", () => {
    const fills = [1499, 1501].map((price) => ({ tradeId: `T${price}`, quantity: 100, price }));
    expect(verdict(input({ order: order({}, fills) })).mismatches).toEqual(["PRICE"]);
  });
});
