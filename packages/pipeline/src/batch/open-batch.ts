/** Which batch a run is of: one that it continues, or a new one. */
import { basename } from "node:path";
import type { Batch, BatchStatus } from "@cofi/event-log/events";
import type { Store } from "@cofi/event-log/store";
import { InputError } from "../input-error.js";
import type { BatchFolder } from "./batch-folder.js";

export interface WantedBatch {
  /** Of a new batch, for people; default the folder's own name. */
  name?: string | undefined;
  /** Continue this batch and retry its failed files, also when it has ended. */
  batchId?: number | undefined;
  /** Start a new batch also where the folder's latest is unfinished. */
  fresh?: boolean | undefined;
}

const UNFINISHED: ReadonlySet<BatchStatus> = new Set(["pending", "running", "interrupted"]);

/**
 * The batch to run, and what the operator is shown once it is known that no other process runs it.
 * @throws InputError when the batch that was named does not exist or is of another folder
 */
export async function openBatch(
  store: Store,
  folder: BatchFolder,
  { name, batchId, fresh }: WantedBatch,
): Promise<{ batch: Batch; isNew: boolean; message: string }> {
  const continued = (batch: Batch) => ({
    batch,
    isNew: false,
    message: `Continuing batch ${batch.id}: ${batch.name}`,
  });
  if (batchId !== undefined) {
    const batch = await store.batch(batchId);
    if (!batch) throw new InputError(`There is no batch ${batchId}. \`npx cofi run <folder>\` starts one.`);
    const ofFolder = await store.folderOfBatch(batchId);
    if (ofFolder !== folder.path)
      throw new InputError(`Batch ${batchId} was read from ${ofFolder ?? "no folder"}, not from ${folder.path}.`);
    return continued(batch);
  }
  const latest = fresh ? null : await store.latestBatchOfFolder(folder.path);
  if (latest && UNFINISHED.has(latest.status)) return continued(latest);
  const batch = await store.createBatch({ name: name ?? (basename(folder.path) || folder.path), folder: folder.path });
  return { batch, isNew: true, message: `Batch ${batch.id}: ${batch.name}, ${folder.recordings.length} recordings` };
}
