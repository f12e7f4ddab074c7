/** Properties of the verdict for any order and any calls. */
import type { ExtractedTrade } from "@cofi/pipeline/engine-contract";
import { verdict, type VerdictInput } from "@cofi/pipeline/verdict";
import { DEFAULT_VERDICT } from "@cofi/pipeline/verdict-config";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CALL_START, call, order, spoken } from "./verdict-builders.js";

describe("for any order and any calls", () => {
  const symbols = fc.constantFrom("INFY", "TCS", "WIPRO");
  const sides = fc.constantFrom("BUY" as const, "SELL" as const);
  const confidences = fc.constantFrom(0, 0.2, 0.49, 0.5, 0.8, 1);
  const extracted: fc.Arbitrary<ExtractedTrade> = fc
    .record({
      action: fc.constantFrom("NEW" as const, "NEW" as const, "MODIFY" as const, "CANCEL" as const),
      side: fc.option(sides),
      symbol: fc.option(symbols),
      quantity: fc.option(fc.integer({ min: 1, max: 400 })),
      unit: fc.constantFrom("SHARES" as const, "LOTS" as const),
      price_type: fc.constantFrom("LIMIT" as const, "MARKET" as const, null),
      price: fc.option(fc.integer({ min: 1, max: 2000 })),
      client_confirmed: fc.option(fc.boolean()),
      confidence: confidences,
    })
    .map((fields) => spoken(fields));
  const calls = fc.array(
    fc
      .record({
        trades: fc.option(fc.array(extracted, { maxLength: 4 })),
        transcriptConfidence: fc.option(confidences),
        isConfidenceUnknown: fc.boolean(),
        clientCode: fc.option(fc.constantFrom("AB1234", "AB1235", "ZR5520")),
        minute: fc.integer({ min: 0, max: 90 }),
      })
      .map(({ minute, ...fields }) => call({ ...fields, startTime: new Date(CALL_START.getTime() + minute * 60_000) })),
    { maxLength: 3 },
  );
  const orders = fc
    .record({
      symbol: symbols,
      side: sides,
      lotSize: fc.option(fc.integer({ min: 1, max: 75 })),
      fills: fc.array(
        fc.record({
          tradeId: fc.constant("T1"),
          quantity: fc.integer({ min: 1, max: 300 }),
          price: fc.integer({ min: 1, max: 2000 }),
        }),
        { minLength: 1, maxLength: 3 },
      ),
    })
    .map(({ fills, ...fields }) => order(fields, fills));
  const inputs: fc.Arbitrary<VerdictInput> = fc
    .record({
      order: orders,
      calls,
      triage: fc.constantFrom("MATCHED" as const, "AMBIGUOUS" as const, "WEAK_MATCH" as const),
    })
    .map((fields) => ({
      ...fields,
      triageReason: "As triaged.",
      calls: fields.calls.map((one, n) => ({ ...one, callId: `C${n}` })),
    }));
  const property = (check: (given: VerdictInput) => void) => fc.assert(fc.property(inputs, check), { numRuns: 500 });

  it("low confidence never yields CONFIRMED or MISMATCH", () => {
    property((given) => {
      const low = given.calls.map((one) => ({
        ...one,
        trades:
          one.trades?.map((spokenTrade) => ({ ...spokenTrade, confidence: Math.min(spokenTrade.confidence, 0.49) })) ??
          null,
      }));
      expect(["CONFIRMED", "MISMATCH"]).not.toContain(verdict({ ...given, calls: low }).verdict);
      const vague = given.calls.map((one) => ({ ...one, transcriptConfidence: 0.49 }));
      expect(["CONFIRMED", "MISMATCH"]).not.toContain(verdict({ ...given, calls: vague }).verdict);
    });
  });

  it("CONFIRMED holds only what was spoken, at the spoken price, with the client's yes", () => {
    property((given) => {
      const found = verdict(given);
      if (found.verdict !== "CONFIRMED") return;
      const executed = given.order.fills.reduce((sum, { quantity }) => sum + quantity, 0);
      const proof = given.calls
        .find(({ callId }) => callId === found.callId)
        ?.trades?.some(
          (one) =>
            one.action !== "CANCEL" &&
            one.client_confirmed === true &&
            one.confidence >= DEFAULT_VERDICT.minTradeConfidence &&
            one.symbol === given.order.symbol &&
            one.side === given.order.side &&
            executed <= (one.quantity ?? 0) * (one.unit === "LOTS" ? (given.order.lotSize ?? 0) : 1) &&
            (one.price_type !== "LIMIT" ||
              one.price === null ||
              given.order.fills.every(({ price }) =>
                given.order.side === "BUY" ? price <= (one.price ?? 0) : price >= (one.price ?? 0),
              )),
        );
      expect(proof).toBe(true);
    });
  });

  it("a mismatch is named when and only when the verdict is MISMATCH, and the reason is a sentence", () => {
    property((given) => {
      const found = verdict(given);
      expect(found.mismatches.length > 0).toBe(found.verdict === "MISMATCH");
      expect(found.reason).toMatch(/^[A-Z].*\.$/s);
      expect(found.verdict === "NO_VOICE_EVIDENCE").toBe(given.calls.length === 0);
      expect(found.callId === null || given.calls.some(({ callId }) => callId === found.callId)).toBe(true);
    });
  });

  it("executing less or at a better price never makes a confirmed trade worse", () => {
    property((given) => {
      if (verdict(given).verdict !== "CONFIRMED") return;
      const better = given.order.fills.map((fill) => ({
        ...fill,
        quantity: 1,
        price: given.order.side === "BUY" ? fill.price / 2 : fill.price * 2,
      }));
      expect(verdict({ ...given, order: { ...given.order, fills: better } }).verdict).not.toBe("MISMATCH");
    });
  });

  it("gives the same for the same, whatever the order of the fills", () => {
    property((given) => {
      const turned = verdict({ ...given, order: { ...given.order, fills: given.order.fills.toReversed() } });
      expect(turned).toEqual(verdict(given));
    });
  });
});
