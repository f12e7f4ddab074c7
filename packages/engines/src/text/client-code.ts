/** The client codes that are spelt in a call: "client code a b one two three four", and without a word for it "r k five zero one two". */
import { digitOf, isNumberWord } from "./number-words.js";
import { parseNumber } from "./numbers.js";
import type { SymbolMatcher } from "./symbols.js";
import type { SpokenSegment, Span, Word } from "./words.js";

export interface SpeltCode {
  /** Letters and digits without spaces, in capitals. */
  code: string;
  segment: SpokenSegment;
  /** The words that spell it. */
  span: Span;
  /** Where its mention begins, in the segment and at the word that announces it, if any does. */
  announced: { segment: number; from: number };
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
/**
 * Confidence of the segment below which a client code is left out: single letters and digits are misheard first, and a
 * wrong code would name another client.
 */
export const CODE_FROM = 0.6;
const SHORTEST_CODE = 4;
const LONGEST_CODE = 12;

/** Without a word that announces it, a code has so many letters and digits. */
const LETTERS_ALONE = 2;
const DIGITS_ALONE = 3;

/** In the order in which they are spelt. Letters that name a share begin no code unless one is announced. */
export function findCodes(segments: readonly SpokenSegment[], symbols: SymbolMatcher): SpeltCode[] {
  const codes: SpeltCode[] = [];
  const isSpelt = (segment: SpokenSegment, at: number): boolean =>
    codes.some((code) => code.segment === segment && at >= code.span.from && at < code.span.to);
  for (const segment of segments)
    for (const cue of segment.find(CODE_CUE)) {
      const found = codeAfter(segments, segment.index, cue.to);
      if (found) codes.push({ ...found, announced: { segment: segment.index, from: cue.from } });
    }
  for (const segment of segments)
    for (let at = 0; at < segment.words.length; at++) {
      const to = isSpelt(segment, at) ? null : endOfBareCode(segment.words, at, symbols);
      const spelt = to === null ? null : spell(segment.words.slice(0, to), at);
      if (!spelt) continue;
      const span = { from: at, to: spelt.to };
      codes.push({ code: spelt.code, segment, span, announced: { segment: segment.index, from: at } });
      at = spelt.to;
    }
  return codes.toSorted((a, b) => a.segment.index - b.segment.index || a.span.from - b.span.from);
}

/** The word after letters and digits that can only be a code; null when none begins here. */
function endOfBareCode(words: readonly Word[], from: number, symbols: SymbolMatcher): number | null {
  const written = words[from];
  const next = words[from + 1];
  if (written && next && /^[A-Z]{2,4}$/.test(written.raw) && next.start === written.end && /^\d{3,}$/.test(next.text))
    return from + 2;
  const isLetter = (at: number): boolean => /^[a-z]$/.test(words[at]?.text ?? "");
  let at = from;
  while (isLetter(at)) at++;
  if (at - from < LETTERS_ALONE || isLetter(from - 1) || symbols.matchAt(words, from) !== null) return null;
  let digits = 0;
  while (at < words.length) {
    const isRepeated = /^(?:double|triple)$/.test(words[at]?.text ?? "");
    if (digitOf(words[isRepeated ? at + 1 : at]?.text) === null) break;
    digits += isRepeated ? 2 : 1;
    at += isRepeated ? 2 : 1;
  }
  return digits >= DIGITS_ALONE ? at : null;
}

/** The code may follow in the next segment: "may I have your client code" – "a b one two three four". */
function codeAfter(
  segments: readonly SpokenSegment[],
  index: number,
  from: number,
): Pick<SpeltCode, "segment" | "span" | "code"> | null {
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
