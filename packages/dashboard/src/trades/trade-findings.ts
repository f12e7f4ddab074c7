/** What a batch has found out about its trades, for the list of what to look at. */
import type { OutcomeCount } from "@cofi/evidence/trade-list";
import type { KnownOutcome } from "@cofi/evidence/outcomes";
import type { Finding } from "@cofi/views/detail/shapes";

interface Words {
  one: string;
  many: string;
  rule: string;
}

const WORDS: Partial<Record<KnownOutcome, Words>> = {
  MISMATCH: {
    one: "1 trade differs from what was said in its call",
    many: "trades differ from what was said in their calls",
    rule: "The call speaks of the order, and of another side, contract, quantity, price or client.",
  },
  ORDER_NOT_IN_CALL: {
    one: "1 trade was not in its call",
    many: "trades were not in their calls",
    rule: "The calls of the client were understood, and nobody orders this in them.",
  },
  CANCELLED_IN_CALL: {
    one: "1 trade was executed although its order was cancelled in a call",
    many: "trades were executed although their orders were cancelled in a call",
    rule: "The client takes the order back before it was placed.",
  },
  NOT_CONFIRMED: {
    one: "1 trade was spoken of, and the client is not heard to agree",
    many: "trades were spoken of, and the clients are not heard to agree",
    rule: "The client refuses, puts it off, sets a condition, or says nothing.",
  },
  CONFIRMED_AFTER_ORDER: {
    one: "1 trade was confirmed only after its order",
    many: "trades were confirmed only after their orders",
    rule: "The client agrees in a call that is later than the order.",
  },
  LOW_CONFIDENCE: {
    one: "1 trade needs somebody who listens",
    many: "trades need somebody who listens",
    rule: "What was heard is not certain enough for a verdict.",
  },
  NO_VOICE_EVIDENCE: {
    one: "1 trade has no call that could prove it",
    many: "trades have no call that could prove them",
    rule: "This is no violation: there may be other evidence of the order.",
  },
};

/** @param counts the unproven first */
export function tradeFindings(counts: readonly OutcomeCount[]): Finding[] {
  return counts.flatMap(({ outcome, count }): Finding[] => {
    const words = WORDS[outcome as KnownOutcome];
    if (!words || count === 0) return [];
    const text = count === 1 ? words.one : `${count.toLocaleString("en-GB")} ${words.many}`;
    return [{ kind: "trades", stage: "verdicts", what: outcome, count, text, rule: words.rule }];
  });
}
