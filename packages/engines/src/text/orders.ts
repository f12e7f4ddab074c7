import {
  amendment,
  bareNumbersOut,
  differs,
  fillGap,
  placeFree,
  sameContract,
  withoutNumbers,
} from "./order-details.js";
import { OrderDraft } from "./order-draft.js";
import { ASKS_PRICE, ASKS_QUANTITY, ASKS_TO_CONFIRM, HARMLESS_NO, NOT_A_YES, STRONG_YES, WEAK_YES } from "./phrases.js";
import { readStatements, type Statement } from "./statements.js";
import type { SymbolMatcher } from "./symbols.js";
import type { SpokenSegment, Span } from "./words.js";

/** A bare answer or a weak yes refers to a statement at most this many segments before. */
const REACH = 2;

/** Reads the orders of a call, in the order they are first spoken of. `skip` gives words to pass over by segment. */
export function readOrders(
  segments: readonly SpokenSegment[],
  symbols: SymbolMatcher,
  skip: (segment: SpokenSegment) => ReadonlySet<number>,
): OrderDraft[] {
  const book = new OrderBook();
  for (const segment of segments) {
    const statements = readStatements(segment, symbols, skip(segment));
    book.hear(segment, statements);
  }
  return book.orders.filter(isOrder);
}

/** Questions and advice without an answer are not orders, nor is a draft without a symbol or a quantity. */
function isOrder(draft: OrderDraft): boolean {
  if (draft.symbol === null) return false;
  return draft.action !== "NEW" || (draft.number("quantity") !== null && (!draft.proposed || draft.confirmed));
}

/** The orders of a call while it is being heard, segment by segment. */
class OrderBook {
  readonly orders: OrderDraft[] = [];
  private asked: "quantity" | "price" | null = null;
  private last: OrderDraft | null = null;

  hear(segment: SpokenSegment, statements: readonly Statement[]): void {
    const restated = new Set<OrderDraft>();
    let reported = false;
    let position = 0;
    const before = this.orders.length;
    this.weakYes(segment, statements, before);
    for (const statement of statements) {
      // "yes go ahead" between two statements confirms what came before it.
      this.strongYes(segment, { from: position, to: statement.clause.from }, restated);
      position = statement.clause.from;
      if (statement.kind === "report") reported = true;
      const touched = this.take(statement, reported && !statement.another);
      if (touched) {
        restated.add(touched);
        position = statement.details.span?.to ?? statement.clause.to;
        this.last = touched;
      }
    }
    this.strongYes(segment, { from: position, to: segment.words.length }, restated);
    this.askedBy(segment);
  }

  private askedBy(segment: SpokenSegment): void {
    this.asked = ASKS_QUANTITY.test(segment.phrase)
      ? "quantity"
      : ASKS_PRICE.test(segment.phrase)
        ? "price"
        : this.asked;
    if (segment.find(ASKS_TO_CONFIRM).length === 0) return;
    for (const order of this.orders)
      if (segment.index - order.lastSegment <= REACH && order.lastSegment <= segment.index) order.askedToConfirm = true;
  }

  /** Returns the order that the statement spoke of. */
  private take(statement: Statement, afterReport: boolean): OrderDraft | null {
    switch (statement.kind) {
      case "quote":
      case "question":
      case "report":
        return null;
      case "refuse":
        return this.refuse(statement);
      case "cancel":
        return this.cancel(statement, false);
      case "cancel_last":
        return this.cancel(statement, true);
      case "modify":
        return this.modify(statement);
      case "amend":
        return this.amend(statement);
      case "mention":
        return this.mention(statement);
      case "order":
      case "proposal":
      case "suggestion":
        return this.order(statement, afterReport);
    }
  }

  /** The latest order that a statement can speak of: same symbol, no other side, no other option. */
  private matching({ side, details }: Statement): OrderDraft | null {
    return (
      this.orders.findLast(
        (order) =>
          order.action !== "CANCEL" &&
          details.symbol !== null &&
          order.symbol === details.symbol.symbol &&
          (side === null || order.side === null || order.side === side) &&
          sameContract(order, details),
      ) ?? null
    );
  }

  private order(statement: Statement, afterReport: boolean): OrderDraft | null {
    const { details, side } = statement;
    const open = this.orders.findLast(
      (order) => order.action === "NEW" && order.side === side && order.symbol === null,
    );
    let order = this.matching(statement);
    if (!order && details.symbol && open) order = open;
    if (!order && !details.symbol && this.last?.action === "NEW" && this.last.side === side) order = this.last;
    if (order && statement.another && order.firstSegment !== statement.segment.index && differs(order, details))
      order = null;
    if (order && statement.another && order.firstSegment === statement.segment.index && details.quantity !== null)
      order = null;
    if (order && afterReport) return order;
    if (!order) {
      if (!details.symbol && details.span === null && statement.kind !== "order") return null;
      order = new OrderDraft("NEW", statement);
      order.apply(statement, details, false);
      this.orders.push(order);
      return order;
    }
    this.restate(order, statement);
    if (statement.kind === "order") order.proposed = false;
    return order;
  }

  /** A later statement about a known order: it reads back, answers a question, or both. */
  private restate(order: OrderDraft, statement: Statement): void {
    const { details, segment } = statement;
    const other = this.otherSpeaker(order, segment);
    const repeats =
      details.quantity !== null &&
      order.number("quantity") !== null &&
      (details.symbol !== null || statement.side !== null);
    order.apply(statement, bareNumbersOut(order, details), false);
    if (repeats && other) order.readBack = true;
  }

  /** Without labels the speaker is unknown: then a repetition of an order counts as the other speaker. */
  private otherSpeaker(order: OrderDraft, segment: SpokenSegment): boolean {
    const speaker = segment.source.speaker ?? null;
    return speaker === null || order.speaker === null || speaker !== order.speaker;
  }

  /** No verb: a repetition when it names a symbol, an answer when it is a bare number. */
  private mention(statement: Statement): OrderDraft | null {
    const { details, segment } = statement;
    if (details.symbol !== null) {
      const known = this.matching(statement);
      const open = this.orders.findLast((order) => order.action === "NEW" && order.symbol === null);
      const order = known ?? open;
      if (!order || (details.quantity === null && details.price === null && !details.market && known)) return null;
      this.restate(order, statement);
      return order;
    }
    const order = this.last;
    if (order?.action !== "NEW" || segment.index - order.lastSegment > REACH || details.span === null) return null;
    const filled = fillGap(order, details, this.asked);
    if (!filled) return null;
    this.asked = null;
    order.apply(statement, filled, false);
    return order;
  }

  private amend(statement: Statement): OrderDraft | null {
    const { details } = statement;
    const named = this.matching({ ...statement, side: null });
    const order = named ?? this.last;
    const complete = details.symbol !== null && statement.side !== null && details.quantity !== null;
    if (!order || order.action === "CANCEL" || (!named && complete && details.negatedSymbol === null)) {
      return statement.side === null ? null : this.order({ ...statement, kind: "order" }, false);
    }
    const change = amendment(order, details);
    const changes = change.span !== null || details.market || statement.side !== null || change.symbol !== null;
    if (changes) order.apply(statement, change, true);
    else if (statement.certain) {
      order.unresolved = true;
      order.confirmed = false;
      order.cite(statement.segment.evidence(statement.clause));
    }
    return changes ? order : null;
  }

  private modify(statement: Statement): OrderDraft | null {
    const known = this.matching(statement);
    if (known) {
      const change = amendment(known, statement.details);
      known.apply(statement, change, true);
      return known;
    }
    if (!statement.details.symbol) return null;
    const order = new OrderDraft("MODIFY", statement);
    order.apply(statement, placeFree(order, statement.details), false);
    this.orders.push(order);
    return order;
  }

  private refuse(statement: Statement): OrderDraft | null {
    const order = statement.details.symbol ? this.matching(statement) : this.last;
    if (order?.action !== "NEW" || order.side !== statement.side) return null;
    return this.withdraw(order, statement);
  }

  private cancel(statement: Statement, last: boolean): OrderDraft | null {
    const named = statement.details.symbol;
    if (named) {
      const known = this.orders.find((order) => order.action === "CANCEL" && order.symbol === named.symbol);
      if (known) {
        known.apply(statement, withoutNumbers(statement.details), false);
        return known;
      }
      const order = new OrderDraft("CANCEL", statement);
      order.apply(
        { ...statement, side: this.matching(statement)?.side ?? null },
        withoutNumbers(statement.details),
        false,
      );
      this.orders.push(order);
      return order;
    }
    const target = this.last;
    return last && target?.action === "NEW" ? this.withdraw(target, statement) : null;
  }

  /** Writes the cancellation of an order of this call, with its known fields. */
  private withdraw(target: OrderDraft, statement: Statement): OrderDraft {
    const order = new OrderDraft("CANCEL", statement);
    const symbol =
      target.symbol === null
        ? null
        : { symbol: target.symbol, spoken: target.symbolSpoken ?? target.symbol, quality: 1 };
    order.apply({ ...statement, side: target.side }, { ...withoutNumbers(statement.details), symbol }, false);
    this.orders.push(order);
    return order;
  }

  /** "Correct", "yes" first in a segment answers the read back before it; a segment that restates the order does not. */
  private weakYes(segment: SpokenSegment, statements: readonly Statement[], known: number): void {
    const yes = WEAK_YES.exec(segment.phrase)?.[0].trim();
    if (!yes) return;
    const rest = segment.phrase.slice(yes.length).trim();
    const opening = rest.split(" ").slice(0, 4).join(" ");
    if (NOT_A_YES.test(opening) && !HARMLESS_NO.test(opening)) return;
    const said = new Set(statements.map(({ details }) => details.symbol?.symbol).filter(Boolean));
    const amends = statements.some(({ kind }) => kind === "amend" || kind === "cancel_last" || kind === "report");
    const bare = statements.some(({ kind, details }) => kind === "mention" && details.span !== null && !details.symbol);
    if (amends || bare) return;
    const span = { from: 0, to: yes.split(" ").length };
    for (const order of this.orders.slice(0, known)) {
      if (order.symbol !== null && said.has(order.symbol)) continue;
      if (segment.index - order.lastSegment <= REACH) this.confirm(order, segment, span);
    }
  }

  private strongYes(segment: SpokenSegment, part: Span, restated: ReadonlySet<OrderDraft>): void {
    for (const yes of segment.find(STRONG_YES)) {
      if (yes.from < part.from || yes.to > part.to) continue;
      const lead = segment.part({ from: yes.from - 3, to: yes.from });
      if (/(?:^| )(?:shall i|should i|shall we|can i|may i|to|will|is|not|dont|i)$/.test(lead)) continue;
      for (const order of this.orders)
        if (restated.has(order) || order.lastSegment < segment.index) this.confirm(order, segment, yes);
    }
  }

  private confirm(order: OrderDraft, segment: SpokenSegment, span: Span): void {
    if (order.confirmed || order.action === "CANCEL") return;
    const speaker = segment.source.speaker ?? null;
    const labelled = speaker !== null && order.speaker !== null;
    // A proposal is confirmed by the other side, the client's own order by the client.
    if (labelled && (order.proposed ? speaker === order.speaker : speaker !== order.speaker)) return;
    if (!labelled && !order.readBack && !order.askedToConfirm && !order.proposed) return;
    order.confirmed = true;
    order.cite(segment.evidence(span));
  }
}
