import type { Batch, Snapshot } from "@cofi/event-log/events";
import { emptyView, snapshotOf } from "./projection.js";

/** The cards before any batch: all pending. */
export function emptySnapshot(asOf: string, eventsPerStage: number): Snapshot {
  const nobody: Batch = {
    id: 0,
    name: "",
    status: "pending",
    currentStage: null,
    totalFiles: null,
    createdAt: asOf,
    startedAt: null,
    finishedAt: null,
  };
  return { ...snapshotOf(emptyView(nobody, eventsPerStage), asOf), batch: null };
}
