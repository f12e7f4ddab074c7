/** What happened to hosts, newest first: each line leads to its event. */
import type { HostHistory, HostNewsRow } from "@cofi/views/detail/host-shapes";
import { RouteLink } from "../../shared/route-link.js";
import { moveFocus } from "../../shared/row-keys.js";
import { SelectField } from "../../shared/toolbar.js";
import { Answer, type ViewProps } from "../../shared/view-state.js";
import { clock, fullTime, number } from "../../text/format.js";
import { rowsBy, useHeld } from "../../shared/held.js";
import { usePolled } from "../../feed/polled.js";
import { showEvent } from "../../choices/place.js";
import { zone } from "../../choices/preferences.js";
import { place, setFilters, type Filters } from "../../choices/routes.js";
import { CutName, Escaped, Name } from "../../shared/name.js";
import { visible } from "../../text/names.js";
import { NEWS_LOOKS, sentence } from "./host-look.js";

const PAGE = 50;
const ROWS = rowsBy<HostNewsRow>(({ id }) => id);
/** In the order of {@link NEWS_LOOKS}, the gravest first. */
const KINDS = Object.keys(NEWS_LOOKS) as HostNewsRow["kind"][];
const FILTERS = ["host", "stage", "kind", "before"] as const;

export function History({ batchId, state, hosts }: ViewProps & { hosts: readonly string[] }) {
  const { filters } = place.value;
  const query = new URLSearchParams({ limit: String(PAGE) });
  for (const name of FILTERS) if (filters[name]) query.set(name, filters[name]);
  const path = `api/batch/${batchId}/hosts/history?${query}`;
  const { data, answers, problem } = usePolled<HostHistory>(path, state).value;
  const stages = state.stages.value.map(({ summary }) => summary.peek());
  return (
    <section class="panel host-history" aria-labelledby="host-history">
      <h2 id="host-history">What happened to {filters.host ? <Name text={filters.host} /> : "the hosts"}</h2>
      <Toolbar filters={filters} hosts={hosts} stages={stages} page={data} />
      <Answer data={data} problem={problem} batchId={batchId} state={state}>
        {(page) => (
          <List
            page={page}
            answers={answers}
            filters={filters}
            labels={new Map(stages.map((one) => [one.stage, one.label]))}
          />
        )}
      </Answer>
    </section>
  );
}

/** Changes filters and returns to the first page. */
function narrow(patch: Filters): void {
  setFilters({ ...patch, before: "" });
}

function showAll(): void {
  narrow({ host: "", stage: "", kind: "" });
}

interface ToolbarProps {
  filters: Filters;
  hosts: readonly string[];
  stages: readonly { stage: string; label: string }[];
  page: HostHistory | null;
}

function Toolbar({ filters, hosts, stages, page }: ToolbarProps) {
  const kinds = KINDS.flatMap((kind): [string, string][] => {
    const count = page?.counts[kind] ?? 0;
    return count > 0 || filters.kind === kind ? [[kind, `${NEWS_LOOKS[kind].word} (${number(count)})`]] : [];
  });
  const isFiltered = filters.host || filters.stage || filters.kind;
  return (
    <div class="toolbar">
      <SelectField
        label="Host"
        value={filters.host}
        options={[["", "Any host"], ...hosts.map((host) => [host, visible(host)] as const)]}
        onChoose={(host) => narrow({ host })}
      />
      <SelectField
        label="Stage"
        value={filters.stage}
        options={[["", "Any stage"], ...stages.map(({ stage, label }) => [stage, label] as const)]}
        onChoose={(stage) => narrow({ stage })}
      />
      <SelectField
        label="Kind"
        value={filters.kind}
        options={[["", "Anything"], ...kinds]}
        onChoose={(kind) => narrow({ kind })}
      />
      {isFiltered && (
        <button type="button" class="button quiet" onClick={showAll}>
          Show all
        </button>
      )}
      {page !== null && page.total > 0 && <span class="toolbar-total">{number(page.total)} in all</span>}
    </div>
  );
}

interface ListProps {
  page: HostHistory;
  /** The path that it answers. */
  answers: string | null;
  filters: Filters;
  labels: ReadonlyMap<string, string>;
}

function List({ page, answers, filters, labels }: ListProps) {
  const { shown, isBehind, release, hold } = useHeld(answers, page, hasOtherRows, updateRows);
  const isFiltered = filters.host || filters.stage || filters.kind || filters.before;
  if (shown.rows.length === 0)
    return (
      <p class="soft">
        {isFiltered
          ? "Nothing that happened passes these filters."
          : "Nothing: no host was left out, paused, tried again or given up, and none helped another out."}
      </p>
    );
  const whereOf = placesOf(shown.rows, labels);
  return (
    <div {...hold}>
      {isBehind && (
        <button type="button" class="new-events" onClick={release} data-testid="new-host-events">
          {ROWS.news(shown.rows, page.rows)}
        </button>
      )}
      <div role="group" aria-label="Newest first" onKeyDown={moveFocus}>
        <ol>
          {shown.rows.map((row, index) => (
            <li key={row.id}>
              <Row row={row} where={whereOf(row)} isEntrance={index === 0} />
            </li>
          ))}
        </ol>
      </div>
      <p class="pages">
        {filters.before && (
          <RouteLink class="button" to={{ view: "hosts", filters: { ...filters, before: "" } }}>
            Newest
          </RouteLink>
        )}
        {shown.nextCursor !== null && (
          <RouteLink class="button" to={{ view: "hosts", filters: { ...filters, before: shown.nextCursor } }}>
            Older: {number(shown.older)} more
          </RouteLink>
        )}
      </p>
    </div>
  );
}

function hasOtherRows(held: HostHistory, latest: HostHistory): boolean {
  return ROWS.moves(held.rows, latest.rows);
}

function updateRows(held: HostHistory, latest: HostHistory): HostHistory {
  return { ...held, rows: ROWS.update(held.rows, latest.rows) };
}

/** The stage of a row; with its run where the page has several runs, and with its engine where a host has several in a stage. */
function placesOf(rows: readonly HostNewsRow[], labels: ReadonlyMap<string, string>): (row: HostNewsRow) => string {
  const hasRuns = new Set(rows.map(({ run }) => run)).size > 1;
  const engines = new Map<string, Set<string>>();
  for (const { stage, host, url } of rows)
    if (url !== null) engines.set(`${stage} ${host}`, (engines.get(`${stage} ${host}`) ?? new Set()).add(url));
  return ({ stage, host, run, url }) => {
    const isOneOfSeveral = (engines.get(`${stage} ${host}`)?.size ?? 0) > 1;
    const parts = [
      labels.get(stage) ?? stage,
      hasRuns && run !== null ? `run ${run}` : null,
      isOneOfSeveral ? url : null,
    ];
    return parts.filter((part) => part !== null).join(", ");
  };
}

interface RowProps {
  row: HostNewsRow;
  /** The stage, and what tells it from other places on the page. */
  where: string;
  /** The one row that Tab reaches; arrow keys continue from there. */
  isEntrance: boolean;
}

function Row({ row: { id, at, host, kind, url, rule, fileName }, where, isEntrance }: RowProps) {
  const { glyph, tone, word } = NEWS_LOOKS[kind];
  return (
    <button
      type="button"
      class="row host-event"
      tabindex={isEntrance ? 0 : -1}
      data-event-id={id}
      data-kind={kind}
      data-tone={tone}
      title={[fullTime(at, zone.value), url]
        .flatMap((part) => part ?? [])
        .map((part) => visible(part))
        .join("\n")}
      onClick={() => showEvent(id)}
    >
      <time class="row-time">{clock(at, zone.value)}</time>
      <span class="glyph" aria-hidden="true">
        {glyph}
      </span>
      <strong class="host-event-word">{word}</strong>
      <span class="host-event-host">
        <Name text={host} />
      </span>
      <span class="host-event-stage soft">
        <Escaped text={where} />
      </span>
      <span class="host-event-rule soft">
        {fileName !== null && (
          <>
            <CutName text={fileName} />
            {rule !== null && ": "}
          </>
        )}
        {rule !== null && <Escaped text={fileName === null ? sentence(rule) : rule} />}
      </span>
    </button>
  );
}
