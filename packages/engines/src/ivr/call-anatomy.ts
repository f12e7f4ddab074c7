import { SAMPLE_RATE } from "../audio/audio.js";
import { overlapS, type CallSegment } from "./call-segment.js";
import { fingerprint, PromptLibrary, type Prompt } from "./fingerprint.js";
import { findHoldMusic } from "./hold-music.js";
import { findTones } from "./tones.js";
import { PROBABILITY_HOP_S, speechProbabilities, speechSegments, type Span } from "../audio/voice-activity.js";

const SPEECH_PROBABILITY = 0.4;
/** More speech than this between two machine sounds, in seconds, is people talking: the conversation has begun. */
const MAX_UNEXPLAINED_SPEECH_S = 2;
/** Kept after the last word, in seconds. */
const AFTER_LAST_WORD_S = 0.5;
/** Notes of longer music look like tones of one frequency; in seconds beyond the ends of the music. */
const MUSIC_REACH_BEFORE_S = 0.7;
const MUSIC_REACH_AFTER_S = 0.3;
const MIN_MUSIC_WITH_TONES_S = 2;
/** A piece of a repeated prompt is at least as long, in seconds. */
const MIN_PIECE_S = 1.5;
/** Between two pieces of one prompt, in seconds. */
const MAX_PROMPT_GAP_S = 0.5;

/** The answer of the stage `ivr` (docs/engines.md) without the duration. */
export interface CallAnatomy {
  segments: CallSegment[];
  dtmf: string;
  trim: Span;
  speech_s: number;
  speech: Span[];
}

/** What was measured of a recording. */
export interface CallSound {
  durationS: number;
  /** Of speech, each 32 ms: as the edition that is careful says, and as either one says. */
  probabilities: Float32Array;
  eitherProbabilities: Float32Array;
  prints: Uint32Array;
  /** Keys, ring and busy tones, hold music and prompts that are known, in order of time. */
  machines: CallSegment[];
}

/** Measures a mono recording at 8 kHz. */
export async function measureCall(samples8k: Float32Array, prompts: PromptLibrary): Promise<CallSound> {
  const probabilities = await speechProbabilities(samples8k, { edition: "v5" });
  // For what is kept, missing a word is worse than keeping a noise: either model's word counts.
  const other = await speechProbabilities(samples8k);
  const eitherProbabilities = probabilities.map((probability, i) => Math.max(probability, other[i] ?? 0));
  const tones = findTones(samples8k);
  const music = findHoldMusic(samples8k, tones.filter(isChord), probabilities);
  const prints = fingerprint(samples8k);
  const machines = [
    ...tones.filter((tone) => tone.type === "dtmf" || isChord(tone) || !isNoteOf(tone, music)),
    ...prompts.find(prints),
    ...music,
  ];
  const durationS = samples8k.length / SAMPLE_RATE;
  return { durationS, probabilities, eitherProbabilities, prints, machines: machines.toSorted(byStart) };
}

/** Tells machine sounds from conversation. `repeated`: prompts that other recordings of the batch hold, too. */
export function callAnatomy(sound: CallSound, repeated: readonly Prompt[]): CallAnatomy {
  const { durationS, probabilities, eitherProbabilities, prints, machines: known } = sound;
  const segments = [...known, ...unknownPrompts(new PromptLibrary(repeated).find(prints), known)].toSorted(byStart);

  const start_s = Math.min(durationS, conversationStart(segments, probabilities));
  const spoken = speechSegments(eitherProbabilities, { on: SPEECH_PROBABILITY, off: 0.25, padS: 0 });
  const machines = segments.filter(({ type }) => type === "prompt" || type === "music");
  const speech = machines
    .reduce(without, spoken)
    .map((span) => ({ start_s: Math.max(start_s, span.start_s), end_s: Math.min(durationS, span.end_s) }))
    .filter((span) => span.end_s - span.start_s > 0.1);
  const lastWord = speech.at(-1)?.end_s;
  const end_s = lastWord === undefined ? durationS : Math.min(durationS, lastWord + AFTER_LAST_WORD_S);
  return {
    segments: segments.map((segment) => ({ ...segment, ...rounded(segment), confidence: round(segment.confidence) })),
    dtmf: segments.map(({ type, label }) => (type === "dtmf" ? label : "")).join(""),
    trim: rounded({ start_s, end_s }),
    speech_s: round(speech.reduce((sum, span) => sum + span.end_s - span.start_s, 0)),
    speech: speech.map(rounded),
  };
}

/**
 * The end of the last machine sound that can be reached from the start of the recording without passing people who talk.
 * What follows later (a transfer, a key pressed by mistake, the busy tone at the end) is part of the conversation.
 */
function conversationStart(segments: readonly CallSegment[], probabilities: Float32Array): number {
  let start = 0;
  for (const segment of segments) {
    const from = Math.floor(start / PROBABILITY_HOP_S);
    const between = probabilities.subarray(from, Math.max(from, Math.floor(segment.start_s / PROBABILITY_HOP_S)));
    const unexplained = between.filter((probability) => probability > SPEECH_PROBABILITY).length * PROBABILITY_HOP_S;
    if (unexplained > MAX_UNEXPLAINED_SPEECH_S) break;
    start = Math.max(start, segment.end_s);
  }
  return start;
}

/** Those that are not known, each in one piece however many pieces of it were found. */
function unknownPrompts(found: readonly CallSegment[], known: readonly CallSegment[]): CallSegment[] {
  const prompts: CallSegment[] = [];
  for (const piece of found) {
    // A piece of which less lies within the recording may look like anything.
    if (piece.end_s - piece.start_s < MIN_PIECE_S) continue;
    const half = (piece.end_s - piece.start_s) / 2;
    if (known.some((one) => one.type === "prompt" && overlapS(one, piece) > half)) continue;
    const previous = prompts.at(-1);
    if (previous?.label === piece.label && piece.start_s - previous.end_s < MAX_PROMPT_GAP_S) {
      previous.end_s = Math.max(previous.end_s, piece.end_s);
      previous.confidence = Math.min(previous.confidence, piece.confidence);
    } else prompts.push({ ...piece });
  }
  return prompts;
}

function byStart(a: CallSegment, b: CallSegment): number {
  return a.start_s - b.start_s;
}

/** Two ring or busy frequencies at once: music does not have them by chance, a single one it does. */
function isChord({ label }: CallSegment): boolean {
  return label?.includes("+") ?? false;
}

function isNoteOf(tone: CallSegment, music: readonly CallSegment[]): boolean {
  return music.some(
    ({ start_s, end_s }) =>
      end_s - start_s > MIN_MUSIC_WITH_TONES_S &&
      tone.start_s > start_s - MUSIC_REACH_BEFORE_S &&
      tone.end_s < end_s + MUSIC_REACH_AFTER_S,
  );
}

/** Cuts a machine sound out of the speech. */
function without(spans: Span[], machine: CallSegment): Span[] {
  return spans.flatMap((span) => {
    if (overlapS(span, machine) === 0) return [span];
    const before = { start_s: span.start_s, end_s: machine.start_s };
    const after = { start_s: machine.end_s, end_s: span.end_s };
    return [before, after].filter(({ start_s, end_s }) => end_s > start_s);
  });
}

function rounded({ start_s, end_s }: Span): Span {
  return { start_s: round(start_s), end_s: round(end_s) };
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
