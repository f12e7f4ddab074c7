/** What happened to hosts, step by step. */
import { hostNews, type HostNewsKind } from "@cofi/event-log/event-metadata";
import type { LogEvent } from "@cofi/event-log/events";
import type { Store } from "@cofi/event-log/store";
import type { Detail } from "../fold/detail.js";
import { stageIndex } from "../fold/stage-index.js";
import type { HostHistory, HostNewsRow } from "../host-shapes.js";
import { countsOf } from "./hosts.js";

export interface HistoryQuery {
  host?: string | undefined;
  stage?: string | undefined;
  kind?: readonly HostNewsKind[] | undefined;
  /** Only events with a lower id. */
  before?: number | undefined;
  limit: number;
}

/** Reads the words of one page, by the ids of its events. @throws DatabaseUnavailableError */
export async function hostHistory(
  store: Store,
  detail: Detail,
  query: HistoryQuery,
  asOf: string,
): Promise<HostHistory> {
  const { host, stage, kind, before = Infinity, limit } = query;
  const { head } = detail;
  const filter = {
    // A host that never came has no news.
    host: host === undefined ? undefined : (detail.hosts.find(host) ?? -1),
    stage: stage === undefined ? undefined : stageIndex(stage),
    kinds: kind,
  };
  const { ids, total, older, counts } = detail.hostNews.page(filter, before, limit);
  const events = await store.eventsByIds(ids);
  return {
    rows: events.toReversed().flatMap(rowOf),
    total,
    older,
    counts: countsOf(counts),
    nextCursor: older > 0 ? String(ids.at(-1)) : null,
    asOf,
    head,
  };
}

/** None of an event that retention has emptied meanwhile. */
function rowOf(event: LogEvent): HostNewsRow[] {
  const news = hostNews(event);
  if (news === null) return [];
  const { id, timestamp: at, run, stage, fileName } = event;
  const { kind, from, url, engines, rule } = news;
  return [{ id, at, run, stage, host: event.gpuIp ?? "", kind, from, url, engines, rule, fileName }];
}
