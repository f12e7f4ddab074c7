import { SAMPLE_RATE } from "../audio/audio.js";
import { measureLevels, type Levels } from "../audio/levels.js";
import { denoise } from "./rnnoise.js";
import { encodeWav } from "../audio/wav.js";
import { serveJobs } from "../server/worker-jobs.js";

/** Mono samples at 8 kHz. */
export interface DenoiseJob {
  samples: Float32Array<ArrayBuffer>;
}

export interface DenoiseResult {
  /** The denoised recording as a WAV file. */
  wav: Uint8Array;
  levels: Levels;
  speechProbability: number;
}

serveJobs<DenoiseJob, DenoiseResult>(async ({ samples }) => {
  const denoised = await denoise(samples);
  const wav = new Uint8Array(encodeWav(denoised.samples, SAMPLE_RATE));
  const levels = measureLevels(samples, denoised.samples);
  return { output: { wav, levels, speechProbability: denoised.speechProbability }, transfer: [wav.buffer] };
});
