/** Ends and refuses orders of a call: "cancel it", "do not buy the wipro", "withdraw my old order in itc". */
import { withoutNumbers } from "./order-details.js";
import { OrderDraft } from "./order-draft.js";
import { ALL_OF_IT, CANCEL_ALL, CANCEL_ALONE, EARLIER, ENDS, ENDS_WHAT_WAS_SAID } from "./order-phrases.js";
import type { SpokenSymbol } from "./items.js";
import type { Statement } from "./statements.js";

const BEFORE_A_REFUSAL = 3;
/** Not an order is cancelled: "cancel my appointment". */
const OF_SOMETHING_ELSE =
  /^(?:cancel|cancelling|canceling|delete|remove|undo|reverse|drop|withdraw|scrap|abort) (?:my |the |that |our |his |her )+(?!(?:one|two|three|four|five|six|seven|eight|nine|ten|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|\d+) |orders?(?: |$)|trades?(?: |$)|transactions?(?: |$)|deals?(?: |$)|same(?: |$)|last(?: |$)|previous(?: |$)|first(?: |$)|second(?: |$)|one(?: |$)|buy(?: |$)|sell(?: |$)|limit(?: |$)|whole(?: |$))[a-z]+/;

/** "do not place it yet": the order waits. */
const FOR_NOW = /(?:^| )(?:yet|now|wait|hold|pause|moment|minute|second)(?= |$)/;

const VAGUE = /(?:^| )(?:it|that|this|(?:the|that|my|this) order)(?: please| sir| madam| now)*$/;
const PLACES: readonly RegExp[] = [
  /(?:^| )(?:first|earlier|previous|pehla|pehle wala)(?= |$)/,
  /(?:^| )(?:second|doosra|dusra)(?= |$)/,
  /(?:^| )(?:third|teesra)(?= |$)/,
  /(?:^| )(?:last|latest|aakhri)(?= |$)/,
];

/** What the endings know of the orders of the call. */
interface Book {
  readonly orders: OrderDraft[];
  readonly last: OrderDraft | null;
  readonly standing: readonly OrderDraft[];
  /** The order that a statement can speak of. */
  matching(statement: Statement): OrderDraft | null;
  /** The share that the call was about last. */
  topicAt(segment: number): SpokenSymbol | null;
}

export class Endings {
  constructor(private readonly book: Book) {}

  refuse(statement: Statement): OrderDraft | null {
    const order = statement.details.symbol ? this.book.matching(statement) : this.book.last;
    if (order?.action !== "NEW" || (statement.side !== null && order.side !== statement.side)) return null;
    if (statement.segment.source.speaker === "dealer") return null;
    // The negation stands before the verb.
    const { from, to } = statement.clause;
    const words = { from: Math.max(0, from - BEFORE_A_REFUSAL), to };
    order.decline("REFUSED", statement.segment.index, statement.segment.evidence(words));
    return null;
  }

  /** "cancel the axis bank order": one of this call, or an older one. */
  cancel(statement: Statement): OrderDraft | null {
    const { details, segment, clause } = statement;
    const words = segment.part(clause);
    if (!details.symbol) {
      const isShort = CANCEL_ALL.test(words) || CANCEL_ALONE.test(words);
      const isClients = segment.source.speaker === "client" && !statement.conditional;
      return isShort || (isClients && !EARLIER.test(words) && !OF_SOMETHING_ELSE.test(words))
        ? this.cancelLast(statement)
        : null;
    }
    const here = EARLIER.test(words) ? null : (this.byNumber(statement) ?? this.book.matching(statement));
    if (here?.action !== "NEW") return this.cancelEarlier(statement);
    // "cancel maruti": all that was said of it, unless a number says which.
    const isOne = this.byNumber(statement) !== null;
    for (const other of isOne
      ? []
      : this.book.standing.filter((order) => order !== here && order.symbol === here.symbol))
      if (other.proposed) other.decline("REFUSED", segment.index, segment.evidence(clause));
      else this.withdraw(other, statement);
    return this.withdraw(here, statement);
  }

  /** An order that was not given in this call. */
  private cancelEarlier(statement: Statement): OrderDraft {
    const { details } = statement;
    const { orders } = this.book;
    const known = orders.find(({ action, symbol }) => action === "CANCEL" && symbol === details.symbol?.symbol);
    if (known) {
      known.apply(statement, withoutNumbers(details), false);
      return known;
    }
    const order = new OrderDraft("CANCEL", statement, false);
    order.apply({ ...statement, side: this.book.matching(statement)?.side ?? null }, withoutNumbers(details), false);
    orders.push(order);
    return order;
  }

  /** "cancel it", "do not place it", "forget both" */
  cancelLast(statement: Statement): OrderDraft | null {
    const { segment, clause } = statement;
    const { last, standing } = this.book;
    const words = segment.part(clause);
    const known = statement.details.symbol ? this.book.matching(statement) : null;
    const isOfBefore = ENDS_WHAT_WAS_SAID.test(words) && last?.action === "NEW";
    if (statement.details.symbol && !known && !isOfBefore && ENDS.test(words)) return this.cancel(statement);
    const named = isOfBefore ? null : (known ?? this.byNumber(statement));
    const isAll = CANCEL_ALL.test(words) && !ALL_OF_IT.test(words.replace(CANCEL_ALL, ""));
    const one = named ?? this.byPlace(words);
    const targets = one ? [one] : isAll ? standing : last?.action === "NEW" ? [last] : [];
    // "cancel that order", of several that were given in one breath: which of them, a person has to say.
    const isVague = segment.phrase === words && (CANCEL_ALONE.test(words) || VAGUE.test(words));
    if (!one && !isAll && ENDS.test(words) && isVague)
      for (const order of standing)
        if (order !== last && order.firstSegment === last?.firstSegment) order.doubt(statement);
    // "i had put a sell order in tata motors please cancel that"
    const topic = last === null && ENDS.test(words) ? this.book.topicAt(segment.index) : null;
    if (topic) return this.cancelEarlier({ ...statement, details: { ...statement.details, symbol: topic } });
    let touched: OrderDraft | null = null;
    for (const target of targets) {
      // What was agreed to and is taken back in any words has ended.
      const isTakenBack = target.confirmed && segment.source.speaker === "client" && !FOR_NOW.test(segment.phrase);
      const ends = ENDS.test(words) || isTakenBack;
      target.decline("REFUSED", segment.index, segment.evidence(clause));
      if (ends && !target.startedAsProposal) touched = this.withdraw(target, statement);
    }
    return touched;
  }

  /** "cancel the three hundred one": the order that has this quantity or price, if one alone has it. */
  private byNumber({ details }: Statement): OrderDraft | null {
    const said = details.quantity ?? details.price ?? details.free[0]?.value ?? null;
    const all = this.book.standing.filter(
      (order) => said !== null && [order.number("quantity"), order.price].includes(said),
    );
    return all.length === 1 ? (all[0] ?? null) : null;
  }

  /** "cancel the first one" */
  private byPlace(words: string): OrderDraft | null {
    const place = PLACES.findIndex((pattern) => pattern.test(words));
    return place === -1 ? null : (this.book.standing.at(place === PLACES.length - 1 ? -1 : place) ?? null);
  }

  /** Writes the cancellation of an order of this call, with its known fields. */
  private withdraw(target: OrderDraft, statement: Statement): OrderDraft {
    const { segment, clause } = statement;
    target.decline("REFUSED", segment.index, segment.evidence(clause));
    target.withdrawn = true;
    const order = new OrderDraft("CANCEL", statement, false);
    const spoken = target.symbolSpoken ?? target.symbol ?? "";
    const symbol = target.symbol === null ? null : { symbol: target.symbol, spoken, quality: 1 };
    const details = { ...withoutNumbers(statement.details), symbol };
    order.apply({ ...statement, side: target.side }, details, false);
    order.ends = target;
    this.book.orders.push(order);
    return order;
  }
}
