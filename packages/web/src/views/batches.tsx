/** All batches, newest first, and above them the batches that are watched side by side. */
import { BATCH_STATUSES, type Batch } from "@cofi/event-log/events";
import { isGoingOn, isOver } from "@cofi/views/batch-state";
import type { BatchOverview } from "@cofi/views/detail/shapes";
import { workedMs } from "@cofi/views/worked";
import type { BatchPage } from "../feed/api.js";
import { PageLinks } from "../shared/page-links.js";
import { RouteLink } from "../shared/route-link.js";
import { StageGlyph, StatusBadge, statusWord } from "../shared/status.js";
import { SearchField, SelectField } from "../shared/toolbar.js";
import { Answer, ViewState, type ViewProps } from "../shared/view-state.js";
import { dayAndTime, number, percent, stopwatch } from "../text/format.js";
import { rowsBy, useHeld } from "../shared/held.js";
import type { LiveState } from "../feed/live-state.js";
import { usePolled } from "../feed/polled.js";
import { zone } from "../choices/preferences.js";
import { place, setFilters, type Filters } from "../choices/routes.js";
import { startOfDay } from "../text/zones.js";
import { Sparkline } from "./sparkline.js";
import { Name } from "../shared/name.js";
import { visible } from "../text/names.js";

const PAGE = 30;
/** Most columns that are readable side by side. */
const MOST_WATCHED = 6;
const ROWS = rowsBy<Batch>(({ id }) => id);

export function BatchesView({ state }: ViewProps) {
  const { filters } = place.value;
  const { data, answers, problem } = usePolled<BatchPage>(`api/batches?${queryOf(filters)}`, state).value;
  const watched = watchedOf(filters);
  return (
    <>
      {watched.length > 0 && (
        <section class="panel" aria-label="Side by side">
          <div class="side-by-side">
            {watched.map((id) => (
              <Watched key={id} id={id} state={state} />
            ))}
          </div>
        </section>
      )}
      <section class="panel" aria-label="All batches">
        <Toolbar filters={filters} />
        <Answer data={data} problem={problem} batchId={null} state={state}>
          {(page) =>
            page.batches.length === 0 ? (
              <ViewState glyph="○" tone="idle" title="No batch passes these filters">
                <button type="button" class="button" onClick={showAll}>
                  Show all
                </button>
              </ViewState>
            ) : (
              <List page={page} answers={answers} filters={filters} state={state} />
            )
          }
        </Answer>
      </section>
    </>
  );
}

/** The filters as parameters of the API; days are in the chosen time zone. */
function queryOf({ status, from, to, text, before }: Filters): URLSearchParams {
  const query = new URLSearchParams({ limit: String(PAGE) });
  if (status) query.set("status", status);
  if (text) query.set("text", text);
  if (before) query.set("before", before);
  const first = from === undefined ? null : startOfDay(from, 0, zone.value);
  const end = to === undefined ? null : startOfDay(to, 1, zone.value);
  if (first !== null) query.set("from", first);
  if (end !== null) query.set("to", end);
  return query;
}

function watchedOf({ watch }: Filters): number[] {
  const ids = (watch ?? "").split(",").filter((id) => /^\d{1,15}$/.test(id));
  return [...new Set(ids.map(Number))].slice(0, MOST_WATCHED);
}

/** Changes filters and returns to the first page. */
function narrow(patch: Filters, replace = false): void {
  setFilters({ ...patch, before: "" }, replace);
}

function showAll(): void {
  narrow({ status: "", from: "", to: "", text: "" });
}

function Toolbar({ filters }: { filters: Filters }) {
  const day = (name: "from" | "to", label: string) => (
    <label class="toolbar-field">
      <span>{label}</span>
      <input
        type="date"
        class="button"
        value={filters[name] ?? ""}
        onChange={(event) => narrow({ [name]: event.currentTarget.value })}
      />
    </label>
  );
  const isFiltered = (["status", "from", "to", "text"] as const).some((name) => filters[name]);
  return (
    <div class="toolbar">
      <SearchField
        label="Part of a batch's name, or its number"
        placeholder="Part of a name, or a number"
        value={filters.text}
        onSearch={(text) => narrow({ text }, true)}
      />
      <SelectField
        label="Status"
        value={filters.status}
        options={[["", "Any status"], ...BATCH_STATUSES.map((status) => [status, statusWord(status)] as const)]}
        onChoose={(status) => narrow({ status })}
      />
      {day("from", "from")}
      {day("to", "to")}
      {isFiltered && (
        <button type="button" class="button quiet" onClick={showAll}>
          Show all
        </button>
      )}
    </div>
  );
}

interface ListProps {
  page: BatchPage;
  /** The path that it answers. */
  answers: string | null;
  filters: Filters;
  state: LiveState;
}

function List({ page, answers, filters, state }: ListProps) {
  const { shown, isBehind, release, hold } = useHeld(answers, page, hasOtherRows, updateRows);
  const watched = watchedOf(filters);
  return (
    <div {...hold}>
      {isBehind && (
        <button type="button" class="new-events" onClick={release} data-testid="new-batches">
          {ROWS.news(shown.batches, page.batches)}
        </button>
      )}
      <div class="table-scroll" tabindex={0} role="group" aria-label="Batches, newest first">
        <table class="figures-table batches">
          <thead>
            <tr>
              <th scope="col">Batch</th>
              <th scope="col">Status</th>
              <th scope="col">Progress</th>
              <th scope="col">Took</th>
              <th scope="col" data-minor>
                Files
              </th>
              <th scope="col">Failed</th>
              <th scope="col" data-minor>
                Files over time
              </th>
              <th scope="col" data-minor title="Up to six, above the list">
                Side by side
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.batches.map((batch) => (
              <Row key={batch.id} batch={batch} state={state} watched={watched} />
            ))}
          </tbody>
        </table>
      </div>
      <PageLinks
        isLater={Boolean(filters.before)}
        nextCursor={shown.nextCursor}
        pageAt={(before) => ({ view: "batches", filters: { ...filters, before } })}
      />
    </div>
  );
}

function hasOtherRows(held: BatchPage, latest: BatchPage): boolean {
  return ROWS.moves(held.batches, latest.batches);
}

function updateRows(held: BatchPage, latest: BatchPage): BatchPage {
  return { ...held, batches: ROWS.update(held.batches, latest.batches) };
}

/** Time at work, without the pauses between the runs; empty while it is not known. */
function took(batch: Batch, overview: BatchOverview | null, state: LiveState): string {
  if (!overview || overview.work.runs === 0) return "";
  const { runs } = overview.work;
  const ms = workedMs(overview.work, isGoingOn(batch) ? state.serverNow() : null);
  return runs > 1 ? `${stopwatch(ms)} in ${number(runs)} runs` : stopwatch(ms);
}

interface RowProps {
  batch: Batch;
  state: LiveState;
  watched: readonly number[];
}

function Row({ batch, state, watched }: RowProps) {
  const path = `api/batch/${batch.id}/overview`;
  const { data, problem } = usePolled<BatchOverview>(path, state, { once: isOver(batch) }).value;
  const isWatched = watched.includes(batch.id);
  const failures = { view: "files", batch: batch.id, filters: { state: "failed" } } as const;
  return (
    <tr data-batch={batch.id} aria-busy={!data && !problem}>
      <th scope="row">
        <RouteLink to={{ view: "stages", batch: batch.id }}>
          <Name text={batch.name} />
        </RouteLink>
        <span class="soft batch-line">
          {batch.id} · {dayAndTime(batch.createdAt, zone.value)}
        </span>
      </th>
      <td>
        <StatusBadge batch={batch} state={state} />
      </td>
      <td>
        {data && <meter value={data.progress} aria-label="Progress" />} {data && percent(data.progress)}
      </td>
      <td>{took(batch, data, state)}</td>
      <td data-minor>{batch.totalFiles === null ? "" : number(batch.totalFiles)}</td>
      <td data-tone={data && data.failed > 0 ? "bad" : undefined}>
        {data && (data.failed > 0 ? <RouteLink to={failures}>{number(data.failed)}</RouteLink> : "0")}
      </td>
      <td>
        {data && <Sparkline values={data.spark} label={`Files that ended over time in ${visible(batch.name)}`} />}
      </td>
      <td data-minor>
        <input
          type="checkbox"
          aria-label={`Watch ${visible(batch.name)} beside others`}
          checked={isWatched}
          disabled={!isWatched && watched.length >= MOST_WATCHED}
          onChange={() => {
            const next = isWatched ? watched.filter((id) => id !== batch.id) : [...watched, batch.id];
            setFilters({ watch: next.join(",") });
          }}
        />
      </td>
    </tr>
  );
}

/** One batch as a column with the states of its stages. */
function Watched({ id, state }: { id: number; state: LiveState }) {
  const { data, problem } = usePolled<BatchOverview>(`api/batch/${id}/overview`, state).value;
  if (!data) return <p class="soft">{problem ?? `Batch ${id}: reading …`}</p>;
  const { batch, stages, done, failed } = data;
  return (
    <article class="watched" aria-label={visible(batch.name)} data-watched={id}>
      <h2>
        <RouteLink to={{ view: "stages", batch: id }}>
          <Name text={batch.name} />
        </RouteLink>{" "}
        <StatusBadge batch={batch} state={state} />
      </h2>
      <p class="soft">
        {took(batch, data, state)} · {number(done)} file steps done ·{" "}
        <span data-tone={failed > 0 ? "bad" : undefined}>{number(failed)} failed</span>
      </p>
      <Sparkline values={data.spark} label="Files that ended over time" />
      <ol>
        {stages.map(({ stage, label, status, done: ofStage, failed: bad }) => (
          <li key={stage} data-status={status}>
            <span>
              <StageGlyph summary={{ status, failed: bad }} /> {label}
            </span>
            <span class="soft">
              {status === "pending" ? "waiting" : `${number(ofStage)} done`}
              {bad > 0 && `, ${number(bad)} failed`}
            </span>
          </li>
        ))}
      </ol>
    </article>
  );
}
