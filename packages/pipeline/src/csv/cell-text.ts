/** Removes the marks that exports and spreadsheets put around a value, and knows the words that they write where there is none. */
import { REPLACEMENT } from "./csv-text.js";

export interface CleanText {
  /** Empty when there is no value. */
  text: string;
  /** The change, for a note; null for a value that is taken as it stands. */
  note: { code: "INVISIBLE_CHARACTERS" | "SPREADSHEET_TEXT" | "NOT_GIVEN"; what: string } | null;
}

/** Soft hyphens, zero-width and direction marks, byte order marks: two values that look the same must be the same. */
const INVISIBLE = /[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;
/** How databases, languages and spreadsheets write that there is no value, or that they failed to compute it. */
const NOTHING =
  /^(?:-+|[\u2010-\u2015]|null|\(null\)|<null>|\\n|n\/a|na|not available|not applicable|\(blank\)|nan|none|nil|undefined|#+|#(?:n\/a|ref!|value!|name\?|div\/0!|num!|null!))$/i;
const PLAIN = /^[A-Za-z0-9+:._](?:[A-Za-z0-9+:._ -]*[A-Za-z0-9:._])?$/;
/** Of the words above that are plain. */
const LONGEST_WORD = "not applicable".length;

/** Whether it is a value of letters, digits and points, which needs no cleaning: most values are. */
export function isPlain(value: string): boolean {
  return PLAIN.test(value) && !(value.length <= LONGEST_WORD && NOTHING.test(value));
}

/** Removes blanks, invisible characters and the marks of spreadsheets; words for "no value" become an empty text. */
export function cleanText(value: string): CleanText {
  if (isPlain(value)) return { text: value, note: null };
  const seen = value.replaceAll(INVISIBLE, "");
  const text = seen.replaceAll("\u00a0", " ").trim();
  if (NOTHING.test(text)) return nothing();
  // ="0098" and a leading apostrophe keep a spreadsheet from taking a value for a number or a formula.
  const bare = /^="(.*)"$/s.exec(text)?.[1] ?? /^'(.*?)'?$/s.exec(text)?.[1];
  if (bare !== undefined)
    return {
      text: bare.trim(),
      note: { code: "SPREADSHEET_TEXT", what: "is read without the marks that a spreadsheet puts around a text" },
    };
  if (seen.length !== value.length && text !== "")
    return { text, note: { code: "INVISIBLE_CHARACTERS", what: "is read without the invisible characters in it" } };
  return { text, note: null };
}

function nothing(): CleanText {
  return { text: "", note: { code: "NOT_GIVEN", what: "holds a word that stands for no value" } };
}

/** Whether it holds bytes, or halves of characters, that are no text in the encoding of the file. */
export function isUnreadable(text: string): boolean {
  return text.includes(REPLACEMENT) || /\p{Surrogate}/u.test(text);
}
