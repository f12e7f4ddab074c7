/** `prune` beside writers, other prunes and servers that fail: it takes as long as it takes, and counts what it removed. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sql } from "kysely";
import { createConnection } from "mysql2/promise";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import { prune, RetentionTakenOverError, type PruneOptions } from "@cofi/event-log/retention";
import { Store } from "@cofi/event-log/store";
import { DIALECTS, freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";
import { stallingProxy } from "../../../test/support/stalling-proxy.js";
import { storedEvent } from "./stored-event.js";

const DAY = 86_400_000;
const KEEP: PruneOptions = { keepPayloadsMs: 30 * DAY, keepEventsMs: 365 * DAY };
const WRITER = fileURLToPath(new URL("../../../test/faults/writer.mjs", import.meta.url));
const ago = (days: number): string =>
  new Date(Date.now() - days * DAY).toISOString().replace("T", " ").replace("Z", "");

let fresh: FreshDatabase;
let store: Store;

/** A batch that ended so many days ago. */
async function batchOf(days: number, events: number): Promise<number> {
  const { id } = await store.createBatch({ name: `${days} days`, folder: null });
  const values = { status: "completed" as const, createdAt: ago(days), finishedAt: ago(days) };
  await fresh.database.kysely.updateTable("batchStatus").set(values).where("id", "=", id).execute();
  await insert(id, days, events);
  return id;
}

async function insert(batchId: number, days: number, events: number): Promise<void> {
  const body = "x".repeat(1_000);
  for (let done = 0; done < events; done += 250)
    await store.insertEvents(
      Array.from({ length: Math.min(250, events - done) }, (_, n) =>
        storedEvent({
          batchId,
          timestamp: ago(days),
          eventId: `${batchId} ${days} ${done + n}`,
          payload: body,
          response: body,
        }),
      ),
    );
}

describe.each(DIALECTS)("on %s", (dialect) => {
  beforeEach(async () => {
    fresh = await freshDatabase(dialect);
    store = new Store(fresh.database);
  });
  afterEach(() => fresh.close());

  test("beside a writer of another process it removes what is due, and counts it", async () => {
    const spoolDir = await mkdtemp(join(tmpdir(), "cofi-prune-writer-"));
    const [ancient, old] = [await batchOf(400, 3_000), await batchOf(40, 3_000)];
    await batchOf(0, 1);
    const { id: current } = await store.createBatch({ name: "current", folder: null });
    const writer = spawn(process.execPath, [WRITER, fresh.url, spoolDir, String(current), "1000", "log"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      await once(writer.stdout, "data");
      const pruned = await prune(fresh.database, KEEP);
      expect(writer.exitCode).toBeNull();
      expect(pruned).toEqual([
        expect.objectContaining({ id: ancient, what: "events", events: 3_000, bytes: 6_000_000 }),
        expect.objectContaining({ id: old, what: "payloads", events: 3_000, bytes: 6_000_000 }),
      ]);
      expect(await prune(fresh.database, KEEP)).toEqual([]);
    } finally {
      writer.kill("SIGKILL");
      await once(writer, "close");
      await rm(spoolDir, { recursive: true, force: true });
    }
  });

  test("one process prunes a database at a time; another database of the server is another matter", async () => {
    await batchOf(400, 10);
    await batchOf(0, 1);
    const other = await freshDatabase(dialect);
    try {
      let inner: unknown;
      const elsewhere = async (): Promise<void> => {
        inner = [await prune(fresh.database, KEEP), await prune(other.database, KEEP)];
      };
      expect(await prune(fresh.database, { ...KEEP, elsewhere })).toHaveLength(1);
      expect(inner).toEqual([null, []]);
      expect(await prune(fresh.database, KEEP)).toEqual([]);
    } finally {
      await other.close();
    }
  });

  test("what is done beforehand is done under the right, and what it brings is removed with the rest", async () => {
    const id = await batchOf(400, 10);
    await batchOf(0, 1);
    let inner: unknown;
    const beforehand = async (): Promise<void> => {
      await insert(id, 399, 5);
      inner = await prune(fresh.database, {
        ...KEEP,
        beforehand: () => Promise.reject(new Error("without the right")),
      });
    };
    expect(await prune(fresh.database, { ...KEEP, beforehand })).toEqual([expect.objectContaining({ id, events: 15 })]);
    expect(inner).toBeNull();
  });

  test("one that was killed keeps others out until its right has run out", async () => {
    await batchOf(400, 10);
    await batchOf(0, 1);
    await sql`UPDATE retention SET owner = 'killed', expiresAt = ${ago(-1)}`.execute(fresh.database.kysely);
    expect(await prune(fresh.database, KEEP)).toBeNull();
    await sql`UPDATE retention SET expiresAt = ${ago(1 / 1_440)}`.execute(fresh.database.kysely);
    expect(await prune(fresh.database, KEEP)).toHaveLength(1);
  });

  test("the right is renewed while something that takes long is done elsewhere", async () => {
    await batchOf(400, 10);
    await batchOf(0, 1);
    const { kysely } = fresh.database;
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    try {
      const elsewhere = async (): Promise<void> => {
        // As after a minute.
        await sql`UPDATE retention SET expiresAt = ${ago(1 / 1_440)}`.execute(kysely);
        vi.advanceTimersByTime(60_000);
        const expiresAt = async (): Promise<string> =>
          (await kysely.selectFrom("retention").select("expiresAt").executeTakeFirstOrThrow()).expiresAt ?? "";
        await expect.poll(async () => (await expiresAt()) > ago(0), { interval: 10, timeout: 10_000 }).toBe(true);
        expect(await prune(fresh.database, KEEP)).toBeNull();
      };
      expect(await prune(fresh.database, { ...KEEP, elsewhere })).toHaveLength(1);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  test("one whose right was taken over while it was busy elsewhere says so, and leaves the rest to the other", async () => {
    await batchOf(400, 10);
    await batchOf(0, 1);
    const elsewhere = async (): Promise<void> => {
      await sql`UPDATE retention SET owner = 'another', expiresAt = ${ago(-1)}`.execute(fresh.database.kysely);
    };
    await expect(prune(fresh.database, { ...KEEP, elsewhere })).rejects.toThrow(RetentionTakenOverError);
    const { rows } = await sql`SELECT owner, tracesSince IS NULL AS isErased FROM retention`.execute(
      fresh.database.kysely,
    );
    expect(rows).toEqual([{ owner: "another", isErased: 0 }]);
  });

  test("what comes to a pruned batch goes at its own age; what a new run makes, too", async () => {
    const id = await batchOf(400, 10);
    await batchOf(0, 1);
    const payloadsOnly = { ...KEEP, keepEventsMs: null };
    expect(await prune(fresh.database, payloadsOnly)).toEqual([expect.objectContaining({ id, events: 10 })]);
    await insert(id, 300, 5);
    expect(await prune(fresh.database, payloadsOnly)).toEqual([expect.objectContaining({ id, events: 5 })]);
    await insert(id, 1, 3);
    expect(await prune(fresh.database, payloadsOnly)).toEqual([]);

    const run = await store.beginRun(id, { owner: "run 1", leaseMs: 60_000, version: "1", configuration: {} });
    await store.endRun(run!, "completed");
    const { rows } = await sql<{ payloadsRemovedAt: string | null }>`
      SELECT payloadsRemovedAt FROM batchStatus WHERE id = ${id}`.execute(fresh.database.kysely);
    expect(rows[0]?.payloadsRemovedAt).toBeNull();
  });

  test("a run that begins meanwhile has the batch to itself", async () => {
    const id = await batchOf(400, 2_000);
    await batchOf(0, 1);
    const begin = async (): Promise<void> => {
      await expect
        .poll(async () => (await store.events(id, { limit: 2_000 })).events.length, { interval: 1 })
        .toBeLessThan(2_000);
      expect(await store.beginRun(id, { owner: "a", leaseMs: 60_000, version: "1", configuration: {} })).not.toBeNull();
    };
    const [pruned] = await Promise.all([prune(fresh.database, KEEP), begin()]);
    const left = (await store.events(id, { limit: 2_000 })).events.length;
    expect(pruned).toEqual([expect.objectContaining({ id, events: 2_000 - left, unfinished: true })]);
    expect(left).toBeGreaterThan(0);
  });
});

describe("on a server", () => {
  beforeEach(async () => {
    fresh = await freshDatabase("mysql");
    store = new Store(fresh.database);
  });
  afterEach(() => fresh.close());

  test("answers that are lost after the commit are counted once", async () => {
    const ids = [await batchOf(400, 2_000), await batchOf(40, 2_000)];
    await batchOf(0, 1);
    const proxy = await stallingProxy(Number(new URL(fresh.url).port));
    const through = new URL(fresh.url);
    through.port = String(proxy.port);
    const database = await openDatabase(through.href, { poolSize: 1 });
    let timer: NodeJS.Timeout | undefined;
    const said: string[] = [];
    try {
      const done = prune(database, { ...KEEP, onWaiting: (message) => said.push(message) });
      // Only once it removes: one that cannot reach its database at the start says so and ends.
      const hasBegun = async (): Promise<boolean> =>
        (await fresh.database.kysely.selectFrom("retention").select("owner").executeTakeFirstOrThrow()).owner !== null;
      await expect.poll(hasBegun, { interval: 1 }).toBe(true);
      timer = setInterval(() => proxy.loseAnswers(), 30);
      await expect.poll(() => said.length).toBeGreaterThan(0);
      const healed = setTimeout(() => clearInterval(timer), 2_000);
      const pruned = await done;
      clearTimeout(healed);
      expect(pruned?.map(({ id, events, bytes }) => [id, events, bytes])).toEqual(
        ids.map((id) => [id, 2_000, 4_000_000]),
      );
    } finally {
      clearInterval(timer);
      await database.close();
      proxy.close();
    }
  });

  test("a lost answer to taking the right does not keep prune from itself", async () => {
    const id = await batchOf(400, 10);
    await batchOf(0, 1);
    const proxy = await stallingProxy(Number(new URL(fresh.url).port));
    const through = new URL(fresh.url);
    through.port = String(proxy.port);
    const database = await openDatabase(through.href, { poolSize: 1 });
    const other = await createConnection({ uri: fresh.url });
    try {
      await other.beginTransaction();
      await other.query("SELECT id FROM retention FOR UPDATE");
      const done = prune(database, KEEP);
      const asks = "SELECT ID FROM information_schema.PROCESSLIST WHERE INFO LIKE 'update `retention`%'";
      await expect.poll(async () => (await sql`${sql.raw(asks)}`.execute(fresh.database.kysely)).rows.length).toBe(1);
      proxy.loseAnswers();
      await other.commit();
      expect(await done).toEqual([expect.objectContaining({ id, events: 10 })]);
    } finally {
      await other.end();
      await database.close();
      proxy.close();
    }
  });

  test("rows that another session has locked are waited for", async () => {
    const id = await batchOf(400, 1_000);
    await batchOf(0, 1);
    const other = await createConnection({ uri: fresh.url });
    await other.beginTransaction();
    await other.query("SELECT id FROM batchExecutionLog WHERE batchId = ? LIMIT 1 FOR UPDATE", [id]);
    const database = await openDatabase(fresh.url, { queryTimeoutMs: 500 });
    let letting: Promise<void> | null = null;
    const onWaiting = (): void => void (letting ??= other.rollback());
    try {
      const pruned = await prune(database, { ...KEEP, onWaiting });
      expect(pruned).toEqual([expect.objectContaining({ id, events: 1_000 })]);
      expect(letting).not.toBeNull();
    } finally {
      await other.end();
      await database.close();
    }
  });
});
