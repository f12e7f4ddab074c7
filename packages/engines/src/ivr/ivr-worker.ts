import { workerData } from "node:worker_threads";
import { callAnatomy, measureCall, type CallAnatomy, type CallSound } from "./call-anatomy.js";
import { PromptLibrary, type Prompt } from "./fingerprint.js";
import { BUILT_IN_PROMPTS, fingerprintFolder, readPrompts } from "./prompt-files.js";
import { repeatedPrompts } from "./repeated-prompts.js";
import { serveJobs } from "../server/worker-jobs.js";

export interface IvrWorkerData {
  /** Folder with recordings of more prompts. */
  promptsDir: string | undefined;
}

/** `measure`: mono samples at 8 kHz. */
export type IvrJob =
  | { kind: "measure"; samples: Float32Array<ArrayBuffer> }
  | { kind: "learn"; calls: CallSound[] }
  | { kind: "tell apart"; sound: CallSound; repeated: Prompt[] };

export type IvrResult =
  | { kind: "measure"; sound: CallSound }
  | { kind: "learn"; prompts: Prompt[] }
  | { kind: "tell apart"; anatomy: CallAnatomy };

const { promptsDir } = workerData as IvrWorkerData;
let library: Promise<PromptLibrary> | undefined;

serveJobs<IvrJob, IvrResult>(async (job) => {
  if (job.kind === "learn") return { output: { kind: "learn", prompts: repeatedPrompts(job.calls) } };
  if (job.kind === "tell apart")
    return { output: { kind: "tell apart", anatomy: callAnatomy(job.sound, job.repeated) } };
  library ??= loadLibrary();
  return { output: { kind: "measure", sound: await measureCall(job.samples, await library) } };
});

async function loadLibrary(): Promise<PromptLibrary> {
  const own = promptsDir ? await fingerprintFolder(promptsDir, () => true) : [];
  return new PromptLibrary([...(await readPrompts(BUILT_IN_PROMPTS)), ...own]);
}
