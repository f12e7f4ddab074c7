/**
 * One rule for "latest": what the fold, the cards and lines by SQL, the checkpoint and the export of files say of a batch
 * is what a plain reading of the rule says, on logs with retries, several runs, late leftovers and rows of other services.
 */
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { EventType, LogEvent } from "@cofi/event-log/events";
import { RunOrder } from "@cofi/event-log/run-order";
import { Store } from "@cofi/event-log/store";
import { foldDetail } from "@cofi/views/detail/replay";
import { exportFiles } from "@cofi/views/export";
import { overviewOf } from "@cofi/views/overview";
import { applyEvent, emptyView, snapshotOf } from "@cofi/views/projection";
import { sqlSnapshot } from "@cofi/views/sql-cards";
import { BATCH, logEvent } from "../../../test/support/log-events.js";
import { DIALECTS, freshDatabase } from "../../../test/support/databases.js";

const ASOF = "2026-11-23T04:00:00.000Z";
const START = Date.UTC(2026, 10, 23, 2);
const STAGES = ["file_distribution", "stt"] as const;
const FILE_EVENTS: readonly EventType[] = ["file_start", "file_complete", "error"];

/** The writer of the next row: the newest run, a run that begins with it, an older run (late), or another service. */
const writer = fc.oneof(
  { weight: 6, arbitrary: fc.constant("newest" as const) },
  { weight: 1, arbitrary: fc.constant("next" as const) },
  { weight: 2, arbitrary: fc.constant("older" as const) },
  { weight: 2, arbitrary: fc.constant("foreign" as const) },
);

const row = fc.record({
  writer,
  older: fc.nat(3),
  stage: fc.constantFrom(...STAGES, "elsewhere"),
  eventType: fc.constantFrom<EventType[]>(
    "file_start",
    "file_start",
    "file_complete",
    "file_complete",
    "error",
    "stage_start",
    "stage_complete",
    "stage_progress",
    "info",
  ),
  status: fc.constantFrom(null, null, "pending" as const, "processing" as const, "success" as const, "failed" as const),
  fileName: fc.constantFrom("a.wav", "A.wav", "a.wav\t"),
  totalFiles: fc.constantFrom(null, null, 3, 7),
  durationMs: fc.constantFrom(null, 10, 2_000),
  audio: fc.boolean(),
  at: fc.integer({ min: 0, max: 180_000 }),
});

const logs = fc.array(row, { minLength: 1, maxLength: 50, size: "max" }).map((rows) => {
  let newest = 1;
  return rows.map(({ writer: by, older, at, audio, ...fields }) => {
    if (by === "next") newest += 1;
    const run = by === "foreign" ? null : by === "older" ? Math.max(1, newest - older) : newest;
    const isFile = FILE_EVENTS.includes(fields.eventType) || fields.eventType === "info";
    return {
      ...fields,
      run,
      fileName: isFile ? fields.fileName : null,
      response: fields.eventType === "file_complete" ? "{}" : null,
      metadata: fields.eventType === "file_start" && audio ? '{"audioSeconds":30}' : null,
      timestamp: new Date(START + at).toISOString().replace("T", " ").replace("Z", ""),
    };
  });
});

type Row = Pick<LogEvent, "id" | "run" | "stage" | "eventType" | "status" | "fileName">;

/** The rule as it is written, by comparing every row with every other one. */
function current<R extends Row>(rows: readonly R[]): R[] {
  return rows.filter(
    ({ id, run }) => run === null || !rows.some((other) => other.id < id && other.run !== null && other.run > run),
  );
}

function latestOf(rows: readonly Row[], stage: string): Map<string, Row> {
  const latest = new Map<string, Row>();
  for (const one of current(rows))
    if (one.stage === stage && one.fileName !== null && FILE_EVENTS.includes(one.eventType))
      latest.set(one.fileName, one);
  return latest;
}

function stateOf({ eventType, status }: Row): "inFlight" | "done" | "failed" {
  if (eventType === "file_complete") return status === "failed" ? "failed" : "done";
  return eventType === "file_start" || status === "processing" || status === "pending" ? "inFlight" : "failed";
}

async function textOf(pieces: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const piece of pieces) text += piece;
  return text;
}

describe.each(DIALECTS)("after retries, on %s", (dialect) => {
  test("fold, cards, lines, checkpoint and export follow one rule", { timeout: 240_000 }, async () => {
    const fresh = await freshDatabase(dialect);
    const store = new Store(fresh.database);
    const seen = { history: 0, moreRuns: 0 };
    try {
      await fc.assert(
        fc.asyncProperty(logs, fc.nat(10), async (written, back) => {
          const batch = await store.createBatch({ name: "night", folder: null });
          const values = written.map((fields) => ({ ...fields, batchId: batch.id }));
          await fresh.database.kysely.insertInto("batchExecutionLog").values(values).execute();
          const upToId = (await store.maxEventId()) - Math.min(back, written.length - 1);
          const rows = await store.batchEventsAfter(batch.id, 0, upToId, 1_000);
          if (current(rows).length < rows.length) seen.history += 1;
          if (new Set(rows.map(({ run }) => run)).size > 2) seen.moreRuns += 1;

          const folded = await foldDetail(store, batch, upToId, { eventsPerStage: 3 });
          expect(folded.current.isOutdated).toBe(false);
          const snapshot = snapshotOf(folded.current, ASOF);
          for (const stage of STAGES) {
            const states = [...latestOf(rows, stage).values()].map(stateOf);
            const count = (state: string): number => states.filter((one) => one === state).length;
            expect(snapshot.stages.find((card) => card.stage === stage)).toMatchObject({
              ...(states.length > 0 ? { done: count("done") } : {}),
              failed: count("failed"),
              inFlight: count("inFlight"),
              errors: current(rows).filter((one) => one.stage === stage && one.eventType === "error").length,
            });
          }
          // A replay carries no metadata of most events: the shown ones are compared by their ids.
          const withIds = ({ events, ...rest }: typeof snapshot) => ({
            ...rest,
            events: Object.fromEntries(
              Object.entries(events).map(([stage, list]) => [stage, list.map(({ id }) => id)]),
            ),
          });
          expect(withIds(await sqlSnapshot(store, batch, upToId, 3, ASOF))).toEqual(withIds(snapshot));

          const line = await overviewOf(store, batch, upToId, ASOF);
          expect(line.stages.map(({ stage, done, failed }) => [stage, done, failed])).toEqual(
            snapshot.stages.map(({ stage, done, failed }) => [stage, done, failed]),
          );

          const filter = { sort: "name", descending: false } as const;
          const pieces = exportFiles(folded.detail, folded.summaries, { filter, now: START, format: "csv" });
          const lines = parse(await textOf(pieces), { columns: true }) as Record<string, string>[];
          for (const stage of STAGES)
            for (const [fileName, latest] of latestOf(rows, stage)) {
              const exported = lines.find((one) => one["fileName"] === fileName && one["stage"] === stage);
              const skipped = exported?.["state"] === "skipped";
              const retrying =
                latest.eventType === "error" && (latest.status === "processing" || latest.status === "pending");
              if (!skipped) expect(exported?.["state"]).toBe(retrying ? "retrying" : stateOf(latest));
            }
        }),
        { numRuns: dialect === "mysql" ? 60 : 200 },
      );
      expect(seen.history).toBeGreaterThan(10);
      expect(seen.moreRuns).toBeGreaterThan(10);
    } finally {
      await fresh.close();
    }
  });

  test("the checkpoint holds what the newest word of a file completed", { timeout: 120_000 }, async () => {
    const fresh = await freshDatabase(dialect);
    const store = new Store(fresh.database);
    try {
      await fc.assert(
        fc.asyncProperty(logs, async (written) => {
          const batch = await store.createBatch({ name: "night", folder: null });
          const values = written.map((fields) => ({ ...fields, batchId: batch.id }));
          await fresh.database.kysely.insertInto("batchExecutionLog").values(values).execute();
          const rows = await store.batchEventsAfter(batch.id, 0, Number.MAX_SAFE_INTEGER, 1_000);
          const expected = [...latestOf(rows, "stt")].filter(
            ([, { eventType, status }]) => eventType === "file_complete" && (status ?? "success") === "success",
          );
          const completed = await store.completedFiles(batch.id, "stt");
          expect([...completed.keys()].toSorted()).toEqual(expected.map(([name]) => name).toSorted());
        }),
        { numRuns: dialect === "mysql" ? 40 : 100 },
      );
    } finally {
      await fresh.close();
    }
  });
});

test("events that become visible in any order give the same view, or say that it must be folded anew", () => {
  let outdated = 0;
  fc.assert(
    fc.property(logs, fc.infiniteStream(fc.nat()), (written, order) => {
      const rows = written.map(({ run, stage, eventType, status, fileName }, index) =>
        logEvent(index + 1, { run, stage, eventType, status, fileName }),
      );
      const left = [...rows];
      let view = emptyView(BATCH, 3);
      while (left.length > 0)
        view = applyEvent(view, left.splice(order.next().value! % Math.min(3, left.length), 1)[0]!);
      let inOrder = emptyView(BATCH, 3);
      for (const event of rows) inOrder = applyEvent(inOrder, event);
      expect(inOrder.isOutdated).toBe(false);
      if (view.isOutdated) outdated += 1;
      else expect(snapshotOf(view, ASOF)).toEqual(snapshotOf(inOrder, ASOF));
    }),
    { numRuns: 1_000 },
  );
  expect(outdated).toBeGreaterThan(0);
});

test("a run order says what comparing all rows says, whatever the order in which they come", () => {
  const ids = fc.uniqueArray(
    fc.record({ id: fc.integer({ min: 1, max: 40 }), run: fc.option(fc.integer({ min: 1, max: 4 })) }),
    {
      selector: ({ id }) => id,
    },
  );
  fc.assert(
    fc.property(ids, (rows) => {
      const order = new RunOrder();
      for (const { id, run } of rows) order.note(run, id);
      for (const { id, run } of rows) {
        const isHistory = run !== null && rows.some((other) => other.id < id && other.run !== null && other.run > run);
        expect(order.isHistory(run, id)).toBe(isHistory);
        expect(new RunOrder(order.starts).isHistory(run, id)).toBe(isHistory);
      }
    }),
  );
});
