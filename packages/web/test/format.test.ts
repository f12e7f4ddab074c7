import { describe, expect, it } from "vitest";
import {
  age,
  bytes,
  clock,
  clockSince,
  duration,
  fullTime,
  number,
  percent,
  rate,
  stopwatch,
  timeLabel,
  zoneName,
} from "../src/text/format.js";

describe("times", () => {
  it("are said in UTC when asked for", () => {
    expect(clock("2026-11-23T02:15:07.123Z", "utc")).toBe("02:15:07");
    expect(clock("2026-11-23T00:00:00.000Z", "utc")).toBe("00:00:00");
    expect(fullTime("2026-11-23T02:15:07.009Z", "utc")).toBe("23 Nov 2026, 02:15:07.009 UTC");
  });

  it("are said in the zone that is chosen, by its name at that time", () => {
    expect(clock("2026-11-23T02:15:07.123Z", "Asia/Kolkata")).toBe("07:45:07");
    expect(fullTime("2026-11-23T20:15:07.009Z", "Asia/Kolkata")).toBe("24 Nov 2026, 01:45:07.009 GMT+5:30");
    expect(clock("2026-03-08T06:59:59.000Z", "America/New_York")).toBe("01:59:59");
    expect(clock("2026-03-08T07:00:00.000Z", "America/New_York")).toBe("03:00:00");
    expect(zoneName("America/New_York", new Date("2026-03-08T06:59:59Z"))).toBe("GMT-5");
    expect(zoneName("America/New_York", new Date("2026-03-08T07:00:00Z"))).toBe("GMT-4");
  });

  it("that are none are shown as they are", () => {
    expect(clock("nonsense", "utc")).toBe("–");
    expect(fullTime("nonsense", "utc")).toBe("nonsense");
  });
});

it.each([
  [-5, "0 ms"],
  [0, "0 ms"],
  [480.4, "480 ms"],
  [999.6, "1.0 s"],
  [59_949, "59.9 s"],
  [59_950, "1 min 00 s"],
  [245_000, "4 min 05 s"],
  [3_599_600, "1 h 00 min"],
  [7_620_000, "2 h 07 min"],
  [273_600_000, "3 d 4 h"],
])("duration of %d ms is %s", (ms, text) => expect(duration(ms)).toBe(text));

it.each([
  [-1, "0:00"],
  [7_999, "0:07"],
  [245_000, "4:05"],
  [7_650_000, "2:07:30"],
])("stopwatch at %d ms is %s", (ms, text) => expect(stopwatch(ms)).toBe(text));

it.each([
  [-40, "0.0 s ago"],
  [300, "0.3 s ago"],
  [9_960, "10 s ago"],
  [59_600, "1 min ago"],
  [3_580_000, "1 h ago"],
  [172_800_000, "2 d ago"],
])("age of %d ms is %s", (ms, text) => expect(age(ms)).toBe(text));

it.each([
  [812, "812 B"],
  [4_096, "4.1 kB"],
  [999_960, "1.0 MB"],
  [2_300_000, "2.3 MB"],
  [1_500_000_000, "1.5 GB"],
])("%d bytes are %s", (count, text) => expect(bytes(count)).toBe(text));

it("says 0 and 100 % only when they are exact", () => {
  expect([0, 0.001, 0.5, 0.999, 1].map(percent)).toEqual(["0 %", "1 %", "50 %", "99 %", "100 %"]);
});

it("groups digits, and rounds rates", () => {
  expect(number(1_234_567)).toBe("1,234,567");
  expect([0, 0.44, 9.94, 9.96, 1_204.2].map(rate)).toEqual(["0", "0.4", "9.9", "10", "1,204"]);
});

it("labels of an axis name no more than what differs between them", () => {
  const at = Date.parse("2026-11-20T10:42:07Z");
  expect([1, 30, 60, 7_200, 86_400].map((stepS) => timeLabel(at, stepS, "utc"))).toEqual([
    "10:42:07",
    "10:42:07",
    "10:42",
    "10:42",
    "20 Nov",
  ]);
});

it("a time of another day is said with the day", () => {
  const at = Date.parse("2026-11-20T10:42:07Z");
  expect(clockSince(at, at + 3_600_000, "utc")).toBe("10:42:07");
  expect(clockSince(at, at + 90_000_000, "utc")).toBe("20 Nov 2026, 10:42");
});
