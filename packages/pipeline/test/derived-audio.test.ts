/** The denoised audio of a recording follows it: no later stage works on another audio than the one that was made for it. */
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { RemoteRuntime } from "@cofi/pipeline/runtime/remote";
import type { Runtime } from "@cofi/pipeline/runtime/runtime";
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

/** `begins`: called when the engines of a stage are started. */
function runtimeOf(
  enginesOf: (stage: StageName) => readonly { url: string }[],
  begins: (stage: StageName) => void = () => undefined,
): Runtime {
  const urls = (stage: StageName): string[] => enginesOf(stage).map(({ url }) => url);
  const remote = new RemoteRuntime(urls, bench.client, { slotsPerHost: 2 });
  return {
    machinesOf: (stage) => remote.machinesOf(stage),
    start(stage) {
      begins(stage);
      return remote.start(stage);
    },
  };
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
  const begins = (stage: StageName): void => {
    if (stage === "lid") for (const engine of engines) engine.forget();
  };
  const runtime = runtimeOf(() => [first, second], begins);
  const { status, batchId } = await bench.run({ folder, runtime });
  expect(status).toBe("completed");
  expect(heardLater()).toEqual(AS_MADE);
  const made = (await bench.events(batchId)).filter(({ metadata }) => JSON.stringify(metadata).includes("madeOn"));
  expect(made.length).toBeGreaterThan(0);
});

/** Takes connections, and says nothing. */
async function deafHost() {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket.on("error", () => undefined))).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sockets };
}

test("a host that has fallen silent is not waited for with each file whose audio lies on it", async () => {
  const [first, second, third] = engines as [ScriptedEngine, ScriptedEngine, ScriptedEngine];
  const deaf = await deafHost();
  let isLater = false;
  const begins = (stage: StageName): void => {
    isLater ||= stage === "lid";
  };
  const runtime = runtimeOf((stage) => {
    if (/^(?:lid|stt|llm)/.test(stage)) return [third];
    // In the place of the first, and so the same host.
    return isLater ? [deaf, second] : [first, second];
  }, begins);
  const { status, batchId } = await bench.run({ folder, runtime });
  expect(status).toBe("completed");
  expect(heardLater()).toEqual(AS_MADE);
  const made = (await bench.events(batchId)).filter(({ metadata }) => JSON.stringify(metadata).includes("madeOn"));
  expect(made.length).toBeGreaterThan(4);
  // Those that were in work when it fell silent.
  expect(deaf.sockets.length).toBeLessThanOrEqual(4);
});

test("a copy that takes too long is no fault of the host that is given it: the audio is made again", async () => {
  const [first, second] = engines as [ScriptedEngine, ScriptedEngine];
  let isCopied = false;
  // A first copy is never taken to its end, as where the network, or this process, is overloaded.
  const until = (stage: string): Promise<unknown> | undefined =>
    stage === "put denoised" && !isCopied && (isCopied = true) ? new Promise(() => undefined) : undefined;
  const slow = await startScriptedEngine({ keepsFiles: true, until });
  engines.push(slow);
  const runtime = runtimeOf((stage) => (/^(?:lid|stt|llm)/.test(stage) ? [slow] : [first, second]));
  const { status, batchId } = await bench.run({ folder, runtime });
  expect(status).toBe("completed");
  expect(heardLater()).toEqual(AS_MADE);
  const events = await bench.events(batchId);
  expect(isCopied).toBe(true);
  expect(events.filter(({ errorMessage }) => /stopped|timeout/.test(errorMessage ?? ""))).toEqual([]);
});

test("without the audio that was made, a file fails by name; the original is never heard in its place", async () => {
  const [first, second] = engines as [ScriptedEngine, ScriptedEngine];
  let isLater = false;
  const begins = (stage: StageName): void => {
    isLater ||= stage === "lid";
    if (stage === "lid") first.forget();
  };
  const runtime = runtimeOf((stage) => {
    if (stage === "denoise" && isLater) return [];
    return stage === "lid" || stage === "stt" ? [second] : [first];
  }, begins);
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

test("while all hosts of denoise are away, files that need their audio wait, and use no attempt up", async () => {
  const [, , third] = engines as ScriptedEngine[];
  let isAway = false;
  const maker = await startScriptedEngine({ keepsFiles: true, isThere: () => !isAway });
  engines.push(maker);
  const begins = (stage: StageName): void => {
    if (stage !== "lid") return;
    isAway = true;
    // Longer than all attempts of a file take.
    setTimeout(() => (isAway = false), 2_000);
  };
  const runtime = runtimeOf((stage) => (/^(?:lid|stt|llm)/.test(stage) ? [third!] : [maker]), begins);
  const { status, summary } = await bench.run({ folder, runtime });
  expect([status, summary]).toEqual(["completed", "All files went through."]);
  expect(heardLater()).toEqual(AS_MADE);
});
