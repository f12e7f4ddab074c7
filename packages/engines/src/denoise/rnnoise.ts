/* oxlint-disable no-underscore-dangle -- the names of the Emscripten module */
import createModule from "@echogarden/rnnoise-wasm";
import { downsampleAt, RATIO, REACH, upsample } from "../audio/resample.js";

/**
 * RNNoise (Valin, "A Hybrid DSP/Deep Learning Approach to Real-Time Full-Band Speech Enhancement", MMSP 2018; BSD licence),
 * compiled to WebAssembly. It works on frames of 10 ms at 48 kHz with samples on the scale of 16-bit integers.
 */
const FRAME = 480;
const SCALE = 32768;
/** Its analysis window overlaps by one frame, so its output comes one frame late. */
const DELAY = FRAME;
/**
 * Share of the original that stays in the result, so that nothing is lowered by more than 16.5 dB: at low signal-to-noise
 * ratios RNNoise takes parts of words for noise. It gains 0.2 to 1 dB SI-SDR in every kind of noise that was measured.
 */
const KEPT = 0.15;

/** A denoised recording. */
export interface Denoised {
  samples: Float32Array;
  /** RNNoise's own probability of speech, the mean over all frames; 0 for a recording shorter than a frame. */
  speechProbability: number;
}

let loaded: ReturnType<typeof createModule> | undefined;

/** Denoises a mono recording at 8 kHz, about 50 times faster than it plays. The result has its length and time base. */
export async function denoise(samples8k: Float32Array): Promise<Denoised> {
  const rnnoise = await (loaded ??= createModule());
  const input = rnnoise._malloc(FRAME * Float32Array.BYTES_PER_ELEMENT);
  const output = rnnoise._malloc(FRAME * Float32Array.BYTES_PER_ELEMENT);
  const state = rnnoise._rnnoise_create(0);
  try {
    const frame = new Float32Array(FRAME);
    let speech = 0;
    const nextFrame = (index: number): Float32Array => {
      upsample(samples8k, index * FRAME, frame);
      for (let i = 0; i < FRAME; i++) frame[i] = (frame[i] as number) * SCALE;
      rnnoise.HEAPF32.set(frame, input / 4);
      speech += rnnoise._rnnoise_process_frame(state, output, input);
      return rnnoise.HEAPF32.subarray(output / 4, output / 4 + FRAME);
    };
    const { samples, frames } = mixedDown(nextFrame, samples8k);
    return { samples, speechProbability: frames > 0 ? speech / frames : 0 };
  } finally {
    rnnoise._rnnoise_destroy(state);
    rnnoise._free(input);
    rnnoise._free(output);
  }
}

/** Brings the delayed 48 kHz frames down to 8 kHz and mixes the original in, holding only three frames at a time. */
function mixedDown(
  nextFrame: (index: number) => Float32Array,
  original: Float32Array,
): { samples: Float32Array; frames: number } {
  const samples = new Float32Array(original.length);
  // The last frames, so that the filter finds its reach on both sides; starts as the silence before the recording.
  const window = new Float32Array(3 * FRAME);
  let windowStart = -3 * FRAME;
  let frames = 0;
  for (let i = 0; i < samples.length; i++) {
    const position = i * RATIO + DELAY;
    while (position + REACH >= windowStart + window.length) {
      window.copyWithin(0, FRAME);
      window.set(nextFrame(frames), 2 * FRAME);
      frames++;
      windowStart += FRAME;
    }
    samples[i] = (1 - KEPT) * (downsampleAt(window, position - windowStart) / SCALE) + KEPT * (original[i] as number);
  }
  return { samples, frames };
}
