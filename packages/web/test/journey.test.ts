import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LogEvent } from "@cofi/event-log/events";
import type { WorkRun } from "@cofi/views/detail/shapes";
import { logEvent } from "../../../test/support/log-events.js";
import { diffLines } from "../src/views/files/line-diff.js";
import { attemptsOf, placedIn, waitsOf } from "../src/views/files/attempts.js";

describe("attemptsOf", () => {
  it("puts starts and ends of the same attempt together, in whatever order they come", () => {
    const file = { fileName: "a.wav" };
    const attempts = attemptsOf([
      logEvent(4, { ...file, eventType: "file_complete", attempt: 2, gpuIp: "h2", durationMs: 80 }),
      logEvent(1, { ...file, eventType: "file_start", attempt: 1, gpuIp: "h1" }),
      logEvent(3, { ...file, eventType: "file_start", attempt: 2 }),
      logEvent(2, { ...file, eventType: "error", status: "processing", attempt: 1, errorMessage: "no answer" }),
      logEvent(5, { ...file, stage: "llm1", eventType: "file_start" }),
    ]);
    expect(
      attempts.map(({ stage, attempt, host, outcome, message }) => [stage, attempt, host, outcome, message]),
    ).toEqual([
      ["stt", 1, "h1", "retrying", "no answer"],
      ["stt", 2, "h2", "done", null],
      ["llm1", null, null, "inFlight", null],
    ]);
  });

  it("knows ends without a start, failures and files that were left out", () => {
    const attempts = attemptsOf([
      logEvent(1, { fileName: "a.wav", eventType: "error", status: "failed" }),
      logEvent(2, { fileName: "a.wav", stage: "llm1", metadata: { skipped: "no trade" } }),
      logEvent(3, { fileName: "a.wav", metadata: { note: "nothing" } }),
    ]);
    expect(attempts.map(({ outcome, startId, message }) => [outcome, startId, message])).toEqual([
      ["failed", null, null],
      ["skipped", null, "no trade"],
    ]);
  });

  it("shows what was tolerated in a recording where it was first said", () => {
    const metadata = { notes: ["The header is short.", 7, "It is raw."] };
    const attempts = attemptsOf([
      logEvent(1, { fileName: "a.wav", stage: "denoise", eventType: "file_complete", metadata }),
      logEvent(2, { fileName: "a.wav", stage: "ivr", eventType: "file_complete", metadata }),
      logEvent(3, { fileName: "a.wav", stage: "lid", eventType: "file_complete", metadata: { notes: "none" } }),
    ]);
    expect(attempts.map(({ said }) => said)).toEqual([["The header is short.", "It is raw."], [], []]);
  });
});

it("keeps what arrived late apart: it neither ends nor cuts off an attempt of the newest run", () => {
  const file = { fileName: "a.wav", attempt: 1 };
  const attempts = attemptsOf([
    logEvent(1, { ...file, eventType: "file_start", run: 2 }),
    logEvent(2, { ...file, eventType: "file_start", run: 1, history: true }),
    logEvent(3, { ...file, eventType: "error", status: "failed", run: 1, history: true, errorMessage: "no memory" }),
    logEvent(4, { ...file, stage: "lid", eventType: "file_start", run: 1, history: true }),
    logEvent(5, { ...file, eventType: "file_complete", run: 2 }),
  ]);
  expect(attempts.map(({ id, stage, run, outcome, isHistory }) => [id, stage, run, outcome, isHistory])).toEqual([
    [1, "stt", 2, "done", false],
    [2, "stt", 1, "failed", true],
    [4, "lid", 1, "cut", true],
  ]);
});

describe("waitsOf", () => {
  const file = { fileName: "a.wav" };
  const start = (id: number, stage: string) => logEvent(id, { ...file, stage, eventType: "file_start" });
  const end = (id: number, stage: string) => logEvent(id, { ...file, stage, eventType: "file_complete" });
  const retried = (id: number, stage: string) =>
    logEvent(id, { ...file, stage, eventType: "error", status: "processing" });
  const waits = (...events: LogEvent[]) => waitsOf(placedIn([], attemptsOf(events)), []);

  it("says how long the file waited for its turn and for its retries, also before an attempt in flight", () => {
    const way = [start(1, "denoise"), end(3, "denoise"), start(7, "stt"), retried(8, "stt"), start(10, "stt")];
    expect(waits(...way)).toEqual([null, 4_000, 2_000]);
    expect(waits()).toEqual([]);
  });

  it("says nothing of attempts that overlap, nor where a start or an end is not known", () => {
    expect(waits(start(1, "stt"), start(2, "llm1"), end(3, "stt"), end(5, "llm1"), start(6, "llm2"))).toEqual([
      null,
      null,
      1_000,
    ]);
    expect(waits(start(1, "stt"), start(2, "llm1"), end(3, "llm1"), start(4, "llm2"))).toEqual([null, null, null]);
    expect(waits(start(1, "stt"), end(2, "stt"), end(5, "llm1"), start(6, "llm2"))).toEqual([null, null, 1_000]);
  });

  it("continues after an attempt that was abandoned when its stage began another", () => {
    const givenUp = [start(1, "denoise"), end(2, "denoise"), start(3, "stt"), start(9, "stt"), end(10, "stt")];
    expect(waits(...givenUp, start(12, "llm1"))).toEqual([null, 1_000, null, 2_000]);
  });

  it("closes an attempt that was cut off when its stage begins another, and pairs ends by number where one side has it", () => {
    const cut = attemptsOf([start(1, "stt"), start(5, "stt"), end(6, "stt")]);
    expect(cut.map(({ outcome, endId }) => [outcome, endId])).toEqual([
      ["cut", null],
      ["done", 6],
    ]);
    const numbered = attemptsOf([
      { ...start(1, "stt"), attempt: null },
      { ...end(2, "stt"), attempt: 1 },
    ]);
    expect(numbered).toMatchObject([{ outcome: "done", attempt: 1, startId: 1, endId: 2 }]);
  });

  it("never names a time in which an earlier attempt ran, nor less than none", () => {
    const steps = fc.array(
      fc.record({
        kind: fc.constantFrom(start, end, retried),
        stage: fc.constantFrom("denoise", "stt", "llm1"),
        late: fc.integer({ min: -3, max: 3 }),
      }),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(steps, (all) => {
        // Clocks of hosts differ: a later event may bear an earlier time.
        const attempts = attemptsOf(
          all.map(({ kind, stage, late }, at) => ({
            ...kind(at + 1, stage),
            timestamp: logEvent(Math.max(0, at + 1 + late), {}).timestamp,
          })),
        );
        const found = waitsOf(placedIn([], attempts), []);
        expect(found).toHaveLength(attempts.length);
        for (const [index, waited] of found.entries()) {
          if (waited === null) continue;
          const began = Date.parse(attempts[index]?.startedAt ?? "");
          const ends = attempts.slice(0, index).flatMap(({ endedAt }) => (endedAt === null ? [] : Date.parse(endedAt)));
          expect(waited).toBeGreaterThanOrEqual(0);
          expect(Math.max(...ends)).toBeLessThanOrEqual(began - waited);
        }
      }),
    );
  });
});

it("numbers attempts over the runs of a batch, and does not count the pause between them as waiting", () => {
  const file = { fileName: "a.wav" };
  const runs: WorkRun[] = [
    { run: 1, firstId: 1, startedAt: logEvent(1, {}).timestamp, endedAt: logEvent(6, {}).timestamp, durationMs: 5_000 },
    { run: 2, firstId: 100, startedAt: logEvent(100, {}).timestamp, endedAt: null, durationMs: 9_000 },
  ];
  const attempts = placedIn(
    runs,
    attemptsOf([
      logEvent(2, { ...file, run: 1, attempt: 1, eventType: "file_start" }),
      logEvent(3, { ...file, run: 1, attempt: 1, eventType: "error", status: "processing" }),
      logEvent(5, { ...file, run: 1, attempt: 2, eventType: "file_start" }),
      logEvent(103, { ...file, run: 2, attempt: 1, eventType: "file_start" }),
      logEvent(104, { ...file, run: 1, attempt: 2, eventType: "file_complete", history: true }),
      logEvent(105, { ...file, run: 2, attempt: 1, eventType: "file_complete" }),
    ]),
  );
  expect(attempts.map(({ number, of, inRun, outcome }) => [number, of, inRun, outcome])).toEqual([
    [1, 3, 0, "retrying"],
    [2, 3, 0, "cut"],
    [3, 3, 1, "done"],
    [null, 3, 1, "done"],
  ]);
  // What was cut off ended with its run, not with the next attempt.
  expect(attempts[1]?.endedAt).toBe(runs[0]?.endedAt);
  expect(waitsOf(attempts, runs)).toEqual([null, 2_000, 3_000, null]);
});

describe("diffLines", () => {
  it("keeps what both have and names the rest", () => {
    expect(diffLines("a\nb\nc", "a\nx\nc")).toEqual([
      { kind: "same", text: "a" },
      { kind: "gone", text: "b" },
      { kind: "new", text: "x" },
      { kind: "same", text: "c" },
    ]);
  });

  it("holds both texts whole, and as many common lines as swapping them", () => {
    const text = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 12 }).map((lines) => lines.join("\n"));
    fc.assert(
      fc.property(text, text, (before, after) => {
        const diff = diffLines(before, after);
        const of = (kind: string) => diff.filter((line) => line.kind !== kind).map((line) => line.text);
        expect(of("new").join("\n")).toBe(before);
        expect(of("gone").join("\n")).toBe(after);
        const common = (lines: typeof diff) => lines.filter(({ kind }) => kind === "same").length;
        expect(common(diff)).toBe(common(diffLines(after, before)));
      }),
    );
  });
});
