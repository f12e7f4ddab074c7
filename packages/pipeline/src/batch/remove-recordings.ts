/** Removes recordings, and what was derived from them, from the hosts where the log of places says that they are. */
import type { FilesOfBatch, Store } from "@cofi/event-log/store";
import type { EngineClient } from "../hosts/engine-client.js";
import { EngineError } from "../hosts/engine-error.js";
import { EngineStartError, type FileKeeper, type RunningEngines } from "../runtime/runtime.js";

/** What became of the recordings in one place. */
export interface ClearedPlace {
  /** For people. */
  description: string;
  /** Batches whose recordings are removed there. */
  removed: number[];
  /** Batches whose recordings are removed there, but for those that are held. */
  held: number[];
  /** Batches whose recordings are still there, and are to go. */
  kept: number[];
  /** Why some are kept, as a sentence; null when none are. */
  reason: string | null;
}

export interface RemoveRecordingsOptions {
  store: Store;
  /** In their order: the first that knows a place is asked. */
  keepers: readonly FileKeeper[];
  client: EngineClient;
  signal: AbortSignal;
}

/**
 * Removes what retention has left on hosts. What cannot be removed now stays noted in the database for the next time.
 * @throws DatabaseUnavailableError
 */
export async function removeRecordings(options: RemoveRecordingsOptions): Promise<ClearedPlace[]> {
  const due = new Map<string, FilesOfBatch[]>();
  for (const files of await options.store.filesToRemove())
    due.set(files.place, [...(due.get(files.place) ?? []), files]);
  const places: ClearedPlace[] = [];
  for (const files of due.values()) {
    if (options.signal.aborted) break;
    places.push(await clear(files, options));
  }
  return places;
}

async function clear(
  files: readonly FilesOfBatch[],
  { store, keepers, client, signal }: RemoveRecordingsOptions,
): Promise<ClearedPlace> {
  const [{ place, description } = { place: "", description: "" }] = files;
  const kept = files.map(({ batchId }) => batchId);
  const cleared: ClearedPlace = { description, removed: [], held: [], kept, reason: null };
  let engines: RunningEngines | null = null;
  try {
    engines = await reach(keepers, place, signal);
    const [host] = engines?.hosts ?? [];
    if (!host) {
      cleared.reason = "No engine of this installation keeps files there; run `cofi prune` on the machine that does.";
      return cleared;
    }
    for (const { batchId } of files) {
      // Not as it was when they were listed: a host may have been busy for minutes meanwhile.
      const due = await store.stillToRemove({ batchId, place });
      if (due) {
        await client.removeFiles(host, batchId, signal, due.keep);
        if (await store.filesAreRemoved({ batchId, place })) cleared.removed.push(batchId);
        else if (due.keep.length > 0) cleared.held.push(batchId);
      }
      cleared.kept = cleared.kept.filter((other) => other !== batchId);
    }
  } catch (error) {
    if (!(error instanceof EngineError || error instanceof EngineStartError)) throw error;
    cleared.reason = error.message;
  } finally {
    await engines?.stop();
  }
  return cleared;
}

async function reach(
  keepers: readonly FileKeeper[],
  place: string,
  signal: AbortSignal,
): Promise<RunningEngines | null> {
  for (const keeper of keepers) {
    const engines = await keeper.filesAt(place, signal);
    if (engines) return engines;
  }
  return null;
}
