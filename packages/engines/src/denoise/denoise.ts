import { availableParallelism } from "node:os";
import { decodeAudio, SAMPLE_RATE, type AudioLimits } from "../audio/audio.js";
import type { DenoiseJob, DenoiseResult } from "./denoise-worker.js";
import { packageVersion } from "../server/package-version.js";
import { parseRecording } from "../server/payload.js";
import type { StageEngine } from "../server/stage-engine.js";
import { requireTools } from "../server/system-tools.js";
import { WorkerPool } from "../server/worker-pool.js";

/** The stage `denoise`: removes noise with RNNoise and keeps the result beside the original, which stays as it is. */
export function createEngine(limits: AudioLimits = {}): StageEngine {
  const workers = new WorkerPool<DenoiseJob, DenoiseResult>(
    new URL("./denoise-worker.js", import.meta.url),
    availableParallelism(),
  );
  return {
    stage: "denoise",
    engine: { name: "rnnoise", version: packageVersion("@echogarden/rnnoise-wasm"), model: "rnnoise-0.2" },

    async load() {
      await requireTools("denoise");
      await workers.run({ samples: new Float32Array(SAMPLE_RATE / 10) });
    },

    async process(body, files, gone) {
      const { batchId, fileName } = parseRecording(body);
      const reading = { ...limits, name: fileName, gone };
      const { samples, ...facts } = await decodeAudio(await files.original(batchId, fileName), reading);
      const { wav, levels, speechProbability } = await workers.run({ samples }, { transfer: [samples.buffer], gone });
      await files.writeVariant(batchId, fileName, "denoised", wav);
      return {
        ...facts,
        variant: "denoised",
        ...levels,
        speech_probability: Math.round(speechProbability * 1000) / 1000,
      };
    },

    close: () => workers.close(),
  };
}
