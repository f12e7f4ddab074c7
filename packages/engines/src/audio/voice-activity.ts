import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import * as ort from "onnxruntime-web";
import { SAMPLE_RATE } from "./audio.js";

/**
 * Silero VAD (Silero Team, MIT licence, https://github.com/snakers4/silero-vad) at 8 kHz: windows of 256 samples, each
 * given together with the last 32 samples of the window before it, as the authors' own wrapper does.
 */
const WINDOW = 256;
const CONTEXT = 32;
const STATE_SHAPE = [2, 1, 128];
const MODEL_FILES = {
  v5: "@ricky0123/vad-web/dist/silero_vad_v5.onnx",
  v6: "@ricky0123/vad-web/dist/silero_vad_v6.onnx",
};

/**
 * Which edition of the model. Measured on the sample calls at a threshold of 0.35, share of the speech that is found and of
 * the silence that is taken for speech: clean v5 80 % and 0 %, v6 90 % and 2 %; noisy v5 84 % and 12 %, v6 78 % and 17 %.
 */
type VoiceModel = keyof typeof MODEL_FILES;

export interface ListeningOptions {
  edition?: VoiceModel;
  /** Nothing is listened to after so much speech, in seconds. */
  enoughSpeechS?: number | undefined;
}

/** From here on a window counts as speech. */
const SPEECH_ON = 0.35;

/** Seconds between two probabilities. */
export const PROBABILITY_HOP_S = WINDOW / SAMPLE_RATE;

/** A span of time in seconds from the start of the samples. */
export interface Span {
  start_s: number;
  end_s: number;
}

export interface SegmentOptions {
  /** Speech begins above this probability. */
  on?: number;
  /** Below this it counts as silence; between the two the state stays. */
  off?: number;
  /** Silence that ends a segment, in seconds. */
  minSilenceS?: number;
  /** Added on both sides of a segment, in seconds; neighbours share the gap when it is shorter. */
  padS?: number;
  /** Segments shorter than this (before padding) are dropped, in seconds. */
  minSpeechS?: number;
  /** A segment that grows longer is cut, in seconds: recognisers slow down and drift on long ones. */
  maxSpeechS?: number;
}

/** Loaded once per thread, in about 0.2 s. */
const sessions: Partial<Record<VoiceModel, Promise<ort.InferenceSession>>> = {};

/**
 * The probability of speech for each 32 ms of a mono recording at 8 kHz, values in -1…1. Runs on the calling thread, at about
 * 100 times real time: call it from a worker where a server must stay responsive.
 */
export async function speechProbabilities(
  samples8k: Float32Array,
  { edition = "v6", enoughSpeechS = Number.POSITIVE_INFINITY }: ListeningOptions = {},
): Promise<Float32Array> {
  const model = await sessionOf(edition);
  const sampleRate = new ort.Tensor("int64", BigInt64Array.from([BigInt(SAMPLE_RATE)]), []);
  let state: ort.Tensor = new ort.Tensor("float32", new Float32Array(256), STATE_SHAPE);
  const probabilities = new Float32Array(Math.floor(samples8k.length / WINDOW));
  const input = new Float32Array(CONTEXT + WINDOW);
  let speechS = 0;
  for (let i = 0; i < probabilities.length; i++) {
    input.copyWithin(0, WINDOW);
    input.set(samples8k.subarray(i * WINDOW, (i + 1) * WINDOW), CONTEXT);
    const result = await model.run({
      input: new ort.Tensor("float32", input, [1, input.length]),
      state,
      sr: sampleRate,
    });
    const { output, stateN } = result;
    if (!output || !stateN) throw new Error(`${MODEL_FILES[edition]} does not have the outputs of Silero VAD`);
    state = stateN;
    probabilities[i] = Number(output.data[0]);
    if ((probabilities[i] as number) > SPEECH_ON) speechS += PROBABILITY_HOP_S;
    if (speechS >= enoughSpeechS) return probabilities.subarray(0, i + 1);
  }
  return probabilities;
}

/**
 * Speech segments out of `speechProbabilities`, in order, not overlapping, within the recording. The defaults suit a
 * recogniser that decodes turn by turn: they end a segment at a pause of 0.35 s and keep 0.2 s around it.
 */
export function speechSegments(probabilities: Float32Array, options: SegmentOptions = {}): Span[] {
  const { on = SPEECH_ON, off = 0.2, minSilenceS = 0.35, padS = 0.2, minSpeechS = 0.15, maxSpeechS = 14 } = options;
  const segments: Span[] = [];
  let start: number | undefined;
  let silenceS = 0;
  for (const [i, probability] of probabilities.entries()) {
    const now = i * PROBABILITY_HOP_S;
    if (probability > on) {
      start ??= now;
      silenceS = 0;
    } else if (start !== undefined) {
      silenceS = probability < off ? silenceS + PROBABILITY_HOP_S : Math.max(0, silenceS - PROBABILITY_HOP_S);
      if (silenceS >= minSilenceS) {
        segments.push({ start_s: start, end_s: now - silenceS });
        start = undefined;
        silenceS = 0;
      }
    }
    if (start !== undefined && now - start > maxSpeechS) {
      segments.push({ start_s: start, end_s: now - silenceS });
      start = undefined;
      silenceS = 0;
    }
  }
  const durationS = probabilities.length * PROBABILITY_HOP_S;
  if (start !== undefined) segments.push({ start_s: start, end_s: durationS });
  const long = segments.filter(({ start_s, end_s }) => end_s - start_s >= minSpeechS);
  return padded(long, padS, durationS);
}

function padded(segments: Span[], padS: number, durationS: number): Span[] {
  const result: Span[] = [];
  for (const segment of segments) {
    const wide = { start_s: Math.max(0, segment.start_s - padS), end_s: Math.min(durationS, segment.end_s + padS) };
    const previous = result.at(-1);
    if (previous && wide.start_s < previous.end_s) {
      const middle = (wide.start_s + previous.end_s) / 2;
      previous.end_s = middle;
      wide.start_s = middle;
    }
    result.push(wide);
  }
  return result;
}

function sessionOf(edition: VoiceModel): Promise<ort.InferenceSession> {
  return (sessions[edition] ??= (async () => {
    // Own threads inside the model gain nothing on windows of 32 ms and would compete with the other workers.
    ort.env.wasm.numThreads = 1;
    const model = await readFile(createRequire(import.meta.url).resolve(MODEL_FILES[edition]));
    return ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
  })());
}
