import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Store } from "@cofi/event-log/store";
import { DIALECTS, freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";

const LEASE_MS = 600_000;
const HOUR_MS = 3_600_000;
/** How far apart two clocks, or two statements, may be on a busy machine. */
const APART_MS = 300_000;

describe.each(DIALECTS)("a batch that is marked as running, on %s", (dialect) => {
  let fresh: FreshDatabase;
  let store: Store;
  let id: number;
  beforeEach(async () => {
    fresh = await freshDatabase(dialect);
    store = new Store(fresh.database);
    ({ id } = await store.createBatch({ name: "night", folder: null }));
    await store.updateBatch(id, { status: "running", startedAt: new Date(Date.now() - 3 * HOUR_MS) });
  });
  afterEach(() => fresh.close());

  /** By the database's clock, as its times. */
  const ago = (ms: number) => fresh.database.dialect.fromNow(-ms);
  const silence = async () => (await store.batch(id))?.silence;
  const since = async (): Promise<number> => Date.now() - Date.parse((await silence())?.since ?? "");

  async function event(msAgo: number): Promise<void> {
    await sql`INSERT INTO batchExecutionLog (batchId, stage, eventType, timestamp)
      VALUES (${id}, 'stt', 'stage_start', ${ago(msAgo)})`.execute(fresh.database.kysely);
  }

  async function beginRun(configuration: object = { pipeline: { leaseMs: LEASE_MS } }): Promise<void> {
    const facts = { owner: "here", leaseMs: LEASE_MS, version: "1", configuration: configuration as never };
    expect(await store.beginRun(id, facts)).not.toBeNull();
  }

  /** The process was killed so long ago: its lease was last renewed then. */
  async function killedAgo(ms: number): Promise<void> {
    await sql`UPDATE batchStatus SET leaseExpiresAt = ${ago(ms - LEASE_MS)} WHERE id = ${id}`.execute(
      fresh.database.kysely,
    );
  }

  test("is not silent while its lease lasts, however long it logs nothing", async () => {
    await beginRun();
    await event(3 * HOUR_MS);
    expect(await silence()).toBeUndefined();
  });

  test("is silent as soon as its lease has run out: since the last renewal", async () => {
    await beginRun();
    await event(3 * HOUR_MS);
    await killedAgo(LEASE_MS + 5_000);
    expect(await silence()).toMatchObject({ run: 1 });
    expect(Math.abs((await since()) - LEASE_MS - 5_000)).toBeLessThan(APART_MS);
    expect((await store.batches({ limit: 5, status: "running" })).batches[0]?.silence).toMatchObject({ run: 1 });
    expect((await store.currentBatch())?.silence).toMatchObject({ run: 1 });
  });

  test("is silent since its last event when that is newer, or when the lease's length is not recorded", async () => {
    await beginRun({ other: true });
    await event(2 * LEASE_MS);
    await killedAgo(10 * LEASE_MS);
    expect(Math.abs((await since()) - 2 * LEASE_MS)).toBeLessThan(APART_MS);
  });

  test("is not silent any more when somebody continues it, nor when it has ended", async () => {
    await beginRun();
    await killedAgo(2 * LEASE_MS);
    expect(await silence()).toBeDefined();
    const next = await store.beginRun(id, { owner: "there", leaseMs: LEASE_MS, version: "1", configuration: {} });
    expect(await silence()).toBeUndefined();
    await killedAgo(2 * LEASE_MS);
    await store.updateBatchOf(next!, { status: "failed", finishedAt: new Date() });
    expect(await silence()).toBeUndefined();
  });

  test("of a writer without a lease is silent half an hour after its last event, until the next one", async () => {
    await event(20 * 60_000);
    expect(await silence()).toBeUndefined();
    await sql`UPDATE batchExecutionLog SET timestamp = ${ago(45 * 60_000)}`.execute(fresh.database.kysely);
    expect(await silence()).toMatchObject({ run: null });
    expect(Math.abs((await since()) - 45 * 60_000)).toBeLessThan(APART_MS);
    await event(0);
    expect(await silence()).toBeUndefined();
  });

  test("of a writer that has never logged anything is silent since its start", async () => {
    expect(Math.abs((await since()) - 3 * HOUR_MS)).toBeLessThan(APART_MS);
  });

  test("or is not, but has old events, is silent as well; one that was only opened is not", async () => {
    await store.updateBatch(id, { status: "pending" });
    expect(await silence()).toBeUndefined();
    await event(3 * HOUR_MS);
    expect(await silence()).toMatchObject({ run: null });
  });
});
