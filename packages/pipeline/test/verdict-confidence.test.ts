/** What verdicts make of a recogniser that does not say how sure it is. */
import { verdict } from "@cofi/pipeline/verdict";
import type { VerdictCall } from "@cofi/pipeline/verdict-call";
import { DEFAULT_VERDICT } from "@cofi/pipeline/verdict-config";
import { describe, expect, it } from "vitest";
import { call, input, spoken } from "./verdict-builders.js";

describe("a recogniser that gives no confidence", () => {
  const unknown = { transcriptConfidence: null, isConfidenceUnknown: true };
  const judged = (fields: Partial<VerdictCall>, unknownConfidence?: "listen" | "trust") => {
    const { unknownConfidence: _listen, ...config } = DEFAULT_VERDICT;
    const given = input({ calls: [call({ ...unknown, ...fields })] });
    return verdict(given, unknownConfidence ? { ...config, unknownConfidence } : config);
  };
  const LISTEN = /^Nobody knows how well call C1 was understood, because the recogniser gave no confidence: a person/;
  const TRUST =
    / It is relied on, although the recogniser gave no confidence for call C1 \(COFI_UNKNOWN_CONFIDENCE=trust\)\.$/;

  it.each([
    ["an order that is confirmed", {}, "CONFIRMED"],
    ["one that differs", { trades: [spoken({ side: "SELL" })] }, "MISMATCH"],
    ["one without a confirmation", { trades: [spoken({ client_confirmed: false })] }, "NOT_CONFIRMED"],
  ] as [string, Partial<VerdictCall>, string][])("%s", (_what, fields, kind) => {
    expect(judged(fields, "listen")).toMatchObject({
      verdict: "LOW_CONFIDENCE",
      reason: expect.stringMatching(LISTEN),
    });
    expect(judged(fields, "trust")).toMatchObject({ verdict: kind, reason: expect.stringMatching(TRUST) });
  });

  it("an order that was not heard", () => {
    expect(judged({ trades: [] }, "listen")).toMatchObject({
      verdict: "LOW_CONFIDENCE",
      reason: expect.stringMatching(/because the recogniser gave no confidence: a person has to listen\.$/),
    });
    expect(judged({ trades: [] }, "trust")).toMatchObject({
      verdict: "ORDER_NOT_IN_CALL",
      reason: expect.stringMatching(TRUST),
    });
  });

  it("runs that knew no such setting are computed again as they were", () => {
    expect(judged({}).verdict).toBe("CONFIRMED");
    expect(judged({}).reason).not.toContain("confidence");
  });

  it("says nothing where nothing was said", () => {
    expect(judged({ trades: [], isConfidenceUnknown: false }, "listen").verdict).toBe("ORDER_NOT_IN_CALL");
  });
});
