/** What retention removes cannot be read from the files of an embedded database afterwards. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sql } from "kysely";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDatabase, type Database } from "@cofi/event-log/database";
import { migrate } from "@cofi/event-log/migrate";
import { prune } from "@cofi/event-log/retention";
import { Store } from "@cofi/event-log/store";
import { Results } from "@cofi/evidence/results";
import { Canaries } from "../../../test/support/canaries.js";
import { storedEvent } from "./stored-event.js";

const DAY = 86_400_000;
const KEEP = { keepPayloadsMs: 30 * DAY, keepEventsMs: 365 * DAY };
const EVENTS = 400;
const HOLDER = fileURLToPath(new URL("sqlite-holder.mjs", import.meta.url));

const ago = (days: number): string =>
  new Date(Date.now() - days * DAY).toISOString().replace("T", " ").replace("Z", "");

let folder: string;
let path: string;
let database: Database;
let store: Store;
let canaries: Canaries;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cofi-traces-"));
  path = join(folder, "cofi.sqlite");
  database = await openDatabase(`sqlite:${path}`);
  await migrate(database);
  store = new Store(database);
  canaries = new Canaries();
});
afterEach(async () => {
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

/** One event of each batch in turn, so that batches share pages; texts from a few bytes to many pages. */
async function fill(batches: readonly { id: number; kind: string; days: number }[]): Promise<void> {
  for (let n = 0; n < EVENTS; n++) {
    const events = batches.map(({ id, kind, days }) => {
      const filler = "x".repeat(n % 10 === 0 ? 50_000 : n % 3 === 0 ? 4_500 : 20);
      return storedEvent({
        batchId: id,
        timestamp: ago(days),
        stage: "stt",
        eventType: n % 7 === 0 ? "error" : "file_complete",
        fileName: canaries.of(`${kind} name`),
        payload: JSON.stringify({ text: canaries.of(`${kind} payload`) + filler }),
        response: JSON.stringify({ text: filler + canaries.of(`${kind} response`) }),
        errorMessage: n % 7 === 0 ? canaries.of(`${kind} error`) : null,
        metadata: JSON.stringify({ note: canaries.of(`${kind} metadata`) }),
        eventId: `${id}-${n}`,
      });
    });
    await store.insertEvents(events);
  }
}

async function results(batchId: number, kind: string): Promise<void> {
  const stored = new Results(database);
  const run = { batchId, run: 0 };
  const segment = (text: string) => ({ id: 0, start_s: 0, end_s: 1, text, confidence: 1 });
  for (let n = 0; n < 60; n++) {
    const text = canaries.of(`${kind} transcript`) + "y".repeat(n * 200);
    const transcript = { language: "en", confidence: 1, model: "m", text, segments: [segment(text)] };
    await stored.saveTranscript(run, `C${n}`, transcript);
    const evidence = [{ segment: 0, start_s: 0, end_s: 1, quote: canaries.of(`${kind} evidence`) }];
    const answer = { questionId: "q", answer: "YES", confidence: 1, evidence, rationale: "said" };
    await stored.saveAnswers(run, `C${n}`, [answer]);
  }
}

async function ended(kind: string, days: number) {
  const { id } = await store.createBatch({
    name: canaries.of(`${kind} batch`),
    folder: `/${canaries.of(`${kind} folder`)}`,
  });
  return { id, kind, days };
}

async function end({ id, days }: { id: number; days: number }): Promise<void> {
  const values = { status: "completed" as const, createdAt: ago(days), finishedAt: ago(days) };
  await database.kysely.updateTable("batchStatus").set(values).where("id", "=", id).execute();
}

/** A batch whose events are to go, one whose payloads are, and one that stays. */
async function threeBatches(): Promise<void> {
  const batches = [await ended("old", 400), await ended("middle", 40), await ended("young", 1)];
  await fill(batches);
  for (const { id, kind } of batches) await results(id, kind);
  for (const batch of batches) await end(batch);
}

const KEPT = {
  "middle batch": 1,
  "middle folder": 1,
  "middle name": EVENTS,
  "middle error": 58,
  "middle metadata": EVENTS,
  "middle evidence": 60,
  "young batch": 1,
  "young folder": 1,
  "young name": EVENTS,
  "young payload": EVENTS,
  "young response": EVENTS,
  "young error": 58,
  "young metadata": EVENTS,
  "young transcript": 60,
  "young evidence": 60,
};

test("no byte of what went is in the database file or its log; what stays is there", async () => {
  await threeBatches();
  expect(Object.values(canaries.foundBelow(folder)).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(5_000);
  expect((await prune(database, KEEP))?.map(({ what, events }) => [what, events])).toEqual([
    ["events", EVENTS],
    ["payloads", EVENTS],
  ]);
  expect(canaries.foundBelow(folder)).toEqual(KEPT);
});

test("what a version without secure deletion left in the file goes too, also when nothing else is to go", async () => {
  await threeBatches();
  await sql`PRAGMA secure_delete = OFF`.execute(database.kysely);
  await sql`DELETE FROM batchExecutionLog WHERE batchId = 1`.execute(database.kysely);
  await sql`UPDATE retention SET tracesSince = '2026-01-01 00:00:00.000'`.execute(database.kysely);
  expect(canaries.foundBelow(folder)).toHaveProperty("old payload");
  expect(await prune(database, { keepPayloadsMs: 10_000 * DAY, keepEventsMs: null })).toEqual([]);
  expect(canaries.foundBelow(folder)).not.toHaveProperty("old payload");
  // A second time there is nothing to rewrite.
  const { rows } = await sql<{ tracesSince: string | null }>`SELECT tracesSince FROM retention`.execute(
    database.kysely,
  );
  expect(rows).toEqual([{ tracesSince: null }]);
});

/** Another process that keeps the file to itself, in one way or another, until it is told to let go. */
async function holder(how: "read" | "write") {
  const child = spawn(process.execPath, [HOLDER, path, how], { stdio: ["pipe", "pipe", "inherit"] });
  await once(child.stdout, "data");
  const exit = once(child, "exit");
  return {
    async letGo(): Promise<void> {
      child.stdin.end();
      await exit;
    },
  };
}

test.each([
  ["read", /has been reading it for long/],
  ["write", /Waiting for it/],
] as const)("another process that %ss the file for long is waited for", async (how, message) => {
  await threeBatches();
  const other = await holder(how);
  const said: string[] = [];
  let letting = Promise.resolve();
  const onWaiting = (text: string): void => {
    said.push(text);
    letting = other.letGo();
  };
  const pruned = await prune(database, { ...KEEP, onWaiting });
  expect(pruned?.map(({ events }) => events)).toEqual([EVENTS, EVENTS]);
  expect(said).toEqual([expect.stringMatching(message)]);
  expect(canaries.foundBelow(folder)).toEqual(KEPT);
  await letting;
});

test("stopped before the file is rewritten, the next run does it, with nothing else to remove", async () => {
  await threeBatches();
  const stop = new AbortController();
  const other = await holder("read");
  await prune(database, { ...KEEP, signal: stop.signal, onWaiting: () => stop.abort() });
  await other.letGo();
  expect(canaries.foundBelow(folder)).toHaveProperty("old payload");
  expect(await prune(database, KEEP)).toEqual([]);
  expect(canaries.foundBelow(folder)).toEqual(KEPT);
});

test("stopped while another process writes, it gives the right to prune back as soon as that one lets go", async () => {
  await threeBatches();
  const stop = new AbortController();
  let letting = Promise.resolve();
  const elsewhere = async (): Promise<void> => {
    const other = await holder("write");
    stop.abort();
    letting = other.letGo();
  };
  await prune(database, { ...KEEP, signal: stop.signal, elsewhere });
  await letting;
  expect(await prune(database, KEEP)).toEqual([]);
});

test("traces of another prune, of what it removes while the file is rewritten, are left for the next one", async () => {
  await threeBatches();
  const late = await ended("late", 400);
  const other = await holder("read");
  // The file is rewritten by now, and its log waits for the reader. Another prune, which has taken over, removes a batch and is stopped.
  let removing = Promise.resolve();
  const onWaiting = (): void => {
    removing = (async () => {
      await end(late);
      const beside = await openDatabase(`sqlite:${path}`);
      await sql`UPDATE retention SET owner = NULL, expiresAt = NULL`.execute(beside.kysely);
      const stop = new AbortController();
      const pruned = await prune(beside, { ...KEEP, signal: stop.signal, onBatch: () => stop.abort() });
      expect(pruned).toEqual([expect.objectContaining({ id: late.id })]);
      await beside.close();
      await other.letGo();
    })();
  };
  await prune(database, { ...KEEP, onWaiting });
  await removing;
  const traces = await database.kysely.selectFrom("retention").select("tracesSince").executeTakeFirst();
  expect(traces?.tracesSince).not.toBeNull();
  expect(await prune(database, KEEP)).toEqual([]);
  expect(canaries.foundBelow(folder)).toEqual(KEPT);
});
