/** How sure an order is. */
import type { AnswerKind } from "./answers.js";
import type { Claims, OrderField } from "./claims.js";

/** A correction was begun and could not be read. */
const UNRESOLVED_FACTOR = 0.4;
/** It was said once, and nobody repeated, answered or took notice: rather words that sound like an order. */
const UNHEARD_FACTOR = 0.6;

interface State {
  action: "NEW" | "MODIFY" | "CANCEL";
  answer: AnswerKind | null;
  /** Nobody has agreed to it yet. */
  isProposal: boolean;
  /** The other side took notice of it in some way. */
  noticed: boolean;
  /** A correction could not be read. */
  unresolved: boolean;
}

/**
 * 0 to 1: that of the least certain field, where a field is as certain as the best segment that states its value (chance that its
 * words were recognised, times quality of the match). Text of low confidence can so never give an order of high confidence.
 */
export function confidenceOf(claims: Claims, { action, answer, isProposal, noticed, unresolved }: State): number {
  // Which side a proposal was that nobody took is not asked.
  const isSideless = isProposal && claims.value("side") === undefined;
  const ofNew: OrderField[] = [...(isSideless ? [] : ["side" as const]), "symbol", "quantity", "price"];
  // What was refused or put off need not be read exactly.
  const isOver = isProposal && /^(?:REFUSED|DEFERRED|CONDITIONAL)$/.test(answer ?? "");
  const doubt = (unresolved && !isOver ? UNRESOLVED_FACTOR : 1) * (action !== "NEW" || noticed ? 1 : UNHEARD_FACTOR);
  return Math.round(claims.confidence(action === "NEW" ? ofNew : ["symbol"]) * doubt * 1000) / 1000;
}
