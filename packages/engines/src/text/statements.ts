/** Reads the statements of a segment: its clauses, each with its role and with the details of an order that it states. */
import { isConditional, isForLater } from "./conditions.js";
import { composeDetails, shareAmong, splitBySymbol, type Details } from "./details.js";
import { readItems, type Item } from "./items.js";
import { firstStart, lastEnd, marksOf, type Mark, type Reading, type StatementKind } from "./marks.js";
import { ANOTHER, CERTAIN_AMEND } from "./order-phrases.js";
import { verbsOf, type Side } from "./verbs.js";
import type { SpokenSegment, Span } from "./words.js";

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

/** Reads the statements of a segment in the order they are spoken. */
export function readStatements(segment: SpokenSegment, reading: Reading): Statement[] {
  const marks = marksOf(segment, reading);
  const statements: Statement[] = [];
  let before = 0;
  for (const [index, mark] of marks.entries()) {
    const clause: Span = { from: mark.from, to: marks[index + 1]?.from ?? segment.words.length };
    const body: Span = { from: mark.to, to: clause.to };
    const isJoined =
      joinsVerbOfAll(statements.slice(before), mark, segment, body, reading) ||
      (index > 0 && joinsVerb(statements, mark, segment, body, reading));
    if (isJoined) continue;
    before = statements.length;
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
    return composeDetails(segment, items, part, { claimFree: claims || hasSymbolFirst(kind, parts.flat()), side });
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
      another:
        isSecond(details, index) || ANOTHER.test(segment.part({ from: part.from - 4, to: each.span?.to ?? part.from })),
      certain: kind === "amend" && CERTAIN_AMEND.test(segment.part({ from: clause.from - 3, to: clause.to })),
      conditional: waits(segment, clause, each.span),
      details: { ...each, quality: each.quality * (mark.verb?.quality ?? 1) },
    };
  });
}

/** A further quantity and price of the share before, unless the same ones are said again. */
function isSecond(details: readonly Details[], index: number): boolean {
  const own = details[index];
  const before = details.slice(0, index);
  const named = before.findLast(({ symbol }) => symbol !== null)?.symbol?.symbol;
  const symbol = own?.symbol?.symbol ?? named;
  const isRepeated = before.some(({ quantity, price }) => quantity === own?.quantity && price === own.price);
  return named !== undefined && symbol === named && !isRepeated;
}

function partOf(parts: readonly Item[][], index: number, body: Span): Span {
  const from = index === 0 ? body.from : (parts[index]?.[0]?.from ?? body.from);
  return { from, to: parts[index + 1]?.[0]?.from ?? body.to };
}

/** Words beside the details of an order that put it off, or make it wait. */
const BESIDE = 4;

/**
 * Whether an order waits for something: up to the next verb, and back to the one before. Of what dealers say only the words beside the
 * details count: they tell when they are going to call.
 */
function waits(segment: SpokenSegment, clause: Span, details: Span | null): boolean {
  const verbs = verbsOf(segment).filter(({ isWeak }) => !isWeak);
  const from = lastEnd(verbs, clause.from);
  const to = firstStart(verbs, clause.from + 1, segment.words.length);
  const here = segment.part({ from, to });
  const start = Math.max(from, Math.min(clause.from, details?.from ?? clause.from) - BESIDE);
  const beside = segment.part({ from: start, to: Math.min(to + 1, (details?.to ?? clause.to) + BESIDE) });
  return isConditional(segment.source.speaker === "dealer" ? beside : here) || isForLater(beside, here);
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
  const conditional = waits(segment, whole, { from: previous.details.span?.from ?? whole.from, to: body.from });
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

/** "hundred infosys and fifty tcs buy at market": the verb follows several shares, and what is said behind it is said of each. */
function joinsVerbOfAll(
  all: readonly Statement[],
  { verb, kind }: Mark,
  segment: SpokenSegment,
  body: Span,
  { symbols, skip }: Reading,
): boolean {
  const isList = all.every(
    ({ kind: role, details }) => role === "mention" && details.symbol && details.quantity !== null,
  );
  // "forty hindalco at six ninety and ten maruti sell at market": the verb is the last one's.
  const priced = all.filter(({ details }) => details.price !== null || details.market);
  if (all.length < 2 || (priced.length > 0 && priced.length < all.length)) return false;
  if (!isList || verb === null || !/^(order|proposal)$/.test(kind)) return false;
  const said = readItems(segment, body, symbols, skip);
  if (said.some((item) => item.kind === "symbol")) return false;
  const { price, priceReadings, market } = composeDetails(segment, said, body, { claimFree: false, side: verb.side });
  for (const statement of all) {
    const { details } = statement;
    const isOpen = details.price === null && !details.market;
    const shared = isOpen ? { ...details, price, priceReadings, market } : details;
    Object.assign(statement, { kind, side: verb.side, closes: verb.closes, details: shared });
  }
  return true;
}

/** "sell hundred hdfc bank and buy fifty icici bank both at market" */
function bothAtMarket(statements: Statement[], segment: SpokenSegment): Statement[] {
  if (!/(?:^| )(?:both|all) (?:orders )?at (?:the )?market/.test(segment.phrase)) return statements;
  return statements.map((one) =>
    one.side !== null && one.details.price === null ? { ...one, details: { ...one.details, market: true } } : one,
  );
}
