/** Errors by their cause. */
import { STAGES } from "@cofi/event-log/stages";
import type { Detail } from "../fold/detail.js";
import type { ErrorsView } from "../shapes.js";

export function errorsView(detail: Detail, asOf: string): ErrorsView {
  const groups = detail.errors.map(({ stages, hosts, files, ...group }) => ({
    ...group,
    stages: [...stages].map(([stage, count]) => ({ stage: STAGES[stage]?.name ?? "", count })),
    hosts: [...hosts].map(([host, count]) => ({ host: detail.hosts.all[host] ?? "", count })),
    files: files.size,
  }));
  return { groups: groups.toSorted((a, b) => a.firstId - b.firstId), asOf, head: detail.head };
}
