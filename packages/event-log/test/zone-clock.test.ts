import { clockIn, instantsAt, instantsNear } from "@cofi/event-log/zone-clock";
import fc from "fast-check";
import { expect, it } from "vitest";

const ZONES = Intl.supportedValuesOf("timeZone");
const iso = (instants: readonly number[]): string[] => instants.map((at) => new Date(at).toISOString());
const local = (text: string): number => Date.parse(`${text}Z`);

it.each([
  ["2026-11-20T09:15:00", "Asia/Kolkata", ["2026-11-20T03:45:00.000Z"]],
  ["2026-11-20T09:15:00.250", "UTC", ["2026-11-20T09:15:00.250Z"]],
  // Clocks are put forward from 02:00 to 03:00.
  ["2026-03-08T01:59:59", "America/New_York", ["2026-03-08T06:59:59.000Z"]],
  ["2026-03-08T02:30:00", "America/New_York", []],
  ["2026-03-08T03:00:00", "America/New_York", ["2026-03-08T07:00:00.000Z"]],
  // And back from 02:00 to 01:00.
  ["2026-11-01T01:30:00", "America/New_York", ["2026-11-01T05:30:00.000Z", "2026-11-01T06:30:00.000Z"]],
  ["2026-11-01T02:00:00", "America/New_York", ["2026-11-01T07:00:00.000Z"]],
  // By half an hour.
  ["2026-04-05T01:45:00", "Australia/Lord_Howe", ["2026-04-04T14:45:00.000Z", "2026-04-04T15:15:00.000Z"]],
])("clocks show %s in %s at %j", (text, zone, instants) =>
  expect(iso(instantsAt(local(text), zone))).toEqual(instants),
);

it("takes what clocks leave out as if they had not been put forward", () => {
  expect(iso(instantsNear(local("2026-03-08T02:30:00"), "America/New_York"))).toEqual(["2026-03-08T07:30:00.000Z"]);
  expect(iso(instantsNear(local("2026-03-29T00:00:00"), "Asia/Beirut"))).toEqual(["2026-03-28T22:00:00.000Z"]);
  expect(instantsNear(local("2026-11-01T01:30:00"), "America/New_York")).toHaveLength(2);
});

it("finds each instant again by what its clocks show", () => {
  const instant = fc.integer({ min: Date.UTC(2000, 0, 1), max: Date.UTC(2036, 0, 1) });
  fc.assert(
    fc.property(instant, fc.constantFrom(...ZONES), (at, zone) => {
      const instants = instantsAt(clockIn(at, zone), zone);
      expect(instants).toContain(at);
      expect(instantsNear(clockIn(at, zone), zone)).toEqual(instants);
    }),
  );
});
