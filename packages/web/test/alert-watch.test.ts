import type { Batch } from "@cofi/event-log/events";
import { expect, it } from "vitest";
import { BATCH } from "../../../test/support/log-events.js";
import { endedSince, type Seen } from "../src/alerts/alert-watch.js";

const SINCE = Date.parse("2026-11-21T02:00:00.000Z");
const BEFORE = "2026-11-21T01:59:59.000Z";
const AFTER = "2026-11-21T02:00:01.000Z";

function seen(statuses: Record<number, Batch["status"]>): Seen {
  const ids = Object.keys(statuses).map(Number);
  return { statuses: new Map(ids.map((id) => [id, statuses[id]!])), newest: Math.max(0, ...ids) };
}
const batch = (id: number, status: Batch["status"], finishedAt: string | null = null): Batch => ({
  ...BATCH,
  id,
  status,
  finishedAt,
});
const ended = (before: Seen | null, ...batches: Batch[]): number[] =>
  endedSince(before, batches, SINCE).map(({ id }) => id);

it("are those that were unfinished at the previous poll", () => {
  const before = seen({ 1: "running", 2: "pending", 3: "running", 4: "pending" });
  expect(ended(before, batch(1, "failed"), batch(2, "interrupted"), batch(3, "running"), batch(4, "running"))).toEqual([
    1, 2,
  ]);
  expect(ended(before, batch(1, "completed_with_errors"), batch(3, "completed"))).toEqual([1, 3]);
});

it("are those that began and ended between two looks, also when nobody wrote down the time", () => {
  expect(ended(seen({ 1: "completed" }), batch(1, "completed"), batch(2, "failed"))).toEqual([2]);
  expect(ended(seen({}), batch(1, "failed"))).toEqual([1]);
});

it("are those that were taken up again and ended anew", () => {
  expect(ended(seen({ 1: "completed_with_errors" }), batch(1, "failed", AFTER))).toEqual([1]);
  // Not among the newest, so no look has seen it.
  expect(ended(seen({ 40: "running" }), batch(1, "failed", AFTER), batch(2, "failed", BEFORE))).toEqual([1]);
});

it("are, at the first look, those that ended while the page was being loaded", () => {
  expect(ended(null, batch(1, "failed", BEFORE), batch(2, "failed"), batch(3, "failed", AFTER))).toEqual([3]);
});
