/** What a batch is, beyond its row. Pure, and without Node: the page asks it too. */
import type { Batch } from "@cofi/event-log/events";

/** Returns the batch as the page shows it: one that another service opened and never marked is running once it has events. */
export function effectiveBatch({ batch, head }: { batch: Batch; head: number }): Batch {
  return batch.status === "pending" && head > 0 ? { ...batch, status: "running" } : batch;
}

/** True when no more events are expected. */
export function isOver({ status }: Pick<Batch, "status">): boolean {
  return status !== "running" && status !== "pending";
}

/** Whether somebody seems to work on the batch. Without anybody nothing takes any longer than its latest event. */
export function isGoingOn(batch: Pick<Batch, "status" | "silence">): boolean {
  return !isOver(batch) && !batch.silence;
}
