import { describe, expect, it } from "vitest";
import { instantOf, isZone, listedZones, localTimeOf, startOfDay, timeZoneOf } from "../src/text/zones.js";

describe("zones", () => {
  it("are the browser's, UTC, and all that have an IANA name", () => {
    expect(["local", "utc", "Asia/Kolkata", "America/New_York"].map(isZone)).toEqual([true, true, true, true]);
    expect(["", "Mars/Olympus", "null"].map(isZone)).toEqual([false, false, false]);
    expect(timeZoneOf("utc")).toBe("UTC");
    expect(timeZoneOf("local")).toBe(Intl.DateTimeFormat().resolvedOptions().timeZone);
    expect(timeZoneOf("Asia/Kolkata")).toBe("Asia/Kolkata");
  });

  it("are listed once each, cities by the names that they have today", () => {
    const listed = listedZones();
    expect(listed.length).toBeGreaterThan(400);
    expect(new Set(listed).size).toBe(listed.length);
    expect(listed).toContain("Asia/Kolkata");
    expect(listed).not.toContain("Asia/Calcutta");
    expect(listed).not.toContain("UTC");
    expect(listed.every(isZone)).toBe(true);
  });
});

it.each([
  ["2026-11-30", 0, "utc", "2026-11-30T00:00:00.000Z"],
  ["2026-11-30", 1, "utc", "2026-12-01T00:00:00.000Z"],
  ["2026-11-30", 1, "local", new Date(2026, 11, 1).toISOString()],
  ["2026-11-30", 0, "Asia/Kolkata", "2026-11-29T18:30:00.000Z"],
  // A day of 23 hours, and one of 25.
  ["2026-03-08", 0, "America/New_York", "2026-03-08T05:00:00.000Z"],
  ["2026-03-08", 1, "America/New_York", "2026-03-09T04:00:00.000Z"],
  ["2026-11-01", 0, "America/New_York", "2026-11-01T04:00:00.000Z"],
  ["2026-11-01", 1, "America/New_York", "2026-11-02T05:00:00.000Z"],
  // Clocks are put forward at midnight: the day begins at one.
  ["2026-03-29", 0, "Asia/Beirut", "2026-03-28T22:00:00.000Z"],
  ["30.11.2026", 0, "utc", null],
])("%s and %d days in %s begins at %s", (day, later, zone, instant) =>
  expect(startOfDay(day, later, zone)).toBe(instant),
);

it.each([
  ["2026-11-20T09:16", "utc", "2026-11-20T09:16:00.000Z"],
  ["2026-11-20T09:16:05", "Asia/Kolkata", "2026-11-20T03:46:05.000Z"],
  ["2026-07-20T09:16:05", "America/New_York", "2026-07-20T13:16:05.000Z"],
])("%s in %s is typed for %s", (text, zone, instant) => {
  expect(instantOf(text, zone)).toBe(instant);
  expect(localTimeOf(instant, zone)).toBe(text.padEnd(19, ":00"));
});

it.each(["", "noon", "2026-11-20", "2026-13-45T09:16"])("%j is no time", (text) => {
  expect(instantOf(text, "utc")).toBeNull();
  expect(localTimeOf(text === "2026-11-20" ? "" : text, "utc")).toBe("");
});
