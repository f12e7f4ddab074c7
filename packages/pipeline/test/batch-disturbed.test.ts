/** Batches that are stopped, robbed of their lease, cut off from the database, or whose input is put right in between. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "kysely";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import { migrate } from "@cofi/event-log/migrate";
import { Results } from "@cofi/evidence/results";
import { STAGES } from "@cofi/event-log/stages";
import { Store } from "@cofi/event-log/store";
import { BatchInUseError } from "@cofi/pipeline/lease";
import { RemoteRuntime } from "@cofi/pipeline/runtime/remote";
import type { Runtime } from "@cofi/pipeline/runtime/runtime";
import { pipelineSettings } from "@cofi/pipeline/settings";
import { startServer } from "../../../test/support/server.js";
import { startScriptedEngine, type ScriptedEngine } from "../../../test/support/scripted-engine.js";
import { CALLS_HEADER, folderWith, TRADES_HEADER } from "./batch-files.js";
import { batchInSqlite, type BatchBench } from "./batch-in-sqlite.js";

const FILES = ["a.wav", "b.wav", "c.wav"];

let bench: BatchBench;
let engine: ScriptedEngine;
let runtime: Runtime;
let folder: string;

beforeEach(async () => {
  bench = await batchInSqlite();
  engine = await startScriptedEngine();
  runtime = new RemoteRuntime(() => [engine.url], bench.client, { slotsPerHost: 2 });
  folder = await folderWith({
    ...Object.fromEntries(FILES.map((file) => [file, "audio"])),
    "calls.csv": callsCsv(),
    "trades.csv": [
      TRADES_HEADER,
      ...FILES.map((_, n) => `T${n},,2026-11-20T09:0${n}:05Z,,AB${n},+91981000000${n},D1,INFY,BUY,200,1500,DEALER`),
    ].join("\n"),
  });
});
afterEach(async () => {
  await engine.close();
  await bench.close();
});

function callsCsv(durations: readonly number[] = [10, 10, 10]): string {
  const row = (file: string, n: number): string =>
    `C${n},${file},2026-11-20T09:0${n}:00Z,${durations[n]},IN,+91981000000${n},,,D1,AB${n},1`;
  return [CALLS_HEADER, ...FILES.map(row)].join("\n");
}

async function errorsOf(batchId: number): Promise<(string | null)[]> {
  return (await bench.events(batchId)).flatMap(({ eventType, errorMessage }) =>
    eventType === "error" ? [errorMessage] : [],
  );
}

test("a run that is started while another process writes to the SQLite file for long begins when it is free", async () => {
  const other = await openDatabase(bench.fresh.url);
  try {
    await sql`BEGIN IMMEDIATE`.execute(other.kysely);
    const run = bench.run({ folder, runtime });
    await expect.poll(() => bench.reported).toEqual([expect.stringMatching(/another process .*Waiting for it/)]);
    await sql`ROLLBACK`.execute(other.kysely);
    expect(await run).toMatchObject({ batchId: 1, status: "completed" });
    expect((await bench.store.batches({ limit: 10 })).batches).toHaveLength(1);

    bench.reported.length = 0;
    await sql`BEGIN IMMEDIATE`.execute(other.kysely);
    const controller = new AbortController();
    const stopped = bench.run({ folder, runtime, signal: controller.signal });
    await expect.poll(() => bench.reported).toHaveLength(1);
    controller.abort(new Error("stopped by the test"));
    await expect(stopped).rejects.toThrow("stopped by the test");
  } finally {
    await other.close();
  }
});

test("after a stop, what is in work may finish, and the next run asks about nothing twice", async () => {
  const controller = new AbortController();
  const stopped = bench.run({ folder, runtime, signal: controller.signal });
  await engine.asked("stt", "a.wav");
  controller.abort(new Error("stopped by the test"));
  const first = await stopped;
  expect(first.status).toBe("interrupted");
  expect(await errorsOf(first.batchId)).toEqual([]);
  expect(await bench.store.batch(first.batchId)).toMatchObject({ status: "interrupted", finishedAt: null });
  const second = await bench.run({ folder, runtime });
  expect(second).toMatchObject({ batchId: first.batchId, status: "completed" });
  expect(engine.requests.toSorted()).toEqual([...new Set(engine.requests)].toSorted());
  for (const { name } of STAGES) {
    const events = (await bench.events(first.batchId)).filter(({ stage }) => stage === name);
    const completed = events.filter(({ eventType }) => eventType === "file_complete").map(({ fileName }) => fileName);
    expect(completed).toHaveLength(new Set(completed).size);
    expect(events.at(-1)).toMatchObject(name === "llm2" ? { eventType: "stage_complete" } : { status: "success" });
  }
});

test("a recording put right is uploaded and processed again; the others are left alone", async () => {
  engine.plan("ivr", "b.wav", 422);
  const first = await bench.run({ folder, runtime });
  expect(first.status).toBe("completed_with_errors");
  engine.requests.length = 0;
  await writeFile(join(folder, "b.wav"), "audio of the right call");
  const second = await bench.run({ folder, runtime, batchId: first.batchId });
  expect(second).toMatchObject({ batchId: first.batchId, status: "completed" });
  expect(engine.requests.toSorted()).toEqual(
    ["denoise b.wav", "ivr b.wav", "lid b.wav", "llm1 C1", "llm2 C1", "stt b.wav"].toSorted(),
  );
  const uploads = (await bench.events(first.batchId)).filter(
    ({ stage, eventType }) => stage === "file_distribution" && eventType === "file_complete",
  );
  expect(uploads.map(({ fileName }) => fileName).toSorted()).toEqual(["a.wav", "b.wav", "b.wav", "c.wav"]);
});

test("a calls.csv put right is read again, with what it refuses told anew", async () => {
  await writeFile(join(folder, "calls.csv"), callsCsv([10, 99, 10]));
  const first = await bench.run({ folder, runtime });
  expect(first).toMatchObject({ status: "completed_with_errors", summary: "1 failed in lid." });
  await writeFile(join(folder, "calls.csv"), callsCsv());
  const second = await bench.run({ folder, runtime, batchId: first.batchId });
  expect(second.status).toBe("completed");
  const trades = await bench.results.trades(first.batchId);
  expect(trades.map(({ triage, verdict }) => [triage, verdict])).toEqual(FILES.map(() => ["MATCHED", "CONFIRMED"]));
});

test("a run whose lease was taken over stops and leaves the batch to its new owner", async () => {
  engine.plan("denoise", "a.wav", "hang");
  const running = bench
    .run({ folder, runtime, settings: { ...pipelineSettings({ COFI_RETRY_DELAY_MS: "5" }), leaseMs: 300 } })
    .catch((error: unknown) => error);
  await engine.asked("denoise", "a.wav");
  const batch = await bench.store.currentBatch();
  await bench.fresh.database.kysely
    .updateTable("batchStatus")
    .set({ leaseOwner: "another", leaseExpiresAt: "2999-01-01 00:00:00.000" })
    .where("id", "=", batch?.id ?? 0)
    .execute();
  const error = await running;
  expect(error).toBeInstanceOf(BatchInUseError);
  expect((error as Error).message).toMatch(/taken over by another process/);
  expect(await bench.store.batch(batch?.id ?? 0)).toMatchObject({ status: "running" });
  await expect(bench.run({ folder, runtime })).rejects.toThrow(/is being run by another process/);
});

test("a database that goes away in the middle delays the batch and loses nothing", async () => {
  const server = await startServer();
  const database = await openDatabase(await server.createDatabase());
  try {
    await migrate(database);
    const store = new Store(database);
    const results = new Results(database);
    engine.plan("denoise", "a.wav", 500);
    const waiting: string[] = [];
    const running = bench.run({ folder, runtime, store, results, report: (message) => void waiting.push(message) });
    await engine.asked("denoise", "a.wav");
    await server.kill();
    await expect.poll(() => waiting.join("\n"), { timeout: 20_000 }).toMatch(/Waiting for it/);
    await server.restart();
    const { batchId, status } = await running;
    expect(status).toBe("completed");
    const events = await store.batchEventsAfter(batchId, 0, Number.MAX_SAFE_INTEGER, 10_000);
    for (const { name } of STAGES) {
      const types = events.filter(({ stage }) => stage === name).map(({ eventType }) => eventType);
      const units = ["callmetadata", "trademetadata"].includes(name) ? 1 : 3;
      expect([name, types.filter((type) => type === "file_complete").length]).toEqual([name, units]);
      expect([name, types.at(0), types.filter((type) => type === "stage_complete")]).toEqual([
        name,
        "stage_start",
        ["stage_complete"],
      ]);
    }
    expect(await store.batch(batchId)).toMatchObject({ status: "completed", currentStage: "llm2" });
    expect((await results.trades(batchId)).map(({ verdict }) => verdict)).toEqual(FILES.map(() => "CONFIRMED"));
  } finally {
    await database.close();
    await server.stop();
  }
});
