/** Speed and failures of one stage over the time of the batch, and over the last batches. */
import type { MetricsView as Metrics, TrendsView } from "@cofi/views/detail/shapes";
import { useMemo } from "preact/hooks";
import { RouteLink } from "../../shared/route-link.js";
import { SelectField } from "../../shared/toolbar.js";
import { Answer, DataView, ViewState, type ViewProps } from "../../shared/view-state.js";
import { dayAndTime, duration, number, percent, timeLabel } from "../../text/format.js";
import { zone } from "../../choices/preferences.js";
import type { LiveState } from "../../feed/live-state.js";
import { usePolled } from "../../feed/polled.js";
import { place, setFilters } from "../../choices/routes.js";
import { Chart } from "./chart.js";
import { BATCH_COUNTS, batchesWanted, linesOfStage, linesOfTrend, placesOf, USUAL_BATCHES } from "./metrics-lines.js";

export function MetricsView(props: ViewProps) {
  return (
    <>
      <DataView<Metrics> {...props} path="metrics">
        {(metrics) =>
          metrics.times.length === 0 ? (
            <ViewState glyph="○" tone="idle" title="No file of this batch has ended yet">
              Throughput, durations, failures and audio hours are drawn as files end.
            </ViewState>
          ) : (
            <ThisBatch metrics={metrics} />
          )
        }
      </DataView>
      <LastBatches state={props.state} />
    </>
  );
}

/** The stage in the URL, else the last stage that has finished a file. */
function chosen(metrics: Metrics): Metrics["stages"][number] | undefined {
  const worked = metrics.stages.filter(({ done, failed }) => [...done, ...failed].some((count) => count > 0));
  return metrics.stages.find(({ stage }) => stage === place.value.filters.stage) ?? worked.at(-1);
}

/** About so many buckets lie between two labels of an axis of names. */
const BUCKETS_PER_MARK = 20;

function ThisBatch({ metrics }: { metrics: Metrics }) {
  const stage = chosen(metrics);
  const shownZone = zone.value;
  const { charts, ...places } = useMemo(() => {
    const lines = stage ? linesOfStage(stage, metrics.bucketS) : [];
    return placesOf(metrics, lines, {
      mark: (at) => timeLabel(at, metrics.bucketS * BUCKETS_PER_MARK, shownZone),
      name: (at) => dayAndTime(at, shownZone),
      pause: (ms) => `pause of ${duration(ms)}`,
    });
  }, [metrics, stage, shownZone]);
  return (
    <section class="panel" aria-label="Figures of this batch">
      <div class="table-scroll" tabindex={0} role="group" aria-label="Figures of each stage">
        <table class="figures-table">
          <thead>
            <tr>
              <th scope="col">Stage</th>
              <th scope="col">Median (p50)</th>
              <th scope="col">95th percentile (p95)</th>
              <th scope="col">Failed</th>
              <th scope="col">Audio hours per hour</th>
            </tr>
          </thead>
          <tbody>
            {metrics.stages.map(({ stage: name, label, overall }) => {
              const to = { view: "metrics", filters: { ...place.value.filters, stage: name } } as const;
              return (
                <tr key={name} data-stage={name}>
                  <th scope="row">
                    <RouteLink to={to} aria-current={name === stage?.stage ? "true" : undefined}>
                      {label}
                    </RouteLink>
                  </th>
                  <td>{percentile(overall.p50Ms, overall.approximate)}</td>
                  <td>{percentile(overall.p95Ms, overall.approximate)}</td>
                  <td>{overall.failureRate === null ? "" : percent(overall.failureRate)}</td>
                  <td>{overall.audioHoursPerHour === null ? "" : audioRate(overall.audioHoursPerHour)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {stage && (
        <>
          <h2 class="charts-title">{stage.label}, over time</h2>
          <div class="charts">
            {charts.map((chart) => (
              <Chart key={`${stage.stage} ${chart.title}`} {...chart} {...places} placesAre="From" />
            ))}
          </div>
        </>
      )}
    </section>
  );
}

/** `≈` where it may be off by up to a percent. */
function percentile(ms: number | null, isApproximate: boolean): string {
  if (ms === null) return "";
  return isApproximate ? `≈ ${duration(ms)}` : duration(ms);
}

function audioRate(hours: number): string {
  return hours < 10 ? hours.toFixed(1) : number(Math.round(hours));
}

function LastBatches({ state }: { state: LiveState }) {
  const { filters } = place.value;
  const count = batchesWanted(filters.last);
  const path = `api/trends?batches=${count}`;
  // Finished batches do not change, so they are read once for each opening of the view.
  const { data, answers, problem } = usePolled<TrendsView>(path, state, { once: true }).value;
  const wanted = filters.stage ?? "stt";
  const trend = useMemo(() => (data ? linesOfTrend(data, wanted) : null), [data, wanted]);
  return (
    <section class="panel" aria-label="The last batches" aria-busy={answers !== path && !problem}>
      <div class="toolbar">
        {trend !== null && trend.names.length > 0 && (
          <h2 class="charts-title">
            {trend.label}, over the last {trend.names.length === 1 ? "batch" : `${trend.names.length} batches`}
          </h2>
        )}
        <SelectField
          label="How many batches"
          value={String(count)}
          options={BATCH_COUNTS.map((some) => [String(some), `Last ${some} batches`] as const)}
          onChoose={setCount}
        />
        {data !== null && answers !== path && problem === null && <span class="soft">Loading …</span>}
      </div>
      <Answer data={data && trend} problem={problem} batchId={null} state={state}>
        {({ names, charts }) =>
          names.length === 0 ? (
            <ViewState glyph="○" tone="idle" title="No batch is over yet">
              Figures appear here when the first batch is over.
            </ViewState>
          ) : (
            <div class="charts">
              {charts.map((chart) => (
                <Chart
                  key={`${wanted} ${chart.title}`}
                  {...chart}
                  x={names.map((_, index) => index)}
                  names={names}
                  placesAre="Batch"
                />
              ))}
            </div>
          )
        }
      </Answer>
    </section>
  );
}

function setCount(count: string): void {
  setFilters({ last: count === String(USUAL_BATCHES) ? "" : count });
}
