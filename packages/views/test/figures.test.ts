/**
 * Every figure that a view, an overview, a trend or an export shows is what a plain reading of the rows says (`reference/`), on
 * logs with retries, resumes, pauses, several runs, rows of other services, late leftovers and clocks that are set, at any
 * moment, on both databases.
 */
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Batch } from "@cofi/event-log/events";
import { Store } from "@cofi/event-log/store";
import { STAGES } from "@cofi/event-log/stages";
import { effectiveBatch, isGoingOn } from "@cofi/views/batch-state";
import { errorsView } from "@cofi/views/detail/errors";
import { causeOf } from "@cofi/views/detail/error-cause";
import { foundFiles, pageOf } from "@cofi/views/detail/files-view";
import { findingsOf } from "@cofi/views/detail/findings";
import { focusOn } from "@cofi/views/detail/focus";
import { reconciliation } from "@cofi/views/detail/handoffs";
import { hostHistory } from "@cofi/views/detail/host-history";
import { hostsView } from "@cofi/views/detail/hosts";
import { metricsView } from "@cofi/views/detail/metrics";
import { foldDetail, workedUntil, type Folded } from "@cofi/views/detail/replay";
import { timelineView } from "@cofi/views/detail/timeline";
import { exportEvents, exportFiles } from "@cofi/views/export";
import { overviewOf } from "@cofi/views/overview";
import { snapshotOf } from "@cofi/views/projection";
import { speedsOf } from "@cofi/views/speeds";
import { sqlSnapshot } from "@cofi/views/sql-cards";
import { DIALECTS, freshDatabase } from "../../../test/support/databases.js";
import { logs, stored, WORK_NAMES } from "./logs.js";
import { cardOf, lineOf, overviewOfRows } from "./reference/cards.js";
import { allFiles, cellOf, handoffsOf } from "./reference/files.js";
import { hostCell, isCurrent, newsCounts, newsRows, stateNow } from "./reference/hosts.js";
import { causeRows, causesOf, linesOf, metricsOf, remainingOf } from "./reference/reports.js";
import { audioOf, current, type Moment, type Rows } from "./reference/rows.js";
import { batchRuns, batchWork, stageRuns, stageWork, worked } from "./reference/work.js";

const STAGE_NAMES = STAGES.map(({ name }) => name as string);

/** Rates and sums of seconds to nine digits: the order of additions may differ. */
function rounded<T>(value: T): T {
  return JSON.parse(
    JSON.stringify(value, (_, one: unknown) =>
      typeof one === "number" && !Number.isInteger(one) ? Number(one.toPrecision(9)) : one,
    ),
  ) as T;
}

async function textOf(pieces: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const piece of pieces) text += piece;
  return text;
}

function expectCards(folded: Folded, rows: Rows, asOf: string): void {
  const snapshot = snapshotOf(folded.current, asOf);
  const cards = [...snapshot.stages, ...snapshot.steps];
  for (const stage of WORK_NAMES) expect(cards.find((card) => card.stage === stage)).toMatchObject(cardOf(rows, stage));
  expect(snapshot.work).toEqual(batchWork(rows));
}

function expectReports(folded: Folded, moment: Moment): void {
  const { detail, summaries } = folded;
  const { rows, asOf, until } = moment;
  const metrics = metricsView(detail, summaries, asOf, until);
  for (const stage of metrics.stages) {
    const { times, bucketS, ...expected } = metricsOf(moment, stage.stage);
    expect(rounded(stage)).toMatchObject(rounded(expected));
    expect(metrics.times).toEqual(times);
    if (times.length > 0) expect(metrics.bucketS).toBe(bucketS);
  }
  const causes = causesOf(rows);
  const { groups } = errorsView(detail, asOf);
  expect(groups.map(({ firstAt: _firstAt, lastAt: _lastAt, ...group }) => group)).toEqual(causes);
  for (const group of groups) {
    expect(group.firstAt).toBe(rows.find(({ id }) => id === group.firstId)?.timestamp);
    expect(group.lastAt).toBe(rows.find(({ id }) => id === group.lastId)?.timestamp);
  }
  const findings = findingsOf(detail, summaries, [], asOf);
  const said = (kind: string): number[] =>
    findings.flatMap((finding) => (finding.kind === kind ? [finding.count] : [])).toSorted((a, b) => a - b);
  const sorted = (counts: number[]): number[] => counts.filter((count) => count > 0).toSorted((a, b) => a - b);
  expect(said("cause")).toEqual(sorted(causes.map(({ final }) => final)));
  expect(said("rows").reduce((sum, count) => sum + count, 0)).toBe(causes.reduce((sum, one) => sum + one.rows, 0));
  const handoffs = handoffsOf(rows);
  expect(said("missing")).toEqual(sorted(handoffs.map(({ missing }) => missing)));
  expect(said("unnamed")).toEqual(sorted(handoffs.map(({ unnamed }) => unnamed)));
  const { stages } = reconciliation(detail, summaries, asOf);
  expect(stages.length).toBe(handoffs.length);
  for (const [index, counts] of stages.entries()) expect(counts).toMatchObject(handoffs[index]!);
}

async function expectHosts(store: Store, { detail, summaries }: Folded, moment: Moment): Promise<void> {
  const { rows, asOf, until } = moment;
  const { hosts, isCurrent: current_ } = hostsView(detail, summaries, asOf, until !== null);
  expect(current_).toEqual(STAGE_NAMES.map((stage) => isCurrent(moment, stage)));
  for (const { host, stages, now } of hosts) {
    expect(rounded(stages)).toEqual(rounded(STAGE_NAMES.map((stage) => hostCell(rows, stage, host))));
    expect(now).toEqual(stateNow(moment, host));
  }
  expect(hosts.map(({ host }) => host)).toEqual(
    [...new Set(rows.flatMap(({ gpuIp, stage }) => (STAGE_NAMES.includes(stage) ? (gpuIp ?? []) : [])))].toSorted(),
  );
  const filters = [{}, { host: hosts[0]?.host }, { stage: "stt" }, { kind: ["ejected", "hedge"] as const }];
  for (const filter of filters) {
    const own = newsRows(rows).filter(
      ({ gpuIp, stage }) => (filter.host ?? gpuIp) === gpuIp && (filter.stage ?? stage) === stage,
    );
    const seen: number[] = [];
    for (let before: number | undefined; ;) {
      const page = await hostHistory(store, detail, { ...filter, before, limit: 2 }, asOf);
      expect(page.counts).toEqual(newsCounts(own));
      seen.push(...page.rows.map(({ id }) => id));
      expect(page.older).toBe(page.total - seen.length);
      if (page.nextCursor === null) break;
      before = Number(page.nextCursor);
    }
    const asked = own.filter((row) => !filter.kind || newsCounts([row]).ejected + newsCounts([row]).hedge > 0);
    expect(seen).toEqual(asked.map(({ id }) => id).toReversed());
  }
}

function expectTimes(folded: Folded, moment: Moment): void {
  const { rows, asOf, until } = moment;
  const isOn = until !== null;
  const view = timelineView(folded.detail, folded.summaries, new Map(), Date.parse(asOf), isOn);
  for (const stage of view.stages) {
    const work = stageWork(rows, stage.stage);
    const card = cardOf(rows, stage.stage);
    const openMs = worked({ ...work, overMs: 0 }, until);
    const isOver = card.status === "success" || card.status === "failed";
    expect(stage).toMatchObject({
      status: card.status,
      failed: card.failed,
      startedAt: card.startedAt,
      finishedAt: isOver || isOn ? card.finishedAt : card.startedAt && card.lastEventAt,
      runs: linesOf(stageRuns(rows, stage.stage), openMs, isOn),
      durationMs: card.startedAt === null ? null : worked(work, until),
    });
    if (isOver || !isOn) expect(stage).toMatchObject({ remainingMs: [0, 0], basis: "done" });
    else if (card.status === "processing")
      expect(rounded(stage)).toMatchObject(
        rounded(remainingOf(moment, stage.stage, Date.parse(asOf)) ?? { remainingMs: null, basis: "unknown" }),
      );
  }
  const work = batchWork(rows);
  expect(view.durationMs).toBe(worked(work, until));
  expect(view.runs).toEqual(linesOf(batchRuns(rows), worked({ ...work, overMs: 0 }, until), isOn));
  for (const { durationMs, startedAt, endedAt } of [...view.runs, ...view.stages.flatMap(({ runs }) => runs)]) {
    expect(durationMs).toBeGreaterThanOrEqual(0);
    if (endedAt !== null) expect(endedAt >= startedAt).toBe(true);
  }
}

async function expectFiles(folded: Folded, moment: Moment): Promise<void> {
  const { detail, summaries } = folded;
  const { rows, asOf } = moment;
  const filter = { sort: "name", descending: false, everything: true } as const;
  const now = workedUntil(folded, Date.parse(asOf));
  const found = foundFiles(detail, summaries, filter, now);
  const page = pageOf(detail, summaries, found, { offset: 0, limit: 100 }, { now, asOf });
  expect(page.rows.map(({ fileName }) => fileName)).toEqual(allFiles(rows).toSorted());
  const expected = page.rows.map(({ fileName }) => STAGE_NAMES.map((stage) => cellOf(moment, stage, fileName, now)));
  for (const [index, { fileName, audioS, cells }] of page.rows.entries()) {
    const named = cells.map((cell) => cell && { ...cell, host: cell.host === null ? null : page.hosts[cell.host] });
    expect(named).toEqual(expected[index]);
    expect(audioS).toBe(audioOf(rows, fileName) || null);
  }
  const text = await textOf(exportFiles(detail, summaries, { filter, now, format: "json" }));
  const exported = JSON.parse(text) as Record<string, unknown>[];
  expect(exported).toEqual(
    page.rows.flatMap(({ fileName, audioS }, index) =>
      expected[index]!.flatMap((cell, stage) =>
        cell
          ? [
              {
                fileName,
                audioSeconds: audioS,
                stage: STAGE_NAMES[stage],
                ...cell,
                eventId: cell.eventId === 0 ? null : cell.eventId,
              },
            ]
          : [],
      ),
    ),
  );
}

/** The view of the files that a cause has hit: their figures, with the times at work of the whole batch. */
async function expectFocus(store: Store, batch: Batch, folded: Folded, rows: Rows): Promise<void> {
  const [group] = errorsView(folded.detail, "").groups;
  if (!group) return;
  const { cause } = group;
  const own = causeRows(rows, cause);
  const hit = new Set(own.map(({ fileName }) => fileName));
  const narrowed = rows.filter(({ fileName, eventType, errorMessage }) =>
    fileName === null ? eventType !== "error" || causeOf(errorMessage, null) === cause : hit.has(fileName),
  );
  const { summaries, detail } = await focusOn(store, batch, folded, cause);
  for (const { stage, done, failed, inFlight, errors, work } of summaries) {
    const card = cardOf(
      narrowed.map((row) => (row.fileName === null ? { ...row, totalFiles: null, processedFiles: null } : row)),
      stage,
    );
    expect({ done, failed, inFlight, errors }).toEqual({
      done: card.done,
      failed: card.failed,
      inFlight: card.inFlight,
      errors: card.errors,
    });
    expect(work).toEqual(stageWork(rows, stage));
  }
  const same = errorsView(detail, "").groups.find((one) => one.cause === cause);
  const { count, final, files, failed, triedAgain, doneLater, otherwise } = group;
  expect(same).toMatchObject({ count, final, files, failed, triedAgain, doneLater, otherwise });
}

describe.each(DIALECTS)("at any moment, on %s", (dialect) => {
  test("all figures are what the rows say", { timeout: 600_000 }, async () => {
    const fresh = await freshDatabase(dialect);
    const store = new Store(fresh.database);
    const seen = { history: 0, stageRuns: 0, batchRuns: 0, doneLater: 0, steps: 0, current: 0 };
    try {
      await fc.assert(
        fc.asyncProperty(logs, async (log) => {
          const { batch, upToId, asOf } = await stored(store, log);
          const all = await store.batchEventsAfter(batch.id, 0, upToId, 1_000);
          const rows = current(all);
          const folded = await foldDetail(store, batch, upToId, { eventsPerStage: 3 });
          const until = isGoingOn(effectiveBatch(folded.current)) ? Date.parse(asOf) : null;
          const moment: Moment = { rows, until, asOf, createdAt: Date.parse(batch.createdAt) };
          expect(folded.current.isOutdated || folded.detail.isOutdated).toBe(false);

          expectCards(folded, rows, asOf);
          expectReports(folded, moment);
          await expectHosts(store, folded, moment);
          expectTimes(folded, moment);
          await expectFiles(folded, moment);
          await expectFocus(store, batch, folded, rows);

          // A replay carries no metadata of most events: the shown ones are compared by their ids.
          const withIds = ({ events, ...rest }: ReturnType<typeof snapshotOf>) => ({
            ...rest,
            events: Object.entries(events).map(([stage, list]) => [stage, list.map(({ id }) => id)]),
          });
          const snapshot = snapshotOf(folded.current, asOf);
          expect(withIds(await sqlSnapshot(store, batch, upToId, 3, asOf))).toEqual(withIds(snapshot));
          const { stages, ...overview } = await overviewOf(store, batch, upToId, asOf);
          expect(rounded(overview)).toEqual(rounded(overviewOfRows(moment, batch, all.at(-1)?.id ?? 0)));
          for (const line of stages) expect(rounded(line)).toMatchObject(rounded(lineOf(moment, line.stage)));

          const text = await textOf(exportEvents(store, batch, { filter: {}, upToId, format: "csv", bodies: false }));
          const exported = parse(text, { columns: true }) as Record<string, string>[];
          expect(exported.map(({ id, history }) => [Number(id), history === "true" || history === "1"])).toEqual(
            all.map(({ id }) => [id, !rows.some((row) => row.id === id)]),
          );
          if (log.hidden === 0) {
            const speeds = await speedsOf(store, batch.id);
            for (const stage of STAGE_NAMES) {
              const card = cardOf(rows, stage);
              const [ms, files] = [worked(card.work, null), card.done + card.failed];
              const speed = card.status === "success" && files > 0 && ms > 0 ? ms / files : undefined;
              expect(speeds.get(stage)).toBe(speed);
            }
          }

          seen.history += Number(rows.length < all.length);
          seen.stageRuns += Number(stageRuns(rows, "stt").length > 1);
          seen.batchRuns += Number(batchRuns(rows).length > 1);
          seen.steps += Number(newsRows(rows).length > 2);
          seen.current += Number(newsRows(rows).some(({ stage }) => isCurrent(moment, stage)));
          seen.doneLater += Number(causesOf(rows).some(({ doneLater }) => doneLater > 0));
        }),
        { numRuns: dialect === "mysql" ? 60 : 150, interruptAfterTimeLimit: 500_000 },
      );
      expect(Math.min(...Object.values(seen)), JSON.stringify(seen)).toBeGreaterThan(3);
    } finally {
      await fresh.close();
    }
  });
});
