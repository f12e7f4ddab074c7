/** How far the page can be trusted now: whether it is connected, and whether its data is current. */
import type { LiveState } from "./live-state.js";
import { ticks } from "./ticking.js";

/** Data older than this counts as stale; a silent stream is checked every few seconds. */
export const STALE_MS = 20_000;

type Shown = { look: "live" | "waiting" | "broken"; glyph: string; word: string; detail: string };

export function describe(state: LiveState): Shown {
  const connection = state.connection.value;
  const database = state.databaseProblem.value;
  const detail = state.reason.value;
  if (connection === "refused") return { look: "broken", glyph: "✕", word: "Logged out", detail };
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
