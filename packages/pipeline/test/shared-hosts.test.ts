/** Hosts that several runs use at once, and hosts that join and leave while a batch runs. */
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { LogEvent } from "@cofi/event-log/events";
import { EngineError } from "@cofi/pipeline/engine-error";
import { HostPool } from "@cofi/pipeline/host-pool";
import { HostsFile } from "@cofi/pipeline/runtime/hosts-file";
import { RemoteRuntime } from "@cofi/pipeline/runtime/remote";
import { startScriptedEngine, type ScriptedEngine } from "../../../test/support/scripted-engine.js";
import { batchOfFiles, FILES, folderWith } from "./batch-files.js";
import { batchInSqlite, type BatchBench } from "./batch-in-sqlite.js";

const MODELS = ["denoise", "ivr", "lid", "stt", "llm1", "llm2"];
const SLOTS = 3;

let bench: BatchBench;
let engines: ScriptedEngine[];

beforeEach(async () => {
  bench = await batchInSqlite();
  engines = [];
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

function runtimeOf(hostsFile: HostsFile | null = null): RemoteRuntime {
  return new RemoteRuntime(() => engines.map(({ url }) => url), bench.client, { slotsPerHost: SLOTS, hostsFile });
}

test("two batches at once: no host has more in work than its slots, and both end", async () => {
  // So slow that they meet in each stage.
  await start({ tookMs: () => 30 });
  await start({ tookMs: () => 30 });
  const run = async (name: string) => bench.run({ name, folder: await batchOfFiles(), runtime: runtimeOf() });
  const ended = await Promise.all([run("first"), run("second")]);
  expect(ended.map(({ status }) => status)).toEqual(["completed", "completed"]);
  for (const engine of engines) for (const stage of MODELS) expect(engine.most(stage)).toBeLessThanOrEqual(SLOTS);
  const left = await bench.fresh.database.kysely.selectFrom("engineHostUse").selectAll().execute();
  expect(left).toEqual([]);
});

test("a batch alone has all slots of its hosts", async () => {
  const engine = await start({ until: (stage, file) => (stage === "denoise" ? threeOf(engine, file) : undefined) });
  const { status } = await bench.run({ folder: await batchOfFiles(), runtime: runtimeOf() });
  expect(status).toBe("completed");
  expect(engine.most("denoise")).toBe(SLOTS);
});

/** The first three files wait for each other. */
function threeOf({ requests }: ScriptedEngine, file: string): Promise<unknown> | undefined {
  const first = requests
    .flatMap((request) => (request.startsWith("denoise ") ? [request.slice(8)] : []))
    .slice(0, SLOTS);
  if (!first.includes(file)) return undefined;
  return (async () => {
    while (requests.filter((request) => request.startsWith("denoise ")).length < SLOTS)
      await new Promise((resolve) => setImmediate(resolve));
  })();
}

test("a host that another run has left out is looked at before it is asked", async () => {
  const engine = await start();
  const other = await bench.store.createBatch({ name: "other", folder: null });
  const database = bench.fresh.database.kysely;
  const { now, fromNow } = bench.fresh.database.dialect;
  await database
    .insertInto("engineHost")
    .values({ host: `denoise ${engine.url}`, leftOutAt: now, leftOutUntil: fromNow(1_500), leftOutBy: other.id })
    .execute();
  const { batchId, status } = await bench.run({ folder: await batchOfFiles(), runtime: runtimeOf() });
  expect(status).toBe("completed");
  const steps = stepsOf((await bench.events(batchId)).filter(({ stage }) => stage === "denoise")).map(
    ({ from, to, rule }) => `${from} ${to}: ${rule}`,
  );
  expect(steps[0]).toMatch(new RegExp(`^joining ejected: Batch ${other.id} has left it out \\d s ago$`));
  expect(steps.slice(1).map((step) => step.split(":")[0])).toEqual(["ejected probing", "probing healthy"]);
  // It is back for all.
  expect(await database.selectFrom("engineHost").select("leftOutAt").distinct().execute()).toEqual([
    { leftOutAt: null },
  ]);
});

test("hosts join and leave while a batch runs", async () => {
  const path = join(await folderWith({}), "hosts.json");
  const write = async (hosts: unknown): Promise<void> => {
    await writeFile(`${path}.new`, JSON.stringify(Object.fromEntries(MODELS.map((stage) => [stage, hosts]))));
    await rename(`${path}.new`, path);
  };
  /** The first host answers its first request of denoise when the second has joined, and of lid when it has left itself. */
  const held: Record<string, () => Promise<unknown>> = {
    denoise: () =>
      write([{ url: first.url, slots: 1 }, second.url]).then(() => until(async () => second.requests.length > 0)),
    lid: () => write([second.url]).then(() => until(async () => (await steps()).some(isLeaving))),
  };
  const first = await start({
    until: (stage) => {
      const wait = held[stage];
      delete held[stage];
      return wait?.();
    },
  });
  const second = await start({
    until: (stage) => (stage === "lid" ? until(async () => (await steps()).some(isLeaving)) : undefined),
  });
  const steps = async (): Promise<HostStep[]> => stepsOf(await bench.events(1));
  const isLeaving = ({ url, to }: HostStep): boolean => url === first.url && to === "gone";
  await write([{ url: first.url, slots: 1 }]);
  const { status } = await bench.run({ folder: await batchOfFiles(), runtime: runtimeOf(new HostsFile(path)) });
  expect(status).toBe("completed");
  const ofSecond = (await steps()).filter(({ url }) => url === second.url);
  expect(ofSecond[0]).toMatchObject({ from: "gone", to: "joining", rule: "It is named now" });
  expect(ofSecond).toContainEqual(expect.objectContaining({ to: "healthy", rule: "it is ready" }));
  expect(await steps()).toContainEqual(expect.objectContaining({ url: first.url, rule: "It is not named any more" }));
  const askedIn = (stage: string): number => first.requests.filter((request) => request.startsWith(`${stage} `)).length;
  expect(askedIn("lid")).toBeLessThan(FILES.length / 2);
  expect(["stt", "llm1", "llm2"].map(askedIn)).toEqual([0, 0, 0]);
});

interface HostStep {
  url: string;
  from: string;
  to: string;
  rule: string;
}

function stepsOf(events: readonly LogEvent[]): HostStep[] {
  return events.flatMap(({ metadata }) => (metadata as { host?: HostStep } | null)?.host ?? []);
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 20));
}

test("a file of hosts that cannot be used is refused, or, later, left aside", async () => {
  const folder = await folderWith({ "hosts.json": "{" });
  const path = join(folder, "hosts.json");
  expect(() => new HostsFile(path)).toThrow(/COFI_HOSTS_FILE, .*hosts\.json, cannot be read: /);
  for (const [content, why] of [
    [{ sst: [] }, /"sst".*the stages are file_distribution, denoise/],
    [{ stt: [{ url: "http://a", slots: 0 }] }, /at stt\.0/],
    [{ stt: ["http://user:secret@a"] }, /user or password/],
    [{ stt: ["ftp://a"] }, /for stt, holds "ftp:\/\/a"/],
    [[], /at its top/],
  ] as const) {
    await writeFile(path, JSON.stringify(content));
    expect(() => new HostsFile(path)).toThrow(why);
  }
  await writeFile(
    path,
    `\uFEFF${JSON.stringify({ denoise: ["http://a/", { url: "http://b", slots: 4 }, "http://a"] })}`,
  );
  const file = new HostsFile(path);
  expect(file.of("denoise")).toEqual([
    { url: "http://a", slots: null },
    { url: "http://b", slots: 4 },
  ]);
  expect(file.of("file_distribution")).toEqual(file.of("denoise"));
  expect(file.of("stt")).toBeNull();
  const told = new Promise<string>((resolve) => {
    const end = file.watch(
      file.changes,
      () => resolve("changed"),
      (message) => {
        end();
        resolve(message);
      },
    );
  });
  await writeFile(path, "none");
  expect(await told).toMatch(/cannot be read: .*The hosts that were read before stay in use\./);
  expect(file.of("denoise")).toHaveLength(2);
});

function poolOf(hosts: { name: string; slots: number }[], units: number): HostPool {
  const options = {
    attempts: 3,
    retryDelayMs: () => 10,
    firstPauseMs: 100,
    mostRequestMs: 1e6,
    mostWithoutHostMs: 1e5,
  };
  const unit = (_: unknown, n: number) => ({ name: `${n}`, audioSeconds: 10, bytes: null, prefers: 0 });
  return new HostPool({ ...options, hosts, units: Array.from({ length: units }, unit), mayJoin: true }, 0);
}

function asked(pool: HostPool, now: number) {
  return pool.decide(now).flatMap((decision) => (decision.do === "ask" ? [decision.attempt] : []));
}

test("a share that becomes smaller lets what is in work end, and takes nothing new", () => {
  const pool = poolOf([{ name: "a", slots: 4 }], 10);
  pool.decide(0);
  pool.looked(0, null, 0);
  const attempts = asked(pool, 0);
  expect(attempts).toHaveLength(4);
  pool.share(0, 1);
  for (const attempt of attempts.slice(0, 3)) {
    pool.answered(attempt, 1);
    pool.release(attempt);
    expect(asked(pool, 1)).toEqual([]);
  }
  expect(pool.workOn(0)).toEqual({ inWork: 1, held: 1 });
  pool.answered(attempts[3]!, 2);
  pool.release(attempts[3]!);
  expect(asked(pool, 2)).toHaveLength(1);
});

test("a host that has left is given nothing, its answers count, and without any host the stage waits for one to join", () => {
  const pool = poolOf([{ name: "a", slots: 1 }], 3);
  pool.decide(0);
  pool.looked(0, null, 0);
  const [first] = asked(pool, 0);
  pool.gone(0, "It is not named any more", 1);
  pool.answered(first!, 2);
  pool.release(first!);
  expect(asked(pool, 3)).toEqual([]);
  expect(pool.hopeless(50_000)).toBeNull();
  pool.join({ name: "b", slots: 2 }, 50_000, 1);
  pool.decide(50_000);
  pool.looked(1, null, 50_000);
  expect(asked(pool, 50_000).map(({ host }) => host)).toEqual([1, 1]);
  expect(poolOf([{ name: "a", slots: 1 }], 1).hopeless(100_000)).toMatch(/away, or answered nothing, for 100 s/);
});

test("a report of another run is believed by nobody who has had an answer since", () => {
  const pool = poolOf([{ name: "a", slots: 1 }], 3);
  pool.decide(0);
  pool.looked(0, null, 0);
  const [first] = asked(pool, 0);
  pool.answered(first!, 5_000);
  pool.release(first!);
  const report = { what: "Batch 7 has left it out", forMs: 10_000 };
  pool.reported(0, { ...report, agoMs: 1_000 }, 5_500);
  expect(pool.stateOf(0).condition).toBe("healthy");
  pool.reported(0, { ...report, agoMs: 100 }, 5_500);
  expect(pool.stateOf(0)).toMatchObject({ condition: "suspect", needsLook: true });
  expect(pool.decide(5_500)).toEqual([{ do: "look", host: 0 }]);
  pool.looked(0, null, 5_600);
  expect(asked(pool, 5_600)).toHaveLength(1);
});

test("more slots are used at once", () => {
  const pool = poolOf([{ name: "a", slots: 1 }], 5);
  pool.decide(0);
  pool.looked(0, null, 0);
  const [first] = asked(pool, 0);
  pool.failed(first!, new EngineError("later", { status: 429, type: "busy", fault: "busy", retryAfterMs: 10 }), 0);
  pool.release(first!);
  pool.resize(0, 3);
  expect(asked(pool, 2_000)).toHaveLength(3);
});
