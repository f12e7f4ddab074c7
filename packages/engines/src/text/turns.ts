/**
 * Who answers what: a yes counts only as the client's, for the orders that were spoken of since the client spoke before. Without
 * labels of the speakers it counts for an order that was repeated or asked about, a few segments before.
 */
import { readAnswer, type Answer } from "./answers.js";
import { ASKS, DEALERS, STRONG_YES, WEAK_YES } from "./answer-phrases.js";
import { ADDRESSED, REACH, type OrderBook } from "./order-book.js";
import type { OrderDraft } from "./order-draft.js";
import { ANYTHING_ELSE, ASKS_ABOUT_ALL, ASKS_TO_CONFIRM, REPORT, TAGS } from "./order-phrases.js";
import type { Statement } from "./statements.js";
import type { Speaker } from "./transcript.js";
import { SHALL_I } from "./verb-contexts.js";
import type { SpokenSegment, Span } from "./words.js";

/** Where a segment asks for a confirmation. One that begins with the words of one answers, where nobody knows who speaks. */
export function questionsIn(segment: SpokenSegment): Span[] {
  const isDealer = segment.source.speaker === "dealer";
  return [ASKS_TO_CONFIRM, TAGS]
    .flatMap((pattern) => segment.find(pattern))
    .filter(({ from, to }) => isDealer || from > 1 || /^(?:shall|should|is|do) /.test(segment.part({ from, to })))
    .toSorted((a, b) => a.from - b.from);
}

/** A question that comes before the answer is dealt with in this many segments. */
const REACH_OF_A_QUESTION = 6;

export class Turns {
  private lastSpeaker: Speaker | null = null;
  /** Spoken of by the dealer since the client spoke. */
  private byDealer = new Set<OrderDraft>();
  /** Spoken of by the client in the turn before. */
  private byClient = new Set<OrderDraft>();
  /** What the client's turn answers. */
  private pending: readonly OrderDraft[] = [];
  /** Nobody spoke of the orders since the client's last turn: no more than a clear instruction is about them. */
  private isReturning = false;
  /** The other side asked something that is not about an order. */
  private askedElse = false;
  private askedAnythingElse = false;

  constructor(private readonly book: OrderBook) {}

  /** Called before the statements of a segment are taken. */
  begin(segment: SpokenSegment): void {
    const speaker = segment.source.speaker ?? null;
    if (speaker === "client" && this.lastSpeaker !== "client") {
      const spokenOf = this.byDealer.size > 0 ? this.byDealer : this.byClient;
      this.isReturning = spokenOf.size === 0;
      this.pending = this.isReturning ? this.undecided(segment) : [...spokenOf];
      this.byDealer = new Set();
      this.byClient = new Set();
    } else if (speaker === null)
      this.pending = this.book.orders.filter(({ latest }) => segment.index - latest <= REACH);
    this.lastSpeaker = speaker;
  }

  /** The orders that the client's last turn was about, and did not decide on. */
  private undecided(segment: SpokenSegment): OrderDraft[] {
    return this.pending.filter(
      ({ action, answer, lastSegment }) =>
        action === "NEW" &&
        (answer === null || /^(?:OTHER|UNCLEAR|DEFERRED)$/.test(answer)) &&
        segment.index - lastSegment <= REACH_OF_A_QUESTION,
    );
  }

  /** Called when the statements of a segment were taken, with the orders that each spoke of. */
  end(segment: SpokenSegment, taken: readonly { statement: Statement; order: OrderDraft | null }[]): void {
    const speaker = segment.source.speaker ?? null;
    const touched = taken.flatMap(({ order }) => order ?? []);
    if (speaker === "dealer") for (const order of touched) this.byDealer.add(order);
    if (speaker === "client") for (const order of touched) this.byClient.add(order);
    if (speaker !== "client") this.ask(segment, touched);
    this.notice(segment);
    this.askedAnythingElse = ANYTHING_ELSE.test(segment.phrase);
    if (speaker !== "client")
      this.askedElse = touched.length === 0 && (ASKS.test(segment.phrase) || SHALL_I.test(segment.phrase));
  }

  /** Any word of assent or report right after an order shows that it was heard as one. */
  private notice(segment: SpokenSegment): void {
    if (![WEAK_YES, STRONG_YES, REPORT, ASKS_TO_CONFIRM, TAGS].some((pattern) => pattern.test(segment.phrase))) return;
    for (const order of this.book.orders) {
      const isAfter = segment.index > order.lastSegment && segment.index - order.lastSegment <= REACH;
      const speaker = segment.source.speaker ?? null;
      if (isAfter && (speaker === null || speaker !== order.speaker)) order.noticed = true;
    }
  }

  private ask(segment: SpokenSegment, touched: readonly OrderDraft[]): void {
    const asksAgain = ASKS_TO_CONFIRM.test(segment.phrase);
    if (questionsIn(segment).length === 0 || (touched.length === 0 && !asksAgain)) return;
    const isDealer = segment.source.speaker === "dealer";
    if (isDealer && ASKS_ABOUT_ALL.test(segment.phrase))
      for (const order of this.book.standing) this.byDealer.add(order);
    // "shall i place it" after the talk about something else.
    if (isDealer && touched.length === 0 && this.byDealer.size === 0)
      for (const order of this.undecided(segment)) {
        order.ask(segment.index);
        this.byDealer.add(order);
      }
    for (const order of this.book.orders) {
      const isNear = segment.index - order.lastSegment <= REACH && order.lastSegment <= segment.index;
      if (isNear || touched.includes(order)) order.ask(segment.index);
    }
  }

  /** Takes what a segment answers to the orders before it. `parts` are the stretches of it that state no details of an order. */
  answer(segment: SpokenSegment, words: readonly string[], span: Span): void {
    if (segment.source.speaker === "dealer") return;
    const answer = readAnswer(words);
    if (answer === null) return;
    const maybeYes = /^(?:ACCEPTED|UNCLEAR)$/.test(answer.kind);
    if (!segment.source.speaker && maybeYes && DEALERS.test(segment.phrase)) return;
    const isAboutAll = ASKS_ABOUT_ALL.test(words.join(" "));
    const takesBack = answer.kind === "REFUSED" && answer.isStrong && this.pending.length === 0 && !this.askedElse;
    const orders =
      isAboutAll && answer.kind === "ACCEPTED"
        ? this.book.standing
        : takesBack && this.book.last
          ? [this.book.last]
          : this.pending;
    if (answer.kind === "REFUSED" && !answer.isStrong && this.askedAnythingElse) return;
    for (const order of orders) this.apply(order, answer, segment, span);
    this.addToOwn(answer, segment, span);
  }

  /** "buy two hundred infosys", and in the same breath: "only if nifty holds", "no wait". */
  private addToOwn({ kind }: Answer, segment: SpokenSegment, span: Span): void {
    const isClient = segment.source.speaker === "client";
    const own = isClient ? [...this.byClient] : this.pending.filter((order) => !order.readBack && !order.proposed);
    for (const order of own) {
      if (kind === "CONDITIONAL" || kind === "DEFERRED") order.conditional = true;
      else if (kind === "REFUSED" && isClient) order.decline(kind, segment.index, segment.evidence(span));
    }
  }

  /** What is said of one order by its name: "infosys yes". */
  answerOne(order: OrderDraft, answer: Answer, segment: SpokenSegment, span: Span): void {
    if (segment.source.speaker !== "dealer") this.apply(order, answer, segment, span);
  }

  /** An answer within the segment that asks, where nobody tells the turns apart. */
  answerWithin(segment: SpokenSegment, orders: readonly OrderDraft[], words: readonly string[], span: Span): void {
    const answer = readAnswer(words);
    if (answer) for (const order of orders) this.apply(order, answer, segment, span);
  }

  get awaiting(): readonly OrderDraft[] {
    return this.pending;
  }

  private apply(order: OrderDraft, answer: Answer, segment: SpokenSegment, span: Span): void {
    if (order.action !== "NEW") return;
    const passage = segment.evidence(span);
    if (answer.kind !== "ACCEPTED") {
      const isTakenBack =
        answer.kind === "REFUSED" && (answer.isStrong || !order.confirmed || this.isOfThisTurn(order));
      const isStillOpen = !order.confirmed || this.isOfThisTurn(order);
      if (isTakenBack || (answer.kind !== "REFUSED" && isStillOpen)) order.decline(answer.kind, segment.index, passage);
      else if (this.mayTakeBack(answer, segment)) order.doubtAnswer(segment.index, passage);
      return;
    }
    if (!order.isOpen(answer.isStrong) || (this.isReturning && !answer.isStrong)) return;
    if (order.advised && !answer.isStrong) return order.decline("OTHER", segment.index, passage);
    if (!order.isAsked && (segment.source.speaker !== "client" || answer.isBare)) return;
    order.accept(segment.index, passage);
  }

  /** "yes" and then "actually no", where nobody knows who speaks: it may be one turn of the client's, in two segments. */
  private mayTakeBack({ kind }: Answer, { source, phrase }: SpokenSegment): boolean {
    if (source.speaker || DEALERS.test(phrase) || this.askedElse || this.askedAnythingElse) return false;
    return /^(?:REFUSED|CONDITIONAL)$/.test(kind) || (kind === "DEFERRED" && !ADDRESSED.test(phrase));
  }

  /** The client says more in the turn that confirmed it. */
  private isOfThisTurn(order: OrderDraft): boolean {
    return this.lastSpeaker === "client" && this.pending.includes(order);
  }
}
