/**
 * The ten stages as data: what each works on, what it asks, what it does with the answer. The order is that of the stage
 * table in event-log. A new stage is one entry here and one there.
 */
import type { Stage } from "../batch/runner.js";
import { denoise, fileDistribution, ivr, lid } from "./audio.js";
import { callMetadata, tradeMetadata } from "./metadata.js";
import { llm1, llm2, stt } from "./speech.js";
import { triaging } from "./triaging.js";

/** In the order of the stage table. The runner hands a stage only what that stage made itself. */
export const PIPELINE: readonly Stage[] = [
  fileDistribution,
  callMetadata,
  tradeMetadata,
  denoise,
  ivr,
  lid,
  triaging,
  stt,
  llm1,
  llm2,
];
