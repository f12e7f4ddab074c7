import { workerData } from "node:worker_threads";
import { callAnatomy, type CallAnatomy } from "./call-anatomy.js";
import { PromptLibrary } from "./fingerprint.js";
import { BUILT_IN_PROMPTS, fingerprintFolder, readPrompts } from "./prompt-files.js";
import { serveJobs } from "../server/worker-jobs.js";

export interface IvrWorkerData {
  /** Folder with recordings of more prompts. */
  promptsDir: string | undefined;
}

/** Mono samples at 8 kHz. */
export interface IvrJob {
  samples: Float32Array<ArrayBuffer>;
}

const { promptsDir } = workerData as IvrWorkerData;
let library: Promise<PromptLibrary> | undefined;

serveJobs<IvrJob, CallAnatomy>(async ({ samples }) => {
  library ??= loadLibrary();
  return { output: await callAnatomy(samples, await library) };
});

async function loadLibrary(): Promise<PromptLibrary> {
  const own = promptsDir ? await fingerprintFolder(promptsDir, () => true) : [];
  return new PromptLibrary([...(await readPrompts(BUILT_IN_PROMPTS)), ...own]);
}
