import { inEnglish } from "./hinglish.js";
import type { Evidence, TranscriptSegment } from "./transcript.js";

/** One spoken word: lower case, without punctuation, in English. Digits keep their decimal point and lose their commas. */
export interface Word {
  text: string;
  /** As it stands in the segment's text. */
  raw: string;
  /** Position in the segment's text. */
  start: number;
  end: number;
}

/** A range of words in one segment; `to` is exclusive. */
export interface Span {
  from: number;
  to: number;
}

const TOKEN = /\d+(?:,\d+)*(?:\.\d+)?|\p{L}+(?:['’]\p{L}+)*|[&@%]/gu;
const SIGNS: Readonly<Record<string, string>> = { "&": "and", "@": "at", "%": "percent" };

/** The words of a text. "AB1234" is two words, "1,50,000" is one, "twenty-five" two, "don't" one. */
export function splitWords(text: string): Word[] {
  const spoken = Array.from(text.matchAll(TOKEN), (match) => {
    const raw = match[0];
    const plain = /^\d/.test(raw) ? raw.replaceAll(",", "") : raw.toLowerCase().replaceAll(/['’]/g, "");
    return { plain: SIGNS[plain] ?? plain, raw, start: match.index, end: match.index + raw.length };
  });
  return spoken.map(({ plain, ...place }, at) => ({
    text: inEnglish(plain, spoken[at - 1]?.plain, spoken[at + 1]?.plain),
    ...place,
  }));
}

/** A segment of the transcript as words, searchable by phrases. */
export class SpokenSegment {
  readonly words: readonly Word[];
  /** The words with one space between them, for the phrase patterns. */
  readonly phrase: string;
  private readonly starts: number[] = [];

  constructor(
    readonly source: TranscriptSegment,
    /** Place in the conversation, from 0. */
    readonly index: number,
  ) {
    this.words = splitWords(source.text);
    let position = 0;
    for (const word of this.words) {
      this.starts.push(position);
      position += word.text.length + 1;
    }
    this.phrase = this.words.map((word) => word.text).join(" ");
  }

  /** Where `pattern` stands in the phrase, as ranges of whole words. */
  find(pattern: RegExp): Span[] {
    const global = new RegExp(pattern.source, "g");
    return Array.from(this.phrase.matchAll(global), (match) => ({
      from: this.wordAt(match.index),
      to: this.wordAt(match.index + Math.max(match[0].trimEnd().length, 1) - 1) + 1,
    }));
  }

  /** The words of a range with one space between them. */
  part({ from, to }: Span): string {
    return this.words
      .slice(Math.max(from, 0), Math.max(to, 0))
      .map((word) => word.text)
      .join(" ");
  }

  /** The passage from the first to the last word of the range, verbatim; null for a range without words. */
  evidence({ from, to }: Span): Evidence | null {
    const first = this.words[from];
    const last = this.words[to - 1];
    if (!first || !last || to <= from) return null;
    const { id, start_s, end_s, text } = this.source;
    return { segment: id, start_s, end_s, quote: text.slice(first.start, last.end) };
  }

  private wordAt(position: number): number {
    let word = 0;
    while ((this.starts[word + 1] ?? Infinity) <= position) word++;
    return word;
  }
}
