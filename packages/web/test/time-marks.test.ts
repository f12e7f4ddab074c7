import { expect, test } from "vitest";
import { timeMarks } from "../src/text/time-marks.js";

const at = (time: string): number => Date.parse(`2026-11-20T${time}Z`);
const texts = (marks: readonly number[]): string[] => marks.map((mark) => new Date(mark).toISOString().slice(11, 19));

test("marks are round, and no two have the same label", () => {
  expect(texts(timeMarks(at("10:00:03.200"), at("10:00:05.900"), 5, "utc").at)).toEqual(["10:00:04", "10:00:05"]);
  expect(texts(timeMarks(at("10:00:03"), at("10:09:00"), 5, "utc").at)).toEqual([
    "10:02:00",
    "10:04:00",
    "10:06:00",
    "10:08:00",
  ]);
  expect(texts(timeMarks(at("00:30:00"), at("06:10:00"), 6, "utc").at)).toEqual([
    "01:00:00",
    "02:00:00",
    "03:00:00",
    "04:00:00",
    "05:00:00",
    "06:00:00",
  ]);
});

test("they are round by the clocks of the zone", () => {
  // Clocks in India are five and a half hours ahead.
  const { at: marks, stepS } = timeMarks(at("00:10:00"), at("04:00:00"), 5, "Asia/Kolkata");
  expect(texts(marks)).toEqual(["00:30:00", "01:30:00", "02:30:00", "03:30:00"]);
  expect(stepS).toBe(3_600);
});
