/** What the detail makes of writers that log less than the pipeline does, or otherwise; and of batches that were resumed. */
import { describe, expect, test } from "vitest";
import { errorsView } from "@cofi/views/detail/errors";
import { reconciliation } from "@cofi/views/detail/handoffs";
import { hostsView } from "@cofi/views/detail/hosts";
import { metricsView } from "@cofi/views/detail/metrics";
import { causeOf } from "@cofi/views/detail/error-cause";
import { foundFiles, pageOf } from "@cofi/views/detail/files-view";
import { findingsOf } from "@cofi/views/detail/findings";
import type { Range } from "@cofi/views/detail/shapes";
import { stallsOf } from "@cofi/views/detail/stalls";
import { timelineView } from "@cofi/views/detail/timeline";
import { STAGES } from "@cofi/event-log/stages";
import { BATCH } from "../../../test/support/log-events.js";
import { ASOF, detailOf, Script } from "./script.js";

const CREATED = Date.parse(BATCH.createdAt);
const stt = STAGES.findIndex(({ name }) => name === "stt");

test("a service that uses one stage only loses no file in the others", () => {
  const { detail, summaries } = detailOf(new Script().done("stt", "call-1.wav").events);
  const { stages, balanced } = reconciliation(detail, summaries, ASOF);
  expect(stages.map(({ stage, from }) => [stage, from])).toEqual([
    ["stt", null],
    ["llm1", "stt"],
    ["llm2", "llm1"],
  ]);
  expect(balanced).toBe(true);
  expect(findingsOf(detail, summaries, [], ASOF)).toEqual([]);
});

test("a file that a stage passed over while it was at work is shown in its state", () => {
  const script = new Script()
    .stage("denoise", 2, (s) => s.done("denoise", "a").done("denoise", "b"))
    .stage("ivr", 2, (s) => s.done("ivr", "a"), false)
    .done("lid", "b");
  const { detail, summaries } = detailOf(script.events);
  const [finding] = findingsOf(detail, summaries, [], ASOF);
  expect(finding).toMatchObject({ kind: "missing", what: "b", stage: "ivr" });
  expect(finding?.rule).toBe("Denoise finished it, and a later stage has seen it, but not IVR.");
});

test("failed completions have causes as errors have, and a failure that is logged both ways counts once", () => {
  const failed = { eventType: "file_complete", status: "failed", errorMessage: "out of memory: 4 MB" } as const;
  const script = new Script().file("stt", "a.wav", failed).file("stt", "b.wav", failed);
  script.failed("stt", "c.wav", "out of memory: 7 MB").add("stt", { fileName: "c.wav", gpuIp: "gpu-1", ...failed });
  const { detail, summaries } = detailOf(script.events);
  expect(errorsView(detail, ASOF).groups).toMatchObject([
    { cause: "out of memory: <n> MB", count: 3, final: 3, files: 3 },
  ]);
  expect(hostsView(detail, summaries, ASOF, true).hosts[0]?.stages[stt]).toMatchObject({ errors: 3, done: 0 });
  expect(findingsOf(detail, summaries, [], ASOF)).toMatchObject([{ kind: "cause", count: 3 }]);
});

test("durations that nobody says are measured from start to end", () => {
  const script = new Script();
  for (let n = 0; n < 10; n++) {
    script.add("stt", { eventType: "file_start", fileName: `${n}` });
    script.at += 180;
    script.add("stt", { eventType: "file_complete", fileName: `${n}` });
  }
  const { detail, summaries } = detailOf(script.events);
  const { overall } = metricsView(detail, summaries, ASOF).stages[stt]!;
  expect(overall.p95Ms).toBeGreaterThan(150_000);
  expect(overall.p95Ms).toBeLessThan(210_000);
});

describe("stalls", () => {
  const kinds = (script: Script, secondsLater: number): string[] => {
    const { detail, summaries } = detailOf(script.events);
    return stallsOf(detail, summaries, CREATED + (script.at + secondsLater) * 1_000).map(({ kind }) => kind);
  };

  test("a stage that reports progress does not stall", () => {
    const script = new Script().add("stt", { eventType: "stage_start", totalFiles: 1_000 });
    for (let n = 1; n <= 300; n++) {
      script.at += 1;
      script.add("stt", { eventType: "stage_progress", processedFiles: n });
    }
    expect(kinds(script, 10)).toEqual([]);
    expect(kinds(script, 130)).toEqual(["stuck-stage"]);
  });

  test("a stage of which no total is known, with no file in progress, is not stuck", () => {
    const script = new Script().done("stt", "a").done("stt", "b");
    expect(kinds(script, 3_600)).toEqual([]);
    script.add("stt", { eventType: "file_start", fileName: "c" });
    expect(kinds(script, 3_600)).toContain("stuck-stage");
  });

  test("a host that starts its part of a stage later does not hide what stalls on another", () => {
    const script = new Script().add("stt", { eventType: "stage_start", totalFiles: 9 });
    script.add("stt", { eventType: "file_start", fileName: "slow", gpuIp: "gpu-1" });
    for (let n = 0; n < 3; n++) script.done("stt", `${n}`, 20, "gpu-2");
    script.add("stt", { eventType: "stage_start", totalFiles: 9 });
    script.done("stt", "3", 20, "gpu-3");
    expect(kinds(script, 0)).toContain("slow-file");
  });

  test("files in progress when the batch was stopped do not stall when it is resumed", () => {
    const script = new Script().add("stt", { eventType: "stage_start", totalFiles: 100 });
    for (let n = 0; n < 50; n++) script.done("stt", `${n}`, 2, "gpu-1");
    script.add("stt", { eventType: "file_start", fileName: "cut", gpuIp: "gpu-1" });
    script.at += 12 * 3_600;
    script.add("stt", { eventType: "stage_start", totalFiles: 100 });
    script.add("stt", { eventType: "file_start", fileName: "50", gpuIp: "gpu-2" });
    expect(kinds(script, 2)).toEqual([]);
    expect(kinds(script, 70)).toEqual(["slow-file"]);
    script.at += 2;
    script.add("stt", { eventType: "file_complete", fileName: "50", gpuIp: "gpu-2" });
    for (let n = 51; n < 60; n++) script.done("stt", `${n}`, 2, "gpu-2");
    const { detail, summaries } = detailOf(script.events);
    const view = timelineView(detail, summaries, new Map(), CREATED + script.at * 1_000);
    const [low, high] = view.stages[stt]?.remainingMs ?? [0, 0];
    // 40 are left, at 2 s each.
    expect(low).toBeGreaterThan(60_000);
    expect(high).toBeLessThan(100_000);
  });
});

test("remaining time: a table is read once, however many recordings there are", () => {
  const script = new Script().add("file_distribution", { eventType: "stage_start", totalFiles: 100_000 });
  const { detail, summaries } = detailOf(script.events);
  const history = new Map<string, Range>([["callmetadata", [3_000, 3_000]]]);
  const { stages } = timelineView(detail, summaries, history, Date.parse(ASOF));
  expect(stages.find(({ stage }) => stage === "callmetadata")?.remainingMs).toEqual([3_000, 3_000]);
});

test("of a batch that is over nothing is left, and a stage that was never ended lasted until its last event", () => {
  const script = new Script().add("stt", { eventType: "stage_start", totalFiles: 10 }).done("stt", "a", 60);
  const { detail, summaries } = detailOf(script.events);
  const view = timelineView(detail, summaries, new Map(), Date.parse(ASOF), false);
  expect(view.remainingMs).toEqual([0, 0]);
  expect(view.bottleneck).toBeNull();
  expect(Date.parse(view.stages[stt]?.finishedAt ?? "") - CREATED).toBe(60_000);
});

test("a file in progress is as slow as it has been so far", () => {
  const script = new Script().add("stt", { eventType: "file_start", fileName: "z.wav" });
  script.at += 3_600;
  for (const name of ["a.wav", "b.wav"]) script.add("stt", { eventType: "file_start", fileName: name });
  const { detail, summaries } = detailOf(script.events);
  const now = CREATED + (script.at + 5) * 1_000;
  const filter = { stage: stt, state: "inFlight", sort: "duration", descending: true } as const;
  const found = foundFiles(detail, summaries, filter, now);
  const { rows } = pageOf(detail, summaries, found, { offset: 0, limit: 1 }, { now, asOf: ASOF });
  expect(rows[0]).toMatchObject({ fileName: "z.wav" });
  expect(rows[0]?.cells[stt]?.durationMs).toBe(3_605_000);
  expect(foundFiles(detail, summaries, { ...filter, minDurationMs: 300_000 }, now)).toHaveLength(1);
});

test("a message of a megabyte does not hold anybody up", () => {
  // With patterns that look at each place anew it would take hours.
  const message = `The answer is no JSON: ${"ab-c.".repeat(200_000)}`;
  expect(causeOf(message, "a.wav")).toMatch(/^The answer is no JSON: ab-c\./);
});
