import { PruneRefusedError } from "@cofi/event-log/retention";
import { abortOnSignal, openConfiguredDatabase } from "../environment.js";
import { CommandError, EXIT } from "../exit.js";
import { pruneAll } from "../prune-all.js";
import { configuredKeep, keepMs } from "../retention.js";

interface Options {
  payloads?: string;
  events?: string;
  dryRun?: true;
}

/** `cofi prune`: removes data that is older than its configured age. The exit code is 1 when a host could not be reached. */
export async function pruneCommand(options: Options): Promise<void> {
  const configured = configuredKeep();
  const keepPayloadsMs = keepMs("--payloads", options.payloads) ?? configured.keepPayloadsMs;
  const keepEventsMs = keepMs("--events", options.events) ?? configured.keepEventsMs;
  if (keepPayloadsMs === null && keepEventsMs === null)
    throw new CommandError(
      "No age is configured: give --payloads 90d or --events 7y, or set COFI_KEEP_PAYLOADS or COFI_KEEP_EVENTS.",
      EXIT.usage,
    );
  const signal = abortOnSignal("Stopping after the current step; the next run continues from here.");
  const database = await openConfiguredDatabase({ migrate: false });
  const dryRun = options.dryRun === true;
  const report = (message: string): void => console.log(message);
  try {
    const outcome = await pruneAll(database, { keepPayloadsMs, keepEventsMs, dryRun, signal, report });
    if (outcome === null)
      throw new CommandError(
        "Another process prunes this database, or was killed while it did so less than a minute ago. Run the command again later.",
        EXIT.failed,
      );
    const { pruned, places } = outcome;
    const verb = dryRun ? "would be pruned" : "pruned";
    console.log(`${pruned.length} ${pruned.length === 1 ? "batch" : "batches"} ${verb}.`);
    if (places.some(({ kept }) => kept.length > 0)) process.exitCode = EXIT.failed;
    if (signal.aborted) process.exitCode = EXIT.interrupted;
  } catch (error) {
    if (error instanceof PruneRefusedError) throw new CommandError(error.message, EXIT.failed);
    throw error;
  } finally {
    await database.close();
  }
}
