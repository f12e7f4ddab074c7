/**
 * One runner for all stages and steps: starts their engines, limits what is in progress at once, times, retries and logs every
 * step, skips what the log says is done, and stops cleanly. Stages may run side by side.
 */
import type { WorkName } from "@cofi/event-log/stages";
import type { Runtime } from "../runtime/runtime.js";
import type { BatchContext } from "./context.js";
import type { Stage } from "./stage.js";
import { EndedBeside, StageRun, type StageOutcome } from "./stage-run.js";
import type { Stopping } from "./stopping.js";

export { StageFailedError } from "./attempts.js";
export type { StageOutcome } from "./stage-run.js";

export interface RunnerOptions {
  context: BatchContext;
  runtime: Runtime;
  stopping: Stopping;
  /** The stages before this one have ended. */
  reached: (name: WorkName) => Promise<void>;
}

/**
 * Runs stages side by side, or a single one, to their ends: each but the first takes every file as soon as the one before it is
 * done with it.
 * @returns the outcome of each
 * @throws StageFailedError when one of them cannot continue; the others end too
 * @throws the signal's reason when the batch was stopped
 */
export async function runStages(stages: readonly Stage[], options: RunnerOptions): Promise<StageOutcome[]> {
  const { context, runtime, stopping, reached } = options;
  const ending = new AbortController();
  const runs: StageRun[] = [];
  for (const stage of stages)
    runs.push(new StageRun(stage, { context, runtime, stopping, ending, before: runs.at(-1) ?? null }));
  const reaching = (async (): Promise<void> => {
    for (const [place, run] of runs.entries()) {
      await reached(stages[place]!.name);
      await run.toItsEnd();
    }
  })();
  const settled = await Promise.allSettled([...runs.map((run) => run.toItsEnd()), reaching]);
  const failures = settled.flatMap((one) => (one.status === "rejected" ? [one.reason as unknown] : []));
  if (failures.length > 0) throw failures.find((reason) => !(reason instanceof EndedBeside)) ?? failures[0];
  return Promise.all(runs.map((run) => run.toItsEnd()));
}
