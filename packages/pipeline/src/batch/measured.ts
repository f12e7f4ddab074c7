/** What the engines measured of the recordings, in few bytes each: later stages need it of all recordings, and the answers of none. */
import type { IvrResponse, LidResponse } from "../hosts/engine-contract.js";
import type { BatchFolder } from "./batch-folder.js";

/** By ivr. */
export interface MeasuredSpeech {
  durationS: number;
  speechS: number;
  /** Seconds from the start of the recording. */
  trim: { start_s: number; end_s: number };
}

/** By lid. */
export interface MeasuredLanguage {
  language: string;
  confidence: number | null;
}

/** In lists of numbers, not in objects: a hundred thousand of those would take twenty times the memory. */
export class Measured {
  /** Where in the lists a file has its numbers. */
  readonly #places: BatchFolder["places"];
  /** Duration, speech, start and end of the conversation; NaN while they are not known. */
  readonly #speech: Float64Array;
  /** Index in the list of languages, and confidence; NaN where there is none. */
  readonly #language: Float64Array;
  readonly #languages: string[] = [];

  constructor({ places }: Pick<BatchFolder, "places">) {
    this.#places = places;
    this.#speech = new Float64Array(4 * places.size).fill(Number.NaN);
    this.#language = new Float64Array(2 * places.size).fill(Number.NaN);
  }

  noteSpeech(fileName: string, { duration_s, speech_s, trim }: IvrResponse): void {
    const place = this.#places.get(fileName);
    if (place === undefined) return;
    this.#speech.set([duration_s, speech_s, trim.start_s, trim.end_s], 4 * place);
  }

  noteLanguage(fileName: string, { language, confidence }: LidResponse): void {
    const place = this.#places.get(fileName);
    if (place === undefined) return;
    if (!this.#languages.includes(language)) this.#languages.push(language);
    this.#language.set([this.#languages.indexOf(language), confidence ?? Number.NaN], 2 * place);
  }

  /** undefined when ivr has not done the file. */
  speechOf(fileName: string): MeasuredSpeech | undefined {
    const place = this.#places.get(fileName);
    if (place === undefined) return undefined;
    const number = (index: number): number => this.#speech[4 * place + index] ?? Number.NaN;
    const durationS = number(0);
    return Number.isNaN(durationS)
      ? undefined
      : { durationS, speechS: number(1), trim: { start_s: number(2), end_s: number(3) } };
  }

  /** undefined when lid has not done the file. */
  languageOf(fileName: string): MeasuredLanguage | undefined {
    const place = this.#places.get(fileName);
    if (place === undefined) return undefined;
    const [index = Number.NaN, confidence = Number.NaN] = this.#language.subarray(2 * place, 2 * place + 2);
    const language = this.#languages[index];
    return language === undefined ? undefined : { language, confidence: Number.isNaN(confidence) ? null : confidence };
  }
}
