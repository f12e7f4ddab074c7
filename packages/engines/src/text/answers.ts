/**
 * What an answer says about the order it follows, taken as a whole: a word that refuses, puts off, asks or reserves voids the yes
 * beside it, and an answer that speaks of something else is none.
 */
import {
  AGREES_WITH_A_NO,
  ASKS,
  CONDITION,
  DEFERS,
  ELSEWHERE,
  FILLER,
  HARMLESS,
  REFUSES,
  REFUSES_THE_ORDER,
  RESERVATION,
  STRONG_YES,
  WEAK_YES,
} from "./answer-phrases.js";
import { isNumberWord } from "./number-words.js";

export type AnswerKind = "ACCEPTED" | "REFUSED" | "DEFERRED" | "CONDITIONAL" | "OTHER";

export interface Answer {
  kind: AnswerKind;
  /** It orders something to be done ("go ahead"), or names what it refuses ("do not place it"). */
  isStrong: boolean;
  /** It says no more than "okay", which may also mean "I have heard you". */
  isBare: boolean;
}

/** Words that nobody knows beside a yes: with more of them it may speak of anything. */
const UNKNOWN_WORDS = 2;

/**
 * Reads an answer from its lower-case words, in which `#` stands for details of an order; null when they say nothing at all, as
 * courtesies do.
 */
export function readAnswer(words: readonly string[]): Answer | null {
  // "only" after a price or a quantity is a way to end a number.
  const said = words.join(" ").replaceAll(/# only(?= |$)/g, "#");
  const agreed = said.replaceAll(global(AGREES_WITH_A_NO), " ~ ");
  const harmless = agreed.includes("~");
  const bare = squeeze(agreed.replaceAll("~", " ").replaceAll(global(HARMLESS), " "));
  const is = (kind: AnswerKind, isStrong = false): Answer => ({ kind, isStrong, isBare: false });
  if (REFUSES_THE_ORDER.test(bare)) return is("REFUSED", true);
  if (CONDITION.test(bare)) return is("CONDITIONAL");
  if (DEFERS.test(bare)) return is("DEFERRED");
  if (REFUSES.test(bare)) return is("REFUSED");
  const isYes = WEAK_YES.test(bare) || STRONG_YES.test(bare);
  if (RESERVATION.test(bare) || /(?:^| )only(?= |$)/.test(bare) || ASKS.test(bare) || ELSEWHERE.test(bare))
    return is("OTHER");
  const left = squeeze(bare.replaceAll(global(STRONG_YES), " ").replaceAll(global(WEAK_YES), " "));
  const unknown = left.split(" ").filter((word) => word !== "" && !isFiller(word));
  if (!isYes) return unknown.length > 0 ? is("OTHER") : harmless ? { ...is("ACCEPTED"), isBare: true } : null;
  if (unknown.length > UNKNOWN_WORDS) return is("OTHER");
  const isBare = /^(?:ok|okay|fine|right|#| |sir|madam|maam|ji|good|thank|thanks|you)+$/.test(bare);
  return { ...is("ACCEPTED", STRONG_YES.test(bare)), isBare };
}

function isFiller(word: string): boolean {
  return FILLER.has(word) || word.length === 1 || isNumberWord(word);
}

function global(pattern: RegExp): RegExp {
  return new RegExp(pattern.source, "g");
}

function squeeze(text: string): string {
  return text.replaceAll(/ +/g, " ").trim();
}
