import { behind, clock, number, zoneName } from "../format.js";
import type { LiveFeed } from "../live.js";
import type { LiveState } from "../live-state.js";
import { zone } from "../preferences.js";
import { AlertControls } from "./alerts.js";
import { ticks } from "./ticking.js";

/** Data older than this counts as stale; a silent stream is checked every few seconds. */
const STALE_MS = 20_000;

type Shown = { look: "live" | "waiting" | "broken"; glyph: string; word: string; detail: string };

function describe(state: LiveState): Shown {
  const connection = state.connection.value;
  const database = state.databaseProblem.value;
  const detail = state.reason.value;
  if (connection === "refused") return { look: "broken", glyph: "✕", word: "Signed out", detail };
  if (connection === "missing") return { look: "broken", glyph: "✕", word: "No such batch", detail };
  if (connection === "live" && database !== null)
    return { look: "broken", glyph: "✕", word: "Database unreachable", detail: database };
  if (connection === "live" && state.paused.value)
    return { look: "waiting", glyph: "‖", word: "Paused", detail: "Nothing on the page changes" };
  if (connection === "live") return { look: "live", glyph: "●", word: "Live", detail: "Connected to the dashboard" };
  const word = connection === "connecting" ? "Connecting" : "Reconnecting";
  if (database !== null) return { look: "broken", glyph: "✕", word: "Database unreachable", detail: database };
  return { look: "waiting", glyph: "◌", word, detail };
}

/** Why the page may be out of date, for people; null while it is up to date. */
export function blindness(state: LiveState): string | null {
  const { look, word, detail } = describe(state);
  if (look === "broken" || state.connection.value === "reconnecting") return detail || word;
  void ticks.slow.value;
  const freshness = state.freshness.value;
  const isSilent = freshness !== null && !state.paused.value && performance.now() - freshness.learntAt > STALE_MS;
  return isSilent ? "No update from the dashboard for a while." : null;
}
export const BLIND_RULE = `The connection or the database is lost, or no update has come for more than ${STALE_MS / 1_000} s. The page may show old data, and stalls cannot be detected.`;

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
  if (!batch.value) return null;
  return (
    <button
      type="button"
      class="button quiet pause"
      aria-pressed={paused.value}
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
  return (
    <span class="data-age" data-stale={isStale ? "" : undefined} data-testid="data-age">
      {isStale && <strong>stale, </strong>}as of <time>{clock(freshness.asOf, zone.value)}</time>{" "}
      {zoneName(zone.value, new Date(freshness.asOf))}, event {number(freshness.head)},{" "}
      <span class="data-age-ago">{behind(old)}</span>
    </span>
  );
}
