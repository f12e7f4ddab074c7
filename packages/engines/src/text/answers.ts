/**
 * What an answer says about the order it follows, taken as a whole: a word that refuses, puts off, asks or reserves voids the yes
 * beside it, and an answer that speaks of something else is none.
 */
import {
  AGREES_WITH_A_NO,
  ASKS,
  COURTESIES,
  DEFERS,
  ELSEWHERE,
  FILLER,
  HARMLESS,
  NO_YES,
  PARTLY,
  REFUSES,
  REFUSES_THE_ORDER,
  RESERVATION,
  STRONG_YES,
  WEAK_YES,
} from "./answer-phrases.js";
import { isConditional } from "./conditions.js";
import { isNumberWord } from "./number-words.js";

/** `UNCLEAR` holds a yes beside words that nobody understands: a person has to listen. */
export type AnswerKind = "ACCEPTED" | "REFUSED" | "DEFERRED" | "CONDITIONAL" | "OTHER" | "UNCLEAR";

export interface Answer {
  kind: AnswerKind;
  /** It orders something to be done ("go ahead"), or names what it refuses ("do not place it"). */
  isStrong: boolean;
  /** It says no more than "okay", which may also mean "I have heard you". */
  isBare: boolean;
}

/** Words that nobody knows behind a yes, as names are: one behind "yes", two behind "go ahead". */
const UNKNOWN_WORDS = 1;
const UNKNOWN_WORDS_BEHIND_AN_ORDER = 2;
/** With more of them the answer speaks of something else, whatever else it holds. */
const UNKNOWN_WORDS_OF_A_TALE = 2;
/** Says of whom or what the words behind it speak: "yes i am travelling" is no yes. */
const SUBJECT =
  /^(?:i|we|he|she|they|it|there|this|that|im|hes|shes|its|am|is|are|was|were|have|has|had|my|his|her|their|our|wife|husband|son|daughter|brother|sister|mother|father|friend)$/;
const REACH_OF_A_SUBJECT = 3;
/** The same behind the word: "yes the cricket was wonderful". */
const TOLD_OF = /^(?:is|are|was|were|has|have|had|will|would)$/;

/**
 * Reads an answer from its lower-case words, in which `#` stands for details of an order; null when they say nothing at all, as
 * courtesies do.
 */
export function readAnswer(words: readonly string[]): Answer | null {
  // "only" after a price or a quantity is a way to end a number.
  const said = words.join(" ").replaceAll(/# only(?= |$)/g, "#");
  const agreed = said.replaceAll(global(AGREES_WITH_A_NO), " ~ ");
  const isAgreed = agreed.includes("~");
  const bare = squeeze(
    agreed.replaceAll("~", " ").replaceAll(global(HARMLESS), " ").replaceAll(global(COURTESIES), " "),
  );
  const is = (kind: AnswerKind, isStrong = false): Answer => ({ kind, isStrong, isBare: false });
  if (REFUSES_THE_ORDER.test(bare)) return is("REFUSED", true);
  if (isConditional(bare)) return is("CONDITIONAL");
  if (DEFERS.test(bare)) return is("DEFERRED");
  if (REFUSES.test(bare)) return is("REFUSED");
  if ([RESERVATION, / only |^only | only$|^only$/, ASKS, ELSEWHERE, NO_YES].some((pattern) => pattern.test(bare)))
    return is("OTHER");
  const isStrong = STRONG_YES.test(bare);
  const left = squeeze(bare.replaceAll(global(STRONG_YES), " ! ").replaceAll(global(WEAK_YES), " ! "));
  const { unknown, isBefore, isTold } = unknownWords(left.split(" "));
  const isYes = left.includes("!");
  if (!isYes && unknown > 0) return is("OTHER");
  if (!isYes) return isAgreed ? { ...is("ACCEPTED"), isBare: true } : null;
  if (unknown > UNKNOWN_WORDS_OF_A_TALE) return is("OTHER");
  const isTooMuch = unknown > (isStrong ? UNKNOWN_WORDS_BEHIND_AN_ORDER : UNKNOWN_WORDS);
  const isBare = /^(?:ok|okay|fine|all|right|alright|#| |sir|madam|maam|ji|good)+$/.test(bare);
  // "okay bye" may as well end the call.
  const isFarewell = isBare && /(?:^| )bye(?= |$)/.test(said);
  if (isTooMuch || isBefore || isTold || isFarewell || PARTLY.test(bare)) return is("UNCLEAR");
  return { ...is("ACCEPTED", isStrong), isBare };
}

/** How many words are not known, whether one of them stands before the first yes (`!`), and whether one tells of somebody. */
function unknownWords(words: readonly string[]): { unknown: number; isBefore: boolean; isTold: boolean } {
  const first = words.indexOf("!");
  const places = [...words.keys()].filter((at) => words[at] !== "" && words[at] !== "!" && !isFiller(words[at] ?? ""));
  const isTold = places.some((at) => {
    const from = Math.max(words.lastIndexOf("!", at) + 1, at - REACH_OF_A_SUBJECT);
    return words.slice(from, at).some((word) => SUBJECT.test(word)) || TOLD_OF.test(words[at + 1] ?? "");
  });
  return { unknown: places.length, isBefore: places.some((at) => at < first), isTold };
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
