/** The copies of recordings that somebody has listened to: where they lie, and how they go with their batch. */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Store } from "@cofi/event-log/store";

/** Where those of a batch lie. A number of a batch stands for another one in another database. */
export async function listeningFolder(root: string, store: Store, batchId: number): Promise<string> {
  return join(root, await store.databaseId(), String(batchId));
}

/**
 * Removes those of batches that retention has removed, or whose payloads it has. @returns the batches
 * @throws DatabaseUnavailableError
 */
export async function removeListeningCopies(root: string, store: Store): Promise<number[]> {
  const own = join(root, await store.databaseId());
  const names = await readdir(own).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const removed: number[] = [];
  for (const name of names.filter((one) => /^\d{1,15}$/.test(one))) {
    const batchId = Number(name);
    if (!(await store.removedBatch(batchId))) continue;
    await rm(join(own, name), { recursive: true, force: true });
    removed.push(batchId);
  }
  return removed.toSorted((a, b) => a - b);
}
