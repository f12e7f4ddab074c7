/**
 * A run that is suspended for longer than its lease, as a laptop or a virtual machine is, and wakes up when another one has taken
 * its batch over: real processes, a real database. What it still does changes nothing of what the other one did.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import { STAGES } from "@cofi/event-log/stages";
import { Store } from "@cofi/event-log/store";
import { sqlSnapshot } from "@cofi/views/sql-cards";
import { batchOfFiles, FILES } from "../../packages/pipeline/test/batch-files.js";
import { startCofi, type CofiProcess } from "../support/cofi.js";
import { DIALECTS, freshDatabase, type FreshDatabase } from "../support/databases.js";
import { startScriptedEngine, type ScriptedEngine } from "../support/scripted-engine.js";

const BATCH = 1;
const SLOTS = 2;
/** What only the run that was suspended is answered. */
const OTHER_TEXT = "please sell nine hundred shares of wipro";

/** Whether the clock by which the run measures its lease went on meanwhile: that of a machine that sleeps stands still. */
const CLOCKS: [string, boolean][] = [
  ["by its clock the lease is over", true],
  ["by its clock no time has passed", false],
];

describe.each(DIALECTS)("on %s", (dialect) => {
  let fresh: FreshDatabase;
  let store: Store;
  let folder: string;
  let root: string;
  let engine: ScriptedEngine;
  let processes: CofiProcess[];
  /** What an answer waits for that is asked for now, by stage. */
  let holds: Record<string, Promise<unknown>>;

  beforeEach(async () => {
    fresh = await freshDatabase(dialect);
    store = new Store(fresh.database);
    root = await mkdtemp(join(tmpdir(), "cofi-suspended-"));
    folder = await batchOfFiles();
    processes = [];
    holds = {};
    engine = await startScriptedEngine({ until: (stage) => holds[stage] });
  });
  afterEach(async () => {
    for (const each of processes) each.kill("SIGKILL");
    await Promise.all(processes.map(({ ended }) => ended));
    await engine.close();
    await fresh.close();
    await rm(root, { recursive: true, force: true });
  });

  function start(name: string, leaseS = 60): CofiProcess {
    const engines = STAGES.filter(({ kind }) => kind === "engine").map((stage) => stage.name);
    const cofi = startCofi(["run", folder], {
      COFI_DATABASE_URL: fresh.url,
      COFI_DATA_DIR: join(root, name),
      COFI_LEASE_S: String(leaseS),
      COFI_SLOTS_PER_HOST: String(SLOTS),
      ...Object.fromEntries(
        ["file_distribution", ...engines].map((stage) => [`COFI_ENGINE_${stage.toUpperCase()}_URLS`, engine.url]),
      ),
    });
    processes.push(cofi);
    return cofi;
  }

  /** Stops the process; not in the middle of a transaction of an SQLite file, which would keep all others out of it. */
  async function suspend(cofi: CofiProcess): Promise<void> {
    for (;;) {
      cofi.kill("SIGSTOP");
      if (dialect === "mysql" || (await canWrite())) return;
      cofi.kill("SIGCONT");
    }
  }

  async function canWrite(): Promise<boolean> {
    const other = await openDatabase(fresh.url);
    try {
      await sql`BEGIN IMMEDIATE`.execute(other.kysely);
      await sql`ROLLBACK`.execute(other.kysely);
      return true;
    } catch {
      return false;
    } finally {
      await other.close();
    }
  }

  /** Has the answers of a stage wait that are asked for from now on. @returns what lets them go, and holds no others */
  function hold(stage: string): () => void {
    let release!: () => void;
    holds[stage] = new Promise<void>((resolve) => (release = resolve));
    return release;
  }

  /** A run that has been suspended in the middle of a stage for longer than its lease; what it has asked for waits. */
  async function suspendedIn(stage: "stt", isAwake: boolean): Promise<CofiProcess> {
    for (const file of FILES) engine.plan(stage, file, { text: OTHER_TEXT });
    const first = start("first", isAwake ? 5 : 3_600);
    await expect.poll(sttRequests).toBe(SLOTS);
    await suspend(first);
    for (const file of FILES) engine.plan(stage, file);
    delete holds[stage];
    const past = fresh.database.dialect.fromNow(-1);
    if (!isAwake) await fresh.database.kysely.updateTable("batchStatus").set({ leaseExpiresAt: past }).execute();
    await expect.poll(async () => (await store.leases([BATCH])).get(BATCH)?.isHeld).toBe(false);
    return first;
  }

  function sttRequests(): number {
    return engine.requests.filter((request) => request.startsWith("stt ")).length;
  }

  /** All that anybody is shown of the batch, and what it left in the tables of results. */
  async function shown() {
    const batch = (await store.batch(BATCH))!;
    const { kysely } = fresh.database;
    const rows = (table: string) => sql`SELECT * FROM ${sql.table(table)} ORDER BY 1, 2, 3`.execute(kysely);
    const results = ["trade", "tradeCall", "callRecord", "transcript", "extractedTrade", "auditAnswer"];
    const { stages } = await sqlSnapshot(store, batch, await store.maxEventId(), 0, "");
    return {
      batch: { ...batch, lastEventAt: null },
      stages,
      runs: await store.runs(BATCH),
      results: await Promise.all(results.map(async (table) => (await rows(table)).rows)),
      uses: (await rows("engineHostUse")).rows,
      completed: [...(await store.completedFiles(BATCH, "stt")).keys()],
    };
  }

  test.each(CLOCKS)("one that wakes up when the other has ended changes nothing; %s", async (_, isAwake) => {
    const release = hold("stt");
    const first = await suspendedIn("stt", isAwake);
    const second = start("second");
    expect(await second.ended, second.output()).toBe(0);
    const before = await shown();
    const asked = engine.requests.length;
    first.kill("SIGCONT");
    release();
    expect(await first.ended, first.output()).not.toBe(0);
    expect(first.output()).toMatch(/taken over|could not be renewed/);
    expect(await shown()).toEqual(before);
    // It may have given the slots that came free to other files before it knew.
    expect(engine.requests.length).toBeLessThanOrEqual(asked + SLOTS);
    expect(before.runs.map(({ outcome }) => outcome)).toEqual(["lost", "completed"]);
    expect(before.uses).toEqual([]);
  });

  test.each(CLOCKS)("one that wakes up while the other is at work is in nobody's way; %s", async (_, isAwake) => {
    const release = hold("stt");
    const first = await suspendedIn("stt", isAwake);
    const releaseSecond = hold("stt");
    const second = start("second");
    await expect.poll(sttRequests).toBe(2 * SLOTS);
    const { uses } = await shown();
    expect(uses).toMatchObject([{ run: 2, slots: SLOTS }]);
    first.kill("SIGCONT");
    release();
    expect(await first.ended, first.output()).not.toBe(0);
    expect((await shown()).uses).toEqual(uses);
    delete holds["stt"];
    releaseSecond();
    expect(await second.ended, second.output()).toBe(0);
    const { runs, results, completed, batch } = await shown();
    expect(JSON.stringify(results)).not.toContain(OTHER_TEXT);
    expect(completed).toHaveLength(FILES.length);
    expect(batch).toMatchObject({ status: "completed" });
    expect(runs.map(({ outcome }) => outcome)).toEqual(["lost", "completed"]);
  });
});
