import type { HostStageView, HostsView as Hosts } from "@cofi/views/detail/host-shapes";
import { StageIcon } from "../shared/icons.js";
import { RouteLink } from "../shared/route-link.js";
import { DataView, ViewState, type ViewProps } from "../shared/view-state.js";
import { age, number, percent, rate } from "../text/format.js";
import type { LiveState } from "../feed/live-state.js";
import { go, place } from "../choices/routes.js";
import { FILE_LOOKS } from "./file-look.js";
import { Name } from "../shared/name.js";

const MEASURES = {
  errors: "Failed attempts",
  throughput: "Files per minute",
  inFlight: "In flight",
  heard: "Last heard",
} as const;
type Measure = keyof typeof MEASURES;
const MEASURE_NAMES = Object.keys(MEASURES) as Measure[];

const SOME_FAIL = { glyph: "!", tone: "warn" } as const;
/** From this share of failures on, a host counts as failing in the stage. */
const MOSTLY = 0.5;

/** Hosts by stages; shade and text both show how bad it is. */
export function HostsView(props: ViewProps) {
  const measure = MEASURE_NAMES.find((name) => name === place.value.filters.measure) ?? "errors";
  return (
    <DataView<Hosts> {...props} path="hosts">
      {({ hosts }) =>
        hosts.length === 0 ? (
          <ViewState glyph="○" tone="idle" title="No host has been named yet">
            A host appears here with the first event that names it (<code>gpuIp</code>).
          </ViewState>
        ) : (
          <section class="panel" aria-label="Hosts">
            <div class="toolbar" role="group" aria-label="Measure">
              {MEASURE_NAMES.map((name) => (
                <button
                  type="button"
                  class="button"
                  key={name}
                  aria-pressed={measure === name}
                  onClick={() => go({ view: "hosts", filters: { measure: name === "errors" ? "" : name } })}
                >
                  {MEASURES[name]}
                </button>
              ))}
            </div>
            <div class="table-scroll" tabindex={0} role="group" aria-label={`${MEASURES[measure]} of each host`}>
              <HeatMap hosts={hosts} measure={measure} state={props.state} />
            </div>
          </section>
        )
      }
    </DataView>
  );
}

function HeatMap({ hosts, measure, state }: { hosts: Hosts["hosts"]; measure: Measure; state: LiveState }) {
  const stages = state.stages.value.map(({ summary }) => summary.value);
  const shown = stages.map((_, stage) => hosts.some((host) => Boolean(host.stages[stage])));
  const fastest = stages.map((_, stage) => Math.max(0, ...hosts.map((host) => host.stages[stage]?.perMinute ?? 0)));
  return (
    <table class="figures-table heat">
      <thead>
        <tr>
          <th scope="col">Host</th>
          {stages.map(
            ({ stage, label, icon }, index) =>
              shown[index] && (
                <th scope="col" key={stage} title={label}>
                  <StageIcon name={icon} />
                  <span class="heat-label">{label}</span>
                </th>
              ),
          )}
          <th scope="col" data-minor>
            last heard
          </th>
        </tr>
      </thead>
      <tbody>
        {hosts.map(({ host, lastHeardAt, stages: cells }) => (
          <tr key={host} data-host={host}>
            <th scope="row">
              <Name text={host} />
            </th>
            {stages.map(({ stage }, index) => {
              if (!shown[index]) return null;
              const cell = cells[index];
              if (!cell)
                return (
                  <td key={stage} class="soft">
                    –
                  </td>
                );
              const to = { view: "files", filters: { stage, host } } as const;
              return (
                <td
                  key={stage}
                  style={{ "--heat": heatOf(cell, measure, fastest[index] ?? 0) }}
                  data-errors={cell.errors}
                >
                  {measure === "errors" && <ErrorGlyph rate={cell.errorRate} />}
                  <RouteLink to={to} title={describe(cell)}>
                    {textOf(cell, measure, state.serverNow())}
                  </RouteLink>
                </td>
              );
            })}
            <td class="soft" data-minor>
              {age(state.serverNow() - Date.parse(lastHeardAt))}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** As in the matrix and on the cards, the glyph shows the state without colour. */
function ErrorGlyph({ rate: share }: { rate: number | null }) {
  if (share === null) return null;
  const look = share === 0 ? FILE_LOOKS.done : share < MOSTLY ? SOME_FAIL : FILE_LOOKS.failed;
  return (
    <span class="glyph" data-tone={look.tone} aria-hidden="true">
      {look.glyph}
    </span>
  );
}

function textOf(cell: HostStageView, measure: Measure, now: number): string {
  // Nearly all files with the same error fail, so a rate would mean nothing.
  if (measure === "errors" && place.value.filters.cause) return number(cell.errors);
  if (measure === "errors") return cell.errorRate === null ? "–" : percent(cell.errorRate);
  if (measure === "throughput") return cell.perMinute === null ? "–" : rate(cell.perMinute);
  return measure === "inFlight" ? number(cell.inFlight) : age(now - Date.parse(cell.lastHeardAt));
}

/** Emphasis of a cell, 0 to 1. */
function heatOf(cell: HostStageView, measure: Measure, fastest: number): number {
  if (measure === "errors") return Math.sqrt(cell.errorRate ?? 0);
  if (measure === "throughput") return cell.perMinute === null || fastest === 0 ? 0 : 1 - cell.perMinute / fastest;
  return 0;
}

function describe({ done, errors, inFlight }: HostStageView): string {
  return `Attempts: ${number(done)} done, ${number(errors)} failed, ${number(inFlight)} in flight`;
}
