/** The way in: acknowledged events, and the way from the spool into MariaDB. */
import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createConnection } from "mysql2/promise";
import { afterAll, beforeAll, test } from "vitest";
import { openDatabase, type Database } from "@cofi/event-log/database";
import { EventLogger } from "@cofi/event-log/event-logger";
import { migrate } from "@cofi/event-log/migrate";
import type { Durability } from "@cofi/event-log/spool";
import { Store } from "@cofi/event-log/store";
import { startServer, type TestServer } from "../test/support/server.js";
import { median, record } from "./support/results.js";

const PAYLOAD = { text: "p".repeat(1_000) };
const RESPONSE = { text: "r".repeat(4_000) };
const EVENTS = 20_000;
const NAIVE_EVENTS = 5_000;

let folder: string;
let server: TestServer;
let url: string;
let database: Database;
let store: Store;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cofi-bench-"));
  server = await startServer({ durable: true });
  url = await server.createDatabase();
  database = await openDatabase(url);
  await migrate(database);
  store = new Store(database);
});
afterAll(async () => {
  await database.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The physical floor: the same bytes appended to a file, one fdatasync per 100. */
async function appendToFile(): Promise<number> {
  const line = Buffer.from(
    JSON.stringify({ stage: "stt", fileName: "call-123.wav", payload: PAYLOAD, response: RESPONSE }),
  );
  const file = openSync(join(folder, "floor"), "w");
  const started = performance.now();
  for (let n = 1; n <= EVENTS; n++) {
    writeSync(file, line);
    if (n % 100 === 0) fdatasyncSync(file);
  }
  const seconds = (performance.now() - started) / 1000;
  closeSync(file);
  return EVENTS / seconds;
}

/** The naive design: one awaited INSERT an event, on one connection. */
async function awaitedInserts(): Promise<number> {
  const batch = await store.createBatch({ name: "naive", folder: null });
  const connection = await createConnection({ uri: url });
  const [payload, response] = [JSON.stringify(PAYLOAD), JSON.stringify(RESPONSE)];
  const started = performance.now();
  for (let n = 0; n < NAIVE_EVENTS; n++)
    await connection.execute(
      "INSERT INTO batchExecutionLog (batchId, stage, eventType, fileName, payload, response, status) VALUES (?, 'stt', 'file_complete', ?, ?, ?, 'success')",
      [batch.id, `call-${n}.wav`, payload, response],
    );
  const seconds = (performance.now() - started) / 1000;
  await connection.end();
  return NAIVE_EVENTS / seconds;
}

/** Logs `EVENTS` events, 100 in progress at a time as in a stage, without and with the time to ship them. */
async function logged(durability: Durability = "process"): Promise<{ acknowledged: number; drained: number }> {
  const batch = await store.createBatch({ name: "logger", folder: null });
  // The database takes nothing until all is acknowledged: this measures the way into the spool alone, then the way out.
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const held = Object.create(store, {
    insertEvents: {
      value: async (events: Parameters<Store["insertEvents"]>[0]) => {
        await opened;
        return store.insertEvents(events);
      },
    },
  }) as Store;
  const logger = await EventLogger.open({ batchId: batch.id, spoolDir: folder, store: held, durability });
  const started = performance.now();
  for (let n = 0; n < EVENTS; n += 100)
    await Promise.all(
      Array.from({ length: 100 }, (_, k) =>
        logger.fileComplete("stt", `call-${n + k}.wav`, { payload: PAYLOAD, response: RESPONSE }),
      ),
    );
  const acknowledgedAt = performance.now();
  open();
  await logger.drain();
  const drainedAt = performance.now();
  await logger.close();
  return {
    acknowledged: EVENTS / ((acknowledgedAt - started) / 1000),
    drained: EVENTS / ((drainedAt - acknowledgedAt) / 1000),
  };
}

test("acknowledging and draining", async () => {
  const naive = await median(awaitedInserts);
  const floor = await median(appendToFile);
  const acknowledged = await median(async () => (await logged()).acknowledged);
  const power = await median(async () => (await logged("power")).acknowledged);
  const drained = await median(async () => (await logged()).drained);
  await record(
    "Events with 1 KB of payload and 4 KB of response, MariaDB with innodb_flush_log_at_trx_commit=1",
    "events/s",
    {
      "one awaited INSERT an event": naive,
      "acknowledged by EventLogger": acknowledged,
      "acknowledged, durable against power cuts (COFI_EVENT_DURABILITY=power)": power,
      "drained from a backlog into MariaDB": drained,
      "appending the same bytes to a file, one fdatasync per 100": floor,
    },
    "Bars: acknowledged >= 5 x the awaited insert and >= 60 % of the file; drained >= 4 x the awaited insert.",
  );
});

test("what a log call takes from the event loop at 1,000 events/s", async () => {
  const batch = await store.createBatch({ name: "calls", folder: null });
  const logger = await EventLogger.open({ batchId: batch.id, spoolDir: folder, store });
  const calls: number[] = [];
  const before = performance.eventLoopUtilization();
  for (let tick = 0; tick < 1_000; tick++) {
    const next = performance.now() + 10;
    for (let n = 0; n < 10; n++) {
      const started = performance.now();
      void logger.fileComplete("stt", `call-${tick}-${n}.wav`, { payload: PAYLOAD, response: RESPONSE });
      calls.push(performance.now() - started);
    }
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, next - performance.now())));
  }
  const { active } = performance.eventLoopUtilization(before);
  await logger.close();
  const sorted = calls.toSorted((a, b) => a - b);
  await record(
    "Time a log call takes from the pipeline's event loop, 10,000 events at 1,000/s",
    "ms",
    {
      "the call, p50": sorted[Math.floor(sorted.length * 0.5)] ?? Number.NaN,
      "the call, p99": sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN,
      "all work of logging, spooling and shipping, mean an event": active / calls.length,
    },
    "Bar: p99 of the call <= 0.2 ms.",
  );
});
