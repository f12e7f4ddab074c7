import { SAMPLE_RATE } from "../audio/audio.js";
import type { CallSegment } from "./call-segment.js";
import { PowerSpectrum } from "../audio/fft.js";

/**
 * Audio fingerprints after Haitsma and Kalker, "A Highly Robust Audio Fingerprinting System", ISMIR 2002, for the telephone
 * band: the signs of the energy differences between 25 neighbouring bands and between neighbouring frames, 24 bits for each
 * 16 ms. Two fingerprints of the same sound differ in few bits, of different sounds in about half of them.
 */
const FRAME = 2048;
const HOP = 128;
const BANDS = 25;
const BITS = BANDS - 1;
const LOWEST_HZ = 300;
const HIGHEST_HZ = 2400;
const BAND_EDGES = Array.from({ length: BANDS + 1 }, (_, band) =>
  Math.round((LOWEST_HZ * (HIGHEST_HZ / LOWEST_HZ) ** (band / BANDS) * FRAME) / SAMPLE_RATE),
);

/** Seconds between two prints. */
export const PRINT_HOP_S = HOP / SAMPLE_RATE;
/** From the start of a print's frame to its middle, in seconds. */
export const PRINT_MIDDLE_S = FRAME / 2 / SAMPLE_RATE;

/** Shorter stretches match by chance too often. */
const MIN_PRINTS = 40;
/** Largest share of differing bits, for stretches below and above `LONG_PRINTS`. */
const MAX_ERROR_SHORT = 0.33;
const MAX_ERROR_LONG = 0.36;
const LONG_PRINTS = 120;
/** The last frame reaches beyond the last print; its window has faded by this share of its length. */
const TAIL_S = (0.4 * FRAME) / SAMPLE_RATE;

/** Prompts shorter than this, in seconds, are not worth a fingerprint. */
export const MIN_PROMPT_S = 0.8;

/** A recording of a known prompt, as its fingerprint. */
export interface Prompt {
  label: string;
  /** 24 bits each, one for 16 ms. */
  prints: Uint32Array;
}

/** The fingerprint of a mono recording at 8 kHz. */
export function fingerprint(samples8k: Float32Array): Uint32Array {
  const spectrum = new PowerSpectrum(FRAME);
  const prints: number[] = [];
  let previous: Float64Array | undefined;
  for (let start = 0; start + FRAME <= samples8k.length + FRAME / 2; start += HOP) {
    const power = spectrum.at(samples8k, start);
    const energies = new Float64Array(BANDS);
    for (let band = 0; band < BANDS; band++) {
      const end = BAND_EDGES[band + 1] as number;
      for (let k = BAND_EDGES[band] as number; k < end; k++)
        energies[band] = (energies[band] as number) + (power[k] as number);
    }
    if (previous) prints.push(differenceBits(energies, previous));
    previous = energies;
  }
  return Uint32Array.from(prints);
}

function differenceBits(now: Float64Array, before: Float64Array): number {
  let bits = 0;
  for (let band = 0; band < BITS; band++) {
    const slopeNow = (now[band] as number) - (now[band + 1] as number);
    const slopeBefore = (before[band] as number) - (before[band + 1] as number);
    if (slopeNow > slopeBefore) bits |= 1 << band;
  }
  return bits;
}

interface Match {
  prompt: Prompt;
  start: number;
  end: number;
  error: number;
}

/** Known prompts, indexed by their prints so that a recording is compared with few places in them. */
export class PromptLibrary {
  readonly #prompts: Prompt[];
  readonly #places = new Map<number, { prompt: number; at: number }[]>();

  constructor(prompts: readonly Prompt[]) {
    this.#prompts = prompts.filter(({ prints }) => prints.length >= MIN_PRINTS);
    for (const [prompt, { prints }] of this.#prompts.entries()) {
      for (const [at, print] of prints.entries()) {
        const places = this.#places.get(print);
        if (places) places.push({ prompt, at });
        else this.#places.set(print, [{ prompt, at }]);
      }
    }
  }

  /** Where known prompts are played in a recording, in order of time. */
  find(recording: Uint32Array): CallSegment[] {
    const matches = this.#candidates(recording).toSorted((a, b) => a.error - b.error);
    const kept: Match[] = [];
    for (const match of matches) {
      const half = (match.end - match.start) / 2;
      const taken = kept.some(({ start, end }) => Math.min(end, match.end) - Math.max(start, match.start) > half);
      if (!taken) kept.push(match);
    }
    return kept
      .toSorted((a, b) => a.start - b.start)
      .map(({ prompt, start, end, error }) => ({
        type: "prompt",
        start_s: (start * HOP) / SAMPLE_RATE,
        end_s: (end * HOP) / SAMPLE_RATE + TAIL_S,
        label: prompt.label,
        // Half of the bits differ by chance.
        confidence: Math.max(0, 1 - 2 * error),
      }));
  }

  /** Alignments at which one print agrees but for one bit, and the whole is close enough. */
  #candidates(recording: Uint32Array): Match[] {
    const matches: Match[] = [];
    const compared = new Set<string>();
    for (const [at, print] of recording.entries()) {
      for (const near of nearPrints(print)) {
        for (const place of this.#places.get(near) ?? []) {
          const offset = at - place.at;
          const key = `${place.prompt}:${offset}`;
          if (compared.has(key)) continue;
          compared.add(key);
          const match = compare(this.#prompts[place.prompt] as Prompt, recording, offset);
          if (match) matches.push(match);
        }
      }
    }
    return matches;
  }
}

/** Compares all that the prompt and the recording have in common when the prompt begins at print `offset`. */
function compare(prompt: Prompt, recording: Uint32Array, offset: number): Match | undefined {
  const { prints } = prompt;
  const start = Math.max(0, offset);
  const end = Math.min(recording.length, offset + prints.length);
  if (end - start < MIN_PRINTS * 0.9) return undefined;
  const limit = (end - start > LONG_PRINTS ? MAX_ERROR_LONG : MAX_ERROR_SHORT) * (end - start) * BITS;
  let differing = 0;
  for (let i = start; i < end && differing < limit; i++) {
    differing += bitCount((recording[i] as number) ^ (prints[i - offset] as number));
  }
  if (differing >= limit) return undefined;
  return { prompt, start, end, error: differing / ((end - start) * BITS) };
}

/** How many bits of a print differ from those of another one, as a share. */
export function differingShare(print: number, other: number): number {
  return bitCount(print ^ other) / BITS;
}

/** The print itself, and those that differ from it in one bit. */
export function* nearPrints(print: number): Generator<number> {
  yield print;
  for (let bit = 0; bit < BITS; bit++) yield print ^ (1 << bit);
}

function bitCount(value: number): number {
  const pairs = value - ((value >>> 1) & 0x55555555);
  const nibbles = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return (((nibbles + (nibbles >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}
