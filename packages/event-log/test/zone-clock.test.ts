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

it("shows what Intl shows, however often it is asked and wherever clocks change", () => {
  const shown = (at: number, zone: string): string => {
    const options = { timeZone: zone, dateStyle: "short", timeStyle: "medium", hourCycle: "h23" } as const;
    return new Intl.DateTimeFormat("sv", options).format(at);
  };
  // Around a change in New York, in a zone that changes by half an hour, and in one that was 44 minutes and 30 seconds off.
  const near = [Date.UTC(2026, 2, 8, 7), Date.UTC(2026, 3, 4, 15), Date.UTC(1972, 0, 7, 0, 44, 30)];
  const instant = fc.oneof(
    fc.integer({ min: Date.UTC(1970, 0, 1), max: Date.UTC(2036, 0, 1) }),
    fc.tuple(fc.constantFrom(...near), fc.integer({ min: -7_200_000, max: 7_200_000 })).map(([at, ms]) => at + ms),
  );
  const zone = fc.constantFrom("America/New_York", "Australia/Lord_Howe", "Africa/Monrovia", ...ZONES);
  fc.assert(
    fc.property(instant, zone, (at, name) => {
      const text = new Date(clockIn(at, name)).toISOString();
      expect(text.slice(0, 19).replace("T", " ")).toBe(shown(at, name));
      expect(text.slice(20, 23)).toBe(new Date(at).toISOString().slice(20, 23));
    }),
    { numRuns: 2_000 },
  );
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
