import { digitOf, isNumberWord } from "./number-words.js";
import { parseNumber } from "./numbers.js";
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
  /** Words that spell the code, by segment index: their numbers are not part of an order. */
  words: ReadonlyMap<number, ReadonlySet<number>>;
}

const CODE_CUE =
  /(?<![a-z])(?:(?:client|customer|trading|demat|user|my|unique client) (?:code|id|i d|account|number)|account(?: number| code| id)?|u c c|ucc|code is|code)(?![a-z])/;
const BETWEEN = /^(?:is|number|code|id|it|its|no|please|sir|madam|yes|sure|okay|ok|the|my|and|that|of|a\/c)$/;
/** Letters as recognisers spell them. */
const LETTER_NAMES: Readonly<Record<string, string>> = {
  bee: "b",
  be: "b",
  see: "c",
  sea: "c",
  dee: "d",
  gee: "g",
  jay: "j",
  kay: "k",
  el: "l",
  em: "m",
  en: "n",
  pee: "p",
  pea: "p",
  queue: "q",
  cue: "q",
  are: "r",
  ar: "r",
  ess: "s",
  tea: "t",
  tee: "t",
  you: "u",
  vee: "v",
  ex: "x",
  why: "y",
  zed: "z",
  zee: "z",
};
const SHORTEST_CODE = 4;
const LONGEST_CODE = 12;

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
   there back well only`
    .split(/\s+/)
    .filter(Boolean),
);
const DEALER_SIDE = /(?:desk|dealing room|broking|brokerage|securities|speaking|how (?:can|may) i help)/;

/** Finds the identity that the client states: "this is anita sharma my client code is a b one two three four" is AB1234. */
export function findIdentity(segments: readonly SpokenSegment[]): FoundIdentity {
  const evidence: Evidence[] = [];
  const words = new Map<number, Set<number>>();
  let code: string | null = null;
  let codeSegment: number | null = null;
  let codeConfidence = 0;
  for (const segment of segments) {
    for (const cue of segment.find(CODE_CUE)) {
      const found = codeAfter(segments, segment.index, cue.to);
      if (!found) continue;
      const spelt = words.get(found.segment.index) ?? new Set<number>();
      for (let at = found.span.from; at < found.span.to; at++) spelt.add(at);
      words.set(found.segment.index, spelt);
      if (code !== null) continue;
      code = found.code;
      codeSegment = segment.index;
      codeConfidence = found.segment.source.confidence;
      const from = found.segment === segment ? cue.from : found.span.from;
      const quote = found.segment.evidence({ from, to: found.span.to });
      if (quote) evidence.push(quote);
    }
  }
  const name = nameNear(segments, codeSegment);
  const quote = name && name.segment.evidence(name.span);
  if (quote) evidence.unshift(quote);
  return { name: name?.name ?? null, code, codeConfidence, evidence, words };
}

/** The code may follow in the next segment: "may I have your client code" – "a b one two three four". */
function codeAfter(
  segments: readonly SpokenSegment[],
  index: number,
  from: number,
): { segment: SpokenSegment; span: Span; code: string } | null {
  let at = from;
  for (let ahead = 0; ahead <= 1; ahead++) {
    const segment = segments[index + ahead];
    if (!segment) return null;
    while (at < segment.words.length && BETWEEN.test(segment.words[at]?.text ?? "")) at++;
    if (at < segment.words.length) {
      const spelt = spell(segment.words, at);
      return spelt && { segment, span: { from: at, to: spelt.to }, code: spelt.code };
    }
    at = 0;
  }
  return null;
}

function spell(words: readonly Word[], from: number): { code: string; to: number } | null {
  let code = "";
  let at = from;
  while (code.length < LONGEST_CODE) {
    const next = spellOne(words, at, code);
    if (!next) break;
    code += next.text;
    at = next.to;
  }
  return code.length >= SHORTEST_CODE && /\d/.test(code) ? { code: code.toUpperCase(), to: at } : null;
}

function spellOne(words: readonly Word[], at: number, code: string): { text: string; to: number } | null {
  const word = words[at];
  if (!word) return null;
  const next = words[at + 1];
  if (/^\d+$/.test(word.text)) return { text: word.text, to: at + 1 };
  const times = word.text === "double" ? 2 : word.text === "triple" ? 3 : 0;
  const repeated = times > 0 ? (digitOf(next?.text) ?? (next?.text.length === 1 ? next.text : null)) : null;
  if (repeated !== null) return { text: String(repeated).repeat(times), to: at + 2 };
  const digit = word.text === "oh" && !/\d/.test(code) ? null : digitOf(word.text);
  if (digit !== null) return { text: String(digit), to: at + 1 };
  if (/^[a-z]$/.test(word.text)) {
    // "a for apple", "b as in bombay"
    if (
      next?.text === "for" &&
      /^[a-z]{2,}$/.test(words[at + 2]?.text ?? "") &&
      words[at + 2]?.text.startsWith(word.text)
    )
      return { text: word.text, to: at + 3 };
    if (next?.text === "as" && words[at + 2]?.text === "in") return { text: word.text, to: at + 4 };
    return { text: word.text, to: at + 1 };
  }
  if (isNumberWord(word.text)) {
    const number = parseNumber(
      words.map(({ text }) => text),
      at,
    );
    return number && Number.isInteger(number.value) ? { text: String(number.value), to: number.end } : null;
  }
  // "AB1234" as written.
  if (next && /^\d+$/.test(next.text) && next.start === word.end && word.text.length <= 4)
    return { text: word.text, to: at + 1 };
  const letter = /\d/.test(code) ? undefined : LETTER_NAMES[word.text];
  return letter === undefined ? null : { text: letter, to: at + 1 };
}

interface FoundName {
  name: string;
  segment: SpokenSegment;
  span: Span;
}

/** The name in the segment of the code, else the first one that is not the dealer's. */
function nameNear(segments: readonly SpokenSegment[], codeSegment: number | null): FoundName | null {
  const near = codeSegment === null ? undefined : segments[codeSegment];
  const found = near && nameIn(near);
  if (found) return found;
  for (const segment of segments) {
    const name = DEALER_SIDE.test(segment.phrase) ? null : nameIn(segment);
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

function nameAt(segment: SpokenSegment, from: number): FoundName | null {
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
