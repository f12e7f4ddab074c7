import { age, clock, zoneName } from "../format.js";
import type { LiveState } from "../live-state.js";
import { zone } from "../preferences.js";
import { ticks } from "./ticking.js";

/** Older than this, what is shown counts as stale: a silent stream is checked every few seconds. */
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
  if (connection === "live") return { look: "live", glyph: "●", word: "Live", detail: "Connected to the dashboard" };
  const word = connection === "connecting" ? "Connecting" : "Reconnecting";
  if (database !== null) return { look: "broken", glyph: "✕", word: "Database unreachable", detail: database };
  return { look: "waiting", glyph: "◌", word, detail };
}

export function ConnectionState({ state }: { state: LiveState }) {
  const { look, glyph, word, detail } = describe(state);
  return (
    <div class="connection" data-look={look} data-connection={state.connection.value} title={detail}>
      <span class="connection-word" role="status">
        <span class="glyph" aria-hidden="true">
          {glyph}
        </span>
        {word}
      </span>
      <DataAge state={state} isLive={look === "live"} />
    </div>
  );
}

function DataAge({ state, isLive }: { state: LiveState; isLive: boolean }) {
  void ticks.fast.value;
  const freshness = state.freshness.value;
  if (!freshness) return <span class="data-age">no data yet</span>;
  const old = performance.now() - freshness.learntAt;
  const isStale = !isLive || old > STALE_MS;
  return (
    <span class="data-age" data-stale={isStale ? "" : undefined} data-testid="data-age">
      {isStale && <strong>stale, </strong>}as of <time>{clock(freshness.asOf, zone.value)}</time>{" "}
      {zoneName(zone.value, new Date(freshness.asOf))}, <span class="data-age-ago">{age(old)}</span>
    </span>
  );
}
