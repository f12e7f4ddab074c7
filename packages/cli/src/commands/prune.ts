import { prune, PruneRefusedError } from "@cofi/event-log/retention";
import { abortOnSignal, openConfiguredDatabase } from "../environment.js";
import { CommandError, EXIT } from "../exit.js";
import { configuredKeep, describePruned, keepMs } from "../retention.js";

interface Options {
  payloads?: string;
  events?: string;
  dryRun?: true;
}

/** `cofi prune`: removes data that is older than its configured age. */
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
  try {
    const pruned = await prune(database, {
      keepPayloadsMs,
      keepEventsMs,
      dryRun: options.dryRun === true,
      signal,
      onBatch: (batch) => console.log(describePruned(batch)),
    });
    if (pruned === null)
      throw new CommandError("Another process is pruning this database. Run the command again later.", EXIT.failed);
    const verb = options.dryRun ? "would be pruned" : "pruned";
    console.log(`${pruned.length} ${pruned.length === 1 ? "batch" : "batches"} ${verb}.`);
    if (signal.aborted) process.exitCode = EXIT.interrupted;
  } catch (error) {
    if (error instanceof PruneRefusedError) throw new CommandError(error.message, EXIT.failed);
    throw error;
  } finally {
    await database.close();
  }
}
