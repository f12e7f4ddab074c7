import type { MetricsView, StageOverview } from "@cofi/views/detail/shapes";
import { expect, it } from "vitest";
import { batchesWanted, linesOfStage, linesOfTrend, placesOf } from "../src/views/metrics/metrics-lines.js";

it("turns counts of buckets into rates, and says nothing where nothing ended", () => {
  const stage = {
    done: [3, 0],
    failed: [1, 0],
    retried: [2, 0],
    audioS: [90, 0],
    workedS: [30, 30],
    p50Ms: [1_500, null],
    p95Ms: [2_000, null],
  } as unknown as MetricsView["stages"][number];
  const charts = linesOfStage(stage, 30);
  expect(charts.map(({ title, unit }) => `${title}, ${unit}`)).toEqual([
    "Throughput, files per minute",
    "Duration of a file, seconds",
    "Failure rate, % of the files that ended",
    "Audio, hours per hour",
  ]);
  expect(charts.map(({ lines }) => lines.map(({ values }) => values))).toEqual([
    [
      [6, 0],
      [4, 0],
      [2, 0],
    ],
    [
      [1.5, null],
      [2, null],
    ],
    [[25, null]],
    [[3, 0]],
  ]);
});

it("takes rates of the time at work: none of a pause, and no peak of a moment", () => {
  const none = [0, 0, 0, 0, 0];
  const [throughput] = linesOfStage(
    {
      stage: "stt",
      label: "Speech to text",
      // Half at work, a pause, a moment at work, and a file that ended outside of every run.
      done: [3, 0, 0, 1, 1],
      workedS: [15, 30, 0, 0.01, 0],
      failed: none,
      retried: none,
      audioS: none,
      p50Ms: none,
      p95Ms: none,
      approximate: true,
      overall: { p50Ms: null, p95Ms: null, approximate: true, failureRate: null, audioHoursPerHour: null },
    },
    30,
  );
  expect(throughput?.lines[0]?.values).toEqual([12, 0, null, 20, 2]);
});

it("puts times on the axis, and where the batch paused their names, with an empty place", () => {
  const words = { mark: (at: number) => `m${at}`, name: (at: number) => `n${at}`, pause: (ms: number) => `p${ms}` };
  const chart = { title: "", unit: "", lines: [{ label: "done", values: [1, 2, 3], tone: "good" as const }] };
  const times = (...ms: number[]) => ({ times: ms.map((at) => new Date(at).toISOString()), bucketS: 1 });
  expect(placesOf(times(0, 1_000, 2_000), [chart], words)).toEqual({ x: [0, 1, 2], charts: [chart] });
  const { x, names, charts } = placesOf(times(0, 1_000, 60_000), [chart], words);
  expect(x).toEqual([0, 1, 2, 3]);
  expect(names?.map(({ name }) => name)).toEqual(["n0", "n1000", "p58000", "n60000"]);
  expect(charts[0]?.lines[0]?.values).toEqual([1, 2, null, 3]);
});

it("takes the number of batches from the address, and the usual one for anything else", () => {
  expect(["10", "20", "50", "100"].map(batchesWanted)).toEqual([10, 20, 50, 100]);
  for (const other of [undefined, "", "0", "30", "1000", "ten", "10 "]) expect(batchesWanted(other)).toBe(20);
});

it("draws a stage over batches, also those that never came to it", () => {
  const stt = { stage: "stt", label: "Speech to text", durationMs: 120_000, failureRate: 0.1, perMinute: 8 };
  const overview = { ...stt, p50Ms: null, p95Ms: 2_000, audioHoursPerHour: 12 } as StageOverview;
  const batches = [
    { id: 7, name: "first", startedAt: null, stages: [overview] },
    { id: 8, name: "second", startedAt: null, stages: [] },
  ];
  const { label, names, charts } = linesOfTrend({ batches }, "stt");
  expect(label).toBe("Speech to text");
  expect(names).toEqual([
    { mark: "7", name: "7 first" },
    { mark: "8", name: "8 second" },
  ]);
  expect(charts.map(({ lines }) => lines.map(({ values }) => values))).toEqual([
    [[2, null]],
    [[8, null]],
    [
      [null, null],
      [2, null],
    ],
    [[10, null]],
    [[12, null]],
  ]);
  expect(charts.at(-1)).toMatchObject({ title: "Audio", unit: "hours per hour" });
  expect(linesOfTrend({ batches: [] }, "llm1")).toMatchObject({ label: "llm1", names: [] });
});
