/** The sentences of a transcript that have what was searched for. */
import type { TranscriptSegment } from "../records.js";
import { placesOf, type Term } from "./query.js";
import { wordsOf } from "./words.js";

/** A segment of a transcript in which something was found. */
export interface Sentence {
  /** Id of the segment. */
  segment: number;
  /** Seconds from the start of the recording. */
  startS: number;
  speaker: "dealer" | "client" | null;
  text: string;
  /** Where in the text, in UTF-16 units, ascending: from, and up to. */
  marks: [start: number, end: number][];
}

/** null when not all terms are in the transcript. A phrase may go on in the next segment: then both are sentences of it. */
export function sentencesWith(terms: readonly Term[], segments: readonly TranscriptSegment[]): Sentence[] | null {
  const said = segments.flatMap(({ text }, index) => wordsOf(text).map((word) => ({ ...word, index })));
  const words = said.map(({ word }) => word);
  const marked = new Set<number>();
  for (const term of terms) {
    const places = placesOf(term, words);
    if (places.length === 0) return null;
    for (const place of places) for (let n = 0; n < term.words.length; n++) marked.add(place + n);
  }
  const sentences = new Map<number, Sentence>();
  for (const at of [...marked].toSorted((a, b) => a - b)) {
    const { index, start, end } = said[at]!;
    const { id, start_s: startS, speaker = null, text } = segments[index]!;
    const sentence = sentences.get(index) ?? { segment: id, startS, speaker, text, marks: [] };
    sentences.set(index, sentence);
    sentence.marks.push([start, end]);
  }
  return [...sentences.values()];
}
