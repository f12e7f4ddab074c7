import { SAMPLE_RATE } from "../audio/audio.js";
import { overlapS, type CallSegment } from "./call-segment.js";
import { PowerSpectrum } from "../audio/fft.js";
import { PROBABILITY_HOP_S, type Span } from "../audio/voice-activity.js";

/**
 * Music in telephone audio by Continuous Frequency Activation (Seyerlehner, Pohle, Schedl and Widmer, "Automatic Music
 * Detection in Television Productions", DAFx 2007): tones of music keep their frequency, those of speech glide.
 */
const FRAME = 1024;
const HOP = 256;
const BINS = FRAME / 2;
/** About 2 s. */
const BLOCK_FRAMES = 64;
const BLOCK_STEP = 8;
/** Bins outside the telephone band (156 to 3450 Hz) hold no signal. */
const FIRST_BIN = 20;
const LAST_BIN = BINS - 70;
/** A bin is active when it is this much above the mean of its 21 neighbours. */
const ACTIVE_DB = 4;
const NEIGHBOURS = 10;
/** Sum of the five highest peaks of the activation; hold music has more, speech and noise less. */
const MUSIC_THRESHOLD = 1.8;
const PEAKS = 5;
/** Song has long tones too: a block with more speech than this is not music. */
const MAX_SPEECH_SHARE = 0.35;
const SPEECH_PROBABILITY = 0.4;
/** Of a block only the inner part is taken: its ends may lie outside of the music. */
const BLOCK_MARGIN_S = 0.5;
const MAX_GAP_S = 0.6;
const MIN_MUSIC_S = 1.5;
/** Mean level relative to full scale; below it, codecs leave tones of their own in silence. */
const MIN_LEVEL_DB = -45;
/** Ring and busy tones look like music to the activation: a block with more of them than this, in seconds, is not music. */
const MAX_TONES_S = 0.2;

/**
 * Finds hold music in a mono recording at 8 kHz, given its probabilities of speech and those of its tones that cannot be
 * notes of music.
 */
export function findHoldMusic(
  samples8k: Float32Array,
  tones: readonly CallSegment[],
  probabilities: Float32Array,
): CallSegment[] {
  const music: CallSegment[] = [];
  for (const { startS, endS, activation } of activationBlocks(samples8k)) {
    if (activation < MUSIC_THRESHOLD || speechShare(probabilities, startS, endS) > MAX_SPEECH_SHARE) continue;
    const inner = { start_s: startS + BLOCK_MARGIN_S, end_s: endS - BLOCK_MARGIN_S };
    if (tones.reduce((sum, tone) => sum + overlapS(tone, inner), 0) > MAX_TONES_S) continue;
    if (levelDb(samples8k, inner) < MIN_LEVEL_DB) continue;
    const confidence = Math.min(1, activation / (2 * MUSIC_THRESHOLD));
    const previous = music.at(-1);
    if (previous && inner.start_s <= previous.end_s + MAX_GAP_S) {
      previous.end_s = inner.end_s;
      previous.confidence = Math.max(previous.confidence, confidence);
    } else {
      music.push({ type: "music", ...inner, label: null, confidence });
    }
  }
  return music.filter(({ start_s, end_s }) => end_s - start_s >= MIN_MUSIC_S);
}

function activationBlocks(samples: Float32Array): { startS: number; endS: number; activation: number }[] {
  const frames = activeBins(samples);
  const blocks = [];
  for (let first = 0; first + BLOCK_FRAMES <= frames.length; first += BLOCK_STEP) {
    const activation = new Float32Array(BINS);
    for (const frame of frames.slice(first, first + BLOCK_FRAMES)) {
      for (let k = FIRST_BIN; k < LAST_BIN; k++) {
        activation[k] = (activation[k] as number) + (frame[k] as number) / BLOCK_FRAMES;
      }
    }
    blocks.push({
      startS: (first * HOP) / SAMPLE_RATE,
      endS: ((first + BLOCK_FRAMES) * HOP) / SAMPLE_RATE,
      activation: highestPeaks(activation),
    });
  }
  return blocks;
}

/** For each frame, which bins stand out of their surroundings. */
function activeBins(samples: Float32Array): Uint8Array[] {
  const spectrum = new PowerSpectrum(FRAME);
  const frames: Uint8Array[] = [];
  const sums = new Float64Array(BINS + 1);
  for (let start = 0; start + FRAME <= samples.length; start += HOP) {
    const levels = spectrum.at(samples, start).map((power) => 10 * Math.log10(power + 1e-9));
    for (let k = 0; k < BINS; k++) sums[k + 1] = (sums[k] as number) + (levels[k] as number);
    const active = new Uint8Array(BINS);
    for (let k = FIRST_BIN; k < LAST_BIN; k++) {
      const from = k - NEIGHBOURS;
      const to = k + NEIGHBOURS + 1;
      const mean = ((sums[to] as number) - (sums[from] as number)) / (to - from);
      active[k] = (levels[k] as number) - mean > ACTIVE_DB ? 1 : 0;
    }
    frames.push(active);
  }
  return frames;
}

/** Sum of the five highest peaks, each counted from the higher one of the valleys beside it. */
function highestPeaks(values: Float32Array): number {
  const at = (k: number): number => values[k] ?? 0;
  const heights: number[] = [];
  for (let k = 1; k < values.length - 1; k++) {
    if (at(k) <= at(k - 1) || at(k) < at(k + 1)) continue;
    let left = k;
    while (left > 0 && at(left - 1) < at(left)) left--;
    let right = k;
    while (right < values.length - 1 && at(right + 1) < at(right)) right++;
    heights.push(at(k) - Math.max(at(left), at(right)));
  }
  return heights
    .toSorted((a, b) => b - a)
    .slice(0, PEAKS)
    .reduce((sum, height) => sum + height, 0);
}

function levelDb(samples: Float32Array, { start_s, end_s }: Span): number {
  const span = samples.subarray(Math.floor(start_s * SAMPLE_RATE), Math.floor(end_s * SAMPLE_RATE));
  const energy = span.reduce((sum, sample) => sum + sample ** 2, 0);
  return 10 * Math.log10(energy / Math.max(1, span.length) + 1e-12);
}

function speechShare(probabilities: Float32Array, startS: number, endS: number): number {
  const span = probabilities.subarray(Math.floor(startS / PROBABILITY_HOP_S), Math.ceil(endS / PROBABILITY_HOP_S));
  return span.length > 0 ? span.filter((probability) => probability > SPEECH_PROBABILITY).length / span.length : 0;
}
