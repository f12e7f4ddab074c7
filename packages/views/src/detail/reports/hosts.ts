/** What each host has done in each stage. */
import type { StageSummary } from "@cofi/event-log/events";
import { STAGES } from "@cofi/event-log/stages";
import { workedMs } from "../../work/worked.js";
import type { Detail } from "../fold/detail.js";
import type { HostStage } from "../fold/host-stage.js";
import type { HostsView, HostStageView } from "../shapes.js";

export function hostsView(detail: Detail, summaries: readonly StageSummary[], asOf: string): HostsView {
  const hosts = detail.hosts.all.map((host, index) => {
    const own = detail.hostStages[index] ?? [];
    const stages = STAGES.map((_, stage) => {
      const seen = own[stage];
      return seen ? hostStageView(seen, summaries[stage] as StageSummary) : null;
    });
    const lastAt = Math.max(...own.map((seen) => seen?.lastAt ?? -Infinity));
    return { host, lastHeardAt: new Date(lastAt).toISOString(), stages };
  });
  return { hosts: hosts.toSorted((a, b) => (a.host < b.host ? -1 : 1)), asOf, head: detail.head };
}

function hostStageView(seen: HostStage, { work }: StageSummary): HostStageView {
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
  };
}
