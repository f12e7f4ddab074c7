/** Reads the statements of a segment: its clauses, each with its role and with the details of an order that it states. */
import { AGREES_WITH_A_NO } from "./answer-phrases.js";
import { composeDetails, shareAmong, splitBySymbol, type Details } from "./details.js";
import { readItems, type Item } from "./items.js";
import { AMEND, ANOTHER, CANCEL, CANCEL_LAST, CERTAIN_AMEND, MODIFY_PENDING, QUOTE, REPORT } from "./order-phrases.js";
import type { SymbolMatcher } from "./symbols.js";
import { DEPENDS, WHAT_WOULD_BE } from "./verb-contexts.js";
import { intentOf, verbsOf, type Side, type Verb } from "./verbs.js";
import type { SpokenSegment, Span } from "./words.js";

/**
 * The role of a clause: `order` instructs · `proposal` asks back ("shall I buy …") · `suggestion` advises ("you should buy
 * …") · `mention` repeats or answers without a verb · `amend` corrects · `report` tells of an execution · `quote` speaks of a
 * price · `question` asks for advice, or speaks of what others do · `refuse` ("do not buy") · `cancel` · `cancel_last` ("cancel it") · `modify`.
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
  /** A position is closed, so that the side is an assumption. */
  closes: boolean;
  /** The verb has other meanings: an order only if a share is named, or was spoken of before. */
  isWeak: boolean;
  /** "another", "also": a second order for the same symbol is meant. */
  another: boolean;
  /** An amendment for certain, whether or not its fields could be read. */
  certain: boolean;
  /** "if it falls to 240 buy 500": what it waits for decides. */
  conditional: boolean;
  details: Details;
}

interface Mark extends Span {
  kind: StatementKind;
  verb: Verb | null;
}

/** What the reader of a call knows of a segment beside its words. */
export interface Reading {
  symbols: SymbolMatcher;
  /** Words to pass over: they name the client. */
  skip: ReadonlySet<number>;
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
/** Verbs come before these, so that "do not buy" and "let us sell" keep their verb. */
const AFTER_VERBS: ReadonlySet<StatementKind> = new Set(["amend"]);

/** Reads the statements of a segment in the order they are spoken. */
export function readStatements(segment: SpokenSegment, reading: Reading): Statement[] {
  const marks = marksOf(segment, reading);
  const statements: Statement[] = [];
  for (const [index, mark] of marks.entries()) {
    const clause: Span = { from: mark.from, to: marks[index + 1]?.from ?? segment.words.length };
    const body: Span = { from: mark.to, to: clause.to };
    if (index > 0 && joinsVerb(statements, mark, segment, body, reading)) continue;
    statements.push(...statementsOf(segment, mark, clause, body, reading, statements.at(-1)));
  }
  // "no no" before "make it …" or "cancel it" has said all it had to say.
  const said = statements.filter((statement, index) => {
    const next = statements[index + 1];
    return !(
      statement.kind === "amend" &&
      statement.details.span === null &&
      !statement.details.market &&
      next &&
      /^(amend|cancel)/.test(next.kind)
    );
  });
  return bothAtMarket(said, segment);
}

function marksOf(segment: SpokenSegment, reading: Reading): Mark[] {
  const found: Mark[] = [];
  const free = (span: Span): boolean => found.every((mark) => span.to <= mark.from || span.from >= mark.to);
  // "that is what i said" corrects nothing.
  const agreed = segment.find(AGREES_WITH_A_NO);
  const isAgreed = (span: Span): boolean => agreed.some(({ from, to }) => span.from >= from && span.to <= to);
  const addPhrases = (late: boolean): void => {
    for (const [kind, pattern] of PHRASES) {
      if (AFTER_VERBS.has(kind) !== late) continue;
      for (const span of segment.find(pattern)) {
        const limit = kind === "quote" && /^(limit|price|trigger|loss)$/.test(segment.words[span.from - 1]?.text ?? "");
        if (free(span) && !limit && !(kind === "amend" && isAgreed(span))) found.push({ ...span, kind, verb: null });
      }
    }
  };
  addPhrases(false);
  const verbs = verbsOf(segment).filter(free);
  for (const verb of verbs) {
    const before = lastEnd([...found, ...verbs.filter((other) => other !== verb && !other.isWeak)], verb.from);
    const after = firstStart([...found, ...verbs.filter((other) => other !== verb)], verb.to, segment.words.length);
    if (verb.isWeak && !speaksOfAnOrder(segment, { from: before, to: after }, reading)) continue;
    const lead = segment.part({ from: Math.max(before, verb.from - 12), to: verb.from });
    const intent = intentOf(verb, {
      lead,
      next: segment.words[verb.to]?.text ?? "",
      speaker: segment.source.speaker ?? null,
    });
    const rest = segment.part({
      from: verb.to,
      to: firstStart(
        verbs.filter((one) => !one.isWeak),
        verb.to,
        segment.words.length,
      ),
    });
    const isQuestion = WHAT_WOULD_BE.test(rest) && segment.source.speaker !== "dealer" && intent !== "refuse";
    found.push({ from: verb.from, to: verb.to, kind: isQuestion ? "question" : intent, verb });
  }
  addPhrases(true);
  found.sort((a, b) => a.from - b.from);
  if (found[0]?.from !== 0) found.unshift({ from: 0, to: 0, kind: "mention", verb: null });
  return found;
}

function lastEnd(spans: readonly Span[], at: number): number {
  return Math.max(0, ...spans.filter(({ to }) => to <= at).map(({ to }) => to));
}

function firstStart(spans: readonly Span[], at: number, end: number): number {
  return Math.min(end, ...spans.filter(({ from }) => from >= at).map(({ from }) => from));
}

const BEHIND_A_QUANTITY = /^$|^(?:shares?|lots?|at|please|sir|madam|only|then)$/;

/** A share, or a word for one, beside a number. */
function speaksOfAnOrder(segment: SpokenSegment, clause: Span, { symbols, skip }: Reading): boolean {
  const items = readItems(segment, clause, symbols, skip);
  const text = segment.part(clause);
  const isNamed =
    items.some(({ kind }) => kind === "symbol") || /(?:^| )(?:of it|of them|that one|those|same)(?= |$)/.test(text);
  const counted = items.find((item) => item.kind === "number" && /^(quantity|lots|free)$/.test(item.role));
  const isCounted = counted !== undefined;
  // "okay get me fifty": what was spoken of before is meant, if anything was.
  const isBare = isCounted && BEHIND_A_QUANTITY.test(segment.words[counted.to]?.text ?? "");
  if (
    isBare &&
    /(?:^| )(?:get(?: me)?|take|give me)(?: \w+){0,2}$/.test(segment.part({ from: clause.from, to: counted.from }))
  )
    return true;
  return isNamed && (isCounted || /(?:^| )(?:all|my|our|same)(?= |$)/.test(text));
}

function statementsOf(
  segment: SpokenSegment,
  mark: Mark,
  clause: Span,
  body: Span,
  { symbols, skip }: Reading,
  previous: Statement | undefined,
): Statement[] {
  // "no no make it sell", "sorry buy": the verb is part of the correction before it.
  const amends =
    previous?.kind === "amend" && previous.details.span === null && !previous.details.market && mark.kind === "order";
  const kind = amends ? "amend" : mark.kind;
  const claims = kind !== "amend" && kind !== "mention" && kind !== "modify";
  const side = mark.verb?.side ?? null;
  const parts = splitBySymbol(readItems(segment, body, symbols, skip));
  const details = parts.map((items, index) => {
    const part = partOf(parts, index, body);
    return composeDetails(segment, items, part, { claimFree: claims || hasSymbolFirst(kind, items), side });
  });
  return shareAmong(details, segment.part(body)).map((each, index) => {
    const part = partOf(parts, index, body);
    return {
      kind,
      segment,
      clause: index === 0 ? clause : part,
      side,
      closes: mark.verb?.closes ?? false,
      isWeak: mark.verb?.isWeak ?? false,
      another: ANOTHER.test(segment.part({ from: part.from - 4, to: each.span?.to ?? part.from })),
      certain: kind === "amend" && CERTAIN_AMEND.test(segment.part({ from: clause.from - 3, to: clause.to })),
      conditional: dependsOnSomething(segment, clause),
      details: { ...each, quality: each.quality * (mark.verb?.quality ?? 1) },
    };
  });
}

function partOf(parts: readonly Item[][], index: number, body: Span): Span {
  const from = index === 0 ? body.from : (parts[index]?.[0]?.from ?? body.from);
  return { from, to: parts[index + 1]?.[0]?.from ?? body.to };
}

/** Up to the next verb, and back to the one before. */
function dependsOnSomething(segment: SpokenSegment, clause: Span): boolean {
  const verbs = verbsOf(segment).filter(({ isWeak }) => !isWeak);
  const here = { from: lastEnd(verbs, clause.from), to: firstStart(verbs, clause.from + 1, segment.words.length) };
  return DEPENDS.test(segment.part(here));
}

/** A repetition that names the symbol states quantity and price like an order does. */
function hasSymbolFirst(kind: StatementKind, items: readonly { kind: string }[]): boolean {
  return kind === "mention" && items.some((item) => item.kind === "symbol");
}

/** "two hundred shares of infosys sell at fifteen hundred": the verb follows its object. */
function joinsVerb(statements: Statement[], mark: Mark, segment: SpokenSegment, body: Span, reading: Reading): boolean {
  const previous = statements.at(-1);
  if (previous?.kind !== "mention" || mark.verb === null || mark.kind === "report") return false;
  if (!/^(order|proposal|suggestion|question|refuse)$/.test(mark.kind)) return false;
  if (!previous.details.symbol && previous.details.free.length === 0 && previous.details.quantity === null)
    return false;
  const { symbols, skip } = reading;
  const said = readItems(segment, body, symbols, skip);
  if (said.some((item) => item.kind === "symbol")) return false;
  const whole: Span = { from: previous.clause.from, to: body.to };
  // "if reliance comes down to thirteen hundred then buy one hundred": the condition has numbers of its own.
  const conditional = dependsOnSomething(segment, whole);
  if (conditional && said.length > 0) return false;
  const side = mark.verb.side;
  const details = composeDetails(segment, readItems(segment, whole, symbols, skip), whole, { claimFree: true, side });
  statements[statements.length - 1] = {
    ...previous,
    kind: mark.kind,
    side,
    closes: mark.verb.closes,
    clause: whole,
    conditional,
    details,
  };
  return true;
}

/** "sell hundred hdfc bank and buy fifty icici bank both at market" */
function bothAtMarket(statements: Statement[], segment: SpokenSegment): Statement[] {
  if (!/(?:^| )(?:both|all) (?:orders )?at (?:the )?market/.test(segment.phrase)) return statements;
  return statements.map((one) =>
    one.side !== null && one.details.price === null ? { ...one, details: { ...one.details, market: true } } : one,
  );
}
