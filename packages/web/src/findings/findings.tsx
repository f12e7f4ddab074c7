import type { ComponentChildren } from "preact";
import type { Finding } from "@cofi/views/detail/shapes";
import type { LiveState } from "../feed/live-state.js";
import { zone } from "../choices/preferences.js";
import { rowsBy, useHeld } from "../shared/held.js";
import { batchWord } from "../shared/status.js";
import { usePolled } from "../feed/polled.js";
import { BLIND_RULE, blindness } from "../feed/connection-state.js";
import type { Destination } from "../choices/routes.js";
import { RouteLink } from "../shared/route-link.js";
import { outcomeLook } from "../shared/outcome-look.js";
import { Escaped, Sentence } from "../shared/name.js";
import { number } from "../text/format.js";
import { visible } from "../text/names.js";

/** Lists the findings that an operator should check first, each with a link. */
export function Findings({ batchId, state }: { batchId: number; state: LiveState }) {
  const { data } = usePolled<{ findings: Finding[] }>(`api/batch/${batchId}/findings`, state).value;
  const batch = state.batch.value;
  const blind = blindness(state);
  // Without live data nobody can tell a stall.
  const latest = (data?.findings ?? []).filter(({ kind }) => blind === null || !STALLS.has(kind));
  const { shown, isBehind, release, hold } = useHeld<readonly Finding[]>("findings", latest, ROWS.moves, ROWS.update);
  const unknown = Object.entries(state.unknownStages.value);
  if (shown.length === 0 && blind === null && unknown.length === 0)
    return <p class="attention-none soft">{data && "Nothing to look at in this batch."}</p>;
  return (
    <section class="findings" aria-label="What to look at" data-testid="findings" {...hold}>
      <h2>What to look at: {number(shown.length + (blind === null ? 0 : 1) + (unknown.length > 0 ? 1 : 0))}</h2>
      {isBehind && (
        <button type="button" class="new-events" onClick={release} data-testid="new-findings">
          {ROWS.news(shown, latest)}
        </button>
      )}
      <ul>
        {blind !== null && (
          <li data-tone="bad" data-finding="blind">
            <span class="finding">
              <Said glyph="⊘" rule={BLIND_RULE}>
                This page may be out of date: {blind}
              </Said>
            </span>
          </li>
        )}
        {shown.map((finding) => {
          const to = placeOf(finding);
          const { glyph, tone } = finding.kind === "trades" ? outcomeLook(finding.what ?? "") : LOOKS[finding.kind];
          return (
            <li key={keyOf(finding)} data-tone={tone} data-finding={finding.kind}>
              <RouteLink to={to}>
                <Said glyph={glyph} rule={finding.rule}>
                  {finding.kind === "silent-batch" && batch ? (
                    batchWord(batch, state.serverNow(), zone.value)
                  ) : (
                    <Sentence text={finding.text} name={finding.what} />
                  )}
                </Said>
              </RouteLink>
            </li>
          );
        })}
        {unknown.length > 0 && <UnknownStages counts={unknown} />}
      </ul>
    </section>
  );
}

/** What is found, in at most two lines, and the rule behind it. */
function Said({ glyph, rule, children }: { glyph: string; rule: string; children: ComponentChildren }) {
  return (
    <>
      <span class="glyph" aria-hidden="true">
        {glyph}
      </span>
      <span class="finding-said">
        <span class="finding-text folded">{children}</span>
        <span class="finding-rule">
          <Escaped text={rule} />
        </span>
      </span>
    </>
  );
}

function UnknownStages({ counts }: { counts: readonly (readonly [stage: string, count: number])[] }) {
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  return (
    <li data-tone="warn" data-finding="unknown-stages" data-testid="unknown-stages">
      <span class="finding">
        <Said glyph="!" rule="Check the spelling in the service that writes them.">
          {number(total)} {total === 1 ? "event names a stage" : "events name stages"} that no card shows:{" "}
          {counts.map(([name, count]) => `${visible(name)} (${number(count)})`).join(", ")}
        </Said>
      </span>
    </li>
  );
}

const STALLS: ReadonlySet<Finding["kind"]> = new Set(["stuck-stage", "silent-host", "slow-file"] as const);

function keyOf({ kind, stage, what }: Finding): string {
  return `${kind} ${stage} ${what}`;
}
const ROWS = rowsBy(keyOf);

const LOOKS: Readonly<Record<Finding["kind"], { glyph: string; tone: "bad" | "warn" }>> = {
  trades: { glyph: "≠", tone: "bad" },
  "silent-batch": { glyph: "⊘", tone: "bad" },
  missing: { glyph: "?", tone: "bad" },
  unnamed: { glyph: "?", tone: "bad" },
  "stuck-stage": { glyph: "‖", tone: "bad" },
  "silent-host": { glyph: "‖", tone: "warn" },
  "unhealthy-host": { glyph: "!", tone: "warn" },
  "slow-host": { glyph: "◔", tone: "warn" },
  "slow-file": { glyph: "◔", tone: "warn" },
  cause: { glyph: "✕", tone: "bad" },
  rows: { glyph: "!", tone: "warn" },
  values: { glyph: "!", tone: "warn" },
};

/** The view that shows a finding in detail. */
function placeOf({ kind, stage, what, count }: Finding): Destination {
  switch (kind) {
    case "missing":
      return { view: "files", filters: { stage, state: "missing" }, file: count === 1 ? what : null };
    case "trades":
      return { view: "trades", filters: { outcome: what ?? "" } };
    case "rows":
      return { view: "errors" };
    case "values":
      return { view: "files", filters: { stage }, file: what };
    case "silent-batch":
      return { view: "time" };
    case "unnamed":
      return { view: "handoffs" };
    case "stuck-stage":
      return { view: "files", filters: { stage, state: "inFlight" } };
    case "silent-host":
      return { view: "hosts", filters: { measure: "heard", host: what ?? "" } };
    case "unhealthy-host":
      return { view: "hosts", filters: { measure: "errors", host: what ?? "" } };
    case "slow-host":
      return { view: "hosts", filters: { measure: "took", host: what ?? "" } };
    case "slow-file":
      return { view: "files", filters: { stage, state: "inFlight", sort: "duration", order: "desc" } };
    case "cause":
      return { view: "files", filters: { cause: what ?? "" } };
  }
}
