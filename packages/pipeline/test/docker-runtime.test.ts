/** Engines in containers of a real Docker daemon. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { EngineClient } from "@cofi/pipeline/engine-client";
import { DockerRuntime } from "@cofi/pipeline/runtime/docker";
import { dockerSettings } from "@cofi/pipeline/runtime/docker-settings";
import type { Run } from "@cofi/event-log/runs";
import { EngineStartError, filesOf, type RunningEngines } from "@cofi/pipeline/runtime/runtime";
import { Store } from "@cofi/event-log/store";
import { freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";
import { importNodeImage, startDockerDaemon, type DockerDaemon } from "./docker-daemon.js";

/** Keeps files in the shared folder, answers with what it was started with, and dies when told. */
const ENGINE = `
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
if (process.env.STAGE === "llm2") { console.error("no model for you"); process.exit(3); }
process.on("SIGTERM", () => process.exit(0));
createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk)).on("end", () => {
    const body = Buffer.concat(chunks);
    const send = (value) => response.setHeader("content-type", "application/json").end(JSON.stringify(value));
    if (request.url === "/health") return send({ status: "ok" });
    const path = process.env.FILES_DIR + "/recording";
    if (request.method === "DELETE") {
      rmSync(path);
      return response.writeHead(204).end();
    }
    if (request.method === "PUT") {
      writeFileSync(path, body);
      return send({ bytes: body.length, sha256: createHash("sha256").update(body).digest("hex") });
    }
    const payload = JSON.parse(body);
    if (payload.die) process.exit(9);
    send({ text: readFileSync(path, "utf8"), args: process.argv.slice(2), stage: process.env.STAGE });
  });
}).listen(Number(process.env.PORT), "0.0.0.0");
`;
const said = z.object({ text: z.string(), args: z.array(z.string()), stage: z.string() });
const containers = z.array(z.object({ Id: z.string(), Labels: z.record(z.string(), z.string()), State: z.string() }));

/** Nothing of the machine's own. */
const PROJECT = `cofi-test-${process.pid}`;
const IMAGE = `${PROJECT}-engine`;

let daemon: DockerDaemon;
let client: EngineClient;
let runtime: DockerRuntime;
let folder: string;
let told: string[];
let running: RunningEngines[];
let fresh: FreshDatabase;
let store: Store;
const never = new AbortController().signal;

beforeAll(async () => {
  daemon = await startDockerDaemon();
  await importNodeImage(daemon, IMAGE, ENGINE);
  fresh = await freshDatabase("sqlite");
  store = new Store(fresh.database);
  for (let id = 1; id <= 8; id++) await store.createBatch({ name: `batch ${id}`, folder: null });
});
afterAll(async () => {
  // The daemon ends also where there is no image to remove, because its import failed.
  try {
    await daemon.call("DELETE", `/images/${IMAGE}:1?force=true`);
    await daemon.call("DELETE", `/volumes/${PROJECT}`);
  } finally {
    await daemon.stop();
    await fresh.close();
  }
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cofi-docker-"));
  client = new EngineClient(5_000);
  told = [];
  running = [];
  runtime = runtimeWith({});
});
afterEach(async () => {
  await Promise.all(running.map((engines) => engines.stop()));
  for (const { Id } of await all()) await daemon.call("DELETE", `/containers/${Id}?force=true`);
  await runtime.close();
  await client.close();
  await rm(folder, { recursive: true, force: true });
});

function runtimeWith(env: NodeJS.ProcessEnv, runs = store): DockerRuntime {
  const settings = dockerSettings({
    COFI_RUNTIME: "docker",
    COFI_DOCKER_HOSTS: daemon.url,
    COFI_DOCKER_PROJECT: PROJECT,
    COFI_DOCKER_FILES_VOLUME: PROJECT,
    COFI_ENGINE_IMAGE: `${IMAGE}:1`,
    ...env,
  });
  if (!settings) throw new Error("no Docker settings");
  return new DockerRuntime({
    settings,
    installation: "test",
    store: runs,
    client,
    slotsPerHost: 1,
    engineStartTimeoutMs: 20_000,
    attempts: 3,
  });
}

async function start(...[stage, batchId = 7]: [Parameters<DockerRuntime["start"]>[0], number?]) {
  const listener = {
    info: (message: string) => void told.push(`info: ${message}`),
    error: (message: string) => void told.push(`error: ${message}`),
  };
  const engines = await runtime.start(stage, batchId, listener, never);
  running.push(engines);
  const [host] = engines.hosts;
  if (!host) throw new Error("no host");
  return { engines, host };
}

async function all(): Promise<z.infer<typeof containers>> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`cofi.project=${PROJECT}`] }));
  return containers.parse(await daemon.call("GET", `/containers/json?all=true&filters=${filters}`));
}

test("runs a stage in a labelled container, shares the files with the next stage, and leaves nothing behind", async () => {
  const path = join(folder, "a.wav");
  await writeFile(path, "recorded words");
  const first = await start("file_distribution");
  expect((await all()).map(({ Labels, State }) => [Labels, State])).toEqual([
    [
      {
        "cofi.project": PROJECT,
        "cofi.database": await store.databaseId(),
        "cofi.batch": "7",
        "cofi.run": "0",
        "cofi.stage": "file_distribution",
      },
      "running",
    ],
  ]);
  await client.upload(first.host, 7, "a.wav", path, never);
  await first.engines.stop();
  expect(await all()).toEqual([]);

  const second = await start("denoise");
  expect(second.host.name).toBe("127.0.0.1");
  expect((await client.process(second.host, "denoise", { file_name: "a.wav" }, said, never)).answer).toEqual({
    text: "recorded words",
    args: ["engine", "denoise", "--host", "0.0.0.0", "--port", "8080", "--files-dir", "/files"],
    stage: "denoise",
  });
  await second.engines.stop();
  await second.engines.stop();
  expect(await all()).toEqual([]);
  expect(told).toEqual([
    "info: Engine of file_distribution started",
    "info: Engine of file_distribution stopped",
    "info: Engine of denoise started",
    "info: Engine of denoise stopped",
  ]);
});

test("removes files from the volume of a daemon that it knows, by a container of its own", async () => {
  await writeFile(join(folder, "a.wav"), "words");
  const { engines, host } = await start("file_distribution");
  await client.upload(host, 7, "a.wav", join(folder, "a.wav"), never);
  await engines.stop();
  const { place, description } = filesOf(host);
  expect(place).toBe(`docker:${daemon.url}#${PROJECT}@test`);
  expect(description).toBe(`the volume ${PROJECT} of the Docker daemon at ${daemon.url}`);
  expect(runtime.filesAt(place.replace("@test", "@another machine"), never)).toBeNull();
  const keeping = await runtime.filesAt(place, never);
  running.push(keeping!);
  await client.removeFiles(keeping!.hosts[0]!, 7, never);
  // The file is gone: this engine cannot remove it a second time.
  await expect(client.removeFiles(keeping!.hosts[0]!, 7, never)).rejects.toThrow();
  await keeping!.stop();
  expect(await all()).toEqual([]);
});

test("a container that dies is started again, with its last words in the log", async () => {
  await writeFile(join(folder, "a.wav"), "words");
  const { host } = await start("denoise");
  await client.upload(host, 7, "a.wav", join(folder, "a.wav"), never);
  await expect(client.process(host, "denoise", { die: true }, said, never)).rejects.toThrow(/gave no answer/);
  await expect.poll(() => told.filter((line) => line.endsWith("started")).length, { timeout: 20_000 }).toBe(2);
  await host.ready();
  expect((await client.process(host, "denoise", {}, said, never)).answer.text).toBe("words");
  expect(told[1]).toMatch(/^error: The engine of denoise ended with exit code 9: it printed nothing/);
  expect(await all()).toHaveLength(1);
});

/** A run of the batch that holds its lease for so long. */
async function begin(batchId: number, leaseMs = 60_000): Promise<Run> {
  const run = await store.beginRun(batchId, { owner: `owner ${batchId}`, leaseMs, version: "1", configuration: null });
  if (!run) throw new Error(`Batch ${batchId} has a run.`);
  return run;
}

const stages = async (): Promise<string[]> =>
  (await all()).map(({ Labels }) => `${Labels["cofi.batch"]} ${Labels["cofi.stage"]}`).toSorted();

test("what runs have left that are over goes with any later run; what is of a run that is alive stays", async () => {
  // The removal of files runs beside batches.
  const keeping = await runtime.filesAt(`docker:${daemon.url}#${PROJECT}@test`, never);
  running.push(keeping!);
  const ended = await begin(1);
  await start("ivr", 1);
  const alive = await begin(2);
  await start("ivr", 2);
  const superseded = await begin(3);
  await start("ivr", 3);
  await store.endRun(ended, "failed");
  await store.endRun(superseded, "lost");
  // Its second run has begun nothing yet.
  const again = await begin(3);
  const crashed = runtime;
  await crashed.close();
  runtime = runtimeWith({});
  const own = await begin(4);
  const { host } = await start("lid", 4);
  // Stages of one run may run beside each other.
  await start("stt", 4);
  expect(await stages()).toEqual(["0 file_distribution", "2 ivr", "4 lid", "4 stt"]);
  expect(told.filter((line) => line.includes("that an earlier run left on 127.0.0.1 was removed"))).toHaveLength(2);
  await client.health(host, never);

  // Of another project, or of a batch of the same number in another database: none of this installation's business.
  await store.endRun(alive, "failed");
  runtime = runtimeWith({ COFI_DOCKER_PROJECT: `${PROJECT}-other` });
  const other = await start("ivr", 4);
  await other.engines.stop();
  expect(await stages()).toEqual(["0 file_distribution", "2 ivr", "4 lid", "4 stt"]);
  const elsewhere = await freshDatabase("sqlite");
  runtime = runtimeWith({}, new Store(elsewhere.database));
  await start("llm1", 5);
  expect(await stages()).toEqual(["0 file_distribution", "2 ivr", "4 lid", "4 stt", "5 llm1"]);
  await elsewhere.close();
  for (const run of [again, own]) await store.endRun(run, "completed");
});

test("a container is confined, and is seen to have the limits of its stage", async () => {
  runtime = runtimeWith({
    COFI_ENGINE_MEMORY_MB: "300",
    COFI_ENGINE_DENOISE_MEMORY_MB: "256",
    COFI_ENGINE_CPUS: "0.5",
    COFI_ENGINE_PIDS: "64",
    COFI_ENGINE_TMPFS: "/tmp,/scratch",
    COFI_ENGINE_DENOISE_GPUS: "",
  });
  await start("denoise");
  const [container] = await all();
  const { HostConfig: host } = z
    .object({ HostConfig: z.record(z.string(), z.unknown()) })
    .parse(await daemon.call("GET", `/containers/${container!.Id}/json`));
  expect(host).toMatchObject({
    Memory: 256 * 1024 * 1024,
    MemorySwap: 256 * 1024 * 1024,
    NanoCpus: 500_000_000,
    PidsLimit: 64,
    CapDrop: ["ALL"],
    SecurityOpt: ["no-new-privileges:true"],
    ReadonlyRootfs: true,
    Privileged: false,
    Tmpfs: { "/tmp": expect.stringMatching(/nosuid,nodev/), "/scratch": expect.any(String) },
  });
});

test("an engine that ends at once is a clear error, and its container is gone", async () => {
  await expect(start("llm2")).rejects.toThrow(/The engine of llm2 ended with exit code 3: no model for you/);
  expect(await all()).toEqual([]);
});

test("what cannot be had is named with the remedy, and leaves no container", async () => {
  runtime = runtimeWith({ COFI_ENGINE_STT_IMAGE: "nowhere/stt:1", COFI_ENGINE_IVR_GPUS: "all" });
  await expect(start("stt")).rejects.toThrow(/nowhere\/stt:1.*docker pull nowhere\/stt:1/);
  await expect(start("ivr")).rejects.toThrow(/could not select device driver "nvidia"|GPU was asked for/);
  runtime = runtimeWith({ COFI_ENGINE_IMAGE: "" });
  await expect(start("stt")).rejects.toThrow(/neither COFI_ENGINE_STT_IMAGE nor COFI_ENGINE_IMAGE names an image/);
  runtime = runtimeWith({ COFI_DOCKER_HOSTS: `unix://${folder}/none.sock` });
  await expect(start("stt")).rejects.toThrow(EngineStartError);
  await expect(start("stt")).rejects.toThrow(/Docker daemon at unix:.*none\.sock cannot be reached.*ENOENT/);
  expect(await all()).toEqual([]);
});
