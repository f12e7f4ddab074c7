/** Reads the orders of a call: what was stated, proposed, changed, agreed to and cancelled, in the order it was said. */
import { readAnswer } from "./answers.js";
import { CODE_FROM, type SpeltCode } from "./client-code.js";
import type { FoundIdentity } from "./client-identity.js";
import { OrderBook } from "./order-book.js";
import type { OrderDraft } from "./order-draft.js";
import { ASKS_PRICE, ASKS_QUANTITY } from "./order-phrases.js";
import { readStatements, type Statement } from "./statements.js";
import type { SymbolMatcher } from "./symbols.js";
import { questionsIn, Turns } from "./turns.js";
import type { SpokenSegment, Span } from "./words.js";

interface Knowing {
  symbols: SymbolMatcher;
  identity: FoundIdentity;
}

const BEGINS_A_QUESTION = /^(?:shall|should|is|do|can|may) /;
const NO_WORDS: ReadonlySet<number> = new Set();

/** Reads the orders of a call, in the order they are first spoken of. The words that spell client codes are no part of them. */
export function readOrders(segments: readonly SpokenSegment[], { symbols, identity }: Knowing): OrderDraft[] {
  const hearing = new Hearing(symbols, identity.codes);
  for (const segment of segments) hearing.hear(segment, identity.words.get(segment.index) ?? NO_WORDS);
  return hearing.book.orders.filter(isSpokenOf);
}

/**
 * A draft without a quantity is no order. One whose share was not understood is kept, if somebody took notice of it: it may be any
 * trade's, so that nobody can say that a trade was not spoken of.
 */
function isSpokenOf(draft: OrderDraft): boolean {
  if (draft.action !== "NEW") return draft.symbol !== null;
  if (draft.number("quantity") === null) return false;
  return draft.symbol !== null || (draft.noticed && !isOnlyProposed(draft));
}

/** Only spoken of: a proposal that the client did not accept, or an order that waits for something to happen. */
export function isOnlyProposed(draft: OrderDraft): boolean {
  return draft.action === "NEW" && ((draft.proposed && !draft.confirmed) || draft.conditional);
}

interface Taken {
  statement: Statement;
  order: OrderDraft | null;
  isNew: boolean;
}

class Hearing {
  readonly book = new OrderBook();
  private readonly turns = new Turns(this.book);

  constructor(
    private readonly symbols: SymbolMatcher,
    private readonly codes: readonly SpeltCode[],
  ) {}

  hear(segment: SpokenSegment, skip: ReadonlySet<number>): void {
    this.turns.begin(segment);
    const statements = readStatements(segment, { symbols: this.symbols, skip });
    const isChange = statements.some(changes);
    const before = new Set(this.book.orders);
    if (!isChange && !this.answersByName(segment, statements)) this.answersBefore(segment, statements, skip);
    const taken = this.take(statements, before);
    if (segment.source.speaker === undefined || segment.source.speaker === null)
      this.answersWithin(segment, taken, skip);
    this.turns.end(segment, taken);
    this.askedBy(segment);
  }

  private take(statements: readonly Statement[], before: ReadonlySet<OrderDraft>): Taken[] {
    let reported = false;
    return statements.map((statement) => {
      if (statement.kind === "report") reported = true;
      const order = this.book.take(statement, reported && !statement.another);
      if (order) this.nameClient(order, statement);
      return { statement, order, isNew: order !== null && !before.has(order) };
    });
  }

  /** An order is for the client who is named with it, before or behind it in the segment, else for the one who was named last. */
  private nameClient(order: OrderDraft, { segment, clause, details }: Statement): void {
    const here = this.codes.filter((code) => code.segment === segment);
    const end = details.span?.to ?? clause.to;
    const named = here.findLast(({ span }) => span.from < end) ?? here[0];
    const last = this.codes.findLast((code) => code.segment.index < segment.index);
    const code = named ?? (order.clientCode === null ? last : undefined);
    if (code && code.segment.source.confidence >= CODE_FROM) order.clientCode = code.code;
  }

  private askedBy({ phrase }: SpokenSegment): void {
    this.book.asked = ASKS_QUANTITY.test(phrase) ? "quantity" : ASKS_PRICE.test(phrase) ? "price" : this.book.asked;
  }

  /** The answer to what was said before: all words that state no details, up to where another order begins. */
  private answersBefore(segment: SpokenSegment, statements: readonly Statement[], skip: ReadonlySet<number>): void {
    const end = statements.find((one) => this.beginsAnother(one))?.clause.from ?? segment.words.length;
    const to = segment.source.speaker ? end : Math.min(end, this.firstAsk(segment, statements));
    const span = { from: 0, to };
    this.turns.answer(segment, wordsOf(segment, span, statements, skip), span);
  }

  /** A statement that is not about an order that waits for an answer. */
  private beginsAnother({ kind, details, side, another }: Statement): boolean {
    if (kind === "modify" || (kind === "cancel" && details.symbol !== null)) return true;
    if (!/^(order|proposal|suggestion)$/.test(kind) || details.span === null) return false;
    const isKnown = this.turns.awaiting.some(
      (order) =>
        (details.symbol === null || details.symbol.symbol === order.symbol) && (side === null || side === order.side),
    );
    return another || !isKnown || details.refersTo === "same";
  }

  /** Where nobody tells the turns apart: a word like "confirm" asks only behind the details of an order. */
  private firstAsk(segment: SpokenSegment, statements: readonly Statement[]): number {
    const stated = Math.min(...statements.flatMap(({ details: { span } }) => span?.from ?? []));
    const asks = questionsIn(segment).find((ask) => ask.from > stated || BEGINS_A_QUESTION.test(segment.part(ask)));
    return asks?.from ?? segment.words.length;
  }

  /** "shall i place it yes go ahead" in one segment. */
  private answersWithin(segment: SpokenSegment, taken: readonly Taken[], skip: ReadonlySet<number>): void {
    const asks = questionsIn(segment);
    for (const [index, ask] of asks.entries()) {
      const next = taken.find(
        ({ statement: { clause, details, kind } }) =>
          clause.from >= ask.to && (details.span !== null || /^(report|quote)$/.test(kind)),
      );
      const to = Math.min(
        next?.statement.clause.from ?? segment.words.length,
        asks[index + 1]?.from ?? segment.words.length,
      );
      const orders = taken.flatMap(({ statement, order }) =>
        order && statement.clause.from < ask.from ? [order] : [],
      );
      const span = { from: ask.to, to };
      if (orders.length > 0 && to > ask.to)
        this.turns.answerWithin(segment, orders, wordsOf(segment, span, [], skip), span);
    }
  }

  /** "only infosys yes tcs no": each share has an answer of its own. False where the segment is no such answer. */
  private answersByName(segment: SpokenSegment, statements: readonly Statement[]): boolean {
    const named = statements.filter(({ kind, details }) => details.symbol !== null && !/^(report|quote)$/.test(kind));
    const awaiting = this.turns.awaiting.filter(({ action }) => action === "NEW");
    const isPlain = named.every(({ details }) => details.quantity === null && details.price === null);
    if (awaiting.length < 2 || named.length === 0 || !isPlain) return false;
    const answered = new Set<OrderDraft>();
    for (const { words, span, symbol } of this.chunksOf(segment)) {
      const order = awaiting.find((one) => one.symbol === symbol);
      const answer = readAnswer(words.filter((word) => !/^(only|but|and)$/.test(word)));
      if (!order || !answer) continue;
      this.turns.answerOne(order, answer, segment, span);
      answered.add(order);
    }
    return answered.size > 0;
  }

  /** The stretches of a segment that hold one symbol each. */
  private chunksOf(segment: SpokenSegment): { words: string[]; span: Span; symbol: string | null }[] {
    const chunks: { words: string[]; span: Span; symbol: string | null }[] = [];
    let chunk = { words: [] as string[], span: { from: 0, to: 0 }, symbol: null as string | null };
    for (let at = 0; at < segment.words.length;) {
      const match = this.symbols.matchAt(segment.words, at);
      const word = segment.words[at]?.text ?? "";
      const begins = match !== null || /^(?:but|and|leave|skip|drop|forget|ignore|except)$/.test(word);
      if (begins && chunk.symbol !== null) {
        chunks.push(chunk);
        chunk = { words: [], span: { from: at, to: at }, symbol: null };
      }
      if (match) chunk.symbol = match.symbol;
      chunk.words.push(match ? "#" : word);
      at += match?.count ?? 1;
      chunk.span.to = at;
    }
    return [...chunks, chunk];
  }
}

/** A statement that corrects or takes back: what stands beside it is no answer to what was said before. */
function changes({ kind, side, details: { span, market } }: Statement): boolean {
  return kind === "cancel_last" || (kind === "amend" && (span !== null || market || side !== null));
}

/** The words of a stretch, with `#` for those that state details or name the client. */
function wordsOf(
  segment: SpokenSegment,
  { from, to }: Span,
  statements: readonly Statement[],
  skip: ReadonlySet<number>,
): string[] {
  const stated = (at: number): boolean =>
    statements.some(({ details, clause, side, kind }) => {
      if (details.span === null || /^(cancel|refuse|question)/.test(kind)) return false;
      const isOnlyNamed = details.quantity === null && details.price === null && !details.market && side === null;
      const start = side === null ? details.span.from : Math.min(clause.from, details.span.from);
      return !isOnlyNamed && at >= start && at < details.span.to;
    });
  const words: string[] = [];
  for (let at = from; at < to; at++) {
    const word = stated(at) || skip.has(at) ? "#" : (segment.words[at]?.text ?? "");
    if (word !== "#" || words.at(-1) !== "#") words.push(word);
  }
  return words;
}
