import { Environment } from "@cofi/event-log/environment";
import type { Batch, LogEvent } from "@cofi/event-log/events";
import type { Store } from "@cofi/event-log/store";
import { followBatch, LogReplacedError } from "@cofi/views/follow-batch";
import { isOver } from "@cofi/views/batch-state";
import { readTailSettings } from "@cofi/views/tail-settings";
import { abortOnSignal, withStore } from "../environment.js";
import { CommandError, EXIT } from "../exit.js";
import { batchNumber, namedBatch } from "../named-batch.js";

/** `cofi tail`: prints one line for each event of a batch, until the batch ends or Ctrl-C. Payloads are never printed. */
export async function tailCommand(options: { batch?: string }): Promise<void> {
  const number = batchNumber(options.batch);
  const readerGone = new AbortController();
  process.stdout.once("error", () => readerGone.abort());
  const signal = AbortSignal.any([abortOnSignal(""), readerGone.signal]);
  await withStore(async (store) => {
    const batch = await namedBatch(store, number);
    console.log(`Batch ${batch.id}: ${batch.name}`);
    await follow(store, batch, signal);
  });
}

/** @throws CommandError when the database is exchanged; SettingsError */
async function follow(store: Store, batch: Batch, signal: AbortSignal): Promise<void> {
  const env = new Environment(process.env);
  const settings = readTailSettings(env);
  env.check();
  const say = (details: object, message: string): void => {
    const reason = "err" in details && details.err instanceof Error ? `: ${details.err.message}` : ".";
    console.error(`${message.replace(/^./, (first) => first.toUpperCase())}${reason}`);
  };
  const logger = { info: (message: string) => say({}, message), warn: say, error: say };
  try {
    const events = followBatch(store, batch, { ...settings, logger }, signal);
    for (;;) {
      const next = await events.next();
      if (!next.done) for (const event of next.value) console.log(line(event));
      else {
        const { id, status } = next.value;
        if (isOver(next.value)) console.log(`Batch ${id} is ${status.replaceAll("_", " ")}.`);
        return;
      }
    }
  } catch (error) {
    if (!(error instanceof LogReplacedError)) throw error;
    throw new CommandError(`${error.message} Type \`npx cofi tail\` again to follow what is in it now.`, EXIT.failed);
  }
}

function line(event: LogEvent): string {
  const { metadata } = event;
  const said = metadata && typeof metadata === "object" && "message" in metadata ? metadata.message : null;
  const message = event.errorMessage ?? (typeof said === "string" ? said : "");
  const progress = event.totalFiles === null ? "" : `${event.processedFiles ?? 0}/${event.totalFiles}`;
  const fields = [
    event.timestamp.slice(11, 23),
    event.stage.padEnd(17),
    event.eventType.padEnd(14),
    event.fileName,
    event.durationMs === null ? "" : `${event.durationMs} ms`,
    progress,
    message,
  ];
  // A file name may hold line breaks and terminal escapes.
  return fields
    .filter(Boolean)
    .join("  ")
    .replaceAll(/\p{Cc}/gu, "\uFFFD");
}
