import type { Finding } from "@cofi/views/detail/shapes";
import { describe, expect, it } from "vitest";
import { BATCH } from "../../../test/support/log-events.js";
import { alertsOf, DEFAULT_ALERTS, dueAt, type AlertFacts, type AlertSettings } from "../src/alerts/alerts.js";

const HOUR_MS = 3_600_000;
const ON: AlertSettings = { ...DEFAULT_ALERTS, isOn: true, errorPercent: 5, finishBy: "06:00" };
const NOW = Date.parse("2026-11-21T02:00:00.000Z");
const CALM: AlertFacts = {
  batch: { ...BATCH, status: "running" },
  done: 95,
  failed: 5,
  findings: [],
  timeline: null,
};

function stall(kind: Finding["kind"], what: string | null, text: string): Finding {
  return { kind, stage: "stt", what, count: 1, text, rule: "the rule" };
}
const keys = (facts: Partial<AlertFacts>, settings = ON): string[] =>
  alertsOf({ ...CALM, ...facts }, settings, "utc").map(({ key }) => key);

describe("alertsOf", () => {
  it("is silent when nothing is over a threshold, and when it is off", () => {
    expect(keys({})).toEqual([]);
    expect(keys({ batch: { ...BATCH, status: "failed" } }, { ...ON, isOn: false })).toEqual([]);
  });

  it("tells a failed and an interrupted batch, not one that has failed files", () => {
    expect(keys({ batch: { ...BATCH, status: "failed" } })).toEqual(["1 failed "]);
    expect(keys({ batch: { ...BATCH, status: "interrupted" } })).toEqual(["1 interrupted "]);
    expect(keys({ batch: { ...BATCH, status: "completed_with_errors" } })).toEqual([]);
    // Once for each time that it fails.
    const finishedAt = "2026-11-20T19:00:00.000Z";
    expect(keys({ batch: { ...BATCH, status: "failed", finishedAt } })).toEqual([`1 failed ${finishedAt}`]);
  });

  it("tells a batch that gives no sign of life, once for each silence, with what continues it", () => {
    const silence = { since: "2026-11-21T01:23:23.000Z", run: 2 };
    const [alert, ...others] = alertsOf({ ...CALM, batch: { ...CALM.batch, silence } }, ON, "utc");
    expect(others).toEqual([]);
    expect(alert).toMatchObject({
      key: "1 silent 2026-11-21T01:23:23.000Z",
      title: expect.stringMatching(/: no sign of life since 01:23:23 on 21 Nov$/),
      body: expect.stringContaining("`npx cofi run … --batch 1` continues the batch."),
    });
  });

  it("tells an error rate above the threshold, once enough has ended", () => {
    expect(keys({ done: 94, failed: 6 })).toEqual(["1 error-rate 5"]);
    expect(keys({ done: 9, failed: 10 })).toEqual([]);
    expect(keys({ done: 0, failed: 100 }, { ...ON, errorPercent: null })).toEqual([]);
  });

  it("tells stalls once each, however many files are slow, and no causes", () => {
    const one = keys({ findings: [stall("slow-file", "a.wav", "a.wav is slow")] });
    const two = keys({ findings: [stall("slow-file", null, "2 files are slow")] });
    expect(one).toEqual(two);
    expect(keys({ findings: [stall("silent-host", "h1", ""), stall("silent-host", "h2", "")] })).toHaveLength(2);
    expect(keys({ findings: [stall("cause", "CUDA", "")] })).toEqual([]);
  });

  it("tells a late finish when even the lowest estimate is after it", () => {
    const timeline = (leastHours: number | null, hoursLater = 0): AlertFacts["timeline"] => ({
      remainingMs: leastHours === null ? null : [leastHours * HOUR_MS, 9e9],
      asOf: new Date(NOW + hoursLater * HOUR_MS).toISOString(),
    });
    expect(keys({ timeline: timeline(3.9) })).toEqual([]);
    expect(keys({ timeline: timeline(4.1) })).toEqual(["1 late 06:00"]);
    expect(keys({ timeline: timeline(null, 3.9) })).toEqual([]);
    expect(keys({ timeline: timeline(null, 4.1) })).toEqual(["1 late 06:00"]);
    expect(keys({ timeline: timeline(4.1), batch: { ...BATCH, status: "completed" } })).toEqual([]);
  });
});

describe("dueAt", () => {
  it("is the first such time after the start", () => {
    const at = (time: string) => new Date(dueAt(Date.parse("2026-11-20T18:00:00Z"), time, "utc") ?? 0).toISOString();
    expect(at("06:00")).toBe("2026-11-21T06:00:00.000Z");
    expect(at("18:00")).toBe("2026-11-21T18:00:00.000Z");
    expect(at("18:01")).toBe("2026-11-20T18:01:00.000Z");
    expect(dueAt(NOW, "25:00", "utc")).toBeNull();
  });

  it.each([
    // From London, of a batch that is traded in Mumbai.
    ["2026-11-20T18:00:00Z", "06:00", "Asia/Kolkata", "2026-11-21T00:30:00.000Z"],
    ["2026-11-20T18:00:00Z", "00:15", "Asia/Kolkata", "2026-11-20T18:45:00.000Z"],
    ["2026-11-20T18:00:00Z", "23:15", "Asia/Kolkata", "2026-11-21T17:45:00.000Z"],
    // The night in which clocks are put forward: it comes an hour sooner, and 02:30 is left out.
    ["2026-03-08T01:00:00Z", "06:00", "America/New_York", "2026-03-08T10:00:00.000Z"],
    ["2026-03-08T01:00:00Z", "02:30", "America/New_York", "2026-03-08T07:30:00.000Z"],
    // The night in which they are put back: 01:30 comes twice.
    ["2026-11-01T00:00:00Z", "06:00", "America/New_York", "2026-11-01T11:00:00.000Z"],
    ["2026-11-01T00:00:00Z", "01:30", "America/New_York", "2026-11-01T05:30:00.000Z"],
    ["2026-11-01T05:45:00Z", "01:30", "America/New_York", "2026-11-01T06:30:00.000Z"],
    ["2026-11-01T06:45:00Z", "01:30", "America/New_York", "2026-11-02T06:30:00.000Z"],
  ])("after %s, %s in %s is at %s", (startedAt, time, zone, due) => {
    expect(new Date(dueAt(Date.parse(startedAt), time, zone) ?? 0).toISOString()).toBe(due);
  });
});
