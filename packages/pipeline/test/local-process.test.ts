/** Engines as real child processes: `cofi engine` itself, and small ones that misbehave. */
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Json } from "@cofi/event-log/events";
import type { StageName } from "@cofi/event-log/stages";
import { denoiseResponse } from "@cofi/pipeline/engine-contract";
import { LocalProcessRuntime } from "@cofi/pipeline/runtime/local-process";
import { RemoteRuntime } from "@cofi/pipeline/runtime/remote";
import type { Runtime } from "@cofi/pipeline/runtime/runtime";
import { startScriptedEngine, type ScriptedEngine } from "../../../test/support/scripted-engine.js";
import { CALLS_HEADER, folderWith, TRADES_HEADER } from "./batch-files.js";
import { batchInSqlite, type BatchBench } from "./batch-in-sqlite.js";

const COFI = fileURLToPath(new URL("../../cli/bin/cofi.js", import.meta.url));
const SAMPLES = fileURLToPath(new URL("../../../samples/batch/", import.meta.url));
const never = new AbortController().signal;

let bench: BatchBench;
let folder: string;
let told: { message: string; metadata: Record<string, Json> }[];
const listener = {
  info: (message: string, metadata: Record<string, Json>) => void told.push({ message, metadata }),
  error: (message: string, metadata: Record<string, Json>) =>
    void told.push({ message: `error: ${message}`, metadata }),
};

beforeEach(async () => {
  bench = await batchInSqlite();
  folder = await mkdtemp(join(tmpdir(), "cofi-local-"));
  told = [];
});
afterEach(async () => {
  await bench.close();
  await rm(folder, { recursive: true, force: true });
});

function runtimeOf(
  command: (stage: StageName) => string[],
  limits: { slots?: number; startMs?: number } = {},
): Runtime {
  return new LocalProcessRuntime({
    command: (stage) => ({ file: process.execPath, args: command(stage) }),
    files: { place: "folder:test", description: "a folder of the test" },
    client: bench.client,
    slotsPerHost: limits.slots ?? 2,
    engineStartTimeoutMs: limits.startMs ?? 30_000,
    attempts: 3,
  });
}

function cofiEngines(): Runtime {
  const files = join(bench.dataDir, "files");
  return runtimeOf((stage) => [COFI, "engine", stage, "--port", "0", "--files-dir", files, "--until-stdin-closes"]);
}

/** A runtime that gets `stage` from `own` and all others from `scripted`. */
function mixed(stage: StageName, own: Runtime, scripted: ScriptedEngine): Runtime {
  const limits = { slotsPerHost: 2, engineStartTimeoutMs: 5_000 };
  const rest = new RemoteRuntime(() => [scripted.url], bench.client, limits);
  const of = (name: StageName): Runtime => (name === stage ? own : rest);
  return {
    start: (name, ...others) => of(name).start(name, ...others),
    machinesOf: (name) => of(name).machinesOf(name),
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function batchOf(files: readonly string[], durationS: number): Promise<string> {
  const calls = files.map(
    (file, n) => `C${n},${file},2026-11-20T09:0${n}:00Z,${durationS},IN,+91981000000${n},,,D1,AB${n},1`,
  );
  const trades = files.map(
    (_, n) => `T${n},,2026-11-20T09:0${n}:05Z,,AB${n},+91981000000${n},D1,INFY,BUY,200,1500,DEALER`,
  );
  return folderWith({
    ...Object.fromEntries(files.map((file) => [file, "audio"])),
    "calls.csv": [CALLS_HEADER, ...calls].join("\n"),
    "trades.csv": [TRADES_HEADER, ...trades].join("\n"),
  });
}

test("what file_distribution stores, the next engine finds, whatever the file is called; both end when told", async () => {
  const name = 'it\'s "one"\nand % two 😀#?.wav';
  const path = join(folder, "recording.wav");
  await copyFile(join(SAMPLES, "c04.wav"), path);
  const runtime = cofiEngines();
  const files = await runtime.start("file_distribution", 1, listener, never);
  const [receiver] = files.hosts;
  if (!receiver) throw new Error("no host");
  expect((await bench.client.upload(receiver, 1, name, path, never)).answer).toMatchObject({
    bytes: expect.any(Number),
  });
  await files.stop();
  const engines = await runtime.start("denoise", 1, listener, never);
  const [denoise] = engines.hosts;
  if (!denoise) throw new Error("no host");
  const { answer } = await bench.client.process(
    denoise,
    "denoise",
    { batch_id: 1, file_name: name },
    denoiseResponse,
    never,
  );
  expect(answer.duration_s).toBeCloseTo(18.68, 1);
  await Promise.all([engines.stop(), engines.stop()]);
  expect(told.map(({ message }) => message)).toEqual([
    "Engine of file_distribution started",
    "Engine of file_distribution stopped",
    "Engine of denoise started",
    "Engine of denoise stopped",
  ]);
  expect(told.map(({ metadata }) => isAlive(Number(metadata["pid"])))).toEqual([false, false, false, false]);
});

test("a real engine killed in the middle of a file is started again and the file is done", async () => {
  const scripted = await startScriptedEngine();
  const batch = await batchOf(["c01.wav"], 10);
  await copyFile(join(SAMPLES, "c01.wav"), join(batch, "c01.wav"));
  const running = bench.run({ folder: batch, runtime: mixed("denoise", cofiEngines(), scripted) });
  const started = await expect
    .poll(() => startedEngine(), { timeout: 30_000 })
    .toBeTypeOf("number")
    .then(startedEngine);
  process.kill(started ?? 0, "SIGKILL");
  const { batchId, status, summary } = await running;
  await scripted.close();
  expect([status, summary]).toEqual(["completed", "All files went through."]);
  const events = (await bench.events(batchId)).filter(({ stage }) => stage === "denoise");
  expect(events.filter(({ eventType }) => eventType === "file_complete")).toMatchObject([{ attempt: 2 }]);
  const errors = events.filter(({ eventType }) => eventType === "error").map(({ errorMessage }) => errorMessage);
  expect(errors).toContainEqual(expect.stringMatching(/The engine of denoise ended with SIGKILL/));
  expect(errors).toContainEqual(expect.stringMatching(/127\.0\.0\.1 .*gave no answer/));
  expect(events.filter(({ metadata }) => JSON.stringify(metadata).includes("Engine of denoise started"))).toHaveLength(
    2,
  );

  /** The engine's pid once the file is in work there. */
  async function startedEngine(): Promise<number | undefined> {
    const current = await bench.store.currentBatch();
    const log = current ? await bench.events(current.id) : [];
    const isDenoising = log.some(({ stage, eventType }) => stage === "denoise" && eventType === "file_start");
    const info = log.find(({ stage, eventType }) => stage === "denoise" && eventType === "info");
    const { pid } = (info?.metadata ?? {}) as { pid?: number };
    return isDenoising ? pid : undefined;
  }
});

/** An engine process that ends without a word when it is asked about `poison.wav`. */
const FRAGILE = `
import { createServer } from "node:http";
const server = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => (body += chunk)).on("end", () => {
    if (request.url === "/health") return response.end("{}");
    if (JSON.parse(body).file_name === "poison.wav") { console.error("out of luck"); process.exit(7); }
    response.end(JSON.stringify({ engine: { name: "f", version: "1", model: "none" }, elapsed_ms: 1, duration_s: 10,
      sample_rate: 8000, channels: 1, variant: "denoised" }));
  });
}).listen(0, "127.0.0.1", () => console.log(JSON.stringify({ url: "http://127.0.0.1:" + server.address().port })));
process.stdin.resume().on("end", () => process.exit());
`;

test("a file that kills the engine every time fails alone; the others go on", async () => {
  const scripted = await startScriptedEngine();
  await writeFile(join(folder, "fragile.mjs"), FRAGILE);
  const fragile = runtimeOf(() => [join(folder, "fragile.mjs")], { slots: 1 });
  const batch = await batchOf(["a.wav", "b.wav", "poison.wav"], 10);
  const { batchId, status, summary } = await bench.run({ folder: batch, runtime: mixed("denoise", fragile, scripted) });
  await scripted.close();
  expect([status, summary]).toEqual(["completed_with_errors", "1 failed in denoise."]);
  const events = (await bench.events(batchId)).filter(({ stage }) => stage === "denoise");
  const tries = events.filter(({ fileName, eventType }) => fileName === "poison.wav" && eventType === "error");
  expect(tries.map(({ status: state, attempt }) => [state, attempt])).toEqual([
    ["processing", 1],
    ["processing", 2],
    ["failed", 3],
  ]);
  expect(events.map(({ errorMessage }) => errorMessage)).toContainEqual(
    expect.stringMatching(/The engine of denoise ended with exit code 7: out of luck/),
  );
});

test("an engine that ends whatever it is asked is given up, and the batch fails with its last words", async () => {
  const scripted = await startScriptedEngine();
  await writeFile(join(folder, "fragile.mjs"), FRAGILE.replace('.file_name === "poison.wav"', ""));
  const broken = runtimeOf(() => [join(folder, "fragile.mjs")], { slots: 1 });
  const batch = await batchOf(["a.wav", "b.wav", "c.wav"], 10);
  const { status, summary } = await bench.run({ folder: batch, runtime: mixed("denoise", broken, scripted) });
  await scripted.close();
  expect(status).toBe("failed");
  expect(summary).toMatch(/^denoise: The engine of denoise ended with exit code 7: out of luck \(4 times/);
});

test("an engine that cannot start is told with the reason", async () => {
  const start = (runtime: Runtime) => runtime.start("denoise", 1, listener, never);
  await expect(start(runtimeOf(() => ["-e", "console.error('no model here'); process.exit(4)"]))).rejects.toThrow(
    /The engine of denoise ended with exit code 4: no model here/,
  );
  const missing = new LocalProcessRuntime({
    command: () => ({ file: join(folder, "nothing"), args: [] }),
    files: { place: "folder:test", description: "a folder of the test" },
    client: bench.client,
    slotsPerHost: 1,
    engineStartTimeoutMs: 1_000,
    attempts: 1,
  });
  await expect(start(missing)).rejects.toThrow(/cannot be started: spawn .*nothing ENOENT/);
  const loading = FRAGILE.replace('response.end("{}")', 'response.writeHead(503).end("{}")');
  await writeFile(join(folder, "loading.mjs"), loading);
  await expect(start(runtimeOf(() => [join(folder, "loading.mjs")], { startMs: 800 }))).rejects.toThrow(
    /not healthy after 1 s: .*503.*COFI_ENGINE_START_TIMEOUT_S/,
  );
  expect(told).toEqual([]);
});

test("an engine gets the settings, and no secret of the pipeline, by the environment or by .env", async () => {
  const secrets = {
    COFI_LLM1_OPENAI_API_KEY: "sk-1",
    COFI_DATABASE_URL: "mysql://u:p@h/d",
    MYSQL_PASSWORD: "p",
    COFI_ACCESS_TOKEN: "t",
    COFI_OIDC_CLIENT_SECRET: "s",
  };
  for (const [name, value] of Object.entries({ ...secrets, COFI_MAX_AUDIO_S: "600" })) vi.stubEnv(name, value);
  await writeFile(
    join(folder, ".env"),
    Object.entries(secrets)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(""),
  );
  const names = [...Object.keys(secrets), "COFI_MAX_AUDIO_S"];
  const script = `
    process.loadEnvFile(${JSON.stringify(join(folder, ".env"))});
    console.error(${JSON.stringify(names)}.map((name) => name + "=" + process.env[name]).join());
    process.exit(4)`;
  try {
    await expect(runtimeOf(() => ["-e", script]).start("denoise", 1, listener, never)).rejects.toThrow(
      "COFI_LLM1_OPENAI_API_KEY=,COFI_DATABASE_URL=,MYSQL_PASSWORD=,COFI_ACCESS_TOKEN=,COFI_OIDC_CLIENT_SECRET=,COFI_MAX_AUDIO_S=600",
    );
  } finally {
    vi.unstubAllEnvs();
  }
});

test("a stop while the engine loads ends it", async () => {
  const controller = new AbortController();
  const loading = FRAGILE.replace('response.end("{}")', 'response.writeHead(503).end("{}")');
  await writeFile(join(folder, "loading.mjs"), loading);
  const starting = runtimeOf(() => [join(folder, "loading.mjs")]).start("denoise", 1, listener, controller.signal);
  setImmediate(() => controller.abort());
  await expect(starting).rejects.toThrow(/the batch was stopped/);
});
