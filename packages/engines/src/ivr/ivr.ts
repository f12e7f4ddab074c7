import { availableParallelism } from "node:os";
import { decodeAudio, SAMPLE_RATE, type AudioLimits, type DecodeOptions } from "../audio/audio.js";
import { BatchPrompts, type MeasuredCall } from "./batch-prompts.js";
import type { IvrJob, IvrResult, IvrWorkerData } from "./ivr-worker.js";
import { ENGINES_VERSION } from "../server/package-version.js";
import { parseRecording } from "../server/payload.js";
import type { StageEngine } from "../server/stage-engine.js";
import { requireTools } from "../server/system-tools.js";
import { WorkerPool, type RunOptions } from "../server/worker-pool.js";

/** Longer recordings are not listened to for what a batch has in common, in seconds: the others would wait for them. */
const MAX_SAMPLE_S = 15 * 60;

/**
 * The stage `ivr`: finds ring and busy tones, keys, prompts and hold music in the original recording, and where the
 * conversation begins and ends. Prompts are those that come with Cofi, those in the folder that `COFI_PROMPTS_DIR` names, and those
 * that are repeated in the batch.
 */
export function createEngine(limits: AudioLimits = {}): StageEngine {
  const workerData: IvrWorkerData = { promptsDir: process.env["COFI_PROMPTS_DIR"] };
  const workers = new WorkerPool<IvrJob, IvrResult>(
    new URL("./ivr-worker.js", import.meta.url),
    availableParallelism(),
    workerData,
  );

  /** Runs one job, whose result is of its own kind. */
  async function run<Kind extends IvrJob["kind"]>(
    job: IvrJob & { kind: Kind },
    options: RunOptions = {},
  ): Promise<IvrResult & { kind: Kind }> {
    return (await workers.run(job, options)) as IvrResult & { kind: Kind };
  }

  async function measured(path: string, reading: DecodeOptions): Promise<MeasuredCall> {
    const { samples, duration_s, notes } = await decodeAudio(path, reading);
    const options = { transfer: [samples.buffer], ...(reading.gone && { gone: reading.gone }) };
    return { duration_s, notes, sound: (await run({ kind: "measure", samples }, options)).sound };
  }

  const batchPrompts = new BatchPrompts({
    measure: (path, gone) =>
      measured(path, { ...limits, maxAudioS: Math.min(MAX_SAMPLE_S, limits.maxAudioS ?? MAX_SAMPLE_S), gone }),
    learn: async (calls, gone) => (await run({ kind: "learn", calls }, { gone })).prompts,
  });

  return {
    stage: "ivr",
    engine: { name: "cofi-ivr", version: ENGINES_VERSION, model: "silero-vad-v5+v6" },

    async load() {
      await requireTools("ivr");
      await run({ kind: "measure", samples: new Float32Array(SAMPLE_RATE) });
    },

    async process(body, files, gone) {
      const { batchId, fileName } = parseRecording(body);
      const path = await files.original(batchId, fileName);
      const repeated = await batchPrompts.of(batchId, files);
      const call =
        (await batchPrompts.take(batchId, path)) ?? (await measured(path, { ...limits, name: fileName, gone }));
      const { duration_s, notes, sound } = call;
      const { anatomy } = await run({ kind: "tell apart", sound, repeated }, { gone });
      return { duration_s, notes, ...anatomy };
    },

    async close() {
      batchPrompts.close();
      await workers.close();
    },
  };
}
