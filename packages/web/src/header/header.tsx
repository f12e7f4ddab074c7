import type { Batch } from "@cofi/event-log/events";
import { isGoingOn } from "@cofi/views/batch-state";
import { workedMs } from "@cofi/views/worked";
import { dayAndTime, number, stopwatch } from "../text/format.js";
import type { LiveFeed } from "../feed/live.js";
import type { LiveState } from "../feed/live-state.js";
import { zone } from "../choices/preferences.js";
import { BatchPicker } from "./batch-picker.js";
import { ConnectionState } from "./connection.js";
import { FocusBar } from "./focus-bar.js";
import { MissedEvents } from "./missed-events.js";
import { NewerBatch } from "./newer-batch.js";
import { PipelineStrip } from "./pipeline-strip.js";
import { PreferenceControls } from "./preference-controls.js";
import { SearchButton } from "../search/search-button.js";
import { StatusBadge } from "../shared/status.js";
import { ticks } from "../feed/ticking.js";
import { ViewTabs } from "./view-tabs.js";
import { place } from "../choices/routes.js";
import { RouteLink } from "../shared/route-link.js";
import { Name } from "../shared/name.js";

export function Header({ feed }: { feed: LiveFeed }) {
  const { state } = feed;
  const batch = state.batch.value;
  const connection = state.connection.value;
  // As high before the first batch is known as afterwards.
  const hasPlace = connection !== "refused" && connection !== "missing";
  return (
    <header class="top">
      <div class="bar">
        <span class="brand" aria-hidden="true">
          <BrandMark />
          cofi
        </span>
        <BatchPicker current={batch ?? null} state={state} />
        <SearchButton />
        <ConnectionState feed={feed} />
        <PreferenceControls state={state} />
      </div>
      {hasPlace ? (
        <div class="batch">
          <div class="batch-title">
            <h1>{batch ? <Name text={batch.name} /> : batch === null ? "No batch yet" : "Reading …"}</h1>
            {batch && <StatusBadge batch={batch} state={state} />}
            {batch && <NewerBatch batch={batch} state={state} />}
          </div>
          <dl class="figures">
            <Elapsed batch={batch ?? null} state={state} />
            <Totals batch={batch ?? null} state={state} />
          </dl>
        </div>
      ) : (
        <h1 class="unseen">Cofi batch dashboard</h1>
      )}
      {hasPlace && <ViewTabs />}
      {batch && <FocusBar batchId={batch.id} state={state} />}
      {batch && <MissedEvents state={state} />}
      {hasPlace && place.value.view === "stages" && <PipelineStrip state={state} />}
    </header>
  );
}

function Elapsed({ batch, state }: { batch: Batch | null; state: LiveState }) {
  if (!batch)
    return (
      <Figure label="Elapsed" note="&nbsp;">
        –
      </Figure>
    );
  return <ElapsedOf batch={batch} state={state} />;
}

function ElapsedOf({ batch, state }: { batch: Batch; state: LiveState }) {
  const { silence } = batch;
  const isOn = isGoingOn(batch);
  // Reading the tick renders this figure every second while the batch runs.
  if (isOn) void ticks.slow.value;
  const word = silence ? "Ran for" : isOn ? "Elapsed" : "Took";
  const runs = state.work.value?.runs ?? 0;
  return (
    <Figure
      label={runs > 1 ? <InRuns word={word} runs={runs} /> : word}
      note={`since ${dayAndTime(batch.startedAt ?? batch.createdAt, zone.value)}`}
    >
      <span data-testid="elapsed">{stopwatch(elapsedMs(batch, state, isOn))}</span>
    </Figure>
  );
}

/** Time at work, without the pauses between the runs. Before the first event the time since its start. */
function elapsedMs({ startedAt }: Batch, state: LiveState, isOn: boolean): number {
  const work = state.work.value;
  const now = state.serverNow();
  if (work && work.runs > 0) return workedMs(work, isOn ? now : null);
  return isOn && startedAt !== null ? now - Date.parse(startedAt) : 0;
}

function InRuns({ word, runs }: { word: string; runs: number }) {
  return (
    <span title="The pauses between the runs are not counted.">
      {word} in <RouteLink to={{ view: "time" }}>{number(runs)} runs</RouteLink>
    </span>
  );
}

/** A file is counted in every stage it passes, so done, failed and in flight are file steps over all stages. */
function Totals({ batch, state }: { batch: Batch | null; state: LiveState }) {
  let done = 0;
  let failed = 0;
  let inFlight = 0;
  for (const { summary } of state.stages.value) {
    done += summary.value.done;
    failed += summary.value.failed;
    inFlight += summary.value.inFlight;
  }
  return (
    <>
      <Figure label="Files" note="in the batch">
        {batch === null ? "–" : batch.totalFiles === null ? "unknown" : number(batch.totalFiles)}
      </Figure>
      <Figure label="Done" note="file steps" tone="good">
        {batch ? number(done) : "–"}
      </Figure>
      <Figure label="Failed" note="file steps" tone={failed > 0 ? "bad" : undefined}>
        {batch ? number(failed) : "–"}
      </Figure>
      <Figure label="In flight" note="file steps" tone={inFlight > 0 ? "busy" : undefined}>
        {batch ? number(inFlight) : "–"}
      </Figure>
    </>
  );
}

interface FigureProps {
  label: preact.ComponentChildren;
  note: string;
  tone?: "good" | "bad" | "busy" | undefined;
  children: preact.ComponentChildren;
}

function Figure({ label, note, tone, children }: FigureProps) {
  return (
    <div class="figure" data-tone={tone}>
      <dt>{label}</dt>
      <dd>{children}</dd>
      <dd class="figure-note">{note}</dd>
    </div>
  );
}

function BrandMark() {
  return (
    <svg class="icon" viewBox="0 0 24 24">
      <path d="M3 10v4M7.5 5.5v13M12 9v6M15.5 12.5l2.3 2.3L21.5 9" />
    </svg>
  );
}
