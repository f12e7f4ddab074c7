import type { Batch } from "@cofi/event-log/events";
import type { Finding } from "@cofi/views/detail/shapes";
import type { BatchPage } from "../feed/api.js";
import { rowsBy, useHeld } from "../shared/held.js";
import type { LiveState } from "../feed/live-state.js";
import { usePolled } from "../feed/polled.js";
import { RouteLink } from "../shared/route-link.js";
import { StatusBadge } from "../shared/status.js";
import { Name, Sentence } from "../shared/name.js";

const LOOK_MS = 10_000;
const MOST = 6;
const ROWS = rowsBy<Batch>(({ id }) => id);

/** Lists the other batches that run, each with its first finding: the page shows one batch while another may stand still. */
export function AlsoRunning({ batchId, state }: { batchId: number; state: LiveState }) {
  const path = `api/batches?status=running&limit=${MOST}`;
  const { data } = usePolled<BatchPage>(path, state, { everyMs: LOOK_MS }).value;
  const others = (data?.batches ?? []).filter(({ id }) => id !== batchId);
  const { shown, isBehind, release, hold } = useHeld<readonly Batch[]>("running", others, ROWS.moves, ROWS.update);
  if (shown.length === 0) return null;
  return (
    <section class="findings also-running" aria-label="Also running" data-testid="also-running" {...hold}>
      <h2>Also running</h2>
      {isBehind && (
        <button type="button" class="new-events" onClick={release} data-testid="new-others">
          {ROWS.news(shown, others)}
        </button>
      )}
      <ul>
        {shown.map((batch) => (
          <Other key={batch.id} batch={batch} state={state} />
        ))}
      </ul>
    </section>
  );
}

function Other({ batch, state }: { batch: Batch; state: LiveState }) {
  const { id, name } = batch;
  const path = `api/batch/${id}/findings`;
  const { data } = usePolled<{ findings: Finding[] }>(path, state, { everyMs: LOOK_MS }).value;
  const [first] = data?.findings ?? [];
  return (
    <li>
      <RouteLink to={{ view: "stages", batch: id }}>
        <span class="finding-said">
          <span class="finding-text">
            <Name text={name} /> <StatusBadge batch={batch} state={state} />
          </span>
          {first && (
            <span class="finding-rule">
              <Sentence text={first.kind === "silent-batch" ? first.rule : first.text} name={first.what} />
            </span>
          )}
        </span>
      </RouteLink>
    </li>
  );
}
