/**
 * The words of a text, alike on every database: what counts as a word, which spellings are the same, and how a word stands in an index.
 * Scripts that put no spaces between words give a word for each character, so that a longer word of theirs is a sequence.
 *
 * The same spellings: letters of any case, width and accent of Latin, Greek and Cyrillic; Arabic with and without vowel signs and tatweel,
 * with one alef, yeh and heh; Devanagari with and without nukta, and with anusvara for chandrabindu (the normalisations for these scripts of
 * Apache Lucene, ArabicNormalizer and HindiNormalizer); digits of all scripts; `1,500` and `1500`; `don't` and `dont`.
 */
import { createHash } from "node:crypto";

/** A word with its place in the text, in UTF-16 units. */
export interface Word {
  word: string;
  start: number;
  end: number;
}

/** A number with separators of thousands, or letters, digits and the signs that belong to them. */
const RUN = /\p{Nd}{1,3}(?:,\p{Nd}{2,3})+(?!\p{Nd})|[\p{L}\p{N}\p{M}\u200c-\u200d\u0640'’]+/gu;
/** Written without spaces between words. */
const UNSPACED = String.raw`[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]`;
/** With the marks of sound, which halfwidth katakana have as characters of their own. */
const PARTS = new RegExp(String.raw`${UNSPACED}[\p{M}\uff9e\uff9f]*|(?:(?!${UNSPACED}).)+`, "gsu");
const IS_UNSPACED = new RegExp(UNSPACED, "u");
const IS_PLAIN = /^[a-z0-9]+$/;
const NO_LETTER = /^[^\p{L}\p{N}]*$/u;

/** In the order of the text. */
export function wordsOf(text: string): Word[] {
  const words: Word[] = [];
  for (const run of text.matchAll(RUN)) {
    const [written] = run;
    if (!IS_UNSPACED.test(written)) {
      add(words, written, run.index);
      continue;
    }
    for (const part of written.matchAll(PARTS)) add(words, part[0], run.index + part.index);
  }
  return words;
}

function add(words: Word[], written: string, start: number): void {
  const word = spelling(written);
  if (word !== "") words.push({ word, start, end: start + written.length });
}

/** One for all spellings that count as the same; empty for signs without a letter. */
function spelling(written: string): string {
  const lower = written.toLowerCase();
  if (IS_PLAIN.test(lower)) return lower;
  const plain = lower
    .normalize("NFKC")
    .toLowerCase()
    .replaceAll(/['’,\u200c-\u200d\u0640]/g, "")
    .replaceAll(/[\u0622\u0623\u0625\u0671]/g, "\u0627")
    .replaceAll("\u0649", "\u064a")
    .replaceAll("\u0629", "\u0647")
    .normalize("NFD")
    .replaceAll(/(?<=[\p{sc=Latin}\p{sc=Greek}\p{sc=Cyrillic}]\p{M}*)\p{M}/gu, "")
    .replaceAll(/[\u064b-\u0652\u0670\u093c]/g, "")
    .replaceAll("\u0901", "\u0902")
    .replaceAll(/\p{Nd}/gu, digitValue)
    .normalize("NFC");
  return NO_LETTER.test(plain) ? "" : plain;
}

/** Decimal digits of a script stand one after the other in Unicode, from a zero on (The Unicode Standard, 4.6). */
function digitValue(digit: string): string {
  const code = digit.codePointAt(0) ?? 0;
  let value = 0;
  while (value < 9 && /\p{Nd}/u.test(String.fromCodePoint(code - value - 1))) value += 1;
  return String(value);
}

/**
 * How words stand in an index. Full-text indexes have rules of their own about letters, short words, long words and frequent words: MySQL
 * leaves out words of one or two letters and some frequent ones, and takes signs of Devanagari for spaces. So a word is written in ASCII,
 * with two letters in front that no word of those lists has.
 */
const [PLAIN, CODED] = ["qq", "xx"];
/** MySQL keeps words of at most 84 characters (`innodb_ft_max_token_size`). Of longer words as many characters stand in the index, with a hash. */
const LONGEST = { plain: 60, coded: 15 } as const;

export function indexed(word: string): string {
  const beginning = indexedBeginning(word);
  const isWhole = word.length <= (IS_PLAIN.test(word) ? LONGEST.plain : LONGEST.coded);
  return isWhole ? beginning : `${beginning}${createHash("sha256").update(word).digest("hex").slice(0, 16)}`;
}

/** With what the words that begin so begin in the index. Words that begin otherwise may do so, too: the text has the last word. */
export function indexedBeginning(word: string): string {
  if (IS_PLAIN.test(word)) return PLAIN + word.slice(0, LONGEST.plain);
  let code: string = CODED;
  for (let at = 0; at < Math.min(word.length, LONGEST.coded); at++)
    code += word.charCodeAt(at).toString(16).padStart(4, "0");
  return code;
}

/** The word that all transcripts of a batch have in the index. */
export function batchWord(batchId: number): string {
  return `bb${batchId}`;
}

/** What stands in the index of a transcript: a space before and after each word. */
export function indexText(batchId: number, texts: readonly string[]): string {
  const words = texts.flatMap((text) => wordsOf(text).map(({ word }) => indexed(word)));
  return ` ${[batchWord(batchId), ...words].join(" ")} `;
}
