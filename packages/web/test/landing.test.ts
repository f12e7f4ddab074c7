/** With which view a batch opens. */
import type { Batch, Snapshot } from "@cofi/event-log/events";
import { emptyView, snapshotOf } from "@cofi/views/projection";
import { expect, test } from "vitest";
import { BATCH } from "../../../test/support/log-events.js";
import { Landings } from "../src/feed/landing.js";
import { LiveState } from "../src/feed/live-state.js";

function snapshot(batch: Partial<Batch>, verdicts: number): Snapshot {
  const empty = snapshotOf(emptyView({ ...BATCH, ...batch }, 20), BATCH.createdAt);
  return {
    ...empty,
    steps: empty.steps.map((step) => (step.stage === "verdicts" ? { ...step, done: verdicts } : step)),
  };
}

test.each([
  ["running", 0, "stages"],
  ["running", 12, "stages"],
  ["completed", 0, "stages"],
  ["completed", 12, "trades"],
  ["completed_with_errors", 1, "trades"],
] as const)("a batch that is %s with %d verdicts opens with its %s", (status, verdicts, landing) => {
  const state = new LiveState();
  const landings = new Landings();
  expect(landings.of(state)).toBe("stages");
  state.takeSnapshot(snapshot({ status }, verdicts));
  expect(landings.of(state)).toBe(landing);
});

test("a page that somebody looks at does not become another one when its batch ends", () => {
  const state = new LiveState();
  const landings = new Landings();
  state.takeSnapshot(snapshot({ status: "running" }, 3));
  expect(landings.of(state)).toBe("stages");
  state.takeSnapshot(snapshot({ status: "completed" }, 12));
  expect(landings.of(state)).toBe("stages");
  state.takeSnapshot(snapshot({ id: BATCH.id + 1, status: "completed" }, 12));
  expect(landings.of(state)).toBe("trades");
});
