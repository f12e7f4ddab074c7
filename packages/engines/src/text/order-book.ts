/** The orders of a call while it is being heard, statement by statement. */
import {
  amendment,
  asRepeated,
  differs,
  fillGap,
  isOtherSpeaker,
  isReadBackWrongly,
  placeFree,
  sameContract,
  saysTheSame,
  statesAnother,
  withoutNumbers,
} from "./order-details.js";
import { OrderDraft } from "./order-draft.js";
import { ALL_OF_IT, CANCEL_ALL, CANCEL_ALONE, EARLIER, ENDS, ENDS_WHAT_WAS_SAID } from "./order-phrases.js";
import type { Statement } from "./statements.js";
import { Topic } from "./topic.js";

/** A bare answer refers to a statement at most this many segments before. */
export const REACH = 2;
/** Where the quantity is missing, the talk about it takes longer. */
const REACH_OF_A_GAP = 4;
/** An address that dealers use, and clients hardly when they order. */
export const ADDRESSED = /(?:^| )(?:sir|madam|maam)(?= |$)/;

const BEFORE_A_REFUSAL = 3;
const OFFERS = /(?:^| )(?:(?:shall|should) (?:i|we)|do you want|would you like|interested)(?= |$)/;

export class OrderBook {
  readonly orders: OrderDraft[] = [];
  /** What a number may answer. */
  asked: "quantity" | "price" | null = null;
  last: OrderDraft | null = null;
  private readonly topic = new Topic();

  /** The orders that a cancellation or a yes to all can mean. */
  get standing(): OrderDraft[] {
    const ended = new Set(this.orders.filter(({ action }) => action === "CANCEL").map(({ symbol }) => symbol));
    return this.orders.filter((order) => order.action === "NEW" && !ended.has(order.symbol));
  }

  /** Returns the order that the statement spoke of. */
  take(statement: Statement, afterReport: boolean): OrderDraft | null {
    const touched = this.read(this.topic.inContext(statement, this.last), afterReport);
    this.topic.follow(statement);
    if (touched) this.last = touched;
    return touched;
  }

  private read(statement: Statement, afterReport: boolean): OrderDraft | null {
    const isDealer = statement.segment.source.speaker === "dealer";
    switch (statement.kind) {
      case "question":
      case "report":
        return null;
      case "quote":
        return this.holding(statement);
      case "refuse":
        return statement.conditional ? null : this.refuse(statement);
      case "cancel":
        return this.cancel(statement);
      case "cancel_last":
        return isDealer || statement.conditional ? null : this.cancelLast(statement);
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

  /** The latest order that a statement can speak of: same symbol, no other side, no other option; of several one with its numbers. */
  private matching({ side, details }: Statement): OrderDraft | null {
    const all = this.orders.filter(
      (order) =>
        order.action !== "CANCEL" &&
        details.symbol !== null &&
        order.symbol === details.symbol.symbol &&
        (side === null || order.side === null || order.side === side || order.sideAssumed) &&
        sameContract(order, details),
    );
    return all.findLast((order) => !differs(order, details)) ?? all.at(-1) ?? null;
  }

  private order(statement: Statement, afterReport: boolean): OrderDraft | null {
    const { details, side } = statement;
    // Of a spread both sides were ordered.
    if (this.last && isReadBackWrongly(this.last, statement) && !this.matching(statement)) {
      this.last.doubt(statement);
      return this.last;
    }
    const open = this.orders.findLast(
      (order) => order.action === "NEW" && order.side === side && order.symbol === null,
    );
    let order = this.matching(statement);
    if (!order && details.symbol && open) order = open;
    if (!order && !details.symbol && this.last?.action === "NEW" && this.last.side === side) order = this.last;
    const isOfThisSegment = order?.firstSegment === statement.segment.index;
    if (order && statement.another && (isOfThisSegment ? details.quantity !== null : differs(order, details)))
      order = null;
    if (order && afterReport) return order;
    if (!order) return this.begin(statement);
    this.restate(order, statement);
    const { speaker } = statement.segment.source;
    if (statement.kind === "order" && speaker !== "dealer") {
      // The client says it in full: no longer only a proposal, and its condition is gone unless it is said again.
      const isStated = details.span !== null || details.market;
      if (order.proposed && speaker === "client" && !statement.conditional && isStated)
        order.accept(statement.segment.index, statement.segment.evidence(statement.clause));
      order.proposed = false;
      order.advised = false;
      order.conditional = statement.conditional || (order.conditional && speaker !== "client");
    } else if (statement.kind === "proposal" && !statement.conditional) order.conditional = false;
    return order;
  }

  private begin(statement: Statement): OrderDraft | null {
    const { details, kind, segment } = statement;
    if (!details.symbol && (statement.isWeak || (details.span === null && kind !== "order"))) return null;
    const { speaker } = segment.source;
    const isAddressed =
      !speaker && kind === "order" && ADDRESSED.test(segment.part({ from: 0, to: statement.clause.from }));
    const order = new OrderDraft("NEW", statement, kind !== "order" || speaker === "dealer" || isAddressed);
    order.apply(statement, details, false);
    this.orders.push(order);
    return order;
  }

  /** A later statement about a known order: it reads back, answers a question, or both. */
  private restate(order: OrderDraft, statement: Statement): void {
    const { details, segment } = statement;
    const other = isOtherSpeaker(order, segment);
    if (statement.conditional) order.conditional = true;
    order.settle(statement, details);
    const known = order.number("quantity") ?? (order.allOfIt ? 0 : null);
    const repeats = details.quantity !== null && known !== null && (details.symbol !== null || statement.side !== null);
    order.apply(statement, asRepeated(order, details), false);
    if (repeats && other) order.readBack = true;
  }

  /** No verb: a repetition when it names a symbol, an answer when it is a bare number. */
  private mention(statement: Statement): OrderDraft | null {
    const { details, segment } = statement;
    if (details.symbol !== null) {
      const known = this.matching(statement);
      const open = this.orders.findLast((order) => order.action === "NEW" && order.symbol === null);
      const order = known ?? open;
      const isEmpty = details.quantity === null && details.price === null && !details.market;
      // "hindalco four hundred shares at six ninety shall i" proposes, and does not say what.
      const isOffered = segment.source.speaker !== "client" && details.quantity !== null && OFFERS.test(segment.phrase);
      if (!order && isOffered) return this.begin({ ...statement, kind: "proposal" });
      if (!order || (isEmpty && known)) return null;
      this.restate(order, statement);
      return order;
    }
    const order = this.last;
    const reach = order?.number("quantity") === null ? REACH_OF_A_GAP : REACH;
    if (order?.action !== "NEW" || segment.index - order.lastSegment > reach) return null;
    if (details.span === null && !details.market) return null;
    const filled = fillGap(order, details, this.asked);
    if (filled) {
      const wasOpen = order.number("quantity") === null;
      this.asked = null;
      order.apply(statement, filled, false);
      // The dealer says how many "all" are, or completes the order in another way: that is read back.
      if (wasOpen && filled.quantity !== null && isOtherSpeaker(order, segment)) order.readBack = true;
      return order;
    }
    const { speaker } = segment.source;
    if (!statesAnother(order, statement)) return speaker === "client" ? this.insist(order, statement) : null;
    if (speaker === "client") return this.amend(statement);
    if (speaker) return null;
    // "yes at six fifty": nobody knows who says so, so that both prices may be right.
    order.doubtAnswer(segment.index, segment.evidence(statement.clause));
    if (!details.bareQuantity) order.apply(statement, details, false);
    return null;
  }

  /** "five hundred", when four hundred were read back. */
  private insist(order: OrderDraft, statement: Statement): OrderDraft | null {
    const { details } = statement;
    const [said] = details.free;
    const value = said?.value ?? details.quantity;
    if (value === null || !order.readings("quantity").includes(value) || details.price !== null) return null;
    order.apply(statement, { ...details, quantity: value }, true);
    return order;
  }

  /** "you have one hundred and sixty": how many "all" are. */
  private holding(statement: Statement): OrderDraft | null {
    const order = this.last;
    const { details } = statement;
    if (order?.action !== "NEW" || !order.allOfIt || order.number("quantity") !== null) return null;
    if (details.quantity === null || (details.symbol && details.symbol.symbol !== order.symbol)) return null;
    order.apply(statement, { ...details, price: null, priceReadings: [], market: false }, false);
    return order;
  }

  private amend(statement: Statement): OrderDraft | null {
    const { details } = statement;
    const named = this.matching({ ...statement, side: null });
    const order = named ?? this.last;
    const complete = details.symbol !== null && statement.side !== null && details.quantity !== null;
    if (!order || order.action === "CANCEL" || (!named && complete && details.negatedSymbol === null))
      return statement.side === null ? null : this.order({ ...statement, kind: "order" }, false);
    const words = statement.segment.part({ from: statement.clause.from, to: details.span?.to ?? statement.clause.to });
    const change = amendment(order, details, /(?:^| )(?:only|just)(?: \w+)?(?: \w+)?(?: \w+)?(?: \w+)?$/.test(words));
    const [bare] = details.free.length === 1 && details.negated.length === 0 ? details.free : [];
    const changes = change.span !== null || details.market || statement.side !== null || change.symbol !== null;
    const repeats = saysTheSame(order, { ...statement, details: change });
    if (changes) order.amend(statement, change, bare?.value ?? null);
    else if (statement.certain) order.doubt(statement);
    // "not two hundred", and no other number.
    if (details.negated.length > 0 && details.free.length === 0 && change.quantity === null && change.price === null)
      order.doubt(statement);
    // "sorry selling two hundred axis bank": the dealer corrects himself, and so reads back what was ordered.
    if (repeats && isOtherSpeaker(order, statement.segment)) order.readBack = true;
    return changes ? order : null;
  }

  private modify(statement: Statement): OrderDraft | null {
    const known = this.matching(statement);
    if (known) {
      known.apply(statement, amendment(known, statement.details, false), true);
      return known;
    }
    if (!statement.details.symbol) return null;
    const order = new OrderDraft("MODIFY", statement, false);
    order.apply(statement, placeFree(order, statement.details), false);
    this.orders.push(order);
    return order;
  }

  private refuse(statement: Statement): OrderDraft | null {
    const order = statement.details.symbol ? this.matching(statement) : this.last;
    if (order?.action !== "NEW" || (statement.side !== null && order.side !== statement.side)) return null;
    if (statement.segment.source.speaker === "dealer") return null;
    // The negation stands before the verb.
    const { from, to } = statement.clause;
    const words = { from: Math.max(0, from - BEFORE_A_REFUSAL), to };
    order.decline("REFUSED", statement.segment.index, statement.segment.evidence(words));
    return null;
  }

  /** "cancel the axis bank order": one of this call, or an older one. */
  private cancel(statement: Statement): OrderDraft | null {
    const { details, segment, clause } = statement;
    const words = segment.part(clause);
    if (!details.symbol) return CANCEL_ALL.test(words) || CANCEL_ALONE.test(words) ? this.cancelLast(statement) : null;
    const known = this.orders.find(({ action, symbol }) => action === "CANCEL" && symbol === details.symbol?.symbol);
    if (known) {
      known.apply(statement, withoutNumbers(details), false);
      return known;
    }
    const here = EARLIER.test(words) ? null : this.matching(statement);
    if (here?.action === "NEW") return this.withdraw(here, statement);
    const order = new OrderDraft("CANCEL", statement, false);
    order.apply({ ...statement, side: this.matching(statement)?.side ?? null }, withoutNumbers(details), false);
    this.orders.push(order);
    return order;
  }

  /** "cancel it", "do not place it", "forget both" */
  private cancelLast(statement: Statement): OrderDraft | null {
    const { segment, clause } = statement;
    const words = segment.part(clause);
    const known = statement.details.symbol ? this.matching(statement) : null;
    const isOfBefore = ENDS_WHAT_WAS_SAID.test(words) && this.last?.action === "NEW";
    if (statement.details.symbol && !known && !isOfBefore && ENDS.test(words)) return this.cancel(statement);
    const named = isOfBefore ? null : known;
    const isAll = CANCEL_ALL.test(words) && !ALL_OF_IT.test(words.replace(CANCEL_ALL, ""));
    const targets = named ? [named] : isAll ? this.standing : this.last?.action === "NEW" ? [this.last] : [];
    let touched: OrderDraft | null = null;
    for (const target of targets) {
      target.decline("REFUSED", segment.index, segment.evidence(clause));
      if (ENDS.test(words) && !target.startedAsProposal) touched = this.withdraw(target, statement);
    }
    return touched;
  }

  /** Writes the cancellation of an order of this call, with its known fields. */
  private withdraw(target: OrderDraft, statement: Statement): OrderDraft {
    const { segment, clause } = statement;
    target.decline("REFUSED", segment.index, segment.evidence(clause));
    const order = new OrderDraft("CANCEL", statement, false);
    const spoken = target.symbolSpoken ?? target.symbol ?? "";
    const symbol = target.symbol === null ? null : { symbol: target.symbol, spoken, quality: 1 };
    order.apply({ ...statement, side: target.side }, { ...withoutNumbers(statement.details), symbol }, false);
    this.orders.push(order);
    return order;
  }
}
