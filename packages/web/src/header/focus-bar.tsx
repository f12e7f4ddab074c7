import type { ErrorsView } from "@cofi/views/detail/shapes";
import { causeName } from "@cofi/views/detail/cause-name";
import { place } from "../choices/routes.js";
import type { LiveState } from "../feed/live-state.js";
import { usePolled } from "../feed/polled.js";
import { Message } from "../shared/name.js";
import { RouteLink } from "../shared/route-link.js";

const LOOK_MS = 10_000;

/** Shows that the page is narrowed to one cause of errors, with a link that removes the filter. */
export function FocusBar({ batchId, state }: { batchId: number; state: LiveState }) {
  const { view, filters } = place.value;
  const cause = view === "batches" ? undefined : filters.cause;
  const path = cause ? `api/batch/${batchId}/errors?${new URLSearchParams({ cause })}` : null;
  const { data } = usePolled<ErrorsView>(path, state, { everyMs: LOOK_MS }).value;
  if (!cause) return null;
  const group = data?.groups.find((one) => one.cause === cause);
  const everything = { ...place.value, filters: { ...filters, cause: "" } };
  return (
    <p class="remark focus-bar" data-tone="busy" role="status" data-testid="focus">
      <span class="folded">
        Only the files with the error{" "}
        <strong>{group ? <Message text={causeName(group.example, group.count - 1)} /> : "…"}</strong>
      </span>
      <RouteLink class="button" to={everything}>
        Show all files
      </RouteLink>
    </p>
  );
}
