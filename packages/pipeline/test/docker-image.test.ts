/** `COFI_RUNTIME=docker` with the image of the Dockerfile: its entrypoint, user, folders and programs. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { openDatabase } from "@cofi/event-log/database";
import { STAGES } from "@cofi/event-log/stages";
import { Store } from "@cofi/event-log/store";
import { Results } from "@cofi/evidence/results";
import { EngineClient } from "@cofi/pipeline/engine-client";
import { denoiseResponse, sttResponse } from "@cofi/pipeline/engine-contract";
import { DockerRuntime } from "@cofi/pipeline/runtime/docker";
import { dockerSettings } from "@cofi/pipeline/runtime/docker-settings";
import type { EngineHost, RunningEngines } from "@cofi/pipeline/runtime/runtime";
import { runCofi } from "../../../test/support/cofi.js";
import { freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";
import { folderWith } from "./batch-files.js";
import { buildCofiImage } from "./cofi-image.js";
import { startDockerDaemon, type DockerDaemon } from "./docker-daemon.js";

const SAMPLES = fileURLToPath(new URL("../../../samples/batch/", import.meta.url));
const PROJECT = `cofi-image-${process.pid}`;
const never = new AbortController().signal;

let daemon: DockerDaemon;
let fresh: FreshDatabase;
let store: Store;
let client: EngineClient;
let runtime: DockerRuntime;
let running: RunningEngines[];

beforeAll(async () => {
  daemon = await startDockerDaemon();
  fresh = await freshDatabase("sqlite");
  store = new Store(fresh.database);
  // Containers of a run that does not hold its lease would be removed.
  const { id } = await store.createBatch({ name: "night", folder: null });
  await store.beginRun(id, { owner: "test", leaseMs: 3_600_000, version: "1", configuration: null });
  await buildCofiImage(daemon, PROJECT);
}, 600_000);
afterAll(async () => {
  try {
    await daemon.call("DELETE", `/volumes/${PROJECT}?force=true`);
    for (const tag of ["1", "base"]) await daemon.call("DELETE", `/images/${PROJECT}:${tag}?force=true`);
  } finally {
    await daemon.stop();
    await fresh.close();
  }
});
beforeEach(() => {
  client = new EngineClient(60_000);
  running = [];
  runtime = new DockerRuntime({
    settings: dockerSettings(environment())!,
    installation: "test",
    store,
    client,
    slotsPerHost: 1,
    engineStartTimeoutMs: 60_000,
    attempts: 1,
  });
});
afterEach(async () => {
  await Promise.all(running.map((engines) => engines.stop()));
  await runtime.close();
  await client.close();
});

function environment() {
  return {
    COFI_RUNTIME: "docker",
    COFI_DOCKER_HOSTS: daemon.url,
    COFI_DOCKER_PROJECT: PROJECT,
    COFI_DOCKER_FILES_VOLUME: PROJECT,
    COFI_ENGINE_IMAGE: `${PROJECT}:1`,
    COFI_ENGINE_MEMORY_MB: "1024",
    COFI_MAX_AUDIO_S: "600",
  };
}

async function start(stage: "file_distribution" | "denoise" | "stt"): Promise<EngineHost> {
  const tell = (): void => undefined;
  const engines = await runtime.start(stage, 1, { info: tell, error: tell }, never);
  running.push(engines);
  return engines.hosts[0]!;
}

test(
  "its engines keep files in the volume, decode, denoise and transcribe, as a user without rights",
  { timeout: 180_000 },
  async () => {
    const file = { batch_id: 1, file_name: "c04.wav" };
    await client.upload(await start("file_distribution"), 1, file.file_name, join(SAMPLES, "c04.wav"), never);
    const denoise = await start("denoise");
    const { answer } = await client.process(denoise, "denoise", file, denoiseResponse, never);
    expect(answer.duration_s).toBeCloseTo(18.68, 1);
    const request = { ...file, variant: "denoised", trim: { start_s: 0, end_s: 18 }, language: "en" };
    const { answer: heard } = await client.process(await start("stt"), "stt", request, sttResponse, never);
    expect(heard.segments.length).toBeGreaterThan(0);
    // Nobody else may ask them, although the port is open on this machine.
    expect((await fetch(`${denoise.url}/files/1`, { method: "DELETE" })).status).toBe(401);
    const containers = z.array(z.object({ Id: z.string() })).parse(await daemon.call("GET", "/containers/json"));
    const inspected = z.object({ Config: z.object({ User: z.string() }), State: z.object({ OOMKilled: z.boolean() }) });
    for (const { Id } of containers)
      expect(inspected.parse(await daemon.call("GET", `/containers/${Id}/json`))).toEqual({
        Config: { User: "node" },
        State: { OOMKilled: false },
      });
  },
);

/** What has been found in two of the sample recordings, with the rows of the sample's CSV files that speak of them. */
async function sampleBatch(): Promise<string> {
  const rowsOf = async (file: string, pattern: RegExp): Promise<string> => {
    const [header, ...rows] = (await readFile(join(SAMPLES, file), "utf8")).split("\n");
    return [header, ...rows.filter((row) => pattern.test(row))].join("\n");
  };
  return folderWith({
    "c02.mp3": await readFile(join(SAMPLES, "c02.mp3")),
    "c04.wav": await readFile(join(SAMPLES, "c04.wav")),
    "calls.csv": await rowsOf("calls.csv", /^C0[24],/),
    "trades.csv": await rowsOf("trades.csv", /^T00[346],/),
  });
}

test("a batch goes through containers of it to the end, and leaves none", { timeout: 600_000 }, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "cofi-image-"));
  // A volume of its own: batch 1 of another data folder has recordings in the other one.
  const volume = `${PROJECT}-batch`;
  try {
    const settings = { ...environment(), COFI_DOCKER_FILES_VOLUME: volume, COFI_DATA_DIR: dataDir };
    const { code, output } = await runCofi(["run", await sampleBatch()], settings);
    expect(code, output).toBe(0);
    const filters = encodeURIComponent(JSON.stringify({ label: [`cofi.project=${PROJECT}`] }));
    expect(await daemon.call("GET", `/containers/json?all=true&filters=${filters}`)).toEqual([]);
    const database = await openDatabase(`sqlite:${join(dataDir, "cofi.sqlite")}`);
    try {
      const trades = await new Results(database).trades(1);
      expect(trades.map(({ tradeId, verdict }) => [tradeId, verdict])).toEqual([
        ["T003", "CONFIRMED"],
        ["T004", "CONFIRMED"],
        ["T006", "ORDER_NOT_IN_CALL"],
      ]);
      const events = await new Store(database).batchEventsAfter(1, 0, Number.MAX_SAFE_INTEGER, 10_000);
      expect(events.filter(({ eventType }) => eventType === "error")).toEqual([]);
      const started = events.filter(({ metadata }) => "container" in Object(metadata) && "startMs" in Object(metadata));
      const engines = STAGES.filter(({ name, kind }) => kind === "engine" || name === "file_distribution");
      expect(started.map(({ stage }) => stage).toSorted()).toEqual(
        engines.map(({ name }) => name as string).toSorted(),
      );
    } finally {
      await database.close();
    }
  } finally {
    await daemon.call("DELETE", `/volumes/${volume}?force=true`);
    await rm(dataDir, { recursive: true, force: true });
  }
});
