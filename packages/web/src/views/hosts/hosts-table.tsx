/** Hosts by stages: the state of each, or one of its figures; shade and text both show how bad it is. */
import type { HostStageView, HostStateView, HostsView, HostView } from "@cofi/views/detail/host-shapes";
import { StageIcon } from "../../shared/icons.js";
import { RouteLink } from "../../shared/route-link.js";
import { age, clockSince, duration, fullTime, number, percent, rate } from "../../text/format.js";
import { visible } from "../../text/names.js";
import type { LiveState } from "../../feed/live-state.js";
import { showEvent } from "../../choices/place.js";
import { zone } from "../../choices/preferences.js";
import { place, type Filters } from "../../choices/routes.js";
import { Escaped, Name } from "../../shared/name.js";
import { FILE_LOOKS } from "../file-look.js";
import { HOST_LOOKS, saidOf, sentence, type Said } from "./host-look.js";

export const MEASURES = {
  state: "State",
  errors: "Failed attempts",
  throughput: "Files per minute",
  took: "Time per file",
  inFlight: "In flight",
  heard: "Last heard",
} as const;
export type Measure = keyof typeof MEASURES;

/** States are about all files: where the view is narrowed to some, failures come first. */
export function measureOf({ measure, cause }: Filters): Measure {
  const chosen = (Object.keys(MEASURES) as Measure[]).find((name) => name === measure);
  return chosen === undefined || (chosen === "state" && cause) ? (cause ? "errors" : "state") : chosen;
}

const SOME_FAIL = { glyph: "!", tone: "warn" } as const;
/** From this share of failures on, a host counts as failing in the stage. */
const MOSTLY = 0.5;

interface HostsTableProps {
  view: HostsView;
  measure: Measure;
  /** All files of the batch are shown. */
  isWhole: boolean;
  state: LiveState;
}

export function HostsTable({ view: { hosts, isCurrent }, measure, isWhole, state }: HostsTableProps) {
  const stages = state.stages.value.map(({ summary }) => summary.value);
  const shown = stages.map((_, stage) => hosts.some((host) => Boolean(host.stages[stage])));
  const best = stages.map((_, stage) => bestOf(hosts.flatMap((host) => host.stages[stage] ?? [])));
  const hasNow = isWhole && isCurrent.some(Boolean);
  return (
    <table class="figures-table heat" data-measure={measure}>
      <thead>
        <tr>
          <th scope="col">Host</th>
          {hasNow && (
            <th scope="col" class="host-now" data-minor>
              Now
            </th>
          )}
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
        {hosts.map((host) => (
          <tr key={host.host} data-host={host.host}>
            <th scope="row">
              <HostName host={host.host} isWhole={isWhole} />
            </th>
            {hasNow && <NowCell host={host} stages={stages} state={state} />}
            {stages.map(({ stage }, index) =>
              shown[index] ? (
                <Cell
                  key={stage}
                  cell={host.stages[index] ?? null}
                  files={{ view: "files", filters: { stage, host: host.host } }}
                  measure={measure}
                  best={best[index]!}
                  isCurrent={isCurrent[index] === true}
                  state={state}
                />
              ) : null,
            )}
            <td class="soft" data-minor>
              {age(state.serverNow() - Date.parse(host.lastHeardAt))}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Leads to what happened to the host. */
function HostName({ host, isWhole }: { host: string; isWhole: boolean }) {
  if (!isWhole) return <Name text={host} />;
  const { filters } = place.value;
  return (
    <RouteLink
      to={{ view: "hosts", filters: { ...filters, host: filters.host === host ? "" : host, before: "" } }}
      aria-current={filters.host === host ? "true" : undefined}
      title={filters.host === host ? "Show the history of all hosts" : `Show the history of ${visible(host)} alone`}
    >
      <Name text={host} />
    </RouteLink>
  );
}

interface NowCellProps {
  host: HostView;
  stages: readonly { stage: string; label: string }[];
  state: LiveState;
}

/** What is thought of a host now, and by which rule; of several engines there, which one. */
function NowCell({ host: { now, stages: cells }, stages, state }: NowCellProps) {
  const at = stages.findIndex(({ stage }) => stage === now?.stage);
  const cell = cells[at];
  const said = cell ? saidOf(cell, true) : null;
  if (now === null || !cell || !said)
    return (
      <td class="host-now soft" data-minor>
        –
      </td>
    );
  const isOneOfSeveral = now.url !== null && ((cell.engines ?? 1) > 1 || cell.states.length > 1);
  const why = [isOneOfSeveral ? `${now.url}:` : "", now.rule === null ? "" : sentence(now.rule)]
    .filter(Boolean)
    .join(" ");
  return (
    <td class="host-now" data-minor>
      <span data-tone={said.tone}>
        <span class="glyph" aria-hidden="true">
          {said.glyph}
        </span>{" "}
        <span class="host-word">{said.text}</span> in {stages[at]?.label ?? now.stage} since{" "}
        {clockSince(now.since, state.serverNow(), zone.value)}
      </span>
      <span class="host-rule soft" title={visible(why)}>
        <Escaped text={why} />
      </span>
    </td>
  );
}

interface CellProps {
  cell: HostStageView | null;
  files: { view: "files"; filters: Filters };
  measure: Measure;
  best: Best;
  isCurrent: boolean;
  state: LiveState;
}

function Cell({ cell, files, measure, best, isCurrent, state }: CellProps) {
  if (!cell) return <td class="soft">–</td>;
  const said = saidOf(cell, isCurrent);
  const isNews = measure === "state" && isCurrent && said !== null && said.worst.condition !== "healthy";
  return (
    <td
      style={{ "--heat": heatOf(cell, measure, best) }}
      data-errors={cell.errors}
      data-tone={isNews ? said.tone : undefined}
    >
      {measure === "errors" && <ErrorGlyph rate={cell.errorRate} />}
      {measure === "state" && <State said={said} states={cell.states} isCurrent={isCurrent} now={state.serverNow()} />}
      <RouteLink to={files} title={describe(cell)}>
        {textOf(cell, measure, state.serverNow())}
        {measure === "state" && <span class="heat-word"> failed</span>}
      </RouteLink>
    </td>
  );
}

interface StateProps {
  said: Said | null;
  states: readonly HostStateView[];
  isCurrent: boolean;
  now: number;
}

/** The worst state of its engines. One that an event says is a way to the event. */
function State({ said, states, isCurrent, now }: StateProps) {
  if (said === null) return <span class="host-state soft">not in this run</span>;
  const { glyph, text } = said;
  const { eventId, since } = said.worst;
  const tone = isCurrent ? said.tone : "idle";
  const content = (
    <>
      <span class="glyph" aria-hidden="true">
        {glyph}
      </span>
      <span class="host-word">{text}</span>
    </>
  );
  const title = `${text}, since ${fullTime(since, zone.value)}${whyOf(states)}`;
  return eventId === null ? (
    <span class="host-state" data-tone={tone} title={title}>
      {content}
    </span>
  ) : (
    <button
      type="button"
      class="host-state"
      data-tone={tone}
      data-event-id={eventId}
      title={title}
      onClick={() => showEvent(eventId)}
    >
      {content}
      <span class="unseen"> since {clockSince(since, now, zone.value)}</span>
    </button>
  );
}

function whyOf(states: readonly HostStateView[]): string {
  if (states.length === 1) return states[0]!.rule === null ? "" : `\n${visible(states[0]!.rule)}`;
  return states
    .map(({ condition, url }) => `\n${HOST_LOOKS[condition].word}: ${visible(url ?? "another engine")}`)
    .join("");
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
  switch (measure) {
    case "state":
    case "errors":
      // Nearly all files with the same error fail, so a rate would mean nothing.
      if (place.value.filters.cause) return number(cell.errors);
      return cell.errorRate === null ? "–" : percent(cell.errorRate);
    case "throughput":
      return cell.perMinute === null ? "–" : rate(cell.perMinute);
    case "took":
      return cell.meanMs === null ? "–" : duration(cell.meanMs);
    case "inFlight":
      return number(cell.inFlight);
    case "heard":
      return age(now - Date.parse(cell.lastHeardAt));
  }
}

/** The best figures among the hosts of a stage. */
interface Best {
  perMinute: number;
  meanMs: number;
}

function bestOf(cells: readonly HostStageView[]): Best {
  return {
    perMinute: Math.max(0, ...cells.map(({ perMinute }) => perMinute ?? 0)),
    meanMs: Math.min(...cells.map(({ meanMs }) => meanMs ?? Infinity)),
  };
}

/** Emphasis of a cell, 0 to 1. */
function heatOf(cell: HostStageView, measure: Measure, best: Best): number {
  if (measure === "errors") return Math.sqrt(cell.errorRate ?? 0);
  if (measure === "throughput")
    return cell.perMinute === null || best.perMinute === 0 ? 0 : 1 - cell.perMinute / best.perMinute;
  if (measure === "took") return cell.meanMs === null || cell.meanMs === 0 ? 0 : 1 - best.meanMs / cell.meanMs;
  return 0;
}

function describe({ done, errors, inFlight, news }: HostStageView): string {
  const races = [
    news.hedge > 0 ? `${number(news.hedge)} of them for files that were in work elsewhere` : "",
    news.outrun > 0 ? `another host answered first ${number(news.outrun)} times` : "",
  ].filter(Boolean);
  return [`Attempts: ${number(done)} done, ${number(errors)} failed, ${number(inFlight)} in flight`, ...races].join(
    "; ",
  );
}
