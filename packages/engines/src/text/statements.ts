import {
  AMEND,
  ANOTHER,
  BOUGHT,
  BUY_VERB,
  CANCEL,
  CANCEL_LAST,
  CERTAIN_AMEND,
  MODIFY_PENDING,
  NEGATION_BEFORE,
  PROPOSAL_BEFORE,
  QUESTION_BEFORE,
  QUOTE,
  REPORT,
  SELL_VERB,
  SOLD,
  SUGGESTION_BEFORE,
} from "./phrases.js";
import { isNumberWord } from "./numbers.js";
import { composeDetails, readItems, splitBySymbol, type Details } from "./statement-items.js";
import type { SymbolMatcher } from "./symbols.js";
import type { SpokenSegment, Span } from "./words.js";

export type Side = "BUY" | "SELL";

/**
 * The role of a clause: `order` instructs · `proposal` asks back ("shall I buy …") · `suggestion` advises ("you should buy
 * …") · `mention` repeats or answers without a verb · `amend` corrects · `report` tells of an execution · `quote` speaks of a
 * price · `question` asks for advice · `refuse` ("do not buy") · `cancel` · `cancel_last` ("cancel it") · `modify`.
 */
type StatementKind =
  | "order"
  | "proposal"
  | "suggestion"
  | "mention"
  | "amend"
  | "report"
  | "quote"
  | "question"
  | "refuse"
  | "cancel"
  | "cancel_last"
  | "modify";

export interface Statement {
  kind: StatementKind;
  segment: SpokenSegment;
  /** The whole clause. */
  clause: Span;
  side: Side | null;
  /** "another", "also": a second order for the same symbol is meant. */
  another: boolean;
  /** An amendment for certain, whether or not its fields could be read. */
  certain: boolean;
  details: Details;
}

interface Mark extends Span {
  kind: StatementKind;
  side: Side | null;
  quality: number;
}

/** From the most to the least specific: where two overlap, the first holds. */
const PHRASES: readonly (readonly [StatementKind, RegExp])[] = [
  ["modify", MODIFY_PENDING],
  ["cancel_last", CANCEL_LAST],
  ["cancel", CANCEL],
  ["report", REPORT],
  ["quote", QUOTE],
  ["amend", AMEND],
];

/** Reads the statements of a segment in the order they are spoken. */
export function readStatements(segment: SpokenSegment, symbols: SymbolMatcher, skip: ReadonlySet<number>): Statement[] {
  const marks = marksOf(segment);
  const statements: Statement[] = [];
  for (const [index, mark] of marks.entries()) {
    const clause: Span = { from: mark.from, to: marks[index + 1]?.from ?? segment.words.length };
    const body: Span = { from: mark.to, to: clause.to };
    if (index > 0 && joinsVerb(statements, mark, segment, body, symbols, skip)) continue;
    statements.push(...statementsOf(segment, mark, clause, body, symbols, skip, statements.at(-1)));
  }
  // "no no" before "make it …" or "cancel it" has said all it had to say.
  return statements.filter((statement, index) => {
    const next = statements[index + 1];
    return !(
      statement.kind === "amend" &&
      statement.details.span === null &&
      next &&
      /^(amend|cancel)/.test(next.kind)
    );
  });
}

function marksOf(segment: SpokenSegment): Mark[] {
  const found: Mark[] = [];
  const free = (span: Span): boolean => found.every((mark) => span.to <= mark.from || span.from >= mark.to);
  for (const [kind, pattern] of PHRASES) {
    for (const span of segment.find(pattern)) {
      const limit = kind === "quote" && /^(limit|price|trigger|loss)$/.test(segment.words[span.from - 1]?.text ?? "");
      if (free(span) && !limit) found.push({ ...span, kind, side: null, quality: 1 });
    }
  }
  for (let at = 0; at < segment.words.length; at++) {
    const verb = verbAt(segment, at);
    if (verb && free(verb)) found.push(verb);
  }
  found.sort((a, b) => a.from - b.from);
  if (found[0]?.from !== 0) found.unshift({ from: 0, to: 0, kind: "mention", side: null, quality: 1 });
  return found;
}

function verbAt(segment: SpokenSegment, at: number): Mark | null {
  const word = segment.words[at]?.text ?? "";
  const next = segment.words[at + 1]?.text ?? "";
  const lead = segment.part({ from: at - 6, to: at });
  const span = { from: at, to: at + 1 };
  if (BOUGHT.test(word) || SOLD.test(word))
    return { ...span, kind: "report", side: BOUGHT.test(word) ? "BUY" : "SELL", quality: 1 };
  const misheard = /^(by|cell)$/.test(word) && (isNumberWord(next) || next === "another");
  const buys = BUY_VERB.test(word) || (misheard && word === "by");
  if (!buys && !SELL_VERB.test(word) && !misheard) return null;
  const kind: StatementKind = NEGATION_BEFORE.test(lead)
    ? "refuse"
    : QUESTION_BEFORE.test(lead)
      ? "question"
      : SUGGESTION_BEFORE.test(lead)
        ? "suggestion"
        : PROPOSAL_BEFORE.test(lead)
          ? "proposal"
          : "order";
  return { ...span, kind, side: buys ? "BUY" : "SELL", quality: misheard ? 0.8 : 1 };
}

function statementsOf(
  segment: SpokenSegment,
  mark: Mark,
  clause: Span,
  body: Span,
  symbols: SymbolMatcher,
  skip: ReadonlySet<number>,
  previous: Statement | undefined,
): Statement[] {
  // "no no make it sell", "sorry buy": the verb is part of the correction before it.
  const amends = previous?.kind === "amend" && previous.details.span === null && mark.kind === "order";
  const kind = amends ? "amend" : mark.kind;
  const claimFree = kind !== "amend" && kind !== "mention" && kind !== "modify";
  return splitBySymbol(readItems(segment, body, symbols, skip)).map((items, index, all) => {
    const from = index === 0 ? body.from : (items[0]?.from ?? body.from);
    const part: Span = { from, to: all[index + 1]?.[0]?.from ?? body.to };
    const details = composeDetails(segment, items, part, claimFree || hasSymbolFirst(kind, items));
    return {
      kind,
      segment,
      clause: index === 0 ? clause : part,
      side: mark.side,
      another: ANOTHER.test(segment.part({ from: part.from - 4, to: details.span?.to ?? part.from })),
      certain: kind === "amend" && CERTAIN_AMEND.test(segment.part({ from: clause.from - 3, to: clause.to })),
      details: { ...details, quality: details.quality * mark.quality },
    };
  });
}

/** A repetition that names the symbol states quantity and price like an order does. */
function hasSymbolFirst(kind: StatementKind, items: readonly { kind: string }[]): boolean {
  return kind === "mention" && items.some((item) => item.kind === "symbol");
}

/** "two hundred shares of infosys sell at fifteen hundred": the verb follows its object. */
function joinsVerb(
  statements: Statement[],
  mark: Mark,
  segment: SpokenSegment,
  body: Span,
  symbols: SymbolMatcher,
  skip: ReadonlySet<number>,
): boolean {
  const previous = statements.at(-1);
  if (previous?.kind !== "mention" || mark.side === null || mark.kind === "report") return false;
  if (!previous.details.symbol || (mark.kind !== "order" && mark.kind !== "proposal")) return false;
  const items = readItems(segment, body, symbols, skip);
  if (items.some((item) => item.kind === "symbol")) return false;
  const whole: Span = { from: previous.clause.from, to: body.to };
  const details = composeDetails(segment, readItems(segment, whole, symbols, skip), whole, true);
  statements[statements.length - 1] = { ...previous, kind: mark.kind, side: mark.side, clause: whole, details };
  return true;
}
