import { behind, clock, number, zoneName } from "../text/format.js";
import { describe, STALE_MS } from "../feed/connection-state.js";
import type { LiveFeed } from "../feed/live.js";
import type { LiveState } from "../feed/live-state.js";
import { zone } from "../choices/preferences.js";
import { AlertControls } from "../alerts/alert-controls.js";
import { ticks } from "../feed/ticking.js";

export function ConnectionState({ feed }: { feed: LiveFeed }) {
  const { state } = feed;
  const { look, glyph, word, detail } = describe(state);
  return (
    <div class="connection" data-look={look} data-connection={state.connection.value} title={detail}>
      <span class="connection-word" role="status">
        <span class="glyph" aria-hidden="true">
          {glyph}
        </span>
        {word}
      </span>
      <DataAge state={state} isLive={look === "live" || state.paused.value} />
      <PauseButton feed={feed} />
      <AlertControls state={state} />
    </div>
  );
}

function PauseButton({ feed }: { feed: LiveFeed }) {
  const { paused, waiting, batch } = feed.state;
  return (
    <button
      type="button"
      class="button quiet pause"
      aria-pressed={paused.value}
      disabled={!batch.value}
      onClick={() => (paused.value ? feed.resume() : feed.pause())}
      data-testid="pause"
    >
      {paused.value ? `Resume${waiting.value > 0 ? `, ${number(waiting.value)} new` : ""}` : "Pause"}
    </button>
  );
}

function DataAge({ state, isLive }: { state: LiveState; isLive: boolean }) {
  void ticks.fast.value;
  const freshness = state.freshness.value;
  if (!freshness) return <span class="data-age">no data yet</span>;
  const old = performance.now() - freshness.learntAt;
  const isStale = !isLive || (old > STALE_MS && !state.paused.value);
  // While the stream is alive everything that is visible in the database is on the page, however long ago the last event was.
  const isCurrent = !isStale && !state.paused.value;
  return (
    <span class="data-age" data-stale={isStale ? "" : undefined} data-testid="data-age">
      {isStale && <strong>stale, </strong>}as of <time>{clock(freshness.asOf, zone.value)}</time>{" "}
      {zoneName(zone.value, new Date(freshness.asOf))}, event {number(freshness.head)},{" "}
      <span class="data-age-ago">{isCurrent ? "up to date" : behind(old)}</span>
    </span>
  );
}
