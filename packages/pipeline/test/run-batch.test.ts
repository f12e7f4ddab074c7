import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { recordingNotes } from "@cofi/event-log/event-metadata";
import type { LogEvent } from "@cofi/event-log/events";
import { applyEvent, emptyView, stageSummary } from "@cofi/views/projection";
import { Results } from "@cofi/evidence/results";
import { STAGES } from "@cofi/event-log/stages";
import { Store } from "@cofi/event-log/store";
import { EngineClient } from "@cofi/pipeline/engine-client";
import { InputError } from "@cofi/pipeline/input-error";
import { OpenAiEngines } from "@cofi/pipeline/openai-client";
import { BatchInUseError } from "@cofi/pipeline/lease";
import { runBatch, type BatchResult, type RunBatchOptions } from "@cofi/pipeline/run-batch";
import { RemoteRuntime } from "@cofi/pipeline/runtime/remote";
import type { Runtime } from "@cofi/pipeline/runtime/runtime";
import { pipelineSettings } from "@cofi/pipeline/settings";
import { DEFAULT_TRIAGE } from "@cofi/pipeline/triage-config";
import { DIALECTS, freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";
import { startScriptedEngine, type ScriptedEngine } from "../../../test/support/scripted-engine.js";

const CALLS = "call_id,file_name,start_time,duration_s,caller_number,dealer_id,client_code";
const TRADES = "trade_id,order_time,client_code,client_phones,dealer_id,symbol,side,quantity,price,order_source";
const FILES = ["a.wav", "b 'ü' 😀.wav", "c.wav"];

let root: string;
let engine: ScriptedEngine;
let client: EngineClient;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "cofi-run-"));
  engine = await startScriptedEngine();
  client = new EngineClient(30_000);
});
afterEach(async () => {
  await client.close();
  await engine.close();
  await rm(root, { recursive: true, force: true });
});

async function writeBatch(files: readonly string[] = FILES): Promise<void> {
  const phone = (n: number): string => `+91981000000${n}`;
  const calls = files.map((name, n) => `C${n},${name},2026-11-20T09:0${n}:00Z,10,${phone(n)},D1,AB${n}`);
  const trades = files.map((_, n) => `T${n},2026-11-20T09:0${n}:05Z,AB${n},${phone(n)},D1,INFY,BUY,200,1500,DEALER`);
  await writeFile(join(root, "calls.csv"), [CALLS, ...calls].join("\n"));
  await writeFile(join(root, "trades.csv"), [TRADES, ...trades].join("\n"));
  for (const name of files) await writeFile(join(root, name), "audio");
}

describe.each(DIALECTS)("a batch on %s", (dialect) => {
  let fresh: FreshDatabase;
  let store: Store;
  beforeEach(async () => {
    fresh = await freshDatabase(dialect);
    store = new Store(fresh.database);
    await writeBatch();
  });
  afterEach(() => fresh.close());

  function run(options: Partial<RunBatchOptions> = {}, env: NodeJS.ProcessEnv = {}): Promise<BatchResult> {
    const settings = pipelineSettings({
      COFI_RETRY_DELAY_MS: "5",
      COFI_SLOTS_PER_HOST: "2",
      COFI_GRACE_PERIOD_S: "0",
      ...env,
    });
    return runBatch({
      folder: root,
      store,
      results: new Results(fresh.database),
      client,
      openAi: new OpenAiEngines({}, 1_000),
      runtime: new RemoteRuntime(() => [engine.url], client, { slotsPerHost: 2 }),
      settings,
      triageConfig: DEFAULT_TRIAGE,
      version: "0.0.0",
      engines: null,
      spoolDir: join(root, ".spool"),
      signal: new AbortController().signal,
      report: () => undefined,
      ...options,
    });
  }

  async function allEvents(batchId: number): Promise<LogEvent[]> {
    return store.batchEventsAfter(batchId, 0, Number.MAX_SAFE_INTEGER, 10_000);
  }

  async function card(batchId: number, stage: string) {
    const batch = await store.batch(batchId);
    if (!batch) throw new Error("no batch");
    return stageSummary((await allEvents(batchId)).reduce(applyEvent, emptyView(batch, 20)), stage);
  }

  test("goes through the ten stages, logs every step with payload and response, and stores the results", async () => {
    const { batchId, status } = await run();
    expect(status).toBe("completed");
    expect(await store.batch(batchId)).toMatchObject({ status: "completed", currentStage: "llm2", totalFiles: 3 });
    for (const { name } of STAGES) {
      const { status: stageStatus, progress, failed, inFlight } = await card(batchId, name);
      expect([name, stageStatus, progress, failed, inFlight]).toEqual([name, "success", 1, 0, 0]);
    }
    const events = await allEvents(batchId);
    for (const event of events.filter(({ eventType }) => eventType === "file_complete")) {
      const detail = await store.event(event.id);
      expect(JSON.parse(detail?.response ?? "null")).not.toBeNull();
      const started = events.find(
        (other) => other.eventType === "file_start" && other.stage === event.stage && other.fileName === event.fileName,
      );
      expect(started?.payloadBytes).toBeGreaterThan(2);
      expect(event.durationMs).not.toBeNull();
    }
    const results = new Results(fresh.database);
    expect((await results.calls(batchId)).map(({ fileName, language }) => [fileName, language])).toEqual(
      FILES.map((name) => [name, "en"]),
    );
    expect((await results.trades(batchId)).map(({ tradeId, triage, verdict }) => [tradeId, triage, verdict])).toEqual(
      FILES.map((_, n) => [`T${n}`, "MATCHED", "CONFIRMED"]),
    );
    expect((await results.transcript(batchId, "C0"))?.text).toMatch(/infosys/);
    expect(await results.extractedTrades(batchId)).toHaveLength(3);
    expect((await results.answers(batchId, "C0")).length).toBeGreaterThan(5);
  });

  test("tries again what may heal, with its cause, and counts the file once", async () => {
    engine.plan("denoise", "a.wav", 500, "reset");
    engine.plan("stt", "c.wav", "garbage", "wrong shape");
    const { batchId, status } = await run();
    expect(status).toBe("completed");
    const events = await allEvents(batchId);
    const tries = (stage: string, file: string) =>
      events
        .filter((event) => event.stage === stage && event.fileName === file)
        .map(({ eventType, status: state, attempt }) => [eventType, state, attempt]);
    expect(tries("denoise", "a.wav")).toEqual([
      ["file_start", "processing", 1],
      ["error", "processing", 1],
      ["file_start", "processing", 2],
      ["error", "processing", 2],
      ["file_start", "processing", 3],
      ["file_complete", "success", 3],
    ]);
    const causes = events.filter(({ eventType }) => eventType === "error").map(({ errorMessage }) => errorMessage);
    expect(causes[0]).toMatch(/as the test wants it.*500/);
    expect(causes.some((cause) => /gave no answer/.test(cause ?? ""))).toBe(true);
    expect(causes.some((cause) => /invalid JSON/.test(cause ?? ""))).toBe(true);
    expect(causes.some((cause) => /violates the engine contract/.test(cause ?? ""))).toBe(true);
    expect(await card(batchId, "denoise")).toMatchObject({ done: 3, failed: 0, errors: 2 });
  });

  test("what an engine tolerated in a recording stands on the event of the file", async () => {
    const notes = ["The header says that the sound has 1.0 s, and the file holds 20.0 s: all of it was read."];
    engine.plan("denoise", "a.wav", { notes });
    engine.plan("ivr", "c.wav", { notes: [] });
    const events = await allEvents((await run()).batchId);
    const said = events.filter(
      ({ eventType, metadata }) => eventType === "file_complete" && recordingNotes(metadata).length > 0,
    );
    expect(said.map(({ stage, fileName, metadata }) => [stage, fileName, metadata])).toEqual([
      ["denoise", "a.wav", { notes }],
    ]);
  });

  test("marks a file failed and goes on without it", async () => {
    engine.plan("ivr", "a.wav", 422);
    engine.plan("lid", "c.wav", 500, 500, 500);
    const { batchId, status, summary } = await run();
    expect(status).toBe("completed_with_errors");
    expect(summary).toMatch(/1 failed in ivr, 1 failed in lid/);
    expect(engine.requests.filter((key) => key === "ivr a.wav")).toHaveLength(1);
    expect(engine.requests.filter((key) => key === "lid c.wav")).toHaveLength(3);
    expect(engine.requests.filter((key) => key.startsWith("stt "))).toEqual([`stt ${FILES[1]}`]);
    const trades = await new Results(fresh.database).trades(batchId);
    expect(trades.map(({ triage, verdict }) => [triage, verdict])).toEqual([
      ["AUDIO_UNUSABLE", "LOW_CONFIDENCE"],
      ["MATCHED", "CONFIRMED"],
      ["MATCHED", "LOW_CONFIDENCE"],
    ]);
  });

  test("tries the failed files of an ended batch again, and nothing else", async () => {
    engine.plan("ivr", "a.wav", 422);
    const first = await run();
    engine.requests.length = 0;
    const second = await run({ batchId: first.batchId });
    expect(second).toMatchObject({ batchId: first.batchId, status: "completed" });
    expect(engine.requests.toSorted()).toEqual(["ivr a.wav", "lid a.wav", "llm1 C0", "llm2 C0", "stt a.wav"]);
  });

  test("fails when no file of a stage gets an answer", async () => {
    for (const file of FILES) engine.plan("lid", file, 503, 503, 503);
    const { batchId, status, summary } = await run();
    expect([status, summary]).toEqual(["failed", expect.stringMatching(/^lid: No file got an answer/)]);
    expect(await card(batchId, "lid")).toMatchObject({ status: "failed", failed: 3 });
    expect(await card(batchId, "triaging")).toMatchObject({ status: "pending" });
  });

  test("stops cleanly, and the same command goes on where it stopped", async () => {
    const controller = new AbortController();
    engine.plan("stt", "c.wav", "hang");
    const stopped = run({ signal: controller.signal });
    await engine.asked("stt", "c.wav");
    controller.abort();
    const first = await stopped;
    expect(first.status).toBe("interrupted");
    expect(await store.batch(first.batchId)).toMatchObject({ status: "interrupted", finishedAt: null });
    const before = engine.requests.length;
    const second = await run();
    expect(second).toMatchObject({ batchId: first.batchId, status: "completed" });
    const repeated = engine.requests.slice(before).filter((key) => !key.startsWith("llm"));
    expect(repeated).toContain("stt c.wav");
    expect(repeated.every((key) => key.startsWith("stt "))).toBe(true);
    expect(await card(first.batchId, "stt")).toMatchObject({ done: 3, failed: 0, inFlight: 0, status: "success" });
  });

  test("refuses a batch that another process runs", async () => {
    const controller = new AbortController();
    engine.plan("denoise", "a.wav", "hang");
    const running = run({ signal: controller.signal });
    await engine.asked("denoise", "a.wav");
    await expect(run({ spoolDir: join(root, ".other-spool") })).rejects.toThrow(BatchInUseError);
    controller.abort();
    await running;
  });

  test("a header without a required column stops the batch with a clear message", async () => {
    await writeFile(join(root, "trades.csv"), "trade_id,client_code\nT1,AB1\n");
    const { batchId, status, summary } = await run();
    expect(status).toBe("failed");
    expect(summary).toMatch(/trademetadata: .*trades\.csv lacks the columns order_time, dealer_id/);
    expect(await card(batchId, "trademetadata")).toMatchObject({ status: "failed", failed: 1 });
    expect(engine.requests).toEqual([]);
  });

  test("a bad row is an event with line, column and code; the others go on", async () => {
    await writeFile(join(root, "d.wav"), "audio");
    await writeFile(
      join(root, "calls.csv"),
      `${CALLS}\nC0,a.wav,2026-11-20T09:00:00Z,10,+919810000000,D1,AB0\nC1,c.wav,yesterday,10,,D1,AB1\nC2,../a.wav,2026-11-20T09:00:00Z,10,,D1,AB1\n`,
    );
    const { batchId, status } = await run();
    expect(status).toBe("completed_with_errors");
    const errors = (await allEvents(batchId)).filter(
      ({ eventType, stage }) => eventType === "error" && stage === "callmetadata",
    );
    expect(errors.map(({ metadata }) => metadata)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ line: 3, column: "start_time", code: "BAD_TIME" }),
        expect.objectContaining({ line: 4, column: "file_name", code: "FILE_NOT_FOUND" }),
        expect.objectContaining({ line: null, column: "file_name", code: "FILE_NOT_LISTED" }),
      ]),
    );
    expect(await card(batchId, "callmetadata")).toMatchObject({ done: 1, failed: 0 });
    expect(await card(batchId, "denoise")).toMatchObject({ totalFiles: 1, done: 1 });
  });

  test("a wrong duration in calls.csv fails the file by name", async () => {
    await writeFile(
      join(root, "calls.csv"),
      `${CALLS}\nC0,a.wav,2026-11-20T09:00:00Z,99,,D1,AB0\nC1,c.wav,2026-11-20T09:00:00Z,10,,D1,AB1\n`,
    );
    const { batchId } = await run();
    const [error] = (await allEvents(batchId)).filter(
      ({ eventType, stage }) => eventType === "error" && stage === "lid",
    );
    expect(error).toMatchObject({
      fileName: "a.wav",
      errorMessage: expect.stringMatching(/DURATION_MISMATCH.*99 s.*10\.0 s/),
    });
  });

  test("an engine that cannot be had fails the stage with the reason", async () => {
    const runtime: Runtime = new RemoteRuntime(() => ["http://127.0.0.1:1"], client, {
      slotsPerHost: 1,
    });
    const settings = pipelineSettings({ COFI_ENGINE_START_TIMEOUT_S: "1" });
    const { status, summary } = await run({ runtime, settings });
    expect(status).toBe("failed");
    expect(summary).toMatch(/file_distribution: Its host was away, .* for 1 s .*127\.0\.0\.1:1.*ECONNREFUSED/);
  });

  test("a folder that cannot be a batch is refused before anything is written", async () => {
    await rm(join(root, "trades.csv"));
    await expect(run()).rejects.toThrow(InputError);
    await expect(run({ folder: join(root, "nowhere") })).rejects.toThrow(/nowhere does not exist/);
    expect(await store.currentBatch()).toBeNull();
  });
});
