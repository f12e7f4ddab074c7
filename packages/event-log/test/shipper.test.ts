/** How events that come one after the other are given to the database: not each by itself, and at once when somebody waits. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { StoredEvent } from "@cofi/event-log/event-columns";
import { EventLogger } from "@cofi/event-log/event-logger";

let folder: string;
let inserts: (string | null)[][];
let logger: EventLogger;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cofi-shipper-"));
  inserts = [];
  const insertEvents = async (events: readonly StoredEvent[]): Promise<void> => {
    inserts.push(events.map(({ fileName }) => fileName));
  };
  logger = await EventLogger.open({ batchId: 1, spoolDir: folder, store: { insertEvents } });
});
afterEach(async () => {
  vi.useRealTimers();
  await logger.close();
  await rm(folder, { recursive: true, force: true });
});

const log = (fileName: string): Promise<boolean> => logger.fileComplete("stt", fileName, { response: { n: 1 } });
/** So much that what needs no timer has happened. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
};

test("the first event goes at once, and those that follow it soon go together", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  await log("a");
  await settle();
  expect(inserts).toEqual([["a"]]);
  for (const name of ["b", "c", "d"]) {
    await log(name);
    await settle();
  }
  expect(inserts).toEqual([["a"]]);
  vi.advanceTimersByTime(25);
  await settle();
  expect(inserts).toEqual([["a"], ["b", "c", "d"]]);
});

test("nothing is held back from those that wait until the database has it", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  await log("a");
  await settle();
  await log("b");
  await settle();
  expect(inserts).toEqual([["a"]]);
  expect(await logger.drain(1_000)).toBe(true);
  expect(inserts).toEqual([["a"], ["b"]]);
});
