/** calls.csv, or what lies beside it, is another one in a later run. */
import { rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { Results } from "@cofi/evidence/results";
import { RemoteRuntime } from "@cofi/pipeline/runtime/remote";
import type { Runtime } from "@cofi/pipeline/runtime/runtime";
import { DEFAULT_TRIAGE } from "@cofi/pipeline/triage-config";
import { startScriptedEngine, type ScriptedEngine } from "../../../test/support/scripted-engine.js";
import { batchOfFiles, callOf, CALLS_HEADER, FILES } from "./batch-files.js";
import { batchInSqlite, type BatchBench } from "./batch-in-sqlite.js";

let bench: BatchBench;
let engine: ScriptedEngine;
let runtime: Runtime;
let folder: string;
let batchId: number;
beforeEach(async () => {
  bench = await batchInSqlite({ COFI_GRACE_PERIOD_S: "1", COFI_ATTEMPTS: "1" });
  engine = await startScriptedEngine();
  runtime = new RemoteRuntime(() => [engine.url], bench.client, { slotsPerHost: 2 });
  folder = await batchOfFiles();
  for (const file of FILES) {
    const text = `words of ${file}`;
    engine.plan("stt", file, { text, segments: [{ id: 0, start_s: 1, end_s: 4, text: SAID, confidence: 0.9 }] });
  }
  ({ batchId } = await bench.run({ folder, runtime }));
  engine.requests.length = 0;
});
afterEach(async () => {
  await engine.close();
  await bench.close();
});

const SAID = "please buy two hundred shares of infosys at fifteen hundred rupees";

/** calls.csv with these calls on these files. */
async function callsAre(...pairs: (readonly [file: string, call: number])[]): Promise<void> {
  await writeFile(join(folder, "calls.csv"), [CALLS_HEADER, ...pairs.map(([file, n]) => callOf(file, n))].join("\n"));
}

/** By call: whose words its transcript has, and how many trades and audit answers stand under it. */
async function heard(callId: string): Promise<[string | undefined, number, boolean]> {
  const { results } = bench;
  const trades = await results.extractedTrades(batchId, callId);
  const answers = await results.answers(batchId, callId);
  return [(await results.transcript(batchId, callId))?.text, trades.length, answers.length > 0];
}

const whole = (file: string): [string, number, boolean] => [`words of ${file}`, 1, true];
const NOTHING = [undefined, 0, false];
const inOrder = FILES.map((file, n) => [file, n] as const);
const [first, second, third, ...others] = inOrder as [(typeof inOrder)[0], (typeof inOrder)[0], (typeof inOrder)[0]];

test("calls that change places take their words with them, and back again", async () => {
  for (const files of [[second[0], first[0]] as const, [first[0], second[0]] as const]) {
    await callsAre([files[0], 0], [files[1], 1], third, ...others);
    expect((await bench.run({ folder, runtime, batchId })).status).toBe("completed");
    expect([await heard("C0"), await heard("C1"), await heard("C2")]).toEqual([...files, third[0]].map(whole));
  }
  expect(engine.requests).toEqual([]);
});

test("a call that is no longer in the batch leaves nothing behind; one that comes back has its words again", async () => {
  await callsAre([first[0], 40], [third[0], 1], ...others);
  const without = await bench.run({ folder, runtime, batchId });
  expect(without.status).toBe("completed_with_errors");
  expect([await heard("C0"), await heard("C1"), await heard("C2")]).toEqual([NOTHING, whole(third[0]), NOTHING]);
  expect(await heard("C40")).toEqual(whole(first[0]));
  await callsAre(...inOrder);
  expect((await bench.run({ folder, runtime, batchId })).status).toBe("completed");
  expect([await heard("C0"), await heard("C1"), await heard("C2"), await heard("C40")]).toEqual([
    ...[first, second, third].map(([file]) => whole(file)),
    NOTHING,
  ]);
  expect(engine.requests).toEqual([]);
});

test("a run that is stopped before the words are stored leaves that to the next", async () => {
  await callsAre([second[0], 0], [first[0], 1], third, ...others);
  const controller = new AbortController();
  class StoppingResults extends Results {
    override async saveTriage(): Promise<void> {
      controller.abort(new Error("stopped by the test"));
      return new Promise(() => undefined);
    }
  }
  const results = new StoppingResults(bench.fresh.database);
  const stopped = await bench.run({ folder, runtime, batchId, results, signal: controller.signal });
  expect(stopped.status).toBe("interrupted");
  expect(await heard("C0")).toEqual(NOTHING);
  expect((await bench.run({ folder, runtime, batchId })).status).toBe("completed");
  expect([await heard("C0"), await heard("C1")]).toEqual([whole(second[0]), whole(first[0])]);
  expect(engine.requests).toEqual([]);
});

test("a recording that goes, and comes back, is refused in the run without it alone", async () => {
  const [path, aside] = [join(folder, first[0]), join(dirname(folder), `${basename(folder)}-aside`)];
  await rename(path, aside);
  onTestFinished(() => rm(aside, { force: true }));
  const without = await bench.run({ folder, runtime, batchId });
  expect(without).toMatchObject({ status: "completed_with_errors", summary: "1 rows or recordings refused." });
  const errors = (await bench.events(batchId)).filter(({ eventType }) => eventType === "error");
  expect(errors.map(({ stage, metadata }) => [stage, metadata])).toEqual([
    ["callmetadata", expect.objectContaining({ code: "FILE_NOT_FOUND" })],
  ]);
  await rename(aside, path);
  expect(await bench.run({ folder, runtime, batchId })).toMatchObject({
    status: "completed",
    summary: "All files went through.",
  });
  expect((await bench.results.trades(batchId)).map(({ verdict }) => verdict)).toEqual(FILES.map(() => "CONFIRMED"));
});

test("a recording that no row names is refused in each run that finds it", async () => {
  const path = join(folder, "unlisted.wav");
  await writeFile(path, "audio");
  expect(await bench.run({ folder, runtime, batchId })).toMatchObject({ status: "completed_with_errors" });
  expect(await bench.run({ folder, runtime, batchId })).toMatchObject({ status: "completed_with_errors" });
  await rm(path);
  expect(await bench.run({ folder, runtime, batchId })).toMatchObject({ status: "completed" });
});

test("rows are read again in another time zone, and only then", async () => {
  const read = async () =>
    (await bench.events(batchId)).filter(
      ({ stage, eventType }) => stage.endsWith("metadata") && eventType === "file_complete",
    ).length;
  expect(await read()).toBe(2);
  await bench.run({ folder, runtime, batchId });
  expect(await read()).toBe(2);
  await bench.run({ folder, runtime, batchId, triageConfig: { ...DEFAULT_TRIAGE, timeZone: "Europe/Berlin" } });
  expect(await read()).toBe(4);
});
