/** A call in a language that stt has no model for is a result of the batch: no file fails by it, and a person has to listen. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { skipReason } from "@cofi/event-log/event-metadata";
import { recompute } from "@cofi/pipeline/recompute";
import { RemoteRuntime } from "@cofi/pipeline/runtime/remote";
import { startScriptedEngine, type ScriptedEngine } from "../../../test/support/scripted-engine.js";
import { batchWith, CALLS_HEADER } from "./batch-files.js";
import { batchInSqlite, type BatchBench } from "./batch-in-sqlite.js";
import { serversIn, startModelServer, type ModelServerMock } from "./model-server.js";
import { wavFile } from "./wav-file.js";

const MODEL = "Systran/faster-whisper-small";
let engine: ScriptedEngine;
let server: ModelServerMock;
let bench: BatchBench | undefined;
beforeEach(async () => {
  engine = await startScriptedEngine();
  server = await startModelServer("speaches");
});
afterEach(async () => {
  await bench?.close();
  await server.close();
  await engine.close();
});

it.each([
  ["an engine", {}],
  ["a model server", () => serversIn(["STT"], { urls: [server.url], model: MODEL })],
] as [string, object | (() => NodeJS.ProcessEnv)][])("of %s", async (_, setting) => {
  bench = await batchInSqlite(typeof setting === "function" ? setting() : {});
  engine.plan("stt", "a.wav", "unknown language");
  server.script.push({ status: 400, body: { error: { message: 'Unknown language "es"' } } });
  const row = "c1,a.wav,2026-11-20T09:15:00+05:30,10,IN,+919812345678,,2104,D07,C1,2";
  const folder = await batchWith({ "a.wav": wavFile(10), "calls.csv": `${CALLS_HEADER}\n${row}\n` });
  const runtime = new RemoteRuntime(() => [engine.url], bench.client, { slotsPerHost: 1 });
  const { batchId, status, summary } = await bench.run({ folder, runtime });
  expect([status, summary]).toEqual(["completed", "All files went through."]);
  expect(await bench.results.trades(batchId)).toMatchObject([{ triage: "MATCHED", verdict: "LOW_CONFIDENCE" }]);
  expect(await bench.results.transcript(batchId, "c1")).toBeNull();

  const events = await bench.events(batchId);
  const spoken = events.filter(({ stage, fileName }) => ["stt", "llm1", "llm2"].includes(stage) && fileName !== null);
  expect(spoken.map(({ stage, eventType, metadata }) => [stage, eventType, skipReason(metadata)])).toEqual([
    ["stt", "file_start", null],
    ["stt", "file_complete", null],
    ["llm1", "info", "The call has no transcript, because stt has no model for its language"],
  ]);

  // The next run reads the result in the log.
  engine.requests.length = 0;
  expect(await bench.run({ folder, runtime, batchId })).toMatchObject({ status: "completed" });
  expect(engine.requests).toEqual([]);
  // The verdict comes out of the log again.
  const [logged] = await bench.results.verdictHistory(batchId, "t1");
  if (!logged) throw new Error("The log has no verdict");
  const { basisEventId, restsOn } = logged;
  expect(restsOn.calls).toMatchObject([{ callId: "c1", stt: expect.any(Number), llm1: null }]);
  const [run] = await bench.store.runs(batchId);
  const ids = [basisEventId, restsOn.triaging, ...restsOn.calls.flatMap((call) => [call.fileDistribution, call.stt])];
  const bodies = await bench.results.bodiesOf(
    batchId,
    ids.filter((id) => id !== null),
  );
  const recomputed = recompute({
    logged,
    payloadOf: (id) => bodies.get(id ?? 0)?.payload ?? null,
    responseOf: (id) => bodies.get(id ?? 0)?.response ?? null,
    changeOf: () => null,
    configuration: run?.configuration ?? null,
  });
  expect(recomputed).toEqual({ outcome: "same" });
});
