import { setFlagsFromString } from "node:v8";
import { deadline } from "@cofi/event-log/deadline";
import { abortOnSignal, openConfiguredDatabase, untilAborted } from "../environment.js";
import { CommandError, EXIT } from "../exit.js";
import { batchNumber } from "../named-batch.js";
import { configuredPipeline, runConfiguredBatch, type ConfiguredPipeline } from "../pipeline.js";

const EXIT_CODES: Readonly<Record<string, number>> = {
  completed: EXIT.done,
  completed_with_errors: EXIT.failed,
  failed: EXIT.failed,
  interrupted: EXIT.interrupted,
};
/** How long the connections of a run that was stopped may take to close. */
const CLOSE_MS = 250;

/** The column of a batch's name holds so many. */
const MAX_NAME_CHARACTERS = 255;

interface RunCommandOptions {
  batch?: string;
  new?: boolean;
  name?: string;
}

/**
 * How much the heap may grow between two collections, in percent of what is in use; V8 itself lets it grow to four times that
 * as long as a machine has memory. What a run keeps is little for each file, and what it reads and forgets is a lot.
 */
const HEAP_GROWING_PERCENT = 15;

/** `cofi run <folder>`: runs or continues a batch; the exit code tells how it ended. */
export async function runCommand(folder: string, options: RunCommandOptions): Promise<void> {
  if (options.batch !== undefined && options.new)
    throw new CommandError("--batch and --new exclude each other: continue a batch, or start a new one.", EXIT.usage);
  const batchId = batchNumber(options.batch);
  const name = options.name?.trim();
  if (name !== undefined && (name === "" || name.length > MAX_NAME_CHARACTERS))
    throw new CommandError(`--name takes 1 to ${MAX_NAME_CHARACTERS} characters; it has ${name.length}.`, EXIT.usage);
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWING_PERCENT}`);
  const pipeline = await configuredPipeline();
  const signal = abortOnSignal(
    "Stopping: files in progress may finish. Press Ctrl-C again to stop at once.",
    pipeline.settings.gracePeriodMs,
  );
  try {
    await run(pipeline, { folder, batchId, fresh: options.new, name, signal });
  } catch (error) {
    if (!signal.aborted) throw error;
    const isEarly = error === signal.reason;
    console.error(isEarly ? "Stopped before the batch began. The same command starts it." : (error as Error).message);
    process.exitCode = EXIT.interrupted;
  }
  // What does not answer would keep the process alive; everything acknowledged is on disk.
  if (signal.aborted) process.exit();
}

async function run(
  pipeline: ConfiguredPipeline,
  options: Omit<Parameters<typeof runConfiguredBatch>[1], "database" | "report">,
): Promise<void> {
  const { signal } = options;
  const database = await untilAborted(signal, openConfiguredDatabase({ migrate: false }));
  try {
    const report = (message: string): void => console.log(message);
    const result = await runConfiguredBatch(pipeline, { ...options, database, report });
    console.log(`Batch ${result.batchId} ${result.status.replaceAll("_", " ")}. ${result.summary}`);
    process.exitCode = EXIT_CODES[result.status] ?? EXIT.failed;
  } finally {
    const closing = database.close();
    await (signal.aborted ? deadline(closing, CLOSE_MS, () => undefined) : closing);
  }
}
