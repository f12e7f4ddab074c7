/**
 * Who answers what: a yes counts only as the client's, for the orders that were spoken of since the client spoke before. Without
 * labels of the speakers it counts for an order that was repeated or asked about, a few segments before.
 */
import { readAnswer, type Answer } from "./answers.js";
import { DEALERS, STRONG_YES, WEAK_YES } from "./answer-phrases.js";
import { REACH, type OrderBook } from "./order-book.js";
import type { OrderDraft } from "./order-draft.js";
import { ANYTHING_ELSE, ASKS_ABOUT_ALL, ASKS_TO_CONFIRM, REPORT, TAGS } from "./order-phrases.js";
import type { Statement } from "./statements.js";
import type { Speaker } from "./transcript.js";
import type { SpokenSegment, Span } from "./words.js";

/** Where a segment asks for a confirmation. One that begins with the words of one answers, where nobody knows who speaks. */
export function questionsIn(segment: SpokenSegment): Span[] {
  const isDealer = segment.source.speaker === "dealer";
  return [ASKS_TO_CONFIRM, TAGS]
    .flatMap((pattern) => segment.find(pattern))
    .filter(({ from, to }) => isDealer || from > 1 || /^(?:shall|should|is|do) /.test(segment.part({ from, to })))
    .toSorted((a, b) => a.from - b.from);
}

export class Turns {
  private lastSpeaker: Speaker | null = null;
  /** Spoken of by the dealer since the client spoke. */
  private byDealer = new Set<OrderDraft>();
  /** Spoken of by the client in the turn before. */
  private byClient = new Set<OrderDraft>();
  /** What the client's turn answers. */
  private pending: readonly OrderDraft[] = [];
  private askedAnythingElse = false;

  constructor(private readonly book: OrderBook) {}

  /** Called before the statements of a segment are taken. */
  begin(segment: SpokenSegment): void {
    const speaker = segment.source.speaker ?? null;
    if (speaker === "client" && this.lastSpeaker !== "client") {
      this.pending = [...(this.byDealer.size > 0 ? this.byDealer : this.byClient)];
      this.byDealer = new Set();
      this.byClient = new Set();
    } else if (speaker === null)
      this.pending = this.book.orders.filter(({ lastSegment }) => segment.index - lastSegment <= REACH);
    this.lastSpeaker = speaker;
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
    if (questionsIn(segment).length === 0 || (touched.length === 0 && !ASKS_TO_CONFIRM.test(segment.phrase))) return;
    if (segment.source.speaker === "dealer" && ASKS_ABOUT_ALL.test(segment.phrase))
      for (const order of this.book.standing) this.byDealer.add(order);
    for (const order of this.book.orders) {
      const isNear = segment.index - order.lastSegment <= REACH && order.lastSegment <= segment.index;
      if (isNear || touched.includes(order)) order.askedToConfirm = true;
    }
  }

  /** Takes what a segment answers to the orders before it. `parts` are the stretches of it that state no details of an order. */
  answer(segment: SpokenSegment, words: readonly string[], span: Span): void {
    if (segment.source.speaker === "dealer") return;
    const answer = readAnswer(words);
    if (answer === null) return;
    if (!segment.source.speaker && answer.kind === "ACCEPTED" && DEALERS.test(segment.phrase)) return;
    const isAboutAll = ASKS_ABOUT_ALL.test(words.join(" "));
    const orders = isAboutAll && answer.kind === "ACCEPTED" ? this.book.standing : this.pending;
    if (answer.kind === "REFUSED" && !answer.isStrong && this.askedAnythingElse) return;
    for (const order of orders) this.apply(order, answer, segment, span);
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
      return;
    }
    if (!order.isOpen(answer.isStrong)) return;
    if (order.advised && !answer.isStrong) return order.decline("OTHER", segment.index, passage);
    const isAsked = order.readBack || order.askedToConfirm || order.proposed;
    if (!isAsked && (segment.source.speaker !== "client" || answer.isBare)) return;
    order.accept(passage);
  }

  /** The client says more in the turn that confirmed it. */
  private isOfThisTurn(order: OrderDraft): boolean {
    return this.lastSpeaker === "client" && this.pending.includes(order);
  }
}
