/**
 * Clocks of writers are set back and forward while a batch runs. What writers have measured is shown as they measured it, and no
 * figure of a view, an overview or a trend shows a duration below nothing, or a longer one than the times in the log say.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Store } from "@cofi/event-log/store";
import { effectiveBatch, isGoingOn } from "@cofi/views/batch-state";
import { foundFiles, pageOf } from "@cofi/views/detail/files-view";
import { findingsOf } from "@cofi/views/detail/findings";
import { hostsView } from "@cofi/views/detail/hosts";
import { metricsView } from "@cofi/views/detail/metrics";
import { foldDetail, workedUntil } from "@cofi/views/detail/replay";
import { stallsOf } from "@cofi/views/detail/stalls";
import { timelineView } from "@cofi/views/detail/timeline";
import { overviewOf } from "@cofi/views/overview";
import { snapshotOf } from "@cofi/views/projection";
import { speedsOf } from "@cofi/views/speeds";
import { freshDatabase } from "../../../test/support/databases.js";

const DAY_MS = 86_400_000;
const START = Date.UTC(2026, 10, 23, 2);

/** ms by which a clock is set before an event; mostly nobody sets it. */
const jump = fc.oneof(
  { weight: 20, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.constantFrom(-DAY_MS, -3_600_000, DAY_MS, 365 * DAY_MS, -365 * DAY_MS) },
);
const ms = fc.integer({ min: 1, max: 40_000 });

/** A run of a stage as the pipeline logs it: what took time is measured by a clock that nobody sets. */
const stageRun = fc.record({
  stage: fc.constantFrom("file_distribution", "stt", "llm1"),
  /** The run of the batch ends with it, and another one begins after a pause. */
  pause: fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 7_200_000 }) },
  ),
  /** The process was killed: nothing says how long it took. */
  isCut: fc.constantFrom(false, false, false, true),
  files: fc.array(
    fc.record({
      name: fc.constantFrom("a.wav", "b.wav", "c.wav"),
      took: ms,
      jump,
      ends: fc.constantFrom("done", "failed", "retried"),
    }),
    { maxLength: 8 },
  ),
  jump,
});

type StageRun = typeof stageRun extends fc.Arbitrary<infer Run> ? Run : never;

interface Row {
  stage: string;
  eventType: "stage_start" | "file_start" | "file_complete" | "error" | "stage_complete";
  fileName: string | null;
  status: "processing" | "success" | "failed";
  durationMs: number | null;
  run: number;
  timestamp: string;
  gpuIp: string | null;
}

interface Truth {
  rows: Row[];
  /** From the first event to the last, as nobody's clock says. */
  elapsedMs: number;
  /** The earliest and the latest time that an event has, epoch ms. */
  said: [from: number, to: number];
  /** By stage, of the runs that said it; null where one was cut off. */
  measured: Map<string, number | null>;
}

function happened(runs: readonly StageRun[]): Truth {
  let [elapsed, clock, run] = [0, START, 1];
  const rows: Row[] = [];
  const measured = new Map<string, number | null>();
  const log = (fields: Pick<Row, "stage" | "eventType"> & Partial<Row>): void => {
    const timestamp = new Date(clock).toISOString().replace("T", " ").replace("Z", "");
    rows.push({ fileName: null, status: "processing", durationMs: null, gpuIp: null, ...fields, run, timestamp });
  };
  const pass = (took: number, by = 0): void => {
    elapsed += took;
    clock += took + by;
  };
  for (const { stage, pause, isCut, files, jump: by } of runs) {
    if (pause > 0 || measured.has(stage)) {
      pass(pause);
      run += 1;
    }
    const began = elapsed;
    log({ stage, eventType: "stage_start" });
    pass(0, by);
    for (const { name, took, jump: by_, ends } of files) {
      log({ stage, eventType: "file_start", fileName: name, gpuIp: "10.0.0.7" });
      pass(took, by_);
      const end = { stage, fileName: name, durationMs: took, gpuIp: "10.0.0.7" };
      if (ends === "done") log({ ...end, eventType: "file_complete", status: "success" });
      else log({ ...end, eventType: "error", status: ends === "failed" ? "failed" : "processing" });
    }
    if (isCut) {
      measured.set(stage, null);
      run += 1;
      continue;
    }
    log({ stage, eventType: "stage_complete", status: "success", durationMs: elapsed - began });
    const before = measured.get(stage);
    if (before !== null) measured.set(stage, (before ?? 0) + elapsed - began);
  }
  const times = rows.map(({ timestamp }) => Date.parse(`${timestamp.replace(" ", "T")}Z`));
  return { rows, elapsedMs: elapsed, said: [Math.min(...times), Math.max(...times)], measured };
}

/** Every number whose name says that it is a duration, with where it stands. */
function durationsIn(value: unknown, path = ""): [path: string, ms: number][] {
  if (typeof value === "number") {
    const name = path.split(".").at(-1) ?? "";
    if (name.endsWith("Ms")) return [[path, value]];
    return path.split(".").at(-2) === "workedS" ? [[path, value * 1_000]] : [];
  }
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    durationsIn(inner, /^\d+$/.test(key) && typeof inner === "number" && path.endsWith("Ms") ? path : `${path}.${key}`),
  );
}

test(
  "a clock that is set changes no duration that was measured, and makes no other one absurd",
  { timeout: 900_000 },
  async () => {
    const fresh = await freshDatabase("sqlite");
    const store = new Store(fresh.database);
    try {
      await fc.assert(
        fc.asyncProperty(
          fc.array(stageRun, { minLength: 1, maxLength: 6 }),
          fc.constantFrom("running" as const, "completed_with_errors" as const, "interrupted" as const),
          fc.integer({ min: 0, max: 600_000 }),
          async (stageRuns, status, later) => {
            const {
              rows,
              elapsedMs,
              said: [from, to],
              measured,
            } = happened(stageRuns);
            const { id } = await store.createBatch({ name: "night", folder: null });
            const createdAt = new Date(START).toISOString().replace("T", " ").replace("Z", "");
            await fresh.database.kysely
              .updateTable("batchStatus")
              .set({ status, createdAt })
              .where("id", "=", id)
              .execute();
            await fresh.database.kysely
              .insertInto("batchExecutionLog")
              .values(rows.map((row) => ({ ...row, batchId: id })))
              .execute();
            const { silence: _silence, ...batch } = (await store.batch(id))!;
            const upToId = await store.maxEventId();
            // The dashboard's own clock is right.
            const now = START + elapsedMs + later;
            const asOf = new Date(now).toISOString();
            const folded = await foldDetail(store, batch, upToId, { eventsPerStage: 3 });
            const { detail, summaries, current } = folded;
            const isOn = isGoingOn(effectiveBatch(current));
            const until = workedUntil(folded, now);
            const overview = await overviewOf(store, batch, upToId, asOf);
            const timeline = timelineView(detail, summaries, new Map(), now, isOn);
            const found = foundFiles(detail, summaries, { sort: "name", descending: false, everything: true }, until);
            const views = {
              overview,
              timeline: {
                ...timeline,
                stages: timeline.stages.map(({ remainingMs: _left, ...stage }) => stage),
                remainingMs: 0,
              },
              snapshot: snapshotOf(current, asOf),
              files: pageOf(detail, summaries, found, { offset: 0, limit: 100 }, { now: until, asOf }),
              hosts: hostsView(detail, summaries, asOf, true),
              metrics: metricsView(detail, summaries, asOf, isOn ? now : null),
              findings: findingsOf(detail, summaries, isOn ? stallsOf(detail, summaries, now) : [], asOf),
              speeds: Object.fromEntries([...(await speedsOf(store, id))].map(([stage, one]) => [`${stage}.ms`, one])),
            };
            // Of a run that nobody measured the times are all that is known; a stage may have several.
            const most = (Math.max(now, to) - from) * stageRuns.length;
            const wrong = durationsIn(views).filter(([, one]) => !(one >= 0 && one <= most));
            expect(wrong).toEqual([]);
            for (const [stage, said] of measured) {
              if (said === null) continue;
              expect([stage, overview.stages.find((line) => line.stage === stage)?.durationMs]).toEqual([stage, said]);
              expect([stage, timeline.stages.find((line) => line.stage === stage)?.durationMs]).toEqual([stage, said]);
            }
            for (const { perMinute } of overview.stages) expect(perMinute ?? 0).toBeGreaterThanOrEqual(0);
          },
        ),
        { numRuns: 150, interruptAfterTimeLimit: 800_000 },
      );
    } finally {
      await fresh.close();
    }
  },
);
