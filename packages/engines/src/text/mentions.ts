/** Statements without a verb: they repeat an order, answer a question about it, or change a number of it. */
import {
  changesByNumber,
  differs,
  fillGap,
  goesOn,
  isOtherSpeaker,
  sameContract,
  statesAnother,
} from "./order-details.js";
import { REACH } from "./reach.js";
import type { OrderDraft } from "./order-draft.js";
import type { Statement } from "./statements.js";

/** Where the quantity is missing, the talk about it takes longer. */
const REACH_OF_A_GAP = 4;
/** A question, a holding, an older order. */
const SPEAKS_OF =
  /^(?:what|how|when|was|is|did|has|have|why|where|which|do|does)(?= )|(?:^| )(?:i have|i had|i hold|my (?:average|holding|position|order|[a-z]+ hundred)|(?:do not|dont|didnt) (?:want|need)|maine) /;
const HALF = /(?:^| )(?<!(?:and a|one and a) )(?:half|aadha|adha|aadhe|adhe)(?= |$)/;
const OFFERS =
  /(?:^| )(?:(?:shall|should) (?:i|we)|do you want|would you like|interested|(?:what|how) about|(?:placing|putting|punching|executing)(?! (?:it|that|the order)))(?= |$)/;

/** What mentions know of the orders of the call, and do with them. */
interface Book {
  readonly orders: readonly OrderDraft[];
  readonly standing: readonly OrderDraft[];
  readonly last: OrderDraft | null;
  /** What a number may answer. */
  asked: "quantity" | "price" | null;
  matching(statement: Statement): OrderDraft | null;
  begin(statement: Statement): OrderDraft | null;
  restate(order: OrderDraft, statement: Statement): void;
  amend(statement: Statement): OrderDraft | null;
}

export class Mentions {
  constructor(private readonly book: Book) {}

  /** No verb: a repetition when it names a symbol, an answer when it is a bare number. */
  take(statement: Statement): OrderDraft | null {
    const { details, segment } = statement;
    const isClients = segment.source.speaker !== "dealer";
    // "infosys not wipro"
    if (isClients && details.symbol !== null && details.negatedSymbol !== null) return this.book.amend(statement);
    if (details.symbol !== null) {
      const known = this.book.matching(statement);
      const open = this.book.orders.findLast((order) => order.action === "NEW" && order.symbol === null);
      const order = known ?? open;
      const isEmpty = details.quantity === null && details.price === null && !details.market;
      if (!order && goesOn(statement, this.book.last)) {
        const kind = segment.source.speaker ? "order" : "proposal";
        return this.book.begin({ ...statement, kind, side: this.book.last?.side ?? null });
      }
      // "hindalco four hundred shares at six ninety shall i" proposes, and does not say what.
      const isOffered = segment.source.speaker !== "client" && details.quantity !== null && OFFERS.test(segment.phrase);
      if (!order && isOffered) return this.book.begin({ ...statement, kind: "proposal" });
      // "nifty twenty four thousand six hundred call", where another strike was heard before: nobody knows which is right.
      const { last } = this.book;
      if (!order && last?.action === "NEW" && last.symbol === details.symbol.symbol && !sameContract(last, details))
        last.doubt(statement);
      // "cut fifty titan at market", in words that nobody knows: it may be an order, so that nobody can say that none was given.
      const isWhole = details.quantity !== null && (details.price !== null || details.market);
      if (
        !order &&
        isWhole &&
        segment.source.speaker === "client" &&
        !SPEAKS_OF.test(segment.phrase) &&
        this.book.last?.symbol !== details.symbol.symbol
      )
        return this.book.begin({ ...statement, kind: "proposal" });
      // "infosys and wipro only then"
      if (isEmpty && known) return segment.source.speaker === "dealer" && statement.isOnlyNames ? known : null;
      if (!order) return null;
      this.book.restate(order, statement);
      return order;
    }
    const other = this.more(statement) ?? this.halved(statement);
    if (other) return other;
    const order = this.book.last;
    const reach = order?.number("quantity") === null ? REACH_OF_A_GAP : REACH;
    if (order?.action !== "NEW" || segment.index - this.lastSpokenOf(order, segment) > reach) return null;
    if (details.span === null && !details.market) return null;
    const filled = fillGap(order, details, this.book.asked);
    if (filled) {
      // Where nobody knows who speaks, the answer to "how many" is the client's.
      const isAnswer = this.book.asked !== null && !segment.source.speaker;
      const wasOpen = order.number("quantity") === null;
      this.book.asked = null;
      order.apply(statement, filled, false);
      // The dealer says how many "all" are, or completes the order in another way: that is read back.
      if (wasOpen && !isAnswer && filled.quantity !== null && isOtherSpeaker(order, segment)) order.readBack = true;
      return order;
    }
    const { speaker } = segment.source;
    const isDenied = details.negated.length > 0 || details.negatedSymbol !== null;
    if (changesByNumber(order, statement) || (isDenied && speaker === "client")) return this.book.amend(statement);
    const repeated = this.readBackInNumbers(statement);
    if (repeated) return repeated;
    if (!statesAnother(order, statement)) return speaker === "client" ? this.insist(order, statement) : null;
    if (speaker === "client") return this.book.amend(statement);
    if (speaker) return null;
    // "yes at six fifty": nobody knows who says so, so that both prices may be right.
    order.doubtAnswer(segment.index, segment.evidence(statement.clause));
    if (!details.bareQuantity) order.apply(statement, details, false);
    return null;
  }

  /** Of what is known to be the client's, the answer to an order counts, too: "yes", "placed", "three hundred please". */
  private lastSpokenOf(order: OrderDraft, { source, index }: Statement["segment"]): number {
    return source.speaker === "client" ? Math.min(order.latest + 1, index) : order.lastSegment;
  }

  /** "one hundred at two thirty eight": the dealer repeats the numbers of an order alone. */
  private readBackInNumbers({ segment, details }: Statement): OrderDraft | null {
    const said = details.quantity ?? details.free[0]?.value;
    if (segment.source.speaker !== "dealer" || said === undefined) return null;
    const order = this.book.standing.findLast(
      (one) =>
        one.speaker === "client" &&
        one.number("quantity") === said &&
        (details.price === null || one.price === null || details.priceReadings.includes(one.price)) &&
        segment.index - one.lastSegment <= REACH,
    );
    if (!order) return null;
    order.readBack = true;
    order.noticed = true;
    order.lastSegment = segment.index;
    return order;
  }

  /** "five hundred", when four hundred were read back; the same of a price. */
  private insist(order: OrderDraft, statement: Statement): OrderDraft | null {
    const { details } = statement;
    const [said] = details.free;
    const value = said?.value ?? details.quantity;
    if (value === null || details.price !== null) return null;
    const isQuantity = order.readings("quantity").includes(value);
    const isPrice = !isQuantity && order.readings("price").includes(value);
    if (!isQuantity && !isPrice) return null;
    const meant = isQuantity ? { quantity: value } : { quantity: null, price: value, priceReadings: [value] };
    order.apply(statement, { ...details, ...meant }, true);
    return order;
  }

  /** "and add one hundred more at two thirty eight": another order for the share that was ordered last. */
  more(statement: Statement): OrderDraft | null {
    const { details, segment, another } = statement;
    const { last } = this.book;
    const isSameSide = last?.side !== null && (statement.side ?? last?.side) === last?.side;
    if (!another || last?.action !== "NEW" || !isSameSide || segment.source.speaker === "dealer") return null;
    const known = last.number("quantity");
    const quantity = details.quantity ?? details.free[0]?.value ?? null;
    const isNumbered = details.price !== null || details.market;
    if (
      quantity === null ||
      known === null ||
      !isNumbered ||
      last.symbol === null ||
      !differs(last, { ...details, quantity })
    )
      return null;
    const symbol = { symbol: last.symbol, spoken: last.symbolSpoken ?? last.symbol, quality: 1 };
    const whole = { ...details, quantity, symbol, free: [], future: last.future };
    return this.book.begin({ ...statement, kind: "order", side: last.side, isWeak: false, details: whole });
  }

  /** "sell half only": the client takes half of what was spoken of. */
  halved(statement: Statement): OrderDraft | null {
    const { details, segment, clause } = statement;
    const { last } = this.book;
    const known = last?.action === "NEW" ? last.number("quantity") : null;
    const isSaid = last?.evidence.some(({ quote }) => HALF.test(quote.toLowerCase())) ?? false;
    const isHalf = segment.source.speaker === "client" && HALF.test(segment.part(clause)) && !isSaid;
    if (!isHalf || !last || known === null || known % 2 !== 0 || details.quantity !== null || details.free.length > 0)
      return null;
    if (details.symbol !== null && details.symbol.symbol !== last.symbol) return null;
    last.apply(statement, { ...details, quantity: known / 2, unit: last.unit }, true);
    return last;
  }

  /** "you have one hundred and sixty": how many "all" are. */
  holding(statement: Statement): OrderDraft | null {
    const order = this.book.last;
    const { details } = statement;
    if (order?.action !== "NEW" || !order.allOfIt || order.number("quantity") !== null) return null;
    if (details.quantity === null || (details.symbol && details.symbol.symbol !== order.symbol)) return null;
    order.apply(statement, { ...details, price: null, priceReadings: [], market: false }, false);
    return order;
  }
}
