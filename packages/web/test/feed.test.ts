import type { LogEvent } from "@cofi/event-log/events";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { byStage, EMPTY_FEED, mergeEvents, replaceEvents, shortMessage } from "../src/feed/feed.js";

function event(id: number, fields: Partial<LogEvent> = {}): LogEvent {
  return {
    id,
    batchId: 1,
    timestamp: "2026-11-23T02:15:00.000Z",
    stage: "denoise",
    eventType: "info",
    fileName: null,
    gpuIp: null,
    status: null,
    errorMessage: null,
    totalFiles: null,
    processedFiles: null,
    metadata: null,
    payloadBytes: null,
    responseBytes: null,
    attempt: null,
    durationMs: null,
    run: null,
    ...fields,
  };
}

const ids = (events: readonly LogEvent[]): number[] => events.map(({ id }) => id);

describe("replaceEvents", () => {
  it("shows what a snapshot holds and counts what is new in it", () => {
    const feed = mergeEvents(EMPTY_FEED, [event(1), event(2), event(3)], 3);
    const next = replaceEvents(feed, [event(4), event(3), event(1)]);
    expect(ids(next.events)).toEqual([4, 3, 1]);
    expect(next.arrived).toBe(4);
    expect(replaceEvents(next, [event(4), event(3), event(1)])).toBe(next);
    const ofAnotherLog = replaceEvents(next, [event(3, { fileName: "other.wav" })]);
    expect(ofAnotherLog.events.map(({ fileName }) => fileName)).toEqual(["other.wav"]);
  });
});

describe("mergeEvents", () => {
  it("keeps the newest first, each once", () => {
    const feed = mergeEvents(EMPTY_FEED, [event(3), event(1), event(3), event(2)], 20);
    expect(ids(feed.events)).toEqual([3, 2, 1]);
    expect(feed.arrived).toBe(3);
  });

  it("is the same object when nothing is new, so that nothing is drawn", () => {
    const feed = mergeEvents(EMPTY_FEED, [event(1), event(2)], 2);
    expect(mergeEvents(feed, [event(2), event(1)], 2)).toBe(feed);
  });

  it("puts a late event in its place", () => {
    const feed = mergeEvents(EMPTY_FEED, [event(1), event(5)], 20);
    expect(ids(mergeEvents(feed, [event(3)], 20).events)).toEqual([5, 3, 1]);
  });

  it("counts what a burst pushes out at once", () => {
    const burst = Array.from({ length: 500 }, (_, index) => event(index + 1));
    const feed = mergeEvents(EMPTY_FEED, burst, 20);
    expect(feed.events).toHaveLength(20);
    expect(feed.arrived).toBe(500);
  });

  it("ends with the highest ids, however they come", () => {
    const bursts = fc.array(fc.array(fc.integer({ min: 1, max: 60 })));
    fc.assert(
      fc.property(bursts, (lists) => {
        const feed = lists.reduce(
          (before, list) =>
            mergeEvents(
              before,
              list.map((id) => event(id)),
              5,
            ),
          EMPTY_FEED,
        );
        const expected = [...new Set(lists.flat())].toSorted((a, b) => b - a).slice(0, 5);
        expect(ids(feed.events)).toEqual(expected);
        expect(feed.arrived).toBeLessThanOrEqual(new Set(lists.flat()).size);
      }),
    );
  });
});

it("splits a burst by stage in its order", () => {
  const split = byStage([event(2, { stage: "stt" }), event(1), event(3, { stage: "stt" })]);
  expect(ids(split.get("stt") ?? [])).toEqual([2, 3]);
  expect(ids(split.get("denoise") ?? [])).toEqual([1]);
});

describe("shortMessage", () => {
  it("prefers the error, in its first line", () => {
    expect(shortMessage(event(1, { errorMessage: "\nrefused\nat line 2", metadata: { message: "hello" } }))).toBe(
      "refused",
    );
  });

  it("takes the message of the metadata when it is a text", () => {
    expect(shortMessage(event(1, { metadata: { message: "engine started" } }))).toBe("engine started");
    expect(shortMessage(event(1, { metadata: { message: 7 } }))).toBe("");
    expect(shortMessage(event(1, { metadata: ["message"] }))).toBe("");
  });

  it("says how far a progress is", () => {
    expect(shortMessage(event(1, { eventType: "stage_progress", processedFiles: 3, totalFiles: 9 }))).toBe(
      "3 of 9 files",
    );
    expect(shortMessage(event(1, { eventType: "stage_progress", processedFiles: 3 }))).toBe("3 of ? files");
  });
});
