/** Stages side by side of which one cannot continue: the others end, soon, and the batch says which one it was. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { StageName } from "@cofi/event-log/stages";
import { Store } from "@cofi/event-log/store";
import { LocalProcessRuntime } from "@cofi/pipeline/runtime/local-process";
import { RemoteRuntime } from "@cofi/pipeline/runtime/remote";
import { EngineStartError, type Runtime } from "@cofi/pipeline/runtime/runtime";
import { startScriptedEngine, type ScriptedEngine } from "../../../test/support/scripted-engine.js";
import { batchOfFiles, FILES } from "./batch-files.js";
import { batchInSqlite, type BatchBench } from "./batch-in-sqlite.js";

/** Not one of the first, about which nobody knows how long they take. */
const LATE = FILES[20]!;

let bench: BatchBench;
let engine: ScriptedEngine;

beforeEach(async () => {
  bench = await batchInSqlite({ COFI_FLOW: "pipelined" });
  engine = await startScriptedEngine();
});
afterEach(async () => {
  await engine.close();
  await bench.close();
});

/** A runtime that starts these stages in another way. */
function runtimeWith(own: Partial<Record<StageName, Runtime["start"]>>): Runtime {
  const rest = new RemoteRuntime(() => [engine.url], bench.client, { slotsPerHost: 2 });
  return {
    start: (stage, ...others) => own[stage]?.(stage, ...others) ?? rest.start(stage),
    machinesOf: (stage) => rest.machinesOf(stage),
  };
}

test("a request that never ends is given up as late, although nothing new is begun", async () => {
  engine.plan("denoise", LATE, "hang");
  const soon = (async () => {
    await Promise.all(FILES.filter((file) => file !== LATE).map((file) => engine.asked("ivr", file)));
    throw new EngineStartError("It has no model.");
  })();
  soon.catch(() => undefined);
  const runtime = runtimeWith({ lid: () => soon });
  const { batchId, status, summary } = await bench.run({ folder: await batchOfFiles(), runtime });
  expect([status, summary]).toEqual(["failed", "lid: It has no model."]);
  const error = (await bench.events(batchId)).find(
    ({ stage, fileName, eventType }) => stage === "denoise" && fileName === LATE && eventType === "error",
  );
  expect(error?.errorMessage).toMatch(/far longer than nearly all other files/);
  expect(error?.status).toBe("processing");
});

test("engines that are still being started are not to blame when another stage cannot continue", async () => {
  const local = new LocalProcessRuntime({
    // Never says where it listens.
    command: () => ({ file: process.execPath, args: ["-e", "process.stdin.resume()"] }),
    files: { place: "folder:test", description: "a folder of the test" },
    client: bench.client,
    slotsPerHost: 2,
    engineStartTimeoutMs: 120_000,
    attempts: 3,
  });
  const runtime = runtimeWith({
    ivr: (...args) => local.start(...args),
    lid: () => engine.asked("denoise", FILES[0]!).then(() => Promise.reject(new EngineStartError("It has no model."))),
  });
  const { batchId, status, summary } = await bench.run({ folder: await batchOfFiles(), runtime });
  expect([status, summary]).toEqual(["failed", "lid: It has no model."]);
  const events = await bench.events(batchId);
  expect(events.flatMap(({ stage, eventType }) => (eventType === "error" ? [stage] : []))).toEqual(["lid"]);
  const ends = events.filter(({ stage, eventType }) => stage === "ivr" && eventType === "stage_complete");
  expect(ends.map(({ errorMessage }) => errorMessage)).toEqual([
    "It ended because lid cannot continue; the next run continues from here.",
  ]);
});

test("what a start that is cut short rejects with is no failure of the batch", async () => {
  // As a container's runtime that waits for the database.
  const start: Runtime["start"] = (_stage, _batch, _listener, signal) =>
    new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    });
  const runtime = runtimeWith({
    ivr: start,
    lid: () => engine.asked("denoise", FILES[0]!).then(() => Promise.reject(new EngineStartError("It has no model."))),
  });
  const { status, summary } = await bench.run({ folder: await batchOfFiles(), runtime });
  expect([status, summary]).toEqual(["failed", "lid: It has no model."]);
});

/** Stops the batch as soon as it is asked what earlier runs did of denoise. */
class StoppingStore extends Store {
  readonly stop = new AbortController();

  override completedPage(...[batchId, stage, after]: Parameters<Store["completedPage"]>) {
    if (stage === "denoise") this.stop.abort(new Error("Ctrl-C"));
    return super.completedPage(batchId, stage, after);
  }
}

test("a batch that is stopped as the first of its stages side by side begins: the others do not say that they were stopped", async () => {
  const store = new StoppingStore(bench.fresh.database);
  const runtime = runtimeWith({});
  const { batchId, status } = await bench.run({
    folder: await batchOfFiles(),
    runtime,
    store,
    signal: store.stop.signal,
  });
  expect(status).toBe("interrupted");
  const events = await bench.events(batchId);
  const stopped = events.filter((event) => JSON.stringify(event).includes("Stopped: the next run continues"));
  expect(stopped.map(({ stage }) => stage)).toEqual(["denoise"]);
  const begun = events.filter(({ eventType }) => eventType === "stage_start").map(({ stage }) => stage);
  expect(begun.at(-1)).toBe("denoise");
});
