import { expect, test } from "vitest";
import type { StageSummary } from "@cofi/event-log/events";
import { rateNow, workedMs } from "@cofi/views/worked";

const START = Date.UTC(2026, 10, 23, 2);
const at = (seconds: number): string => new Date(START + seconds * 1_000).toISOString();

/** A stage whose run began at 0 s, with so many files finished in the minute up to its latest event. */
function stage(finishedLastMinute: number, lastEvent: number, since: number | null = 0) {
  const work = { runs: 1, overMs: 0, since: since === null ? null : at(since), loggedMs: lastEvent * 1_000 };
  return { finishedLastMinute, lastEventAt: at(lastEvent), work } satisfies Partial<StageSummary>;
}
const after = (seconds: number): number => START + seconds * 1_000;

test("the rate of a stage is one, also in its first minute, and falls while nothing comes", () => {
  expect(rateNow(stage(10, 10), after(10))).toBe(60);
  expect(rateNow(stage(60, 600), after(600))).toBe(60);
  expect(rateNow(stage(60, 600), after(630))).toBe(40);
  expect(rateNow(stage(60, 600), after(661))).toBe(0);
  // The clock of the viewer may be behind.
  expect(rateNow(stage(10, 10), after(5))).toBe(60);
});

test("no rate is said of a stage that has only just begun, or is over", () => {
  expect(rateNow(stage(1, 0.4), after(0.5))).toBeNull();
  expect(rateNow(stage(0, 60, null), after(60))).toBeNull();
});

test("time at work goes on with the clock while there is a run, and not after", () => {
  const work = { runs: 2, overMs: 60_000, since: at(0), loggedMs: 5_000 };
  expect(workedMs(work, after(30))).toBe(90_000);
  expect(workedMs(work, null)).toBe(65_000);
  expect(workedMs(work, after(-3_600))).toBe(65_000);
  expect(workedMs({ ...work, since: null, loggedMs: 0 }, after(30))).toBe(60_000);
});
