/** The share that a call is about: "buy two hundred of it" means the one that was spoken of last. */
import type { SpokenSymbol } from "./items.js";
import type { OrderDraft } from "./order-draft.js";
import type { Statement } from "./statements.js";

/** What was spoken of last is meant by "it" for this many segments. */
const REACH = 4;
/** How sure it is that "it" means the share that was spoken of last. */
const QUALITY = 0.95;

export class Topic {
  private named: { symbol: SpokenSymbol; segment: number } | null = null;

  /** Notes the share that a statement speaks of. */
  follow({ details: { symbol }, kind, segment }: Statement): void {
    if (symbol && kind !== "report") this.named = { symbol, segment: segment.index };
  }

  /** The statement with what it refers to: "of it", "sell them", and "the same quantity" as that of the last order. */
  inContext(statement: Statement, last: OrderDraft | null): Statement {
    const { details, kind, segment } = statement;
    if (!/^(order|proposal|suggestion)$/.test(kind)) return statement;
    const quantity = details.refersTo === "same" ? (last?.number("quantity") ?? null) : details.quantity;
    const unit = details.refersTo === "same" ? (last?.unit ?? details.unit) : details.unit;
    const isNear = this.named !== null && segment.index - this.named.segment <= REACH;
    const symbol =
      details.symbol ??
      (isNear && this.named ? { ...this.named.symbol, quality: this.named.symbol.quality * QUALITY } : null);
    const isKnown = last?.action === "NEW" && last.side === statement.side && last.symbol === this.named?.symbol.symbol;
    // A bare number without a share may as well be noise: it is left to the rules for what is said of a known order.
    const isNamed = details.symbol !== null || (quantity !== null && !isKnown);
    // "square off my november future and buy december one lot"
    const future = details.future || (details.symbol === null && details.strike === null && (last?.future ?? false));
    return { ...statement, details: { ...details, quantity, unit, future, symbol: isNamed ? symbol : null } };
  }
}
