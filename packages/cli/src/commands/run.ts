import { pipelineSettings } from "@cofi/pipeline/settings";
import { abortOnSignal, openConfiguredDatabase } from "../environment.js";
import { CommandError, EXIT } from "../exit.js";
import { runConfiguredBatch } from "../pipeline.js";

const EXIT_CODES: Readonly<Record<string, number>> = {
  completed: EXIT.done,
  completed_with_errors: EXIT.failed,
  failed: EXIT.failed,
  interrupted: EXIT.interrupted,
};

/** Beyond the grace period: what a run may take to end in good order before the process ends all the same. */
const LAST_RESORT_MS = 5_000;

/** `cofi run <folder>`: runs or continues a batch; the exit code tells how it ended. */
export async function runCommand(
  folder: string,
  options: { batch?: string; new?: boolean; name?: string },
): Promise<void> {
  if (options.batch !== undefined && options.new)
    throw new CommandError("--batch and --new exclude each other: continue a batch, or start a new one.", EXIT.usage);
  const batchId = options.batch === undefined ? undefined : Number(options.batch);
  if (batchId !== undefined && (!Number.isSafeInteger(batchId) || batchId < 1))
    throw new CommandError(`--batch is ${JSON.stringify(options.batch)}; expected the number of a batch.`, EXIT.usage);
  const { gracePeriodMs } = pipelineSettings(process.env);
  const signal = abortOnSignal(
    "Stopping: files in progress may finish. Press Ctrl-C again to stop at once.",
    gracePeriodMs + LAST_RESORT_MS,
  );
  const database = await openConfiguredDatabase({ migrate: false });
  try {
    const report = (message: string): void => console.log(message);
    const result = await runConfiguredBatch({
      database,
      folder,
      batchId,
      fresh: options.new,
      name: options.name,
      signal,
      report,
    });
    console.log(`Batch ${result.batchId} ${result.status.replaceAll("_", " ")}. ${result.summary}`);
    process.exitCode = EXIT_CODES[result.status] ?? EXIT.failed;
  } finally {
    await database.close();
  }
}
