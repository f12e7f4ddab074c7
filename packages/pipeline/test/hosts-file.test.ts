/** Hosts that leave and come back, and stages side by side that hear of it. */
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { StageName } from "@cofi/event-log/stages";
import { HostsFile } from "@cofi/pipeline/runtime/hosts-file";
import { RemoteRuntime } from "@cofi/pipeline/runtime/remote";
import { startScriptedEngine, type ScriptedEngine } from "../../../test/support/scripted-engine.js";
import { batchOfFiles, FILES, folderWith } from "./batch-files.js";
import { batchInSqlite, type BatchBench } from "./batch-in-sqlite.js";

const MODELS = ["denoise", "ivr", "lid", "stt", "llm1", "llm2"];

type Hosts = (string | { url: string; slots: number })[];

let bench: BatchBench;
let engines: ScriptedEngine[];
let path: string;

beforeEach(async () => {
  engines = [];
  path = join(await folderWith({}), "hosts.json");
});
afterEach(async () => {
  await Promise.all(engines.map((engine) => engine.close()));
  await bench.close();
});

async function start(...options: Parameters<typeof startScriptedEngine>): Promise<ScriptedEngine> {
  const engine = await startScriptedEngine(...options);
  engines.push(engine);
  return engine;
}

/** Names the hosts of all stages. */
async function write(hosts: Hosts): Promise<void> {
  await writeFile(`${path}.new`, JSON.stringify(Object.fromEntries(MODELS.map((stage) => [stage, hosts]))));
  await rename(`${path}.new`, path);
}

function runtimeOf(): RemoteRuntime {
  return new RemoteRuntime(() => [], bench.client, { slotsPerHost: 2, hostsFile: new HostsFile(path) });
}

interface Step {
  stage: string;
  url: string;
  from: string;
  to: string;
}

async function steps(): Promise<Step[]> {
  return (await bench.events(1)).flatMap(({ stage, metadata }) => {
    const host = (metadata as { host?: Omit<Step, "stage"> } | null)?.host;
    return host ? [{ ...host, stage }] : [];
  });
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 20));
}

test("a host that leaves with a file in work and is named again is the same host, with the same slots", async () => {
  bench = await batchInSqlite();
  const isOf = (to: string, from?: string) => async () =>
    (await steps()).some((step) => step.url === first.url && step.to === to && (from ?? step.from) === step.from);
  let isHeld = true;
  let isReleased = false;
  const first: ScriptedEngine = await start({
    until: (stage) => {
      if (stage !== "denoise" || !isHeld) return undefined;
      isHeld = false;
      return (async () => {
        await write([second.url]);
        await until(isOf("gone"));
        await write([{ url: first.url, slots: 1 }, second.url]);
        await until(isOf("joining", "gone"));
        // Two rounds in which the runs divide its slots.
        await new Promise((resolve) => setTimeout(resolve, 2_500));
        isReleased = true;
      })();
    },
  });
  const second = await start({ until: (stage) => (stage === "denoise" ? until(async () => isReleased) : undefined) });
  await write([{ url: first.url, slots: 1 }, second.url]);
  const { status, summary } = await bench.run({ folder: await batchOfFiles(), runtime: runtimeOf() });
  expect([status, summary]).toEqual(["completed", "All files went through."]);
  expect(first.most("denoise")).toBe(1);
  expect(first.requests.filter((request) => request.startsWith("denoise ")).length).toBeGreaterThan(1);
  const uses = await bench.fresh.database.kysely.selectFrom("engineHostUse").selectAll().execute();
  expect(uses).toEqual([]);
});

test("whoever watches the file hears of a change that somebody else has read", async () => {
  bench = await batchInSqlite();
  await write(["http://a"]);
  const file = new HostsFile(path);
  const known = file.changes;
  const heard = [0, 0];
  const ends = heard.map((_, n) =>
    file.watch(
      known,
      () => (heard[n]! += 1),
      () => undefined,
    ),
  );
  await write(["http://a", "http://b"]);
  await file.refresh();
  expect(file.of("stt")).toHaveLength(2);
  await expect.poll(() => heard).toEqual([1, 1]);
  for (const end of ends) end();
});

test("a stage that the file does not name any more keeps its hosts, also when it begins later", async () => {
  bench = await batchInSqlite();
  await writeFile(path, JSON.stringify({ denoise: ["http://a"], stt: ["http://b"] }));
  const file = new HostsFile(path);
  const runtime = new RemoteRuntime(() => [], bench.client, { slotsPerHost: 2, hostsFile: file });
  const urls = async (stage: StageName): Promise<string[]> => (await runtime.start(stage)).hosts.map(({ url }) => url);
  const { watch } = await runtime.start("stt");
  const told: (readonly string[] | string)[] = [];
  const end = watch!(
    (hosts) => told.push(hosts.map(({ url }) => url)),
    (message) => told.push(message),
  );
  await writeFile(path, JSON.stringify({ denoise: ["http://c"] }));
  expect([await urls("denoise"), await urls("file_distribution"), await urls("stt")]).toEqual([
    ["http://c"],
    ["http://c"],
    ["http://b"],
  ]);
  await expect.poll(() => told).toContainEqual(expect.stringMatching(/does not name stt any more/));
  await writeFile(path, JSON.stringify({ stt: [] }));
  expect([await urls("denoise"), await urls("stt")]).toEqual([["http://c"], []]);
  await expect.poll(() => told).toContainEqual([]);
  end();
});

test("each of the stages side by side hears of a host that joins", async () => {
  bench = await batchInSqlite({ COFI_FLOW: "pipelined" });
  const hasJoined = (stage: string) => async () =>
    (await steps()).some((step) => step.stage === stage && step.url === second.url && step.to === "joining");
  const all = async (): Promise<boolean> =>
    (await Promise.all(["denoise", "ivr", "lid"].map((stage) => hasJoined(stage)()))).every(Boolean);
  // One file is in the first stage until all of them have heard of it.
  const first = await start({
    until: (stage, file) => (stage + file === `denoise${FILES[0]}` ? until(all) : undefined),
  });
  const second = await start();
  await write([first.url]);
  const running = bench.run({ folder: await batchOfFiles(), runtime: runtimeOf() });
  await first.asked("lid", FILES[1]!);
  await write([first.url, second.url]);
  expect((await running).status).toBe("completed");
});

test("hosts of denoise that join later give or make the audio that a later stage needs", async () => {
  bench = await batchInSqlite();
  let isAway = false;
  let isWritten = false;
  const name = async (denoise: Hosts): Promise<void> => {
    const others = Object.fromEntries(MODELS.map((stage) => [stage, [second.url]]));
    await writeFile(`${path}.new`, JSON.stringify({ ...others, denoise }));
    await rename(`${path}.new`, path);
  };
  const first = await start({ keepsFiles: true, isThere: () => !isAway });
  const third = await start({ keepsFiles: true });
  const second: ScriptedEngine = await start({
    keepsFiles: true,
    until: (stage) => {
      if (stage !== "lid" || isWritten || second.heard.filter((line) => line.startsWith("lid ")).length < 4)
        return undefined;
      isWritten = true;
      isAway = true;
      return name([third.url]);
    },
  });
  await name([first.url]);
  const { status, summary } = await bench.run({ folder: await batchOfFiles(), runtime: runtimeOf() });
  expect([status, summary]).toEqual(["completed", "All files went through."]);
  expect(third.requests.filter((request) => request.startsWith("denoise ")).length).toBeGreaterThan(0);
});

test("of a file that is no JSON nothing is shown: it may hold a password", async () => {
  bench = await batchInSqlite();
  for (const content of ["u:secret", '{"stt":[http://u:secret@a]}']) {
    await writeFile(path, content);
    expect(() => new HostsFile(path)).toThrow(/cannot be read: Unexpected token '\w'\.$/);
  }
});

test("a host keeps its key while others of the same name join and leave", async () => {
  bench = await batchInSqlite();
  await write(["http://a:1", "http://a:2"]);
  const file = new HostsFile(path);
  const runtime = new RemoteRuntime(() => [], bench.client, { slotsPerHost: 2, hostsFile: file });
  const keys = async (): Promise<Record<string, string>> =>
    Object.fromEntries((await runtime.start("lid")).hosts.map(({ url, key }) => [url, key]));
  expect(await keys()).toEqual({ "http://a:1": "a#0", "http://a:2": "a#1" });
  await write(["http://a:2", "http://a:3"]);
  expect(await keys()).toEqual({ "http://a:2": "a#1", "http://a:3": "a#2" });
  await write(["http://a:3", "http://a:1"]);
  expect(await keys()).toEqual({ "http://a:3": "a#2", "http://a:1": "a#0" });
});

test("a host that joins two runs at once has no more in work than its slots", async () => {
  bench = await batchInSqlite();
  const tookMs = (stage: string): number => (stage === "denoise" ? 250 : 0);
  const [first, second] = [await start({ keepsFiles: true, tookMs }), await start({ keepsFiles: true, tookMs })];
  await write([first.url]);
  const run = async (name: string) => bench.run({ name, folder: await batchOfFiles(), runtime: runtimeOf() });
  const both = Promise.all([run("one"), run("two")]);
  await first.asked("denoise", FILES[0]!);
  await write([first.url, second.url]);
  expect((await both).map(({ status }) => status)).toEqual(["completed", "completed"]);
  expect([1, 2]).toContain(second.most("denoise"));
});
