/** The denoised audio of a recording follows it: no later stage works on another audio than the one that was made for it. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { RemoteRuntime } from "@cofi/pipeline/runtime/remote";
import type { StageName } from "@cofi/event-log/stages";
import { startScriptedEngine, type ScriptedEngine } from "../../../test/support/scripted-engine.js";
import { CALLS_HEADER, folderWith, TRADES_HEADER } from "./batch-files.js";
import { batchInSqlite, type BatchBench } from "./batch-in-sqlite.js";

const FILES = Array.from({ length: 24 }, (_, n) => `call-${n}.wav`);

let bench: BatchBench;
let engines: ScriptedEngine[];
let folder: string;

beforeEach(async () => {
  bench = await batchInSqlite();
  engines = await Promise.all([1, 2, 3, 4].map(() => startScriptedEngine({ keepsFiles: true })));
  const call = (file: string, n: number) => `C${n},${file},2026-11-20T09:00:00Z,10,IN,+919810000000,,,D1,AB1,1`;
  folder = await folderWith({
    ...Object.fromEntries(FILES.map((file) => [file, `sound of ${file}`])),
    "calls.csv": [CALLS_HEADER, ...FILES.map(call)].join("\n"),
    "trades.csv": `${TRADES_HEADER}\nT1,,2026-11-20T09:00:05Z,,AB1,+919810000000,D1,INFY,BUY,200,1500,DEALER\n`,
  });
});
afterEach(async () => {
  await Promise.all(engines.map((engine) => engine.close()));
  await bench.close();
});

function runtimeOf(urlsOf: (stage: StageName) => readonly ScriptedEngine[]): RemoteRuntime {
  return new RemoteRuntime((stage) => urlsOf(stage).map(({ url }) => url), bench.client, { slotsPerHost: 2 });
}

/** What lid and stt were answered about, as `file content`. */
function heardLater(): string[] {
  return engines
    .flatMap(({ heard }) => heard)
    .flatMap((line) => (/^(?:lid|stt) /.test(line) ? [line.slice(4)] : []))
    .toSorted();
}

const AS_MADE = FILES.flatMap((file) =>
  Array.from({ length: 2 }, () => `${file} denoised sound of ${file}`),
).toSorted();

test("files whose denoise failed on one host and was done on another are heard as they were made there", async () => {
  for (const [n, engine] of engines.entries())
    for (const file of FILES.slice(6 * n, 6 * n + 6)) engine.plan("denoise", file, "garbage");
  const { status } = await bench.run({ folder, runtime: runtimeOf(() => engines) });
  expect(status).toBe("completed");
  expect(heardLater()).toEqual(AS_MADE);
});

test("stages with hosts of their own are given the audio that others made", async () => {
  const runtime = runtimeOf((stage) => (stage === "lid" || stage === "stt" ? engines.slice(2) : engines.slice(0, 2)));
  const { status, batchId } = await bench.run({ folder, runtime });
  expect(status).toBe("completed");
  expect(heardLater()).toEqual(AS_MADE);
  const copies = (await bench.events(batchId)).filter(({ metadata }) =>
    JSON.stringify(metadata).includes("copiedFrom"),
  );
  expect(copies.length).toBeGreaterThanOrEqual(FILES.length);
});

test("a host that lost its files is given them anew, and what was made from them is made again", async () => {
  const [first, second] = engines as [ScriptedEngine, ScriptedEngine];
  const runtime = runtimeOf((stage) => {
    if (stage === "lid") for (const engine of engines) engine.forget();
    return [first, second];
  });
  const { status, batchId } = await bench.run({ folder, runtime });
  expect(status).toBe("completed");
  expect(heardLater()).toEqual(AS_MADE);
  const made = (await bench.events(batchId)).filter(({ metadata }) => JSON.stringify(metadata).includes("madeOn"));
  expect(made.length).toBeGreaterThan(0);
});

test("without the audio that was made, a file fails by name; the original is never heard in its place", async () => {
  const [first, second] = engines as [ScriptedEngine, ScriptedEngine];
  let isLater = false;
  const runtime = runtimeOf((stage) => {
    isLater ||= stage === "lid";
    if (stage === "lid") first.forget();
    return stage === "denoise" && isLater ? [] : stage === "lid" || stage === "stt" ? [second] : [first];
  });
  const { status, summary, batchId } = await bench.run({ folder, runtime });
  expect(status).toBe("failed");
  expect(summary).toMatch(/^lid: No file got an answer/);
  expect(heardLater()).toEqual([]);
  const errors = (await bench.events(batchId)).filter(
    (event) => event.eventType === "error" && event.status === "failed",
  );
  expect(errors[0]?.errorMessage).toMatch(
    /has no denoised audio of call-\d+\.wav, and it could be neither copied nor made again/,
  );
});
