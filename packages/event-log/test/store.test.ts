import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { sql } from "kysely";
import { CHANGED } from "@cofi/event-log/event-metadata";
import { Results } from "@cofi/evidence/results";
import { RunSupersededError, Store } from "@cofi/event-log/store";
import { DIALECTS, freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";

const FACTS = { version: "1.0.0", configuration: { triage: { matchFrom: 70 } } };

describe.each(DIALECTS)("the store on %s", (dialect) => {
  let fresh: FreshDatabase;
  let store: Store;
  beforeEach(async () => {
    fresh = await freshDatabase(dialect);
    store = new Store(fresh.database);
  });
  afterEach(() => fresh.close());

  test("a batch that another service opens with defaults alone is a batch like any other", async () => {
    const insert =
      dialect === "mysql" ? sql`INSERT INTO batchStatus () VALUES ()` : sql`INSERT INTO batchStatus DEFAULT VALUES`;
    await insert.execute(fresh.database.kysely);
    const batch = await store.currentBatch();
    expect(batch).toMatchObject({ name: `Batch ${batch?.id}`, status: "pending", totalFiles: null, startedAt: null });
    expect(Math.abs(Date.parse(batch?.createdAt ?? "") - Date.now())).toBeLessThan(60_000);
  });

  test("an event that another service inserts with few columns reads back in full", async () => {
    const batch = await store.createBatch({ name: "night", folder: null });
    const payload = '{"text":"é"}';
    const id = await fresh.insertForeign({
      batchId: batch.id,
      stage: "stt",
      eventType: "file_start",
      fileName: "a.wav",
      payload,
    });
    const event = await store.event(id);
    expect(event).toMatchObject({
      id,
      batchId: batch.id,
      fileName: "a.wav",
      payload,
      payloadBytes: 13,
      status: null,
      metadata: null,
    });
    expect(event?.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(Math.abs(Date.parse(event?.timestamp ?? "") - Date.now())).toBeLessThan(60_000);
    expect(await store.maxEventId()).toBe(id);
  });

  test("keeps a megabyte of payload, which TEXT would have cut at 64 KB", async () => {
    const batch = await store.createBatch({ name: "night", folder: null });
    const payload = JSON.stringify({ text: "x".repeat(1_000_000) });
    const id = await fresh.insertForeign({ batchId: batch.id, stage: "stt", eventType: "info", payload });
    expect((await store.event(id))?.payload).toBe(payload);
  });

  test("refuses an event type that the contract does not know, and an event of no batch", async () => {
    const batch = await store.createBatch({ name: "night", folder: null });
    await expect(fresh.insertForeign({ batchId: batch.id, stage: "stt", eventType: "done" })).rejects.toThrow();
    await expect(fresh.insertForeign({ batchId: 4711, stage: "stt", eventType: "info" })).rejects.toThrow();
  });

  test("refuses numbers that the columns of the contract cannot hold", async () => {
    const batch = await store.createBatch({ name: "night", folder: null });
    for (const column of ["totalFiles", "processedFiles", "attempt", "durationMs"])
      for (const value of ["9007199254740993", "3000000000", "'many'"]) {
        const row = sql`INSERT INTO batchExecutionLog (batchId, stage, eventType, ${sql.ref(column)}) VALUES (${batch.id}, 'stt', 'info', ${sql.raw(value)})`;
        await expect(row.execute(fresh.database.kysely), `${column} ${value}`).rejects.toThrow();
      }
    expect((await store.events(batch.id, { limit: 10 })).events).toEqual([]);
  });

  test("times in the forms of other writers are UTC, and what is no time hides no row", async () => {
    const batch = await store.createBatch({ name: "night", folder: null });
    const written =
      dialect === "mysql"
        ? { "2026-11-23 02:15:00.5": "02:15:00.500", "2026-11-23 02:15": "02:15:00.000" }
        : {
            "2026-11-23 02:15:00.5": "02:15:00.500",
            "2026-11-23 02:15": "02:15:00.000",
            "2026-11-23T02:15:00Z": "02:15:00.000",
            "2026-11-23T03:15:00+01:00": "02:15:00.000",
            "2026-99-99 02:15:00": null,
            yesterday: null,
          };
    for (const [timestamp, expected] of Object.entries(written)) {
      const id = await fresh.insertForeign({ batchId: batch.id, stage: "stt", eventType: "info", timestamp });
      const time = expected === null ? "1970-01-01T00:00:00.000Z" : `2026-11-23T${expected}Z`;
      expect((await store.event(id))?.timestamp, timestamp).toBe(time);
    }
  });

  test("lists events newest first, filtered, page by page", async () => {
    const batch = await store.createBatch({ name: "night", folder: null });
    const other = await store.createBatch({ name: "other", folder: null });
    for (let n = 1; n <= 5; n++) {
      await fresh.insertForeign({ batchId: batch.id, stage: "stt", eventType: "file_complete", fileName: `${n}.wav` });
      await fresh.insertForeign({ batchId: other.id, stage: "stt", eventType: "info" });
    }
    await fresh.insertForeign({
      batchId: batch.id,
      stage: "lid",
      eventType: "error",
      fileName: "1.wav",
      status: "failed",
    });
    const pages: (string | null)[][] = [];
    let before: number | undefined;
    do {
      const page = await store.events(batch.id, { stage: "stt", limit: 2, before });
      pages.push(page.events.map(({ fileName }) => fileName));
      before = page.nextCursor === null ? undefined : Number(page.nextCursor);
    } while (before !== undefined);
    expect(pages).toEqual([["5.wav", "4.wav"], ["3.wav", "2.wav"], ["1.wav"]]);
    expect((await store.events(batch.id, { fileName: "1.wav", limit: 10 })).events).toHaveLength(2);
    expect((await store.events(batch.id, { status: "failed", limit: 10 })).events).toHaveLength(1);
    expect((await store.events(batch.id, { eventType: "error", stage: "stt", limit: 10 })).events).toEqual([]);
  });

  test("compares names by their bytes", async () => {
    const batch = await store.createBatch({ name: "night", folder: null });
    for (const fileName of ["A.wav", "a.wav", "à.wav"])
      await fresh.insertForeign({
        batchId: batch.id,
        stage: "stt",
        eventType: "file_complete",
        fileName,
        response: "1",
      });
    expect((await store.events(batch.id, { fileName: "a.wav", limit: 10 })).events).toHaveLength(1);
    expect((await store.completedFiles(batch.id, "stt")).size).toBe(3);
  });

  test("the checkpoint holds the files whose latest word is a success, with their response", async () => {
    const batch = await store.createBatch({ name: "night", folder: null });
    const add = (fileName: string, eventType: string, response: string | null = null, status: string | null = null) =>
      fresh.insertForeign({ batchId: batch.id, stage: "stt", eventType, fileName, response, status });
    await add("done", "file_start");
    await add("done", "file_complete", '{"n":1}', "success");
    await add("retried", "error", null, "failed");
    await add("retried", "file_complete", '{"n":2}');
    await add("broken later", "file_complete", '{"n":3}');
    await add("broken later", "error", null, "failed");
    await add("started again", "file_complete", '{"n":4}');
    await add("started again", "file_start");
    await add("no json", "file_complete", "{");
    await add("failed", "file_complete", '{"n":5}', "failed");
    const completed = await store.completedFiles(batch.id, "stt");
    // Whether a response is JSON is known when it is read.
    expect([...completed.keys()]).toEqual(["done", "no json", "retried"]);
    const answers = await store.answers(batch.id, "stt", ["done", "no json", "retried", "failed", "started again"]);
    expect([...answers].toSorted()).toEqual([
      ["done", { eventId: completed.get("done"), response: { n: 1 } }],
      ["retried", { eventId: completed.get("retried"), response: { n: 2 } }],
    ]);
    expect((await store.completedFiles(batch.id, "lid")).size).toBe(0);
    expect((await store.answers(batch.id, "stt", [])).size).toBe(0);
  });

  test("a recording changed where file_distribution says so last, in an event that is not history", async () => {
    const batch = await store.createBatch({ name: "night", folder: null });
    const say = (fileName: string, row: Record<string, string | number | null> = {}) =>
      fresh.insertForeign({
        batchId: batch.id,
        stage: "file_distribution",
        eventType: "info",
        fileName,
        metadata: JSON.stringify(CHANGED),
        ...row,
      });
    await say("twice.wav", { run: 1 });
    await say("refused.wav", { run: 1, metadata: '{"skipped":"it has no row"}' });
    await say("trade", { run: 1, stage: "triaging" });
    await say("done.wav", { run: 1, eventType: "file_complete" });
    const last = await say("twice.wav", { run: 2 });
    await say("late.wav", { run: 1 });
    expect([...(await store.changes(batch.id))]).toEqual([["twice.wav", last]]);
  });

  test("a lease lasts by the database's clock: a host whose clock is an hour off neither loses nor takes it", async () => {
    const { id } = await store.createBatch({ name: "night", folder: null });
    const at = async (hours: number, owner: string): Promise<boolean> => {
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + hours * 3_600_000 });
      try {
        return (await store.beginRun(id, { owner, leaseMs: 60_000, ...FACTS })) !== null;
      } finally {
        vi.useRealTimers();
      }
    };
    expect(await at(-1, "slow")).toBe(true);
    expect(await at(0, "other")).toBe(false);
    expect(await at(1, "fast")).toBe(false);
    expect(await store.renewRun({ batchId: id, run: 1, owner: "slow" }, -1_000)).toBe(true);
    expect(await at(0, "other")).toBe(true);
  });

  test("runs: one at a time, with a number that grows; an older one may write nothing and the row says how each ended", async () => {
    const { id } = await store.createBatch({ name: "night", folder: null });
    const begin = (owner: string, leaseMs: number) => store.beginRun(id, { owner, leaseMs, ...FACTS });
    const one = await begin("one", 60_000);
    expect(one).toEqual({ batchId: id, run: 1, owner: "one" });
    expect(await begin("two", 60_000)).toBeNull();
    expect(await store.renewRun(one!, -1)).toBe(true);
    const two = await begin("two", 60_000);
    expect(two?.run).toBe(2);
    expect(await store.renewRun(one!, 60_000)).toBe(false);
    await expect(store.updateBatchOf(one!, { status: "completed" })).rejects.toThrow(RunSupersededError);
    await store.updateBatchOf(two!, { status: "running" });
    await store.endRun(one!, "completed");
    await store.endRun(two!, "failed");
    expect((await store.batch(id))?.status).toBe("running");
    const runs = await store.runs(id);
    expect(runs.map(({ run, owner, outcome, version }) => [run, owner, outcome, version])).toEqual([
      [1, "one", "lost", "1.0.0"],
      [2, "two", "failed", "1.0.0"],
    ]);
    expect(runs.every(({ startedAt, endedAt }) => endedAt !== null && startedAt <= endedAt)).toBe(true);
    const [first] = runs;
    expect(JSON.parse(first!.configuration)).toEqual({ triage: { matchFrom: 70 } });
    expect(first!.configurationSha256).toBe(createHash("sha256").update(first!.configuration).digest("hex"));
    expect(await begin("three", 1_000)).toMatchObject({ run: 3 });
    expect(await store.beginRun(id + 1, { owner: "none", leaseMs: 1, ...FACTS })).toBeNull();
  });

  test("leases: by batch its newest run, and whether that is alive", async () => {
    const [never, held, ended, lapsed] = await Promise.all(
      ["never", "held", "ended", "lapsed"].map((name) => store.createBatch({ name, folder: null })),
    );
    const begin = (batch: typeof held) => store.beginRun(batch!.id, { owner: batch!.name, leaseMs: 60_000, ...FACTS });
    await begin(held);
    await store.endRun((await begin(ended))!, "completed");
    await store.renewRun((await begin(lapsed))!, -1_000);
    const ids = [never, held, ended, lapsed].map((batch) => batch!.id);
    const leases = await store.leases([...ids, Math.max(...ids) + 1]);
    expect(ids.map((id) => leases.get(id))).toEqual([
      { run: 0, isHeld: false },
      { run: 1, isHeld: true },
      { run: 1, isHeld: false },
      { run: 1, isHeld: false },
    ]);
    expect(leases.size).toBe(4);
    expect(await store.leases([])).toEqual(new Map());
  });

  test("a run renews its lease and writes its row and its results at the same time, and none is refused", async () => {
    const { id } = await store.createBatch({ name: "night", folder: null });
    const run = (await store.beginRun(id, { owner: "a run", leaseMs: 60_000, ...FACTS }))!;
    const results = new Results(fresh.database);
    const fifty = async (work: (n: number) => Promise<unknown>): Promise<void> => {
      for (let n = 0; n < 50; n++) await work(n);
    };
    await Promise.all([
      fifty(() => store.renewRun(run, 60_000)),
      fifty((n) => store.updateBatchOf(run, { totalFiles: n })),
      fifty(() => results.saveVerdicts(run, [])),
      fifty(() => results.saveVerdicts(run, [])),
    ]);
    expect(await store.batch(id)).toMatchObject({ totalFiles: 49 });
  });

  test("batches: newest first, by page, by folder; patched", async () => {
    const ids: number[] = [];
    for (const name of ["a", "b", "c"]) ids.push((await store.createBatch({ name, folder: `/in/${name}` })).id);
    const first = await store.batches({ limit: 2 });
    expect(first.batches.map(({ name }) => name)).toEqual(["c", "b"]);
    const second = await store.batches({ limit: 2, before: Number(first.nextCursor) });
    expect(second).toMatchObject({ batches: [{ name: "a" }], nextCursor: null });
    expect((await store.latestBatchOfFolder("/in/b"))?.id).toBe(ids[1]);
    expect(await store.latestBatchOfFolder("/elsewhere")).toBeNull();

    const [id = 0] = ids;
    const startedAt = new Date("2026-11-20T18:00:00.123Z");
    await store.updateBatch(id, { status: "running", currentStage: "stt", totalFiles: 3, startedAt });
    expect(await store.batch(id)).toMatchObject({
      status: "running",
      currentStage: "stt",
      totalFiles: 3,
      startedAt: "2026-11-20T18:00:00.123Z",
      finishedAt: null,
    });
  });
});
