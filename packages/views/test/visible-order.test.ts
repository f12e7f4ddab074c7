/** Events become visible in any order: what is shown is the same, or the views say that the batch must be folded anew. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { LogEvent } from "@cofi/event-log/events";
import { STAGES } from "@cofi/event-log/stages";
import { applyToDetail, emptyDetail, type Detail } from "@cofi/views/detail/detail";
import { errorsView } from "@cofi/views/detail/errors";
import { foundFiles, pageOf } from "@cofi/views/detail/files-view";
import { findingsOf } from "@cofi/views/detail/findings";
import { reconciliation } from "@cofi/views/detail/handoffs";
import { hostsView } from "@cofi/views/detail/hosts";
import { metricsView } from "@cofi/views/detail/metrics";
import { stallsOf } from "@cofi/views/detail/stalls";
import { timelineView } from "@cofi/views/detail/timeline";
import { applyEvent, emptyView, snapshotOf, stageSummary, type BatchView } from "@cofi/views/projection";
import { BATCH, logEvent } from "../../../test/support/log-events.js";
import { logs, START, type LogRow } from "./logs.js";

const CREATED = new Date(START).toISOString();
const ASOF = new Date(START + 40 * 3_600_000).toISOString();

interface Folded {
  view: BatchView;
  detail: Detail;
}

function fold(events: readonly LogEvent[]): Folded {
  let view = emptyView({ ...BATCH, createdAt: CREATED, status: "running" }, 3);
  const detail = emptyDetail(view);
  for (const event of events) {
    view = applyEvent(view, event);
    applyToDetail(detail, event);
  }
  return { view, detail };
}

function eventOf(row: LogRow, index: number): LogEvent {
  const { metadata, response: _response, timestamp, ...fields } = row;
  return logEvent(index + 1, {
    ...fields,
    metadata: metadata === null ? null : JSON.parse(metadata),
    timestamp: `${timestamp.replace(" ", "T")}Z`,
  });
}

/** Everything that is shown, without the numbers that files, hosts and causes got when they first came. */
function shown({ view, detail }: Folded) {
  const summaries = STAGES.map(({ name }) => stageSummary(view, name));
  const now = Date.parse(ASOF);
  const byName = <T extends { stage?: string; host?: string }>(list: readonly T[]): T[] =>
    list.toSorted((a, b) => ((a.stage ?? a.host ?? "") < (b.stage ?? b.host ?? "") ? -1 : 1));
  const found = foundFiles(detail, summaries, { sort: "name", descending: false, everything: true }, now);
  const page = pageOf(detail, summaries, found, { offset: 0, limit: 100 }, { now, asOf: ASOF });
  const stalls = stallsOf(detail, summaries, now);
  return {
    cards: snapshotOf(view, ASOF),
    times: timelineView(detail, summaries, new Map(), now),
    metrics: metricsView(detail, summaries, ASOF),
    hosts: hostsView(detail, summaries, ASOF, true),
    hostNews: detail.hostNews.page({}, Infinity, 1_000),
    causes: errorsView(detail, ASOF).groups.map((group) => ({
      ...group,
      stages: byName(group.stages),
      hosts: byName(group.hosts),
    })),
    handoffs: reconciliation(detail, summaries, ASOF).stages.map(
      ({ missingFiles: _missing, unexpectedFiles: _unexpected, ...counts }) => counts,
    ),
    findings: findingsOf(detail, summaries, stalls, ASOF)
      .map(({ kind, count }) => `${kind} ${count}`)
      .toSorted(),
    files: page.rows.map(({ cells, ...row }) => ({
      ...row,
      cells: cells.map((cell) => cell && { ...cell, host: cell.host === null ? null : page.hosts[cell.host] }),
    })),
  };
}

test("all figures are the same in whatever order events become visible, or the batch is folded anew", () => {
  const seen = { outdated: 0, same: 0 };
  fc.assert(
    fc.property(logs, fc.infiniteStream(fc.nat(40)), ({ rows }, order) => {
      const events = rows.map(eventOf);
      const inOrder = fold(events);
      expect(inOrder.view.isOutdated || inOrder.detail.isOutdated).toBe(false);
      const left = [...events];
      const visible: LogEvent[] = [];
      // Mostly in order, now and then one of the next two first.
      while (left.length > 0) {
        const place = Math.max(0, order.next().value! - 38);
        visible.push(left.splice(Math.min(place, left.length - 1), 1)[0]!);
      }
      const other = fold(visible);
      seen[other.view.isOutdated || other.detail.isOutdated ? "outdated" : "same"] += 1;
      if (!other.view.isOutdated && !other.detail.isOutdated) expect(shown(other)).toEqual(shown(inOrder));
    }),
    { numRuns: 1_000 },
  );
  expect(seen.outdated).toBeGreaterThan(20);
  expect(seen.same).toBeGreaterThan(20);
});

test("an event that comes late before a start that followed a silence has the batch folded anew", () => {
  const start = Date.parse(CREATED);
  const said = [
    { at: 0, stage: "stt", eventType: "stage_start" },
    { at: 10, stage: "stt", eventType: "stage_complete" },
    { at: 290, stage: "lid", eventType: "info" },
    { at: 170, stage: "lid", eventType: "info" },
    { at: 300, stage: "stt", eventType: "stage_start" },
    { at: 310, stage: "stt", eventType: "info" },
  ] as const;
  const events = said.map(({ at, ...fields }, index) =>
    logEvent(index + 1, { ...fields, timestamp: new Date(start + at * 1_000).toISOString() }),
  );
  const late = fold([...events.filter(({ id }) => id !== 4), events[3]!]);
  expect(fold(events).view.work.work.runs).toBe(2);
  expect(late.view.work.work.runs === 2 || late.view.isOutdated).toBe(true);
});
