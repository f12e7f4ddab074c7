import { setTimeout as sleep } from "node:timers/promises";
import type { LogEvent } from "@cofi/event-log/events";
import type { Store } from "@cofi/event-log/store";
import { abortOnSignal, withStore } from "../environment.js";
import { batchNumber, namedBatch } from "../named-batch.js";

const POLL_MS = 250;
const PAGE = 1000;
const ENDED = new Set(["completed", "completed_with_errors", "failed", "interrupted"]);

/** `cofi tail`: prints one line for each event of a batch, until the batch ends or Ctrl-C. Payloads are never printed. */
export async function tailCommand(options: { batch?: string }): Promise<void> {
  const number = batchNumber(options.batch);
  const readerGone = new AbortController();
  process.stdout.once("error", () => readerGone.abort());
  const signal = AbortSignal.any([abortOnSignal(""), readerGone.signal]);
  await withStore(async (store) => {
    const batch = await namedBatch(store, number);
    console.log(`Batch ${batch.id}: ${batch.name}`);
    await follow(store, batch.id, signal);
  });
}

async function follow(store: Store, batchId: number, signal: AbortSignal): Promise<void> {
  let after = 0;
  while (!signal.aborted) {
    const batch = await store.batch(batchId);
    const events = await store.batchEventsAfter(batchId, after, Number.MAX_SAFE_INTEGER, PAGE);
    for (const event of events) console.log(line(event));
    after = events.at(-1)?.id ?? after;
    if (events.length === PAGE) continue;
    if (batch && ENDED.has(batch.status)) {
      console.log(`Batch ${batchId} is ${batch.status.replaceAll("_", " ")}.`);
      return;
    }
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
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
