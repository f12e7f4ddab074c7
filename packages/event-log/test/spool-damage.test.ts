import { closeSync, ftruncateSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Batch } from "@cofi/event-log/events";
import { EventLogger, shipLeftovers } from "@cofi/event-log/event-logger";
import { Spool } from "@cofi/event-log/spool";
import { Store } from "@cofi/event-log/store";
import { freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";

const EVENTS = 400;
let folder: string;
let fresh: FreshDatabase;
let store: Store;
let batch: Batch;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cofi-damage-"));
  fresh = await freshDatabase("sqlite");
  store = new Store(fresh.database);
  batch = await store.createBatch({ name: "night", folder: null });
  path = join(folder, `batch-${batch.id}.spool`);
  const logger = await EventLogger.open({ batchId: batch.id, spoolDir: folder, store: away });
  for (let n = 0; n < EVENTS; n++) void logger.fileComplete("stt", `${n}`, { response: { n, text: "x".repeat(300) } });
  expect(await logger.close(0)).toEqual({ unshipped: EVENTS });
});
afterEach(async () => {
  await fresh.close();
  await rm(folder, { recursive: true, force: true });
});

/** A database that is away, for as long as the spool is filled. */
const away = {
  insertEvents: () => Promise.reject(Object.assign(new Error("down"), { code: "ECONNREFUSED" })),
} as unknown as Store;

function overwrite(from: number, bytes: number): void {
  const file = openSync(path, "r+");
  writeSync(file, Buffer.alloc(bytes, 0xa5), 0, bytes, from);
  closeSync(file);
}

async function recovered(): Promise<{ stored: number; problems: string[]; files: string[] }> {
  const problems: string[] = [];
  const report = ({ message }: { message: string }): void => void problems.push(message);
  await shipLeftovers(folder, store, report);
  const logger = await EventLogger.open({ batchId: batch.id, spoolDir: folder, store, onProblem: report });
  await logger.fileComplete("stt", "next run", { response: 1 });
  expect(await logger.close(10_000)).toEqual({ unshipped: 0 });
  const { events } = await store.events(batch.id, { limit: 1_000 });
  expect(events[0]?.fileName).toBe("next run");
  const numbers = events.slice(1).map(({ fileName }) => Number(fileName));
  expect(numbers).toEqual(numbers.toSorted((a, b) => b - a));
  return { stored: numbers.length, problems, files: await readdir(folder) };
}

test("pages overwritten in the middle: the others are recovered in order, the loss is told, the file is kept", async () => {
  const { size } = statSync(path);
  overwrite(Math.floor(size / 2 / 4096) * 4096, 2 * 4096);
  const before = readFileSync(path);
  const { stored, problems, files } = await recovered();
  expect(stored).toBeGreaterThan(EVENTS - 30);
  expect(stored).toBeLessThan(EVENTS);
  expect(problems).toHaveLength(1);
  const [, kept, lost] = /: (\d+) events were recovered, (\d+) lost at most/.exec(problems[0] ?? "") ?? [];
  expect(Number(kept)).toBe(stored);
  expect(Number(lost)).toBe(EVENTS - stored);
  expect(files).toEqual([`batch-${batch.id}.spool.damaged-1`]);
  // But for the header, which says that it was opened.
  expect(readFileSync(join(folder, files[0]!)).subarray(100).equals(before.subarray(100))).toBe(true);
});

test("cut off in the middle: the part that is there is recovered", async () => {
  const file = openSync(path, "r+");
  ftruncateSync(file, Math.floor(statSync(path).size / 2));
  closeSync(file);
  const { stored, problems } = await recovered();
  expect(problems).toEqual([expect.stringMatching(/damaged: \d+ events were recovered/)]);
  expect(stored).toBeGreaterThan(EVENTS / 3);
});

test.each([
  ["its header overwritten", () => overwrite(0, 100)],
  ["its first page overwritten", () => overwrite(100, 3_996)],
  ["other content", () => writeFileSync(path, "not a database, but long enough to look at".repeat(200))],
])("%s: nothing can be read, and the run starts all the same", async (_what, damage) => {
  damage();
  const { problems, files } = await recovered();
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(/damaged: .* unknown number .* kept as/s);
  expect(files).toEqual([`batch-${batch.id}.spool.damaged-1`]);
});

test("an empty file, and a random one thousand bytes anywhere, never keep a run from starting", async () => {
  writeFileSync(path, "");
  Spool.openFile(path).close();
  let state = 7;
  const random = (below: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * below);
  };
  for (let round = 0; round < 25; round++) {
    const spool = Spool.openFile(path);
    spool.append(Array.from({ length: 40 }, (_, n) => eventNumber(n)));
    spool.close();
    overwrite(random(statSync(path).size - 1_000), 1_000);
  }
  Spool.openFile(path).close();
});

function eventNumber(n: number) {
  return {
    batchId: batch.id,
    timestamp: "2026-11-23 02:15:00.000",
    stage: "stt",
    eventType: "info" as const,
    fileName: `${n}`,
    gpuIp: null,
    payload: "x".repeat(900),
    response: null,
    status: null,
    errorMessage: null,
    totalFiles: null,
    processedFiles: null,
    metadata: null,
    eventId: `event-${n}`,
    attempt: null,
    durationMs: null,
    payloadCut: null,
    responseCut: null,
  };
}
