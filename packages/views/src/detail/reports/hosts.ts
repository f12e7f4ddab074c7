/** What each host has done in each stage, and what is thought of it there. */
import { HOST_NEWS, type HostCondition } from "@cofi/event-log/event-metadata";
import type { StageSummary } from "@cofi/event-log/events";
import { STAGES } from "@cofi/event-log/stages";
import { workedMs } from "../../work/worked.js";
import type { Detail } from "../fold/detail.js";
import type { HostStage } from "../fold/host-stage.js";
import type { HostNewsCounts, HostStageView, HostStateView, HostsView, HostView } from "../host-shapes.js";

/** The worst first. */
const BY_TROUBLE: readonly HostCondition[] = ["gone", "ejected", "suspect", "probing", "joining", "healthy"];

/** `isGoingOn`: whether somebody seems to work on the batch. */
export function hostsView(
  detail: Detail,
  summaries: readonly StageSummary[],
  asOf: string,
  isGoingOn: boolean,
): HostsView {
  const isCurrent = STAGES.map((_, stage) => isGoingOn && isWorkedOn(detail, summaries[stage] as StageSummary));
  const hosts = detail.hosts.all.map((host, index): HostView => {
    const own = detail.hostStages[index] ?? [];
    const stages = STAGES.map((_, stage) => {
      const seen = own[stage];
      return seen ? hostStageView(detail, seen, summaries[stage] as StageSummary) : null;
    });
    const lastAt = Math.max(...own.map((seen) => seen?.lastAt ?? -Infinity));
    const states = stages.flatMap((seen, stage) =>
      (isCurrent[stage] ? (seen?.states ?? []) : []).map((state) => ({ ...state, stage: STAGES[stage]!.name })),
    );
    return {
      host,
      lastHeardAt: new Date(lastAt).toISOString(),
      now: states.toSorted(byTrouble)[0] ?? null,
      stages,
    };
  });
  return { hosts: hosts.toSorted((a, b) => (a.host < b.host ? -1 : 1)), isCurrent, asOf, head: detail.head };
}

/** By the newest run of the batch: what an earlier one has begun is over, whether it said so or not. */
function isWorkedOn({ work, runs }: Detail, { stage, status }: StageSummary): boolean {
  const run = work.stage(stage).runs.at(-1)?.run ?? null;
  return status === "processing" && (run === null || run === runs.starts.at(-1)?.run);
}

function hostStageView(detail: Detail, seen: HostStage, { stage, work }: StageSummary): HostStageView {
  const { done, errors, inFlight, busyMs, timed, runs, lastAt } = seen;
  // No longer than the stage itself, whatever the clocks of the hosts say.
  const spanMs = runs.reduce((sum, run) => sum + run.lastAt - run.firstAt, 0);
  const minutes = Math.min(spanMs, workedMs(work, null) || Infinity) / 60_000;
  return {
    done,
    errors,
    inFlight,
    errorRate: done + errors > 0 ? errors / (done + errors) : null,
    perMinute: minutes > 0 && done > 0 ? done / minutes : null,
    meanMs: timed > 0 ? busyMs / timed : null,
    lastHeardAt: new Date(lastAt).toISOString(),
    ...statesOf(detail, seen, stage),
    news: countsOf(seen.news),
  };
}

function statesOf(
  { work }: Detail,
  { runs, steps }: HostStage,
  stage: string,
): Pick<HostStageView, "states" | "engines"> {
  const ofStage = work.stage(stage);
  const latest = [...steps.values()].filter(({ id }) => ofStage.runIdOf(id) === ofStage.latestRunId);
  if (latest.length > 0) {
    const [last] = latest.toSorted((a, b) => b.id - a.id);
    const states = latest.map(({ id, at, condition, rule, url }) => ({ condition, since: at, rule, url, eventId: id }));
    return {
      states: states.toSorted(byTrouble),
      engines: last?.engines ? Math.max(last.engines, latest.length) : null,
    };
  }
  const run = runs.find(({ runId }) => runId === ofStage.latestRunId);
  if (!run?.hasFiles) return { states: [], engines: null };
  const since = new Date(run.firstAt).toISOString();
  return { states: [{ condition: "healthy", since, rule: null, url: null, eventId: null }], engines: null };
}

/** Of those that are as bad, the latest first. */
function byTrouble(a: HostStateView, b: HostStateView): number {
  return BY_TROUBLE.indexOf(a.condition) - BY_TROUBLE.indexOf(b.condition) || (b.eventId ?? 0) - (a.eventId ?? 0);
}

/** `counts`: in the order of the kinds. */
export function countsOf(counts: readonly number[]): HostNewsCounts {
  return Object.fromEntries(HOST_NEWS.map((kind, index) => [kind, counts[index] ?? 0])) as HostNewsCounts;
}
