import type { LiveState } from "../feed/live-state.js";
import { number } from "../text/format.js";

/** Says that the lists do not hold all that came while the page was away. */
export function MissedEvents({ state }: { state: LiveState }) {
  const missed = state.missed.value;
  if (missed === 0) return null;
  return (
    <p class="remark missed-bar" data-tone="busy" role="status" data-testid="missed">
      <span>
        <strong>{number(missed)} events</strong> came while this page was not connected. All figures include them; the
        lists show the latest ones.
      </span>
      <button type="button" class="button" onClick={() => (state.missed.value = 0)}>
        Dismiss
      </button>
    </p>
  );
}
