import type { StageSummary } from "@cofi/event-log/events";
import { STAGES } from "@cofi/event-log/stages";
import { isGoingOn } from "@cofi/views/batch-state";
import { rateNow, workedMs } from "@cofi/views/worked";
import type { FileState } from "@cofi/views/detail/shapes";
import { age, duration, number, percent, rate } from "../text/format.js";
import type { LiveState, StageState } from "../feed/live-state.js";
import { EventList } from "./event-list.js";
import { StageIcon } from "../shared/icons.js";
import { ProgressBar } from "../shared/progress-bar.js";
import { RouteLink } from "../shared/route-link.js";
import { StageBadge } from "../shared/status.js";
import { ticks } from "../feed/ticking.js";

export function StageCard({ stage, position, state }: { stage: StageState; position: number; state: LiveState }) {
  const summary = stage.summary.value;
  const { label, description, status, icon, progress, totalFiles } = summary;
  const headingId = `heading-${summary.stage}`;
  return (
    <article
      class="card"
      id={`stage-${summary.stage}`}
      tabindex={-1}
      aria-labelledby={headingId}
      data-stage={summary.stage}
      data-status={status}
    >
      <div class="card-head">
        <span class="card-icon">
          <StageIcon name={icon} />
        </span>
        <h2 id={headingId}>
          <span class="card-position">{position}</span>
          {"\u00a0"}
          {label}
        </h2>
        <StageBadge summary={summary} isSilent={Boolean(state.batch.value?.silence)} />
      </div>
      <p class="card-description">{description}</p>
      <div class="card-progress">
        <ProgressBar summary={summary} />
        <span class="card-percent">{progress === null ? "–" : percent(progress)}</span>
      </div>
      <dl class="counts">
        <Count label="done" count={summary.done} stage={summary.stage} states={DONE} />
        <Count label="failed" count={summary.failed} stage={summary.stage} states={FAILED} tone="bad" />
        <Count label="in flight" count={summary.inFlight} stage={summary.stage} states={IN_FLIGHT} tone="busy" />
        <Count label="total" count={totalFiles} stage={summary.stage} states={statesOfTotal(summary)} />
      </dl>
      <CardFacts summary={summary} state={state} />
      <EventList feed={stage.feed} stage={summary.stage} label={label} />
    </article>
  );
}

/** The states of the files that each number counts. A skipped file is in none of them. */
const DONE: readonly FileState[] = ["done"];
const FAILED: readonly FileState[] = ["failed"];
const IN_FLIGHT: readonly FileState[] = ["inFlight", "retrying"];
const ANNOUNCED: readonly FileState[] = [...DONE, ...FAILED, ...IN_FLIGHT, "waiting"];

/** A file that never came counts in the total only if the stage has announced more files than it has seen. */
function statesOfTotal({ status, totalFiles, done, failed, inFlight }: StageSummary): readonly FileState[] {
  const isOver = status === "success" || status === "failed";
  return isOver && (totalFiles ?? 0) > done + failed + inFlight ? [...ANNOUNCED, "missing"] : ANNOUNCED;
}

interface CountProps {
  label: string;
  /** null while unknown. */
  count: number | null;
  stage: string;
  states: readonly FileState[];
  /** When there are any. */
  tone?: "bad" | "busy";
}

/** A number, which leads to the files that it counts. */
function Count({ label, count, stage, states, tone }: CountProps) {
  const to = { view: "files", filters: { stage, state: states.join(",") } } as const;
  return (
    <div data-tone={count ? tone : undefined} data-count={label.replace(" ", "-")}>
      <dt>{label}</dt>
      <dd>{count === null ? "unknown" : count === 0 ? "0" : <RouteLink to={to}>{number(count)}</RouteLink>}</dd>
    </div>
  );
}

const SHORT_MS = 10_000;

/** The current rate while the stage works, the average of its runs afterwards; null when unknown. */
function throughput(summary: StageSummary, state: LiveState): string | null {
  const { status, done, failed, work } = summary;
  const batch = state.batch.value;
  if (status === "processing" && batch && isGoingOn(batch)) {
    const perMinute = rateNow(summary, state.serverNow());
    return perMinute === null ? null : `${rate(perMinute)} files/min now`;
  }
  const ms = workedMs(work, null);
  const finished = done + failed;
  if (ms <= 0 || finished === 0) return null;
  const runs = work.runs > 1 ? ` in ${number(work.runs)} runs` : "";
  // A rate per minute means nothing for a stage that took seconds.
  if (ms < SHORT_MS) return `${number(finished)} in ${duration(ms)}${runs}`;
  return `${rate((finished / ms) * 60_000)} files/min average${runs}`;
}

/** Errors accuse while their files have failed; those of rows, after which the file goes on, are worth a look. */
function errorTone({ stage, status, failed }: StageSummary): "bad" | "warn" | undefined {
  if (failed > 0 || status === "failed") return "bad";
  return STAGES.some(({ name, unit }) => name === stage && unit === "table") ? "warn" : undefined;
}

function CardFacts({ summary, state }: { summary: StageSummary; state: LiveState }) {
  void ticks.slow.value;
  const speed = throughput(summary, state);
  const { errors, lastEventAt } = summary;
  return (
    <p class="card-facts">
      <span>
        {lastEventAt === null ? "no event yet" : `last event ${age(state.serverNow() - Date.parse(lastEventAt))}`}
      </span>
      {errors > 0 && (
        <RouteLink data-tone={errorTone(summary)} to={{ view: "errors" }}>
          {number(errors)} {errors === 1 ? "error" : "errors"}
        </RouteLink>
      )}
      {speed !== null && <span>{speed}</span>}
    </p>
  );
}
