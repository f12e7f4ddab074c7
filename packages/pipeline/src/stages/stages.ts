/**
 * The stages and steps as data, in the order in which they run: what each reads, works on and asks, and what it does with the
 * answer. A new stage is one entry here and one in the stage table of event-log.
 */
import type { Stage } from "../batch/stage.js";
import { denoise, fileDistribution, ivr, lid } from "./audio.js";
import { calls } from "./calls.js";
import { callMetadata, tradeMetadata } from "./metadata.js";
import { llm1, llm2, stt } from "./speech.js";
import { triaging } from "./triaging.js";
import { verdicts } from "./verdicts.js";

/** The stages of the stage table, in its order, with each step after its stage. */
export const PIPELINE: readonly Stage[] = [
  fileDistribution,
  callMetadata,
  tradeMetadata,
  denoise,
  followingFiles(ivr),
  followingFiles(lid),
  calls,
  triaging,
  stt,
  followingFiles(llm1),
  followingFiles(llm2),
  verdicts,
];

function followingFiles(stage: Stage): Stage {
  return { ...stage, followsFiles: true };
}
