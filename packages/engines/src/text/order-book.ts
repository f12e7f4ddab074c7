/** The orders of a call while it is being heard, statement by statement. */
import {
  amendment,
  asRepeated,
  differs,
  isOtherSpeaker,
  isReadBackWrongly,
  placeFree,
  sameContract,
  saysTheSame,
} from "./order-details.js";
import { OrderDraft } from "./order-draft.js";
import { Endings } from "./endings.js";
import { Mentions } from "./mentions.js";
import type { SpokenSymbol } from "./items.js";
import type { Statement } from "./statements.js";
import { Topic } from "./topic.js";

/** An address that dealers use, and clients hardly when they order. */
export const ADDRESSED = /(?:^| )(?:sir|madam|maam)(?= |$)/;

/** Where nobody knows who speaks: what addresses somebody, or asks for a confirmation at once, is rather the dealer's. */
function isOfADealer(lead: string, phrase: string): boolean {
  const asks = /(?:^| )(?:confirm|shall i|okay sir|okay madam|is that (?:right|correct|okay))(?: sir| madam| maam)?$/;
  return ADDRESSED.test(lead) || SAYS_A_DEALER.test(lead) || asks.test(phrase);
}

const SAYS_A_DEALER = /(?:^| )(?:placing|punching|putting|executing|repeat|repeating|your order|for you)(?= |$)/;

export class OrderBook {
  readonly orders: OrderDraft[] = [];
  /** What a number may answer. */
  asked: "quantity" | "price" | null = null;
  last: OrderDraft | null = null;
  private readonly topic = new Topic();
  private readonly endings = new Endings(this);
  private readonly mentions = new Mentions(this);

  /** The orders that a cancellation or a yes to all can mean. */
  get standing(): OrderDraft[] {
    return this.orders.filter((order) => order.action === "NEW" && !order.withdrawn);
  }

  topicAt(segment: number): SpokenSymbol | null {
    return this.topic.ofAnyOrder(segment);
  }

  /** Returns the order that the statement spoke of. */
  take(statement: Statement, afterReport: boolean): OrderDraft | null {
    const touched = this.read(this.topic.inContext(statement, this.last), afterReport);
    if (!touched && /^(?:mention|amend|modify)$/.test(statement.kind)) this.leaveOpen(statement);
    this.topic.follow(statement);
    if (touched) this.last = touched;
    return touched;
  }

  /** What was said and changed nothing may have been meant to change the order before it. */
  private leaveOpen(statement: Statement): void {
    const { last } = this;
    const { details, segment } = statement;
    if (last?.action !== "NEW") return;
    last.leaveOpen(details);
    const isOfMarket =
      details.market && details.symbol === null && last.price !== null && segment.source.speaker !== "dealer";
    if (isOfMarket) last.doubt(statement);
  }

  private read(statement: Statement, afterReport: boolean): OrderDraft | null {
    const isDealer = statement.segment.source.speaker === "dealer";
    switch (statement.kind) {
      case "question":
      case "report":
        return null;
      case "quote":
        return this.mentions.holding(statement);
      case "refuse":
        return statement.conditional ? null : this.endings.refuse(statement);
      case "cancel":
        return this.endings.cancel(statement);
      case "cancel_last":
        return isDealer || statement.conditional ? null : this.endings.cancelLast(statement);
      case "modify":
        return this.modify(statement);
      case "amend":
        return this.amend(statement);
      case "mention":
        return this.mentions.take(statement);
      case "order":
      case "proposal":
      case "suggestion":
        return this.order(statement, afterReport);
    }
  }

  /** The latest order that a statement can speak of: same symbol, no other side, no other option; of several one with its numbers. */
  matching({ side, details }: Statement): OrderDraft | null {
    const all = this.orders.filter(
      (order) =>
        order.action !== "CANCEL" &&
        !order.withdrawn &&
        details.symbol !== null &&
        order.symbol === details.symbol.symbol &&
        (side === null || order.side === null || order.side === side || order.sideAssumed) &&
        sameContract(order, details),
    );
    return all.findLast((order) => !differs(order, details)) ?? all.at(-1) ?? null;
  }

  private order(statement: Statement, afterReport: boolean): OrderDraft | null {
    const { details, side } = statement;
    const known = this.mentions.halved(statement) ?? (details.symbol === null ? this.mentions.more(statement) : null);
    if (known) return known;
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
    if (order && (statement.ofAnother ?? false)) order = null;
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
      // "take it yourself" states nothing: whether it agrees, the whole answer says.
      if (isStated) order.proposed = order.advised = false;
      order.conditional = statement.conditional || (order.conditional && speaker !== "client");
    } else if (statement.kind === "proposal" && !statement.conditional) order.conditional = false;
    return order;
  }

  begin(statement: Statement): OrderDraft | null {
    const { details, kind, segment } = statement;
    if (!details.symbol && (statement.isWeak || (details.span === null && kind !== "order"))) return null;
    const { speaker } = segment.source;
    const isAddressed =
      !speaker &&
      kind === "order" &&
      isOfADealer(segment.part({ from: 0, to: details.span?.from ?? statement.clause.from }), segment.phrase);
    const order = new OrderDraft("NEW", statement, kind !== "order" || speaker === "dealer" || isAddressed);
    order.apply(statement, details, false);
    this.orders.push(order);
    return order;
  }

  /** A later statement about a known order: it reads back, answers a question, or both. */
  restate(order: OrderDraft, statement: Statement): void {
    const { details, segment } = statement;
    const other = isOtherSpeaker(order, segment);
    if (this.waits(order, statement)) return;
    if (statement.conditional) order.conditional = true;
    const repeated = asRepeated(order, details);
    order.settle(statement, repeated.quantity === null ? details : repeated);
    const known = order.number("quantity") ?? (order.allOfIt || order.sideAssumed ? 0 : null);
    const repeats = details.quantity !== null && known !== null && (details.symbol !== null || statement.side !== null);
    // The client's limit becomes an order at market: the later words hold.
    const isClients = segment.source.speaker === "client" && order.firstSegment < segment.index;
    const turnsToMarket = isClients && order.price !== null && details.price === null && details.market;
    // "buy three hundred at two forty eight": what the client says anew, with a verb, holds.
    const saidAnew =
      isClients && statement.side !== null && differs(order, repeated.quantity === null ? details : repeated);
    if (!isClients && repeated.quantity === null && differs(order, details)) order.leaveOpen(details);
    const meant = saidAnew && repeated.quantity === null ? details : repeated;
    order.apply(statement, meant, turnsToMarket || saidAnew);
    if (repeats && other) order.readBack = true;
  }

  /** "if it comes to two forty then take it": the client makes a known order wait, and changes nothing of it. */
  private waits(order: OrderDraft, { conditional, segment, clause, details }: Statement): boolean {
    const waits = conditional && segment.source.speaker === "client" && order.firstSegment < segment.index;
    if (!waits) return false;
    order.conditional = true;
    order.leaveOpen(details);
    order.decline("CONDITIONAL", segment.index, segment.evidence(clause));
    return true;
  }

  amend(statement: Statement): OrderDraft | null {
    const { details } = statement;
    const named = this.matching({ ...statement, side: null });
    const { negatedSymbol } = details;
    const replaced = negatedSymbol && this.standing.findLast(({ symbol }) => symbol === negatedSymbol);
    const order = named ?? (replaced || this.last);
    if (order?.action === "NEW" && this.waits(order, statement)) return order;
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
    // "modify the order to two forty four": the one that was spoken of.
    if (!known && !statement.details.symbol && this.last?.action === "NEW") return this.amend(statement);
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
}
