/** What is searched for: words, beginnings of words and phrases, as people type them; and where a text has them. */
import { wordsOf } from "./words.js";

/** Words that follow each other. */
export interface Term {
  words: readonly string[];
  /** The last one is the beginning of a word. */
  isOpen: boolean;
}

/** Longer texts are no search. */
export const MOST_CHARACTERS = 500;
const QUOTED = /["“”„«»]([^"“”„«»]*)["“”„«»]?|[^\s"“”„«»]+/gu;
const OPEN = /\*$/;

/**
 * All of `sell "two hundred shares" infos*` must be in a text: the words in any place, those in quotes one after the other, and a word that
 * begins with `infos`. Signs are spaces.
 */
export function termsOf(text: string): Term[] {
  return [...text.matchAll(QUOTED)].flatMap(([written, quoted]): Term[] => {
    const phrase = quoted ?? written;
    const words = wordsOf(phrase).map(({ word }) => word);
    return words.length === 0 ? [] : [{ words, isOpen: OPEN.test(phrase) }];
  });
}

/** At which words of a text the term stands: the first of each place, ascending. */
export function placesOf({ words, isOpen }: Term, text: readonly string[]): number[] {
  const last = words.length - 1;
  const places: number[] = [];
  for (let at = 0; at + last < text.length; at++) {
    const isThere = words.every((word, index) => {
      const said = text[at + index];
      return isOpen && index === last ? said?.startsWith(word) : said === word;
    });
    if (isThere) places.push(at);
  }
  return places;
}
