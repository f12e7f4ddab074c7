/** Several engine hosts: who gets which file, and what happens when one of them is not there. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { STAGES, STEPS } from "@cofi/event-log/stages";
import { RemoteRuntime, remoteUrls } from "@cofi/pipeline/runtime/remote";
import { PIPELINE } from "@cofi/pipeline/stages";
import { startScriptedEngine, type ScriptedEngine } from "../../../test/support/scripted-engine.js";
import { CALLS_HEADER, folderWith, TRADES_HEADER } from "./batch-files.js";
import { batchInSqlite, type BatchBench } from "./batch-in-sqlite.js";

const FILES = Array.from({ length: 24 }, (_, n) => `call-${n}.wav`);
const SOUND = ["denoise", "ivr", "lid", "stt"];

let bench: BatchBench;
let engines: ScriptedEngine[];
let folder: string;

beforeEach(async () => {
  bench = await batchInSqlite();
  engines = await Promise.all([startScriptedEngine(), startScriptedEngine(), startScriptedEngine()]);
  const call = (file: string, n: number) => `C${n},${file},2026-11-20T09:00:00Z,10,IN,+919810000000,,,D1,AB1,1`;
  folder = await folderWith({
    ...Object.fromEntries(FILES.map((file) => [file, "audio"])),
    "calls.csv": [CALLS_HEADER, ...FILES.map(call)].join("\n"),
    "trades.csv": `${TRADES_HEADER}\nT1,,2026-11-20T09:00:05Z,,AB1,+919810000000,D1,INFY,BUY,200,1500,DEALER\n`,
  });
});
afterEach(async () => {
  await Promise.all(engines.map((engine) => engine.close()));
  await bench.close();
});

function runtimeOf(urls: readonly string[]): RemoteRuntime {
  return new RemoteRuntime(() => [...urls], bench.client, { slotsPerHost: 2 });
}

/** The files that an engine was asked about, one set a stage. */
function filesOf({ requests }: ScriptedEngine): string[][] {
  return SOUND.map((stage) =>
    requests
      .flatMap((request) => (request.startsWith(`${stage} `) ? [request.slice(stage.length + 1)] : []))
      .toSorted(),
  );
}

test("nearly all files stay on one host through all stages, also where the hosts share a name", async () => {
  const { status } = await bench.run({ folder, runtime: runtimeOf(engines.map(({ url }) => url)) });
  expect(status).toBe("completed");
  const stayed = engines.map((engine) => {
    const [first = [], ...others] = filesOf(engine);
    return first.filter((file) => others.every((files) => files.includes(file))).length;
  });
  // A file that waits behind others is taken by a host that has none left.
  expect(stayed.reduce((sum, files) => sum + files, 0)).toBeGreaterThanOrEqual(FILES.length * 0.75);
  expect(Math.min(...stayed)).toBeGreaterThan(2);
  // On a busy machine one may be tried by a second host, too.
  const done = SOUND.map((_, stage) => new Set(engines.flatMap((engine) => filesOf(engine)[stage] ?? [])));
  for (const files of done) expect([...files].toSorted()).toEqual(FILES.toSorted());
});

test("a host that is not there is said to be, and the others do its files", async () => {
  const [first, second] = engines as [ScriptedEngine, ScriptedEngine, ScriptedEngine];
  const runtime = runtimeOf([first.url, second.url, "http://127.0.0.1:1"]);
  const { batchId, status } = await bench.run({ folder, runtime });
  expect(status).toBe("completed");
  expect(filesOf(first).map((files, n) => new Set([...files, ...(filesOf(second)[n] ?? [])]).size)).toEqual(
    SOUND.map(() => FILES.length),
  );
  const events = await bench.events(batchId);
  expect(events.filter(({ eventType }) => eventType === "error")).toEqual([]);
  const said = events.filter(({ metadata }) => /not ready yet: .*127\.0\.0\.1:1/.test(JSON.stringify(metadata)));
  expect(new Set(said.map(({ stage }) => stage)).has("denoise")).toBe(true);
  expect(said[0]?.metadata).toMatchObject({ host: { url: "http://127.0.0.1:1", to: "joining" } });
});

test("a file that one host cannot do is tried on the next", async () => {
  const [first, second] = engines as [ScriptedEngine, ScriptedEngine, ScriptedEngine];
  first.plan("denoise", "call-3.wav", 500);
  second.plan("denoise", "call-3.wav", "garbage");
  const { batchId, status } = await bench.run({ folder, runtime: runtimeOf([first.url, second.url]) });
  expect(status).toBe("completed");
  const asked = [first, second].map(
    ({ requests }) => requests.filter((request) => request === "denoise call-3.wav").length,
  );
  expect(asked.toSorted()).toEqual([1, 2]);
  const denoised = (await bench.events(batchId)).filter(({ stage }) => stage === "denoise");
  const done = denoised.find(({ eventType, fileName }) => eventType === "file_complete" && fileName === "call-3.wav");
  expect(done).toMatchObject({ attempt: 3, gpuIp: "127.0.0.1" });
});

test("a file that two hosts cannot do for the same reason is given up", async () => {
  for (const engine of engines) engine.plan("denoise", "call-3.wav", 500, 500, 500);
  const { batchId, status } = await bench.run({ folder, runtime: runtimeOf(engines.map(({ url }) => url)) });
  expect(status).toBe("completed_with_errors");
  const errors = (await bench.events(batchId)).filter(({ eventType }) => eventType === "error");
  expect(errors.length).toBeLessThanOrEqual(3);
  expect(errors.at(-1)).toMatchObject({ fileName: "call-3.wav", status: "failed" });
});

test("the stages are those of the stage table, in its order, each step after its stage", () => {
  const steps = new Map(STEPS.map(({ after, name }) => [after as string, name]));
  const expected = STAGES.flatMap(({ name }) => [name, ...(steps.has(name) ? [steps.get(name)] : [])]);
  expect(PIPELINE.map(({ name }) => name)).toEqual(expected);
});

test("addresses that cannot be are refused by name", () => {
  const urls = (value: string) => remoteUrls("stt", { COFI_ENGINE_STT_URLS: value });
  expect(urls("http://a:1/, https://b")).toEqual(["http://a:1", "https://b"]);
  expect(urls(" ")).toBeNull();
  expect(() => urls("http://a:1,b:2")).toThrow(/COFI_ENGINE_STT_URLS holds "b:2"/);
  expect(() => urls("http://user:secret@a")).toThrow(/user or password/);
  for (const address of ["http://a/?key=secret", "http://a#secret", "http://a?"])
    expect(() => urls(address)).toThrow(/^COFI_ENGINE_STT_URLS holds a URL with \? or #: /);
  for (const address of [
    "http://user:secret@a:port",
    "http://user:se,cret@a",
    "user:secret@a",
    "http://a:x?key=secret",
  ])
    expect(() => urls(address)).toThrow(/^COFI_ENGINE_STT_URLS holds text that is no URL, .*; expected http:/);
});
