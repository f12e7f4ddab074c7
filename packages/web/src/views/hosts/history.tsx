/** What happened to hosts, newest first: each line leads to its event. */
import type { HostHistory, HostNewsRow } from "@cofi/views/detail/host-shapes";
import { PageLinks } from "../../shared/page-links.js";
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
/** Shown unless a kind is chosen: where hosts hang, races would hide the steps of the hosts. */
const STEPS = KINDS.filter((kind) => kind !== "hedge" && kind !== "outrun");

export function History({ batchId, state, hosts }: ViewProps & { hosts: readonly string[] }) {
  const { filters } = place.value;
  const query = new URLSearchParams({ kind: filters.kind ?? STEPS.join(","), limit: String(PAGE) });
  for (const name of ["host", "stage", "before"] as const) if (filters[name]) query.set(name, filters[name]);
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

/** The counts are of the host and the stage; each is the way to what it counts. */
function Toolbar({ filters, hosts, stages, page }: ToolbarProps) {
  const kinds = KINDS.filter((kind) => (page?.counts[kind] ?? 0) > 0 || filters.kind === kind);
  const isFiltered = filters.host || filters.stage || filters.kind;
  return (
    <>
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
        {isFiltered && (
          <button type="button" class="button quiet" onClick={showAll}>
            Show all
          </button>
        )}
      </div>
      {kinds.length > 0 && (
        <div class="toolbar host-kinds" role="group" aria-label="Kind">
          {kinds.map((kind) => {
            const { glyph, tone, word } = NEWS_LOOKS[kind];
            return (
              <button
                type="button"
                class="button"
                key={kind}
                data-kind={kind}
                aria-pressed={filters.kind === kind}
                onClick={() => narrow({ kind: filters.kind === kind ? "" : kind })}
              >
                <span class="glyph" data-tone={tone} aria-hidden="true">
                  {glyph}
                </span>
                {word} {number(page?.counts[kind] ?? 0)}
              </button>
            );
          })}
        </div>
      )}
    </>
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
          : "No host was left out, paused, tried again or given up."}
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
      <PageLinks
        isLater={Boolean(filters.before)}
        nextCursor={shown.nextCursor}
        pageAt={(before) => ({ view: "hosts", filters: { ...filters, before } })}
        older={`Older: ${number(shown.older)} more`}
      />
    </div>
  );
}

function hasOtherRows(held: HostHistory, latest: HostHistory): boolean {
  return ROWS.moves(held.rows, latest.rows);
}

function updateRows(held: HostHistory, latest: HostHistory): HostHistory {
  return { ...held, rows: ROWS.update(held.rows, latest.rows) };
}

/** Where something happened: the stage, with its run where the page has several; and the host, or its engine where it has several. */
function placesOf(rows: readonly HostNewsRow[], labels: ReadonlyMap<string, string>): (row: HostNewsRow) => Place {
  const hasRuns = new Set(rows.map(({ run }) => run)).size > 1;
  return ({ stage, host, run, url, engines }) => {
    const label = labels.get(stage) ?? stage;
    return {
      stage: hasRuns && run !== null ? `${label}, run ${run}` : label,
      host: url !== null && (engines ?? 1) > 1 ? url.replace(/^https?:\/\//, "") : host,
    };
  };
}

interface Place {
  stage: string;
  host: string;
}

interface RowProps {
  row: HostNewsRow;
  where: Place;
  /** The one row that Tab reaches; arrow keys continue from there. */
  isEntrance: boolean;
}

function Row({ row: { id, at, kind, url, rule, fileName }, where, isEntrance }: RowProps) {
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
        <Name text={where.host} />
      </span>
      <span class="host-event-stage soft">{where.stage}</span>
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
