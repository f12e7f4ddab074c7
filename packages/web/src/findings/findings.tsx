import type { Finding } from "@cofi/views/detail/shapes";
import type { LiveState } from "../feed/live-state.js";
import { rowsBy, useHeld } from "../shared/held.js";
import { usePolled } from "../feed/polled.js";
import { BLIND_RULE, blindness } from "../feed/connection-state.js";
import type { Destination } from "../choices/routes.js";
import { RouteLink } from "../shared/route-link.js";
import { Sentence } from "../shared/name.js";

/** Lists the findings that an operator should check first, each with a link. Renders nothing while nothing is wrong. */
export function Findings({ batchId, state }: { batchId: number; state: LiveState }) {
  const { data } = usePolled<{ findings: Finding[] }>(`api/batch/${batchId}/findings`, state).value;
  const blind = blindness(state);
  // Without live data nobody can tell a stall.
  const latest = (data?.findings ?? []).filter(({ kind }) => blind === null || !STALLS.has(kind));
  const { shown, isBehind, release, hold } = useHeld<readonly Finding[]>("findings", latest, ROWS.moves, ROWS.update);
  if (shown.length === 0 && blind === null) return null;
  return (
    <section class="findings" aria-label="What to look at" data-testid="findings" {...hold}>
      <h2>What to look at</h2>
      {isBehind && (
        <button type="button" class="new-events" onClick={release} data-testid="new-findings">
          {ROWS.news(shown, latest)}
        </button>
      )}
      <ul>
        {blind !== null && (
          <li data-tone="bad" data-finding="blind">
            <span class="finding">
              <span class="glyph" aria-hidden="true">
                ⊘
              </span>
              <span class="finding-text">This page may be out of date: {blind}</span>
              <span class="finding-rule">{BLIND_RULE}</span>
            </span>
          </li>
        )}
        {shown.map((finding) => {
          const to = placeOf(finding);
          const { glyph, tone } = LOOKS[finding.kind];
          return (
            <li key={keyOf(finding)} data-tone={tone} data-finding={finding.kind}>
              <RouteLink to={to}>
                <span class="glyph" aria-hidden="true">
                  {glyph}
                </span>
                <span class="finding-text">
                  <Sentence text={finding.text} name={finding.what} />
                </span>
                <span class="finding-rule">
                  <Sentence text={finding.rule} name={null} />
                </span>
              </RouteLink>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

const STALLS: ReadonlySet<Finding["kind"]> = new Set(["stuck-stage", "silent-host", "slow-file"] as const);

function keyOf({ kind, stage, what }: Finding): string {
  return `${kind} ${stage} ${what}`;
}
const ROWS = rowsBy(keyOf);

const LOOKS: Readonly<Record<Finding["kind"], { glyph: string; tone: "bad" | "warn" }>> = {
  missing: { glyph: "?", tone: "bad" },
  unnamed: { glyph: "?", tone: "bad" },
  "stuck-stage": { glyph: "‖", tone: "bad" },
  "silent-host": { glyph: "‖", tone: "warn" },
  "unhealthy-host": { glyph: "!", tone: "warn" },
  "slow-file": { glyph: "◔", tone: "warn" },
  cause: { glyph: "✕", tone: "bad" },
  rows: { glyph: "!", tone: "warn" },
};

/** The view that shows a finding in detail. */
function placeOf({ kind, stage, what, count }: Finding): Destination {
  switch (kind) {
    case "missing":
      return { view: "files", filters: { stage, state: "missing" }, file: count === 1 ? what : null };
    case "rows":
      return { view: "errors" };
    case "unnamed":
      return { view: "handoffs" };
    case "stuck-stage":
      return { view: "files", filters: { stage, state: "inFlight" } };
    case "silent-host":
    case "unhealthy-host":
      return { view: "hosts" };
    case "slow-file":
      return { view: "files", filters: { stage, state: "inFlight", sort: "duration", order: "desc" } };
    case "cause":
      return { view: "files", filters: { cause: what ?? "" } };
  }
}
