/** The matrix of files by stages: a window over any number of rows, which are fetched while scrolling. */
import { STAGES } from "@cofi/event-log/stages";
import { FILE_STATES, type FilesPage } from "@cofi/views/detail/shapes";
import { signal, type Signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { ExportMenu } from "./export-menu.js";
import { SearchField, SelectField } from "../../shared/toolbar.js";
import { Answer, ViewState, type ViewProps } from "../../shared/view-state.js";
import { duration, number } from "../../text/format.js";
import { StageIcon } from "../../shared/icons.js";
import { Windowed } from "../../shared/windowed.js";
import { rowsBy, useHeld } from "../../shared/held.js";
import type { LiveState } from "../../feed/live-state.js";
import { usePolled } from "../../feed/polled.js";
import { fileQuery, go, place, setFilters, type Filters } from "../../choices/routes.js";
import { FILE_LOOKS } from "../file-look.js";
import { FileLine } from "./file-line.js";
import { Journey } from "./journey.js";
import { visible } from "../../text/names.js";

const ROW_PX = 30;
/** Rows of one answer: enough for a tall screen, and as many above and below it. */
const PAGE_ROWS = 120;
const STEP_ROWS = 40;
const ROWS = rowsBy<FilesPage["rows"][number]>(({ fileName }) => fileName);

export function FilesView({ batchId, state }: ViewProps) {
  const { filters, file } = place.value;
  // Other filters mean another list, which starts at its top.
  const top = useMemo(() => signal(0), [JSON.stringify(filters)]);
  const offset = Math.max(0, Math.floor(top.value / STEP_ROWS) * STEP_ROWS - STEP_ROWS);
  const query = new URLSearchParams({ ...fileQuery(filters), offset: String(offset), limit: String(PAGE_ROWS) });
  const { data, answers, problem } = usePolled<FilesPage>(`api/batch/${batchId}/files?${query}`, state).value;
  return (
    <section class="panel files" aria-label="Files">
      <Toolbar
        batchId={batchId}
        filters={filters}
        state={state}
        hosts={data?.hosts ?? []}
        total={data?.total ?? null}
      />
      <Answer data={data} problem={problem} batchId={batchId} state={state}>
        {(page) =>
          page.total === 0 ? (
            <NoFiles filters={filters} state={state} />
          ) : (
            <Matrix key={JSON.stringify(filters)} page={page} answers={answers} state={state} top={top} />
          )
        }
      </Answer>
      {file !== null && <Journey key={file} batchId={batchId} file={file} state={state} />}
    </section>
  );
}

function NoFiles({ filters, state }: { filters: Filters; state: LiveState }) {
  const summary = state.stages.value.find((one) => one.summary.peek().stage === filters.stage)?.summary.value;
  // The count of a stage that names no files is a link, too.
  const isNameless = summary !== undefined && summary.done > 0 && filters.state?.split(",").includes("done");
  return Object.keys(fileQuery(filters)).length > 0 ? (
    <ViewState
      glyph="○"
      tone="idle"
      title={
        isNameless ? `${summary.label} says how many files it has done, but not which` : "No file passes these filters"
      }
    >
      <button type="button" class="button" onClick={showAll}>
        Show all
      </button>
    </ViewState>
  ) : (
    <ViewState glyph="○" tone="idle" title="No recording yet">
      Each appears here with its first event.
    </ViewState>
  );
}

function showAll(): void {
  go({ view: "files", filters: { cause: "" } });
}

interface ToolbarProps {
  batchId: number;
  filters: Filters;
  state: LiveState;
  hosts: readonly string[];
  total: number | null;
}

const LEAST_MS = ["1000", "10000", "60000", "300000"];

function atLeast(ms: string): string {
  return `${duration(Number(ms))} or more`;
}

function Toolbar({ batchId, filters, state, hosts, total }: ToolbarProps) {
  const stages = state.stages.value.map(({ summary }) => summary.peek());
  const select = (
    name: "stage" | "state" | "host" | "minDurationMs" | "everything" | "sort",
    label: string,
    options: readonly (readonly [string, string])[],
  ) => (
    <SelectField
      label={label}
      value={filters[name]}
      options={options}
      onChoose={(value) => setFilters({ [name]: value })}
    />
  );
  const chosen = filters.minDurationMs;
  const durations: [string, string][] = [
    ["", "Any duration"],
    ...LEAST_MS.map((ms): [string, string] => [ms, atLeast(ms)]),
  ];
  const states: [string, string][] = [
    ["", "Any state"],
    ...FILE_STATES.map((name): [string, string] => [name, FILE_LOOKS[name].word]),
  ];
  // The counts of a stage's card lead to files in several states.
  if (filters.state?.includes(",")) states.push([filters.state, wordsOf(filters.state)]);
  // A link may contain any other duration.
  if (chosen !== undefined && !LEAST_MS.includes(chosen)) durations.push([chosen, atLeast(chosen)]);
  const isFiltered = Object.values(filters).some(Boolean);
  return (
    <div class="toolbar">
      <SearchField label="Part of a file's name" value={filters.text} onSearch={(text) => setFilters({ text }, true)} />
      {select("stage", "Stage", [["", "Any stage"], ...stages.map(({ stage, label }) => [stage, label] as const)])}
      {select("state", "State", states)}
      {select("host", "Host", [
        ["", "Any host"],
        ...[...hosts].toSorted().map((host) => [host, visible(host)] as const),
      ])}
      {select("minDurationMs", "Duration", durations)}
      {!findsEverything(filters) &&
        select("everything", "Kind of files", [
          ["", "Recordings"],
          ["1", "With CSV files and trades"],
        ])}
      {select("sort", "Order", [
        ["", "By name"],
        ["duration", "By duration"],
        ["progress", "By progress"],
        ["latest", "By latest event"],
      ])}
      <button
        type="button"
        class="button square"
        aria-label={filters.order === "desc" ? "Descending; switch to ascending" : "Ascending; switch to descending"}
        onClick={() => setFilters({ order: filters.order === "desc" ? "" : "desc" })}
      >
        {filters.order === "desc" ? "↓" : "↑"}
      </button>
      {isFiltered && (
        <button type="button" class="button quiet" onClick={showAll}>
          Show all
        </button>
      )}
      <ExportMenu batchId={batchId} />
      <span class="toolbar-total" role="status" data-testid="files-total">
        {total === null ? "" : `${number(total)} ${total === 1 ? "file" : "files"}`}
      </span>
    </div>
  );
}

function wordsOf(states: string): string {
  const names = FILE_STATES.filter((name) => states.split(",").includes(name));
  const left = FILE_STATES.filter((name) => !names.includes(name));
  return left.length === 1
    ? `all but ${FILE_LOOKS[left[0]!].word}`
    : names.map((name) => FILE_LOOKS[name].word).join(" or ");
}

/** CSV files and trades are found by their name, by a cause, and where a stage works on them, whatever is chosen. */
function findsEverything({ text, cause, stage }: Filters): boolean {
  const unit = STAGES.find(({ name }) => name === stage)?.unit;
  return Boolean(text) || Boolean(cause) || (unit !== undefined && unit !== "recording");
}

function hasOtherRows(held: FilesPage, latest: FilesPage): boolean {
  return held.offset === latest.offset && ROWS.moves(held.rows, latest.rows);
}

/** Cells change where they stand; a row that has left the window stays as it was. */
function updateRows(held: FilesPage, latest: FilesPage): FilesPage {
  return { ...held, hosts: latest.hosts, rows: ROWS.update(held.rows, latest.rows) };
}

interface MatrixProps {
  page: FilesPage;
  /** The path that it answers. */
  answers: string | null;
  state: LiveState;
  top: Signal<number>;
}

function Matrix({ page: latest, answers, state, top }: MatrixProps) {
  const {
    shown: page,
    isBehind,
    release,
    hold,
  } = useHeld(answers?.replace(/[?&]offset=\d+/, "") ?? null, latest, hasOtherRows, updateRows);
  const all = state.stages.value.map(({ summary }) => summary.peek());
  // Stages that process tables or trades never see recordings, so they get no empty column.
  const columnsShown = all.flatMap((_, index) => (page.rows.some(({ cells }) => cells[index]) ? [index] : []));
  const stages = columnsShown.flatMap((index) => all[index] ?? []);
  const columns = useMemo(
    () => `minmax(var(--matrix-name), 2fr) repeat(${stages.length}, minmax(var(--matrix-cell), 1fr))`,
    [stages.length],
  );
  return (
    <div class="matrix" style={{ "--columns": columns }} {...hold}>
      {isBehind && (
        <button type="button" class="new-events" onClick={release} data-testid="new-files">
          {latest.total > page.total ? `${number(latest.total - page.total)} new` : "Show the new order"}
        </button>
      )}
      <div class="matrix-head" aria-hidden="true">
        <span>File</span>
        {stages.map(({ stage, label, icon }) => (
          <span key={stage} title={label}>
            <StageIcon name={icon} />
            <span class="matrix-label">{label}</span>
          </span>
        ))}
      </div>
      <Windowed label="Files, one a row" total={page.total} offset={page.offset} rowPx={ROW_PX} top={top}>
        {page.rows.map((row, index) => (
          <FileLine
            key={row.fileName}
            row={row}
            print={JSON.stringify([row, columnsShown])}
            hosts={page.hosts}
            columns={columnsShown}
            labels={all.map(({ label }) => label)}
            index={page.offset + index}
            isEntrance={index === 0}
          />
        ))}
      </Windowed>
    </div>
  );
}
