import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Batch } from "@cofi/event-log/events";
import { EventLogger, shipLeftovers, type EventLoggerOptions } from "@cofi/event-log/event-logger";
import { SpoolInUseError } from "@cofi/event-log/spool";
import type { StoredEvent } from "@cofi/event-log/event-columns";
import { Store } from "@cofi/event-log/store";
import { DIALECTS, freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";
import { startServer } from "../../../test/support/server.js";
import { openDatabase } from "@cofi/event-log/database";
import { migrate } from "@cofi/event-log/migrate";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cofi-logger-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe.each(DIALECTS)("EventLogger on %s", (dialect) => {
  let fresh: FreshDatabase;
  let store: Store;
  let batch: Batch;
  beforeEach(async () => {
    fresh = await freshDatabase(dialect);
    store = new Store(fresh.database);
    batch = await store.createBatch({ name: "night", folder: null });
  });
  afterEach(() => fresh.close());

  const open = (options: Partial<EventLoggerOptions> = {}) =>
    EventLogger.open({ batchId: batch.id, spoolDir: folder, store, ...options });

  test("stores each of the seven kinds as the contract says", async () => {
    const logger = await open();
    const fileName = "call 'one' \n 😀.wav";
    await logger.stageStart("stt", { totalFiles: 2 });
    await logger.fileStart("stt", fileName, { payload: { model: "small" }, gpuIp: "10.0.0.7", attempt: 2 });
    await logger.fileComplete("stt", fileName, { response: { text: "buy" }, durationMs: 41.6, gpuIp: "10.0.0.7" });
    await logger.fileError("stt", "b.wav", { error: new Error("no audio", { cause: new Error("empty file") }) });
    await logger.stageProgress("stt", { processedFiles: 2, totalFiles: 2 });
    await logger.info("stt", "engine stopped", { metadata: { pid: 7 } });
    await logger.stageComplete("stt", { status: "success", processedFiles: 2, totalFiles: 2 });
    expect(await logger.close()).toEqual({ unshipped: 0, lost: 0 });

    const { events } = await store.events(batch.id, { limit: 100 });
    expect(events.map(({ eventType, status }) => [eventType, status]).toReversed()).toEqual([
      ["stage_start", "processing"],
      ["file_start", "processing"],
      ["file_complete", "success"],
      ["error", "failed"],
      ["stage_progress", "processing"],
      ["info", null],
      ["stage_complete", "success"],
    ]);
    const byType = new Map(events.map((event) => [event.eventType, event]));
    expect(byType.get("file_start")).toMatchObject({ fileName, gpuIp: "10.0.0.7", attempt: 2, payloadBytes: 17 });
    expect(byType.get("file_complete")).toMatchObject({ durationMs: 42 });
    expect(byType.get("error")?.errorMessage).toBe("no audio: empty file");
    expect(byType.get("info")?.metadata).toEqual({ pid: 7, message: "engine stopped" });
    const start = await store.event(byType.get("file_start")?.id ?? 0);
    expect(start?.payload).toBe('{"model":"small"}');
    expect(await readdir(folder)).toEqual([]);
  });

  test("with the durability for power cuts, too, all is stored in order", async () => {
    const logger = await open({ durability: "power" });
    const logged: Promise<boolean>[] = [];
    for (let n = 0; n < 300; n++) {
      logged.push(logger.fileComplete("stt", `${n}`, { response: n }));
      if (n % 50 === 0) await logged.at(-1);
    }
    await Promise.all(logged);
    expect(await logger.close()).toEqual({ unshipped: 0, lost: 0 });
    const { events } = await store.events(batch.id, { limit: 500 });
    expect(events.map(({ fileName }) => Number(fileName)).toReversed()).toEqual(
      Array.from({ length: 300 }, (_, n) => n),
    );
    expect(await readdir(folder)).toEqual([]);
  });

  test("stores a text beyond the limit cut, with its true size and hash", async () => {
    const logger = await open({ maxTextBytes: 1000 });
    const response = "é".repeat(600);
    await logger.fileComplete("stt", "a.wav", { response });
    await logger.close();
    const [event] = (await store.events(batch.id, { limit: 1 })).events;
    const whole = JSON.stringify(response);
    expect(event?.responseBytes).toBe(1202);
    const detail = await store.event(event?.id ?? 0);
    expect(detail?.responseCut).toEqual({ bytes: 1202, sha256: createHash("sha256").update(whole).digest("hex") });
    expect(whole.startsWith(detail?.response ?? "?")).toBe(true);
    expect(Buffer.byteLength(detail?.response ?? "")).toBeGreaterThan(990);
    expect(await store.completedFiles(batch.id, "stt")).toEqual(new Map());
  });

  test("keeps megabytes whole by default", async () => {
    const logger = await open();
    const text = "x".repeat(3_000_000);
    await logger.fileComplete("stt", "a.wav", { response: { text } });
    await logger.close();
    expect((await store.answers(batch.id, "stt", ["a.wav"])).get("a.wav")?.response).toEqual({ text });
  });

  test("sets aside the one event that can never be stored, and reports it", async () => {
    const problems: string[] = [];
    // The logger mends what callers give it: one that the database refuses all the same is made here.
    const tooLong = (event: StoredEvent): StoredEvent =>
      event.fileName === "bad" ? { ...event, stage: "x".repeat(60) } : event;
    const sink = { insertEvents: (events: readonly StoredEvent[]) => store.insertEvents(events.map(tooLong)) };
    const logger = await open({ onProblem: ({ message }) => problems.push(message), store: sink });
    await fresh.insertForeign({ batchId: batch.id, stage: "stt", eventType: "info" });
    const ids = await Promise.all(["a", "b", "c"].map((name) => logger.fileComplete("stt", name, { response: 1 })));
    expect(ids).toHaveLength(3);
    if (dialect === "mysql") await logger.info("stt", "too long for the column", { fileName: "bad" });
    await logger.fileComplete("stt", "d", { response: 1 });
    expect(await logger.drain(20_000)).toBe(true);
    await logger.close();
    const names = (await store.events(batch.id, { limit: 100 })).events.map(({ fileName }) => fileName);
    expect(names.filter(Boolean).toReversed()).toEqual(["a", "b", "c", "d"]);
    if (dialect === "mysql") {
      expect(problems).toHaveLength(1);
      expect(problems[0]).toMatch(/cannot store event /);
      expect(await readdir(folder)).toEqual([`batch-${batch.id}.rejected.ndjson`]);
    }
  });

  test("refuses a second logger on the same spool", async () => {
    const logger = await open();
    await expect(open()).rejects.toThrow(SpoolInUseError);
    await logger.close();
    await (await open()).close();
  });

  test("ships again after a lost answer without doubling a row", async () => {
    let answers = 0;
    const forgetful = Object.create(store, {
      insertEvents: {
        value: async (events: Parameters<Store["insertEvents"]>[0]) => {
          await store.insertEvents(events);
          answers += 1;
          if (answers === 1) throw Object.assign(new Error("connection lost"), { code: "PROTOCOL_CONNECTION_LOST" });
        },
      },
    }) as Store;
    const logger = await EventLogger.open({ batchId: batch.id, spoolDir: folder, store: forgetful });
    await logger.fileComplete("stt", "a.wav", { response: 1 });
    expect(await logger.drain(20_000)).toBe(true);
    await logger.close();
    expect(answers).toBe(2);
    expect((await store.events(batch.id, { limit: 10 })).events).toHaveLength(1);
  });

  test("never throws: metadata, errors and numbers of every kind; close() twice at once", async () => {
    const circular: Record<string, unknown> = {};
    circular["self"] = circular;
    const [one, other] = [new Error("one"), new Error("other")];
    one.cause = other;
    other.cause = one;
    const odd = Object.assign(new Error("odd"), { cause: Object.create(null) as unknown });
    Object.defineProperty(odd, "message", { value: undefined });
    const logger = await open();
    await logger.info("stt", "circular", { metadata: { circular } as unknown as { n: number } });
    for (const error of [one, odd, Object.create(null) as unknown, null, Symbol("s"), { message: 7 }])
      await logger.fileError("stt", "a.wav", { error, attempt: Number.NaN, durationMs: 1e12 });
    await logger.stageProgress("stt", { processedFiles: Infinity, totalFiles: 1.5 });
    expect(await Promise.all([logger.close(), logger.close()])).toEqual([
      { unshipped: 0, lost: 0 },
      { unshipped: 0, lost: 0 },
    ]);
    expect(await logger.drain(0)).toBe(false);
    const { events } = await store.events(batch.id, { limit: 20 });
    expect(events).toHaveLength(8);
    expect(events.map(({ errorMessage }) => errorMessage)).toContain("one: other");
  });

  test("never throws: values that are no JSON, listeners that throw", async () => {
    const circular: Record<string, unknown> = {};
    circular["self"] = circular;
    const logger = await open({
      onProblem: () => {
        throw new Error("listener");
      },
    });
    await logger.fileComplete("stt", "a.wav", { response: circular });
    await logger.fileComplete("stt", "b.wav", { response: 10n });
    await logger.fileError("stt", "c\ud800.wav", { error: undefined });
    await logger.close();
    const { events } = await store.events(batch.id, { limit: 10 });
    expect(events.map(({ fileName }) => fileName)).toEqual(["c\ufffd.wav", "b.wav", "a.wav"]);
    expect((await store.event(events[2]?.id ?? 0))?.response).toBe('{"self":"[circular]"}');
  });
});

test("a database that is down only makes the spool longer; what is left is shipped by the next process", async () => {
  const server = await startServer();
  try {
    const url = await server.createDatabase();
    const database = await openDatabase(url);
    await migrate(database);
    const store = new Store(database);
    const batch = await store.createBatch({ name: "night", folder: null });
    const problems: string[] = [];
    const options = {
      batchId: batch.id,
      spoolDir: folder,
      store,
      onProblem: (p: { kind: string }) => problems.push(p.kind),
    };
    const logger = await EventLogger.open(options);
    await logger.fileComplete("stt", "before", { response: 1 });
    expect(await logger.drain(20_000)).toBe(true);

    await server.kill();
    for (let n = 0; n < 300; n++) await logger.fileComplete("stt", `down-${n}`, { response: { n } });
    expect((await logger.close(300)).unshipped).toBe(300);
    expect(problems).toEqual(["database"]);

    await server.restart();
    expect(await shipLeftovers(folder, store, undefined, AbortSignal.abort())).toMatchObject({ shipped: 0 });
    expect(await shipLeftovers(folder, store)).toEqual({ shipped: 300, spools: 1, refused: 0 });
    const { events } = await store.events(batch.id, { limit: 1000 });
    const names = events.map(({ fileName }) => fileName).toReversed();
    expect(names).toEqual(["before", ...Array.from({ length: 300 }, (_, n) => `down-${n}`)]);
    await database.close();
    expect(await sqlSpools(folder)).toEqual([]);
  } finally {
    await server.stop();
  }
});

async function sqlSpools(dir: string): Promise<string[]> {
  return (await readdir(dir)).filter((name) => name.endsWith(".spool"));
}
