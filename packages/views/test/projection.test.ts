import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LogEvent, Snapshot } from "@cofi/event-log/events";
import { EVENT_STATUSES, EVENT_TYPES } from "@cofi/event-log/events";
import { applyEvent, emptyView, snapshotOf, stageSummary } from "@cofi/views/projection";
import { emptySnapshot } from "@cofi/views/empty-snapshot";
import { STAGES } from "@cofi/event-log/stages";
import { BATCH, logEvent as event } from "../../../test/support/log-events.js";

function fold(events: LogEvent[], eventsPerStage = 20) {
  return events.reduce(applyEvent, emptyView(BATCH, eventsPerStage));
}

describe("a stage", () => {
  test("is pending with unknown totals before its first event", () => {
    const card = stageSummary(fold([]), "stt");
    expect(card).toMatchObject({
      status: "pending",
      totalFiles: null,
      progress: null,
      done: 0,
      failed: 0,
      inFlight: 0,
    });
  });

  test("follows its events from start to completion", () => {
    const events = [
      event(1, { eventType: "stage_start", totalFiles: 2 }),
      event(2, { eventType: "file_start", fileName: "a.wav" }),
      event(3, { eventType: "file_start", fileName: "b.wav" }),
      event(4, { eventType: "file_complete", fileName: "a.wav", status: "success" }),
    ];
    expect(stageSummary(fold(events), "stt")).toMatchObject({
      status: "processing",
      totalFiles: 2,
      done: 1,
      inFlight: 1,
      progress: 0.5,
      startedAt: events[0]?.timestamp,
      finishedAt: null,
    });
    events.push(
      event(5, { eventType: "error", fileName: "b.wav", status: "failed" }),
      event(6, { eventType: "stage_complete", status: "success" }),
    );
    expect(stageSummary(fold(events), "stt")).toMatchObject({
      status: "success",
      done: 1,
      failed: 1,
      inFlight: 0,
      errors: 1,
      progress: 1,
      finishedAt: events[5]?.timestamp,
    });
  });

  test("counts a retried file once, by its latest state", () => {
    const tries = [
      event(1, { eventType: "file_start", fileName: "a.wav", attempt: 1 }),
      event(2, { eventType: "error", fileName: "a.wav", status: "processing", attempt: 1 }),
    ];
    expect(stageSummary(fold(tries), "stt")).toMatchObject({ inFlight: 1, failed: 0, errors: 1 });
    tries.push(
      event(3, { eventType: "file_start", fileName: "a.wav", attempt: 2 }),
      event(4, { eventType: "file_complete", fileName: "a.wav", attempt: 2 }),
    );
    expect(stageSummary(fold(tries), "stt")).toMatchObject({ inFlight: 0, failed: 0, done: 1 });
  });

  test("believes a writer that logs totals and no files", () => {
    const events = [
      event(1, { eventType: "stage_start" }),
      event(2, { eventType: "stage_progress", processedFiles: 30, totalFiles: 120 }),
    ];
    expect(stageSummary(fold(events), "stt")).toMatchObject({ done: 30, totalFiles: 120, progress: 0.25 });
  });

  test("counts a plain error row with a file as a failed file", () => {
    const card = stageSummary(fold([event(1, { eventType: "error", fileName: "a.wav" })]), "stt");
    expect(card).toMatchObject({ status: "processing", failed: 1, errors: 1 });
  });

  test("that starts again keeps its first start and loses its end", () => {
    const events = [
      event(1, { eventType: "stage_start" }),
      event(2, { eventType: "stage_complete", status: "failed" }),
      event(3, { eventType: "stage_start" }),
    ];
    expect(stageSummary(fold(events), "stt")).toMatchObject({
      status: "processing",
      startedAt: events[0]?.timestamp,
      finishedAt: null,
    });
  });

  test("is done with nothing to do", () => {
    const events = [
      event(1, { eventType: "stage_start", totalFiles: 0 }),
      event(2, { eventType: "stage_complete", status: "success" }),
    ];
    expect(stageSummary(fold(events), "stt").progress).toBe(1);
  });
});

describe("a view", () => {
  test("keeps the latest events of each stage, newest first, also when ids come late", () => {
    const view = fold(
      [1, 2, 4, 5, 3].map((id) => event(id, {})),
      3,
    );
    expect(view.stages.get("stt")?.events.map(({ id }) => id)).toEqual([5, 4, 3]);
    expect(view.head).toBe(5);
  });

  test("names stages that the stage table does not know, and shows them on no card", () => {
    const view = fold([event(1, { stage: "diarise" }), event(2, { stage: "diarise" })]);
    const snapshot = snapshotOf(view, "2026-11-20T18:00:00.000Z");
    expect(snapshot.unknownStages).toEqual({ diarise: 2 });
    expect(snapshot.stages.every(({ status }) => status === "pending")).toBe(true);
  });

  test("shows a batch that another service opened as running once it has events", () => {
    expect(snapshotOf(fold([]), "x").batch?.status).toBe("pending");
    expect(snapshotOf(fold([event(1, {})]), "x").batch?.status).toBe("running");
  });

  test("has ten cards before there is any batch", () => {
    const snapshot = emptySnapshot("2026-11-20T18:00:00.000Z", 20);
    expect(snapshot.batch).toBeNull();
    expect(snapshot.stages.map(({ stage }) => stage)).toEqual(STAGES.map(({ name }) => name));
  });
});

const arbitraryEvents = fc
  .array(
    fc.record({
      stage: fc.constantFrom("stt", "llm1", "elsewhere"),
      eventType: fc.constantFrom(...EVENT_TYPES),
      status: fc.constantFrom(null, ...EVENT_STATUSES),
      fileName: fc.constantFrom(null, "a", "b", "c"),
      totalFiles: fc.constantFrom(null, 0, 3),
      processedFiles: fc.constantFrom(null, 1, 2),
    }),
    { maxLength: 60 },
  )
  .map((rows) => rows.map((row, index) => event(index + 1, row)));

test("counts equal a count of each file's latest state, whatever came before", () => {
  fc.assert(
    fc.property(arbitraryEvents, (events) => {
      const view = fold(events);
      for (const stage of ["stt", "llm1"]) {
        const latest = new Map<string, LogEvent>();
        for (const one of events)
          if (
            one.stage === stage &&
            one.fileName !== null &&
            ["file_start", "file_complete", "error"].includes(one.eventType)
          )
            latest.set(one.fileName, one);
        const states = [...latest.values()].map((one) => {
          if (one.eventType === "file_start") return "inFlight";
          if (one.eventType === "file_complete") return one.status === "failed" ? "failed" : "done";
          return one.status === "processing" || one.status === "pending" ? "inFlight" : "failed";
        });
        const card = stageSummary(view, stage);
        expect(card.failed).toBe(states.filter((state) => state === "failed").length);
        expect(card.inFlight).toBe(states.filter((state) => state === "inFlight").length);
        if (states.length > 0) expect(card.done).toBe(states.filter((state) => state === "done").length);
        expect(card.errors).toBe(events.filter((one) => one.stage === stage && one.eventType === "error").length);
        if (card.progress !== null) expect(card.progress >= 0 && card.progress <= 1).toBe(true);
      }
    }),
  );
});

function withoutTimes({ work: _work, ...snapshot }: Snapshot) {
  return {
    ...snapshot,
    stages: snapshot.stages.map(({ work: _ofStage, finishedLastMinute: _recent, ...stage }) => stage),
  };
}

test("the order in which events become visible does not change what the cards show", () => {
  const some = fc.record({
    eventType: fc.constantFrom(...EVENT_TYPES),
    status: fc.constantFrom(null, ...EVENT_STATUSES),
    fileName: fc.constantFrom(null, "a.wav", "b.wav", "c.wav"),
    totalFiles: fc.constantFrom(null, 3, 4),
    processedFiles: fc.constantFrom(null, 1, 2),
    seconds: fc.nat(100),
  });
  const shuffled = fc
    .array(some, { maxLength: 20 })
    .map((list) =>
      list.map(({ seconds, ...fields }, index) =>
        event(index + 1, { ...fields, timestamp: new Date(Date.UTC(2026, 10, 20, 18, 0, seconds)).toISOString() }),
      ),
    )
    .chain((events) => fc.tuple(fc.constant(events), fc.shuffledSubarray(events, { minLength: events.length })));
  fc.assert(
    fc.property(shuffled, ([events, visible]) => {
      const view = fold(visible, 5);
      const [shown, expected] = [snapshotOf(view, "now"), snapshotOf(fold(events, 5), "now")];
      // What the runs of a stage are depends on what came before them: an event that comes too late has it folded anew.
      if (!view.isOutdated) expect(shown).toEqual(expected);
      else expect(withoutTimes(shown)).toEqual(withoutTimes(expected));
    }),
    { numRuns: 300 },
  );
});

test("stages with the names of JavaScript's own properties are counted like others", () => {
  const names = ["constructor", "__proto__", "toString", "constructor"];
  const view = fold(names.map((stage, index) => event(index + 1, { stage })));
  expect(Object.entries(view.unknownStages).toSorted()).toEqual([
    ["__proto__", 1],
    ["constructor", 2],
    ["toString", 1],
  ]);
});
