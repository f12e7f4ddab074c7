import type { Finding } from "@cofi/event-log/detail/shapes";
import type { LiveState } from "../live-state.js";
import { usePolled } from "../polled.js";
import { follow, hrefOf, type Place } from "../views.js";

/** What an operator should look at first, each with the way to it. Nothing is drawn while nothing is wrong. */
export function Findings({ batchId, state }: { batchId: number; state: LiveState }) {
  const { data } = usePolled<{ findings: Finding[] }>(`api/batch/${batchId}/findings`, state).value;
  if (!data || data.findings.length === 0) return null;
  return (
    <section class="findings" aria-label="What to look at" data-testid="findings">
      <h2>What to look at</h2>
      <ul>
        {data.findings.map((finding) => {
          const to = placeOf(finding);
          const { glyph, tone } = LOOKS[finding.kind];
          return (
            <li key={`${finding.kind} ${finding.stage} ${finding.what}`} data-tone={tone} data-finding={finding.kind}>
              <a href={hrefOf(to)} onClick={(event) => follow(event, to)}>
                <span class="glyph" aria-hidden="true">
                  {glyph}
                </span>
                <span class="finding-text">{finding.text}</span>
                <span class="finding-rule">{finding.rule}</span>
              </a>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

const LOOKS: Readonly<Record<Finding["kind"], { glyph: string; tone: "bad" | "warn" }>> = {
  missing: { glyph: "?", tone: "bad" },
  "stuck-stage": { glyph: "‖", tone: "bad" },
  "silent-host": { glyph: "‖", tone: "warn" },
  "sick-host": { glyph: "!", tone: "warn" },
  "slow-file": { glyph: "◔", tone: "warn" },
  cause: { glyph: "✕", tone: "bad" },
};

/** Where a finding is seen with everything that belongs to it. */
function placeOf({ kind, stage, what, count }: Finding): Partial<Place> & Pick<Place, "view"> {
  switch (kind) {
    case "missing":
      return { view: "files", filters: { stage, state: "missing" }, file: count === 1 ? what : null };
    case "stuck-stage":
      return { view: "files", filters: { stage, state: "inFlight" } };
    case "silent-host":
    case "sick-host":
      return { view: "hosts" };
    case "slow-file":
      return { view: "files", filters: { stage, state: "inFlight", sort: "duration", order: "desc" } };
    case "cause":
      return { view: "files", filters: { cause: what ?? "" } };
  }
}
