/** Cuts a segment into clauses: the phrases and verbs that each begin one, and what the clause does. */
import { AGREES_WITH_A_NO } from "./answer-phrases.js";
import { readAnswer } from "./answers.js";
import { readItems } from "./items.js";
import { isNumberWord } from "./number-words.js";
import {
  AMEND,
  CANCEL,
  CANCEL_LAST,
  DENIES,
  DENIES_WITHIN,
  LEAVES_OUT,
  MODIFY_PENDING,
  QUOTE,
  REPORT,
} from "./order-phrases.js";
import type { SymbolMatcher } from "./symbols.js";
import { WHAT_WOULD_BE } from "./verb-contexts.js";
import { intentOf, verbsOf, type Verb } from "./verbs.js";
import type { SpokenSegment, Span } from "./words.js";

/**
 * The role of a clause: `order` instructs · `proposal` asks back ("shall I buy …") · `suggestion` advises ("you should buy
 * …") · `mention` repeats or answers without a verb · `amend` corrects · `report` tells of an execution · `quote` speaks of a
 * price · `question` asks for advice, or speaks of what others do · `refuse` ("do not buy") · `cancel` · `cancel_last` ("cancel it") · `modify`.
 */
export type StatementKind =
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

/** The beginning of a clause. */
export interface Mark extends Span {
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

/** The clauses of a segment, by their beginnings, in order. */
export function marksOf(segment: SpokenSegment, reading: Reading): Mark[] {
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
  for (const denied of denialsIn(segment, reading)) found.push({ ...denied, kind: "amend", verb: null });
  addPhrases(false);
  const verbs = verbsOf(segment).filter(free);
  for (const verb of verbs) {
    const before = lastEnd([...found, ...verbs.filter((other) => other !== verb && !other.isWeak)], verb.from);
    const after = firstStart([...found, ...verbs.filter((other) => other !== verb)], verb.to, segment.words.length);
    if (verb.isWeak && !speaksOfAnOrder(segment, { from: before, to: after }, reading)) continue;
    const lead = segment.part({ from: Math.max(before, verb.from - 12), to: verb.from });
    const intent = intentOf(verb, {
      lead,
      itself: segment.part(verb),
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
  for (const span of refusedByName(segment, reading))
    if (free(span)) found.push({ ...span, kind: "refuse", verb: null });
  found.sort((a, b) => a.from - b.from);
  if (found[0]?.from !== 0) found.unshift({ from: 0, to: 0, kind: "mention", verb: null });
  return found;
}

/** "no it is two forty two", "no sell": what stands behind the denial is right, unless the turn refuses. */
function denialsIn(segment: SpokenSegment, { symbols, skip }: Reading): Span[] {
  if (segment.source.speaker === "dealer") return [];
  return segment.words.flatMap((_, from) => {
    // Within a segment a bare "no" may end what was said before, or be short for a number.
    if (skip.has(from) || (from > 0 && !DENIES_WITHIN.test(segment.part({ from, to: from + 4 })))) return [];
    const denial = DENIES.exec(segment.part({ from, to: segment.words.length }))?.[0];
    if (denial === undefined) return [];
    const to = from + denial.split(" ").length;
    const isVerb = verbsOf(segment).some((verb) => verb.from === to) && !/(?:not|dont)$/.test(denial);
    const isDetail = isNumberWord(segment.words[to]?.text ?? "") || symbols.matchAt(segment.words, to) !== null;
    if (!isVerb && !isDetail) return [];
    const rest = readAnswer(segment.words.slice(to).map(({ text }) => text));
    return /^(?:REFUSED|DEFERRED|CONDITIONAL)$/.test(rest?.kind ?? "") ? [] : [{ from, to }];
  });
}

/** "buy the infosys leave tcs": a share that is left out. */
function refusedByName(segment: SpokenSegment, { symbols }: Reading): Span[] {
  return segment.find(LEAVES_OUT).filter(({ to }) => symbols.matchAt(segment.words, to) !== null);
}

/** Where the last of the spans that end before `at` ends. */
export function lastEnd(spans: readonly Span[], at: number): number {
  return Math.max(0, ...spans.filter(({ to }) => to <= at).map(({ to }) => to));
}

/** Where the first of the spans from `at` on begins; `end` where none does. */
export function firstStart(spans: readonly Span[], at: number, end: number): number {
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
  // "invest fifty thousand rupees in hdfc bank": how many shares that makes is said later.
  if (isNamed && /(?:^| )invest(?:ing)?(?= |$)/.test(text) && /(?:^| )(?:rupees|lakhs?|crores?)(?= |$)/.test(text))
    return true;
  if (
    isBare &&
    /(?:^| )(?:get(?: me)?|take|give me)(?: \w+){0,2}$/.test(segment.part({ from: clause.from, to: counted.from }))
  )
    return true;
  return isNamed && (isCounted || /(?:^| )(?:all|my|our|same)(?= |$)/.test(text));
}
