/** What the engines measured of the recordings, in few bytes each: later stages need it of all recordings, and the answers of none. */
import type { IvrResponse, LidResponse } from "../hosts/engine-contract.js";

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
  readonly #places = new Map<string, number>();
  /** Duration, speech, start and end of the conversation; NaN while they are not known. */
  readonly #speech: number[] = [];
  /** Index in the list of languages, and confidence; NaN where there is none. */
  readonly #language: number[] = [];
  readonly #languages: string[] = [];

  noteSpeech(fileName: string, { duration_s, speech_s, trim }: IvrResponse): void {
    const at = 4 * this.#placeOf(fileName);
    this.#speech[at] = duration_s;
    this.#speech[at + 1] = speech_s;
    this.#speech[at + 2] = trim.start_s;
    this.#speech[at + 3] = trim.end_s;
  }

  noteLanguage(fileName: string, { language, confidence }: LidResponse): void {
    const at = 2 * this.#placeOf(fileName);
    if (!this.#languages.includes(language)) this.#languages.push(language);
    this.#language[at] = this.#languages.indexOf(language);
    this.#language[at + 1] = confidence ?? Number.NaN;
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
    const [index = Number.NaN, confidence = Number.NaN] = [this.#language[2 * place], this.#language[2 * place + 1]];
    const language = this.#languages[index];
    return language === undefined ? undefined : { language, confidence: Number.isNaN(confidence) ? null : confidence };
  }

  #placeOf(fileName: string): number {
    const known = this.#places.get(fileName);
    if (known !== undefined) return known;
    const place = this.#places.size;
    this.#places.set(fileName, place);
    this.#speech.push(Number.NaN, Number.NaN, Number.NaN, Number.NaN);
    this.#language.push(Number.NaN, Number.NaN);
    return place;
  }
}
