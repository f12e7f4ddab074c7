/** What is shown of a batch after a retry that worked, and of one that was cut off and resumed: by example. */
import { describe, expect, test } from "vitest";
import type { LogEvent } from "@cofi/event-log/events";
import { STAGES } from "@cofi/event-log/stages";
import { errorsView } from "@cofi/views/detail/errors";
import { findingsOf } from "@cofi/views/detail/findings";
import { hostsView } from "@cofi/views/detail/hosts";
import { metricsView } from "@cofi/views/detail/metrics";
import { timelineView } from "@cofi/views/detail/timeline";
import { workedMs } from "@cofi/views/worked";
import { BATCH } from "../../../test/support/log-events.js";
import { detailOf, Script } from "./script.js";

const CREATED = Date.parse(BATCH.createdAt);
const stt = STAGES.findIndex(({ name }) => name === "stt");
const MINUTE = 60;
const OUT_OF_MEMORY = { eventType: "error", status: "failed", errorMessage: "CUDA out of memory" } as const;
const DONE = { eventType: "file_complete", status: "success" } as const;

function viewsOf(script: Script, later = 0) {
  const asOf = new Date(CREATED + (script.at + later) * 1_000).toISOString();
  const folded = detailOf(script.events);
  const { detail, summaries, view } = folded;
  return {
    ...folded,
    batch: workedMs(view.work.work, null),
    took: workedMs(summaries[stt]!.work, null),
    findings: findingsOf(detail, summaries, [], asOf),
    causes: errorsView(detail, asOf).groups,
    metrics: metricsView(detail, summaries, asOf, null).stages[stt]!,
    times: timelineView(detail, summaries, new Map(), Date.parse(asOf), false),
    host: hostsView(detail, summaries, asOf, true).hosts[0]!.stages[stt]!,
  };
}

/** Two files in a minute each, one of which fails; half an hour later that one again. `run`: of the batch; null of a writer without runs. */
function retried(runs: readonly (number | null)[], { hasEnd = true, failed = 1 } = {}): Script {
  const script = new Script();
  const log = (run: number | null, fields: Partial<LogEvent>) => script.add("stt", { run, gpuIp: "gpu-1", ...fields });
  const [first = null, second = null] = runs;
  log(first, { eventType: "stage_start", totalFiles: 1 + failed });
  const bad = Array.from({ length: failed }, (_, n) => `bad ${n}.wav`);
  for (const fileName of ["good.wav", ...bad]) log(first, { eventType: "file_start", fileName });
  script.at += MINUTE;
  log(first, { ...DONE, fileName: "good.wav", durationMs: MINUTE * 1_000 });
  for (const fileName of bad) log(first, { ...OUT_OF_MEMORY, fileName, durationMs: MINUTE * 1_000 });
  if (hasEnd) log(first, { eventType: "stage_complete", status: "success" });
  script.at += 37 * MINUTE;
  log(second, { eventType: "stage_start", totalFiles: 1 + failed });
  for (const fileName of bad) log(second, { eventType: "file_start", fileName });
  script.at += MINUTE;
  for (const fileName of bad) log(second, { ...DONE, fileName, durationMs: MINUTE * 1_000 });
  return log(second, { eventType: "stage_complete", status: "success" });
}

describe.each([
  ["with runs", [1, 2], true],
  ["without runs", [null, null], true],
  ["with runs, the first of which was cut off", [1, 2], false],
  ["without runs, cut off", [null, null], false],
])("after a retry that worked, %s", (_, runs, hasEnd) => {
  const views = viewsOf(retried(runs, { hasEnd }));

  test("nothing accuses", () => {
    expect(views.findings).toEqual([]);
    expect(views.causes).toMatchObject([
      { cause: "CUDA out of memory", count: 1, final: 0, files: 1, failed: 0, doneLater: 1, stages: [{ final: 0 }] },
    ]);
    expect(views.metrics.overall.failureRate).toBe(0);
    expect(views.metrics.failed.every((count) => count === 0)).toBe(true);
    expect(views.metrics.retried.reduce((sum, count) => sum + count, 0)).toBe(1);
    expect(views.summaries[stt]).toMatchObject({ done: 2, failed: 0, errors: 1 });
  });

  test("the stage and the batch took two minutes, in two runs with a gap", () => {
    expect(views.took).toBe(120_000);
    expect(views.batch).toBe(120_000);
    expect(views.times.durationMs).toBe(120_000);
    expect(views.times.stages[stt]?.durationMs).toBe(120_000);
    const spans = [
      ["2026-11-20T18:00:00.000Z", "2026-11-20T18:01:00.000Z"],
      ["2026-11-20T18:38:00.000Z", "2026-11-20T18:39:00.000Z"],
    ];
    expect(views.times.runs.map(({ startedAt, endedAt }) => [startedAt, endedAt])).toEqual(spans);
    expect(views.times.stages[stt]?.runs.map(({ startedAt, endedAt }) => [startedAt, endedAt])).toEqual(spans);
    expect(views.times.stages[stt]?.runs.map(({ run }) => run)).toEqual(runs);
  });

  test("rates are of the time at work", () => {
    expect(views.host).toMatchObject({ done: 2, errors: 1, perMinute: 1 });
    expect(views.metrics.workedS.reduce((sum, seconds) => sum + seconds, 0)).toBeLessThanOrEqual(120);
  });
});

test("a host that failed in an earlier run is not accused of it", () => {
  const script = retried([1, 2], { failed: 6 });
  script.add("stt", { ...DONE, fileName: "other.wav", gpuIp: "gpu-2", run: 2 });
  expect(viewsOf(script).findings).toEqual([]);
});

test("a failure of the stage itself is none once the stage has run again", () => {
  const script = new Script().add("stt", { eventType: "stage_start", run: 1 });
  script.add("stt", { eventType: "error", status: "failed", errorMessage: "The engine did not start.", run: 1 });
  script.add("stt", { eventType: "stage_complete", status: "failed", run: 1 });
  const accused = (): number[] => {
    const { detail, summaries } = detailOf(script.events);
    return findingsOf(detail, summaries, [], BATCH.createdAt).map(({ count }) => count);
  };
  expect(accused()).toEqual([1]);
  script.at += 600;
  script.add("stt", { eventType: "stage_start", run: 2 });
  expect(accused()).toEqual([]);
});

test("files count by their latest outcome: failed, tried again, done later, failed otherwise", () => {
  const script = new Script();
  for (const name of ["a.wav", "b.wav", "c.wav", "d.wav", "e.wav"]) script.failed("stt", name, "CUDA out of memory");
  script.done("stt", "a.wav").failed("stt", "b.wav", "no answer");
  script.add("stt", { eventType: "file_start", fileName: "c.wav" });
  const { detail, summaries } = detailOf(script.events);
  expect(errorsView(detail, BATCH.createdAt).groups).toMatchObject([
    { count: 5, files: 5, final: 2, failed: 2, triedAgain: 1, doneLater: 1, otherwise: 1 },
    { count: 1, files: 1, final: 1, failed: 1 },
  ]);
  const [finding] = findingsOf(detail, summaries, [], BATCH.createdAt);
  expect(finding).toMatchObject({
    kind: "cause",
    count: 2,
    text: "2 failures in Speech to text: CUDA out of memory, and 1 like it",
  });
  expect(finding?.rule).toContain("1 more failed and was done by a later try.");
});

test("rows of a CSV file that is read again count as they were read last", () => {
  const script = new Script();
  const read = (...lines: number[]) => {
    script.add("callmetadata", { eventType: "file_start", fileName: "calls.csv" });
    for (const line of lines)
      script.add("callmetadata", {
        eventType: "error",
        status: "processing",
        fileName: "calls.csv",
        errorMessage: `line ${line}: no file_name`,
      });
    script.add("callmetadata", { ...DONE, fileName: "calls.csv" });
  };
  read(2, 3, 4);
  read(3);
  const { detail, summaries } = detailOf(script.events);
  expect(errorsView(detail, BATCH.createdAt).groups).toMatchObject([{ count: 4, rows: 1, failed: 0, doneLater: 0 }]);
  expect(findingsOf(detail, summaries, [], BATCH.createdAt)).toMatchObject([{ kind: "rows", count: 1 }]);
});

describe("runs of a stage without runs of the batch", () => {
  const took = (script: Script): [number, number] => {
    const { work } = detailOf(script.events).summaries[stt]!;
    return [work.runs, workedMs(work, null) / 1_000];
  };

  test("another host that joins begins none, whichever ends first", () => {
    const script = new Script().add("stt", { eventType: "stage_start" }).done("stt", "a", 30, "gpu-1");
    script.add("stt", { eventType: "stage_start" }).done("stt", "b", 50, "gpu-2");
    script.add("stt", { eventType: "stage_complete", durationMs: 50_000 }).done("stt", "c", 20, "gpu-1");
    script.add("stt", { eventType: "stage_complete", durationMs: 100_000 });
    expect(took(script)).toEqual([1, 100]);
  });

  test("a clock that is set within a run does not change what its end says", () => {
    const script = new Script().add("stt", { eventType: "stage_start" }).done("stt", "a", 30);
    script.at -= 86_400;
    script.done("stt", "b", 30).add("stt", { eventType: "stage_complete", durationMs: 60_000 });
    expect(took(script)).toEqual([1, 60]);
    const { detail, summaries, view } = detailOf(script.events);
    expect(workedMs(view.work.work, null)).toBe(60_000);
    expect(hostsView(detail, summaries, BATCH.createdAt, true).hosts[0]?.stages[stt]?.perMinute).toBeCloseTo(2);
  });

  test("no run lasts less than nothing, or longer than until the next", () => {
    const back = new Script().add("stt", { eventType: "stage_start" });
    back.at -= 86_400;
    back.add("stt", { eventType: "stage_complete" });
    expect(took(back)).toEqual([1, 0]);
    const ahead = new Script().add("stt", { eventType: "stage_start" });
    ahead.at += 86_400;
    ahead.add("stt", { eventType: "stage_complete" });
    ahead.at -= 86_000;
    ahead.add("stt", { eventType: "stage_start" }).add("stt", { eventType: "stage_complete" });
    expect(took(ahead)).toEqual([2, 400]);
  });
});
