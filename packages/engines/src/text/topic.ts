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
  /** In any words, those of a report among them. */
  private mentioned: { symbol: SpokenSymbol; segment: number } | null = null;

  /** Notes the share that a statement speaks of. */
  follow({ details: { symbol }, kind, segment }: Statement): void {
    if (!symbol) return;
    this.mentioned = { symbol, segment: segment.index };
    if (kind !== "report") this.named = this.mentioned;
  }

  /** The share of an order that was spoken of: "i had put a sell order in tata motors please cancel that". */
  ofAnyOrder(segment: number): SpokenSymbol | null {
    return this.mentioned !== null && segment - this.mentioned.segment <= 1 ? this.mentioned.symbol : null;
  }

  /** The share that "it" means in a segment; null where none was spoken of shortly before. */
  at(segment: number): SpokenSymbol | null {
    if (this.named === null || segment - this.named.segment > REACH) return null;
    return { ...this.named.symbol, quality: this.named.symbol.quality * QUALITY };
  }

  /** The statement with what it refers to: "of it", "sell them", and "the same quantity" as that of the last order. */
  inContext(statement: Statement, last: OrderDraft | null): Statement {
    const { details, kind, segment } = statement;
    if (!/^(order|proposal|suggestion)$/.test(kind)) {
      const isSame = kind === "mention" && details.refersTo === "same" && details.quantity === null;
      return isSame && last ? { ...statement, details: { ...details, ...quantityOf(last) } } : statement;
    }
    const quantity = details.refersTo === "same" ? (last?.number("quantity") ?? null) : details.quantity;
    const unit = details.refersTo === "same" ? (last?.unit ?? details.unit) : details.unit;
    const symbol = details.symbol ?? this.at(segment.index);
    const isKnown = last?.action === "NEW" && last.side === statement.side && last.symbol === this.named?.symbol.symbol;
    // A bare number without a share may as well be noise: it is left to the rules for what is said of a known order.
    const isNamed = details.symbol !== null || (quantity !== null && !isKnown);
    // "square off my november future and buy december one lot"
    const future = details.future || (details.symbol === null && details.strike === null && (last?.future ?? false));
    return { ...statement, details: { ...details, quantity, unit, future, symbol: isNamed ? symbol : null } };
  }
}

function quantityOf(order: OrderDraft): Pick<Statement["details"], "quantity" | "unit"> {
  return { quantity: order.number("quantity"), unit: order.unit };
}
