import { setTimeout as sleep } from "node:timers/promises";
import { DatabaseUnavailableError } from "@cofi/event-log/database";
import type { Batch, LogEvent } from "@cofi/event-log/events";
import type { Store } from "@cofi/event-log/store";
import { isOver } from "../batch-state.js";
import { eventSummary } from "./event-summary.js";
import type { TailOptions } from "./listener.js";
import { Tail } from "./tail.js";

const PAGE = 1_000;
/** ms between two looks at what the tail has brought. */
const PAUSE_MS = 50;
/** A service may log its last events after it has marked its batch as over: nothing must have come for so many ms. */
const QUIET_MS = 1_000;

/** The database is another one than before, and with it the batch. */
export class LogReplacedError extends Error {
  override readonly name = "LogReplacedError";
}

/**
 * Every event of a batch, each once, as it becomes visible, until the batch is over or the signal aborts. Waits for a database
 * that is away; the logger of the options is told.
 * @returns the batch as it is then
 * @throws DatabaseUnavailableError when the database is away at the beginning; LogReplacedError
 */
export async function* followBatch(
  store: Store,
  batch: Batch,
  options: TailOptions,
  signal: AbortSignal,
): AsyncGenerator<LogEvent[], Batch> {
  const tail = new Tail(store, options);
  let current = batch;
  let fresh: LogEvent[] = [];
  let heardAt = performance.now();
  let isReplaced = false;
  tail.watchBatch(batch.id);
  tail.listen({
    events: (events) => fresh.push(...events.filter(({ batchId }) => batchId === batch.id)),
    batches: (batches) => {
      const changed = batches.find(({ id }) => id === batch.id);
      if (changed && changed.status !== current.status) heardAt = performance.now();
      current = changed ?? current;
    },
    restarted: () => (isReplaced = true),
  });
  tail.start();
  try {
    await tail.refresh();
    // Nothing else runs up to the first await: the tail has passed on the events up to here, but for those that may come late.
    const head = tail.highest;
    const mayStillCome = tail.mayStillCome();
    const twice = new Set<number>();
    fresh = [];
    for (let after = 0; !signal.aborted;) {
      const page = await store.batchEventsAfter(batch.id, after, head, PAGE);
      for (const { id } of page) if (mayStillCome(id)) twice.add(id);
      yield page.map(eventSummary);
      after = page.at(-1)?.id ?? head;
      if (page.length < PAGE) break;
    }
    while (!signal.aborted) {
      if (isReplaced)
        throw new LogReplacedError(
          "The database is another one than before: it was created again, restored or exchanged.",
        );
      const events = fresh.filter(({ id }) => !twice.delete(id));
      fresh = [];
      if (events.length > 0) {
        heardAt = performance.now();
        yield events;
      }
      const isQuiet = isOver(batch) || performance.now() - heardAt > QUIET_MS;
      if (isOver(current) && isQuiet && (await hasAll(tail)) && fresh.length === 0) break;
      await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
    return current;
  } finally {
    await tail.stop();
  }
}

/** Whether a look that began after this call has passed on all it saw; false while the database is away. */
async function hasAll(tail: Tail): Promise<boolean> {
  try {
    await tail.refresh();
    return true;
  } catch (error) {
    if (error instanceof DatabaseUnavailableError) return false;
    throw error;
  }
}
