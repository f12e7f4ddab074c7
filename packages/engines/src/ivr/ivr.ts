import { availableParallelism } from "node:os";
import { decodeAudio, SAMPLE_RATE, type AudioLimits } from "../audio/audio.js";
import type { CallAnatomy } from "./call-anatomy.js";
import type { IvrJob, IvrWorkerData } from "./ivr-worker.js";
import { ENGINES_VERSION } from "../server/package-version.js";
import { parseRecording } from "../server/payload.js";
import type { StageEngine } from "../server/stage-engine.js";
import { requireTools } from "../server/system-tools.js";
import { WorkerPool } from "../server/worker-pool.js";

/**
 * The stage `ivr`: finds ring and busy tones, keys, prompts and hold music in the original recording, and where the
 * conversation begins and ends. `COFI_PROMPTS_DIR` names a folder with recordings of more prompts to know.
 */
export function createEngine(limits: AudioLimits = {}): StageEngine {
  const workerData: IvrWorkerData = { promptsDir: process.env["COFI_PROMPTS_DIR"] };
  const workers = new WorkerPool<IvrJob, CallAnatomy>(
    new URL("./ivr-worker.js", import.meta.url),
    availableParallelism(),
    workerData,
  );
  return {
    stage: "ivr",
    engine: { name: "cofi-ivr", version: ENGINES_VERSION, model: "silero-vad-v5+v6" },

    async load() {
      await requireTools("ivr");
      await workers.run({ samples: new Float32Array(SAMPLE_RATE) });
    },

    async process(body, files, gone) {
      const { batchId, fileName } = parseRecording(body);
      const reading = { ...limits, name: fileName, gone };
      const { samples, duration_s, notes } = await decodeAudio(await files.original(batchId, fileName), reading);
      return { duration_s, notes, ...(await workers.run({ samples }, { transfer: [samples.buffer], gone })) };
    },

    close: () => workers.close(),
  };
}
