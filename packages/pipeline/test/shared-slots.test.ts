/** How a run uses its share of slots that others use too. */
import { sql } from "kysely";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import { HostShares } from "@cofi/event-log/host-shares";
import type { Run } from "@cofi/event-log/runs";
import { EngineError } from "@cofi/pipeline/engine-error";
import { HostPool, type Attempt } from "@cofi/pipeline/host-pool";
import { RemoteRuntime } from "@cofi/pipeline/runtime/remote";
import type { EngineHost } from "@cofi/pipeline/runtime/runtime";
import { RunSlots } from "@cofi/pipeline/run-slots";
import { StageSlots } from "@cofi/pipeline/stage-slots";
import { startScriptedEngine, type ScriptedEngine } from "../../../test/support/scripted-engine.js";
import { batchOfFiles, FILES } from "./batch-files.js";
import { batchInSqlite, type BatchBench } from "./batch-in-sqlite.js";

const look = (): Promise<void> => Promise.resolve();
const HOST: EngineHost = {
  name: "a",
  key: "a#0",
  url: "http://a",
  files: null,
  slots: 4,
  isShared: true,
  ready: look,
  look,
};

let bench: BatchBench;
let engine: ScriptedEngine;

beforeEach(async () => {
  bench = await batchInSqlite();
});
afterEach(async () => {
  await engine?.close();
  await bench.close();
});

function poolOf(hosts: { name: string; slots: number }[], units: number, isHeld = false): HostPool {
  const limits = {
    attempts: 3,
    retryDelayMs: () => 10,
    firstPauseMs: 100,
    mostRequestMs: 1e6,
    mostWithoutHostMs: 1e5,
  };
  const unit = (_: unknown, n: number) => ({ name: `${n}`, audioSeconds: 10, bytes: null, prefers: -1, isHeld });
  return new HostPool({ ...limits, hosts, units: Array.from({ length: units }, unit), mayJoin: true }, 0);
}

function asked(pool: HostPool, now: number): Attempt[] {
  return pool.decide(now).flatMap((decision) => (decision.do === "ask" ? [decision.attempt] : []));
}

function end(pool: HostPool, attempt: Attempt, now: number): void {
  pool.answered(attempt, now);
  pool.release(attempt);
}

test("slots that a host has from now on are used when they are this run's", () => {
  const pool = poolOf([{ name: "a", slots: 2 }], 10);
  pool.share(0, 2);
  pool.decide(0);
  pool.looked(0, null, 0);
  expect(asked(pool, 0)).toHaveLength(2);
  pool.resize(0, 6);
  expect(asked(pool, 1)).toEqual([]);
  pool.share(0, 5);
  expect(asked(pool, 2)).toHaveLength(3);
});

test("a slow host does not wait for a quick one whose slots are others'", () => {
  const pool = poolOf(
    [
      { name: "quick", slots: 1 },
      { name: "slow", slots: 1 },
    ],
    4,
  );
  pool.decide(0);
  pool.looked(0, null, 0);
  pool.looked(1, null, 0);
  const [onQuick, onSlow] = asked(pool, 0).toSorted((a, b) => a.host - b.host);
  pool.waitFor(onQuick!, "file", 0);
  pool.waitFor(onSlow!, "file", 0);
  pool.share(0, 0);
  end(pool, onQuick!, 10);
  end(pool, onSlow!, 1_000);
  expect(asked(pool, 1_000).map(({ host }) => host)).toEqual([1]);
});

test("what fails on a host is tried there again when the slots of the other ones are others'", () => {
  const pool = poolOf(
    [
      { name: "a", slots: 1 },
      { name: "b", slots: 1 },
    ],
    1,
  );
  pool.decide(0);
  pool.looked(0, null, 0);
  pool.looked(1, null, 0);
  pool.share(1, 0);
  const [attempt] = asked(pool, 0);
  pool.failed(attempt!, new EngineError("no JSON", { status: 200, type: "no-json", fault: "answer" }), 1);
  pool.release(attempt!);
  expect(asked(pool, 1_000).map(({ host }) => host)).toEqual([0]);
});

test("a stage whose hosts are away waits for them only while it has files", () => {
  const pool = poolOf([{ name: "a", slots: 1 }], 2, true);
  const away = { why: "It is away.", isUnfit: false, isUnreached: true };
  pool.decide(0);
  pool.looked(0, away, 0);
  for (let now = 1_000; now <= 400_000; now += 1_000) {
    pool.decide(now);
    pool.looked(0, away, now);
    expect(pool.hopeless(now)).toBeNull();
  }
  pool.admit(0, -1);
  pool.decide(450_000);
  expect(pool.hopeless(450_000)).toBeNull();
  pool.decide(549_000);
  expect(pool.hopeless(549_000)).toBeNull();
  pool.decide(550_001);
  expect(pool.hopeless(550_001)).toMatch(/away, or answered nothing, for 100 s/);
});

/** A run of a batch of its own with a host that it shares. */
async function sharing(pool: HostPool, shares: HostShares): Promise<{ run: Run; shared: StageSlots }> {
  const { id } = await bench.store.createBatch({ name: "b", folder: null });
  const facts = { owner: `o${id}`, leaseMs: 60_000, version: "0", configuration: null };
  const run = (await bench.store.beginRun(id, facts))!;
  const write = <T>(work: () => Promise<T>): Promise<T> => work();
  const slots = new RunSlots({ shares, run, persist: write, write, signal: new AbortController().signal });
  onTestFinished(() => slots.close());
  const failed = (reason: unknown): never => {
    throw reason;
  };
  const host = { ...HOST, engine: HOST };
  return { run, shared: new StageSlots({ stage: "stt", slots, pool, hosts: [host], told: () => undefined, failed }) };
}

test("what is begun while slots are divided is held", async () => {
  const shares = new HostShares(bench.fresh.database);
  const pool = poolOf([{ name: "a", slots: 4 }], 10, true);
  for (let unit = 0; unit < 10; unit++) pool.admit(unit, -1);
  const { shared } = await sharing(pool, shares);
  await shared.begin();
  const { run } = await sharing(poolOf([{ name: "a", slots: 4 }], 10), shares);
  const wish = { host: "stt http://a", slots: 4, wanted: 4, mayWant: 4, held: 0 };
  const others = async (): Promise<number> => (await shares.share(run, [wish])).get(wish.host)!.share;
  expect(await others()).toBe(0);
  // The next round of the first run waits for the database, and meanwhile its host gets ready.
  const writer = await openDatabase(bench.fresh.url);
  await sql`BEGIN IMMEDIATE`.execute(writer.kysely);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  pool.decide(0);
  pool.looked(0, null, 0);
  expect(asked(pool, 0)).toHaveLength(4);
  await sql`ROLLBACK`.execute(writer.kysely);
  await writer.close();
  for (let round = 0; round < 100; round++) {
    expect(await others()).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await shared.end();
});

test("a run that has left a host out leaves its slots to others, but for one file that may show whether it is well", async () => {
  const shares = new HostShares(bench.fresh.database);
  const pool = poolOf([{ name: "a", slots: 4 }], 10);
  pool.reported(0, { what: "Batch 9 has left it out", agoMs: 0, forMs: 60_000 }, 0);
  expect(pool.stateOf(0).condition).toBe("ejected");
  pool.share(0, 0);
  const { shared } = await sharing(pool, shares);
  await shared.begin();
  const { run } = await sharing(poolOf([{ name: "a", slots: 4 }], 10), shares);
  const wish = { host: "stt http://a", slots: 4, wanted: 4, mayWant: 4, held: 0 };
  expect((await shares.share(run, [wish])).get(wish.host)!.share).toBe(3);
  await shared.end();
});

test("shares that cannot be given back at the end of a stage are given back when the database is there again", async () => {
  const writer = await openDatabase(bench.fresh.url);
  let isLocked = false;
  const lock = async (): Promise<void> => {
    isLocked = true;
    await sql`BEGIN IMMEDIATE`.execute(writer.kysely);
  };
  const uses: string[][] = [];
  engine = await startScriptedEngine({
    until: (stage, file) => {
      if (stage === "denoise" && file === FILES.at(-1)) return lock();
      if (stage !== "ivr" || uses.length > 0) return undefined;
      uses.push([]);
      return bench.fresh.database.kysely
        .selectFrom("engineHostUse")
        .select("host")
        .execute()
        .then((rows) => uses[0]!.push(...rows.map(({ host }) => host)));
    },
  });
  const runtime = new RemoteRuntime(() => [engine.url], bench.client, { slotsPerHost: 1 });
  const running = bench.run({ folder: await batchOfFiles(), runtime });
  await expect.poll(() => isLocked).toBe(true);
  await expect.poll(() => bench.reported.some((message) => message.endsWith("Waiting for it."))).toBe(true);
  await sql`ROLLBACK`.execute(writer.kysely);
  expect((await running).status).toBe("completed");
  await writer.close();
  expect(uses).toEqual([[`ivr ${engine.url}`]]);
});

test("a run whose key a host refuses leaves all of its slots to others, and they are told nothing of it", async () => {
  const shares = new HostShares(bench.fresh.database);
  const pool = poolOf([{ name: "a", slots: 4 }], 10);
  const { shared } = await sharing(pool, shares);
  pool.decide(0);
  pool.looked(0, { why: "It refuses the key.", isUnfit: true, isUnreached: false }, 0);
  for (const change of pool.changes()) shared.changed(change);
  expect(pool.hopeless(0)).toBe("It refuses the key.");
  await shared.begin();
  const { run } = await sharing(poolOf([{ name: "a", slots: 4 }], 10), shares);
  const wish = { host: "stt http://a", slots: 4, wanted: 4, mayWant: 4, held: 0 };
  expect((await shares.share(run, [wish])).get(wish.host)).toEqual({ share: 4, leftOut: null });
  await shared.end();
});
