/** A confirmation counts only as the client's, whatever the engine says; and NOT_CONFIRMED says what was heard instead. */
import type { AuditAnswer, ExtractedTrade } from "@cofi/pipeline/engine-contract";
import type { Speakers } from "@cofi/pipeline/confirmation";
import { verdict } from "@cofi/pipeline/verdict";
import { describe, expect, it } from "vitest";
import { call, input, spoken } from "./verdict-builders.js";

const quote = (segment: number, words: string) => ({ segment, start_s: segment, end_s: segment + 1, quote: words });
const YES = [quote(5, "yes go ahead")];

function judged(fields: Partial<ExtractedTrade>, speakers: Speakers = {}, answers: AuditAnswer[] = []) {
  return verdict(input({ calls: [call({ trades: [spoken(fields)], speakers, answers })] }));
}

describe("who agreed", () => {
  const labelled = { 3: "client", 4: "dealer", 5: "client" } as const;

  it("is the client where the words are the client's", () => {
    expect(judged({ answer_evidence: YES }, labelled).verdict).toBe("CONFIRMED");
    expect(judged({ answer_evidence: YES, initiated_by: "DEALER" }, labelled).verdict).toBe("CONFIRMED");
  });

  it("is nobody where the words are the dealer's, whatever the engine says", () => {
    const found = judged({ answer_evidence: [quote(4, "yes sir")] }, labelled);
    expect(found).toMatchObject({ verdict: "NOT_CONFIRMED" });
    expect(found.reason).toContain('the words of agreement are the dealer\'s: "yes sir"');
  });

  it("is nobody where the client is silent, or says nothing after the order", () => {
    expect(judged({ answer_evidence: YES }, { 3: "dealer", 4: "dealer" }).verdict).toBe("NOT_CONFIRMED");
    expect(judged({}, { 3: "dealer", 4: "dealer" }).verdict).toBe("NOT_CONFIRMED");
    expect(judged({}, { 3: "client", 4: "dealer" }).verdict).toBe("NOT_CONFIRMED");
    expect(judged({}, labelled).verdict).toBe("CONFIRMED");
  });

  it("is for a person to say where nobody knows who spoke and the dealer proposed", () => {
    const found = judged({ answer_evidence: YES, initiated_by: "DEALER" });
    expect(found).toMatchObject({ verdict: "LOW_CONFIDENCE" });
    expect(found.reason).toMatch(/^The dealer proposes BUY 200 INFY in call C1, .*does not tell who speaks/);
    expect(judged({ answer_evidence: YES, initiated_by: "CLIENT" }).verdict).toBe("CONFIRMED");
  });

  it("matters for what differs, too: what was said once, and hardly understood, accuses nobody", () => {
    const once = { quantity: 150, confidence: 0.6, read_back: false, client_confirmed: false };
    expect(judged(once)).toMatchObject({ verdict: "LOW_CONFIDENCE" });
    expect(judged(once).reason).toContain("nobody repeated or confirmed it");
    expect(judged({ ...once, read_back: true }).verdict).toBe("MISMATCH");
    expect(judged({ ...once, confidence: 0.8 }).verdict).toBe("MISMATCH");
  });

  it("is for a person to say where the answer was not understood", () => {
    const unclear = { client_confirmed: false, answer_evidence: [quote(5, "yes the cricket")] };
    for (const action of ["NEW", "PROPOSAL"] as const) {
      const found = judged({ ...unclear, action, client_answer: "UNCLEAR" }, labelled);
      expect(found).toMatchObject({ verdict: "LOW_CONFIDENCE" });
      expect(found.reason).toContain('whether the answer agrees is not clear: "yes the cricket"');
    }
  });

  it("is taken from the audit answers where the extraction does not say", () => {
    const answer = (question_id: string, fields: Partial<AuditAnswer>): AuditAnswer => ({
      question_id,
      answer: "YES",
      confidence: 0.9,
      evidence: YES,
      rationale: "It was said.",
      ...fields,
    });
    const open = { client_confirmed: null };
    const confirmed = answer("client_confirmed", {});
    expect(judged(open, {}, [confirmed]).verdict).toBe("CONFIRMED");
    expect(judged(open, { 3: "client", 5: "dealer" }, [confirmed]).verdict).toBe("NOT_CONFIRMED");
    expect(judged(open, {}, [confirmed, answer("client_initiated", { answer: "NO" })]).verdict).toBe("LOW_CONFIDENCE");
  });
});

describe("an answer that is no yes", () => {
  it.each([
    ["REFUSED", "the client refuses"],
    ["DEFERRED", "the client puts it off"],
    ["CONDITIONAL", "the client agrees only under a condition"],
    ["OTHER", "the client's answer is about something else"],
  ] as const)("%s", (client_answer, words) => {
    const answer_evidence = [quote(5, "these were the words")];
    const found = judged({ client_confirmed: false, client_answer, answer_evidence });
    expect(found).toMatchObject({
      verdict: "NOT_CONFIRMED",
      reason: `Call C1 holds BUY 200 INFY, but ${words}: "these were the words".`,
    });
    // An engine that contradicts itself has heard no yes.
    expect(judged({ client_confirmed: true, client_answer, answer_evidence }).verdict).toBe("NOT_CONFIRMED");
  });

  it("was not given at all", () => {
    expect(judged({ client_confirmed: false, client_answer: "NONE" }).reason).toBe(
      "Call C1 holds BUY 200 INFY, but no confirmation by the client was heard.",
    );
  });
});

describe("a proposal that became no order", () => {
  const proposal = { action: "PROPOSAL", client_confirmed: false, client_answer: "REFUSED" } as const;

  it("is not confirmed, whatever it differs in", () => {
    const answer_evidence = [quote(5, "no please")];
    const found = judged({ ...proposal, answer_evidence, initiated_by: "DEALER", quantity: 100 });
    expect(found).toMatchObject({ verdict: "NOT_CONFIRMED", mismatches: [] });
    expect(found.reason).toBe('The dealer proposes BUY 200 INFY in call C1, but the client refuses: "no please".');
  });

  it("of the other side or another share is not this order", () => {
    expect(judged({ ...proposal, side: "SELL" }).verdict).toBe("ORDER_NOT_IN_CALL");
    expect(judged({ ...proposal, symbol: "TCS" }).verdict).toBe("ORDER_NOT_IN_CALL");
  });

  it("comes after an order that fits, and before one that differs", () => {
    const trades = (...all: Partial<ExtractedTrade>[]) =>
      verdict(input({ calls: [call({ trades: all.map((one) => spoken(one)) })] })).verdict;
    expect(trades(proposal, {})).toBe("CONFIRMED");
    expect(trades(proposal, { side: "SELL" })).toBe("NOT_CONFIRMED");
  });
});
