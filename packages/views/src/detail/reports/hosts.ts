/** What each host has done in each stage. */
import { STAGES } from "@cofi/event-log/stages";
import type { Detail } from "../fold/detail.js";
import type { HostsView } from "../shapes.js";

export function hostsView(detail: Detail, asOf: string): HostsView {
  const hosts = detail.hosts.all.map((host, index) => {
    const own = detail.hostStages[index] ?? [];
    const stages = STAGES.map((_, stage) => {
      const seen = own[stage];
      if (!seen) return null;
      const { done, errors, inFlight, firstAt, lastAt, busyMs } = seen;
      const minutes = (lastAt - firstAt) / 60_000;
      return {
        done,
        errors,
        inFlight,
        errorRate: done + errors > 0 ? errors / (done + errors) : null,
        perMinute: minutes > 0 && done > 0 ? done / minutes : null,
        meanMs: done > 0 && busyMs > 0 ? busyMs / done : null,
        lastHeardAt: new Date(lastAt).toISOString(),
      };
    });
    const lastAt = Math.max(...own.map((seen) => seen?.lastAt ?? -Infinity));
    return { host, lastHeardAt: new Date(lastAt).toISOString(), stages };
  });
  return { hosts: hosts.toSorted((a, b) => (a.host < b.host ? -1 : 1)), asOf, head: detail.head };
}
