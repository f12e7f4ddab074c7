import type { Frame, Snapshot } from "@cofi/event-log/events";
import { emptyView, snapshotOf } from "@cofi/views/projection";
import { expect, test } from "vitest";
import { BATCH, logEvent } from "../../../test/support/log-events.js";
import { LiveState } from "../src/feed/live-state.js";

const snapshot = (head: number, missed?: number): Snapshot => ({
  ...snapshotOf(emptyView(BATCH, 20), BATCH.createdAt),
  head,
  ...(missed !== undefined && { missed }),
});

test("of the events that a snapshot says were missed, those count that the page did not have", () => {
  const state = new LiveState();
  // The page had nothing.
  state.takeSnapshot(snapshot(2_200, 2_189));
  expect(state.missed.value).toBe(0);
  // The server counts from below an id that may still come.
  state.takeSnapshot(snapshot(2_200, 2_189));
  expect(state.missed.value).toBe(0);
  state.takeSnapshot(snapshot(5_200, 5_189));
  expect(state.missed.value).toBe(3_000);
});

test("while the page is paused, each event counts once, however often it comes", () => {
  const state = new LiveState();
  state.takeSnapshot(snapshot(10));
  state.pause(true);
  const events = [11, 12, 13].map((id) => logEvent(id, {}));
  const frame = { batchId: BATCH.id, head: 13, events } as Pick<Frame, "batchId" | "head" | "events">;
  for (let n = 0; n < 2; n++) state.count(frame);
  state.count(snapshot(13));
  expect(state.waiting.value).toBe(3);
  state.count(snapshot(3_013, 3_000));
  expect(state.waiting.value).toBe(3_003);
});
