import { findCodes, type SpeltCode } from "./client-code.js";
import { isNumberWord } from "./number-words.js";
import type { SymbolMatcher } from "./symbols.js";
import type { Evidence } from "./transcript.js";
import type { SpokenSegment, Span, Word } from "./words.js";

interface ClientIdentity {
  name: string | null;
  /** Letters and digits without spaces, in capitals. */
  code: string | null;
}

export interface FoundIdentity extends ClientIdentity {
  /** Confidence of the segment that spells the code; 0 without a code. */
  codeConfidence: number;
  evidence: Evidence[];
  /** All that are spelt, in their order: a call may be about the accounts of several clients. */
  codes: readonly SpeltCode[];
  /** Words that spell the code, by segment index: their numbers are not part of an order. */
  words: ReadonlyMap<number, ReadonlySet<number>>;
}

const NAME_CUES: readonly RegExp[] = [
  /(?:^| )(?:this is|my name is|i am|its|it is|speaking to) /,
  /(?:^| )(?:name is) /,
];
const NAME_HERE = /((?:[a-z]{3,} ){1,3})here(?: |$)/;
const NO_NAME = new Set(
  `a an the to about regarding correct right fine okay ok not my your his her on for in recorded what how client code account
   id from and i you we he she it is was calling speaking here sir madam maam good morning afternoon evening hello hi hey
   please yes no want would like just sure interested looking trying going done all that this with at number customer desk
   dealing trading order orders trade buy sell placing confirming market price very so then now today mr mrs ms
   there back well only ji ben bhai saab sahib theek thik done are bolo boliye bataiye`
    .split(/\s+/)
    .filter(Boolean),
);
const TITLE = /^(?:mr|mrs|ms|miss|mister|doctor|dr|shri|smt)$/;
const GREETING = /^(?:hello|hi|yes|sir|madam|morning|afternoon|evening|okay|haan|namaste)$/;
/** How the other side is addressed by name: "hello mister iyer", "yes bhavna ben". */
const ADDRESSED =
  /(?:^| )(?:(?:hello|hi|hey|yes|namaste|morning|afternoon|evening|speaking (?:to|with)|is (?:this|that)|okay|sure|thank you) )(?:(?:mister|mr|mrs|miss|ms|shri|smt|doctor|dr) |(?=[a-z]{3,} (?:ji|ben|bhai|saab|sahib)(?: |$)))/;
const DEALER_SIDE = /(?:desk|dealing room|broking|brokerage|securities|speaking|how (?:can|may) i help)/;

/** Finds the identity that the client states: "this is anita sharma my client code is a b one two three four" is AB1234. */
export function findIdentity(segments: readonly SpokenSegment[], symbols: SymbolMatcher): FoundIdentity {
  const codes = findCodes(segments, symbols);
  const words = new Map<number, Set<number>>();
  for (const { segment, span } of codes) {
    const spelt = words.get(segment.index) ?? new Set<number>();
    for (let at = span.from; at < span.to; at++) spelt.add(at);
    words.set(segment.index, spelt);
  }
  const [first] = codes;
  const name = nameNear(segments, first);
  const passages = [name && name.segment.evidence(name.span), first && quoteOf(first)];
  return {
    name: name?.name ?? null,
    code: first?.code ?? null,
    codeConfidence: first?.segment.source.confidence ?? 0,
    evidence: passages.filter((passage) => passage !== null && passage !== undefined),
    codes,
    words,
  };
}

function quoteOf({ segment, span, announced }: SpeltCode): Evidence | null {
  return segment.evidence({ from: announced.segment === segment.index ? announced.from : span.from, to: span.to });
}

interface FoundName {
  name: string;
  segment: SpokenSegment;
  span: Span;
}

/** The name in the segment of the code, else the first one that is not the dealer's. */
function nameNear(segments: readonly SpokenSegment[], code: SpeltCode | undefined): FoundName | null {
  const near = code && segments[code.announced.segment];
  const found = near && (nameIn(near) ?? nameBefore(near, code.announced.from));
  if (found) return found;
  for (const segment of segments) {
    const name = DEALER_SIDE.test(segment.phrase) ? null : nameIn(segment);
    if (name) return name;
  }
  for (const segment of segments) {
    const [span] = segment.source.speaker === "client" ? [] : segment.find(ADDRESSED);
    const name = span && nameAt(segment, span.to);
    if (name) return name;
  }
  return null;
}

function nameIn(segment: SpokenSegment): FoundName | null {
  for (const cue of NAME_CUES) {
    for (const span of segment.find(cue)) {
      const name = nameAt(segment, span.to);
      if (name) return name;
    }
  }
  const here = NAME_HERE.exec(segment.phrase);
  if (!here) return null;
  const [span] = segment.find(NAME_HERE);
  if (!span) return null;
  const to = segment.words.findIndex((word, index) => index >= span.from && word.text === "here");
  let from = to;
  while (from > 0 && to - from < 3 && isName(segment.words[from - 1])) from--;
  return from < to ? named(segment, { from, to }) : null;
}

/** "hello bhavna patel client code …": nothing stands between the greeting, the name and the code. */
function nameBefore(segment: SpokenSegment, to: number): FoundName | null {
  let from = to;
  while (from > 0 && to - from < 3 && isName(segment.words[from - 1])) from--;
  const before = segment.words[from - 1]?.text;
  return from < to && (before === undefined || GREETING.test(before)) ? named(segment, { from, to }) : null;
}

function nameAt(segment: SpokenSegment, start: number): FoundName | null {
  const from = TITLE.test(segment.words[start]?.text ?? "") ? start + 1 : start;
  let to = from;
  while (to - from < 3 && isName(segment.words[to])) to++;
  return to > from ? named(segment, { from, to }) : null;
}

function isName(word: Word | undefined): boolean {
  return word !== undefined && /^\p{L}{2,}$/u.test(word.text) && !NO_NAME.has(word.text) && !isNumberWord(word.text);
}

function named(segment: SpokenSegment, span: Span): FoundName {
  const name = segment
    .part(span)
    .split(" ")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join(" ");
  return { name, segment, span };
}
