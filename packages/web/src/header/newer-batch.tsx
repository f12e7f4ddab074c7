import type { Batch } from "@cofi/event-log/events";
import type { LiveState } from "../feed/live-state.js";
import { usePolled } from "../feed/polled.js";
import { chooseBatch, chosenBatch } from "../choices/place.js";
import { Name } from "../shared/name.js";
import { visible } from "../text/names.js";

const LOOK_MS = 10_000;

/** Tells a viewer who stays with one batch, for example by a link, that a newer one has begun. */
export function NewerBatch({ batch, state }: { batch: Batch; state: LiveState }) {
  const path = chosenBatch.value === null ? null : "api/current-batch";
  const newest = usePolled<{ batch: Batch | null }>(path, state, { everyMs: LOOK_MS }).value.data?.batch;
  if (path === null || !newest || newest.id <= batch.id || batch.status === "running") return null;
  return (
    <button
      type="button"
      class="button"
      title={`${visible(newest.name)} is newer. Show it, and each new one as it starts`}
      onClick={() => chooseBatch(null)}
      data-testid="newer-batch"
    >
      Newer: <Name text={newest.name} />
    </button>
  );
}
