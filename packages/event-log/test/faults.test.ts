/** What databases, disks and networks do to the path from the log call to the stored row. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { sql, type Kysely } from "kysely";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { isUnavailable, openDatabase, type Database } from "@cofi/event-log/database";
import { EventLogger } from "@cofi/event-log/event-logger";
import { migrate } from "@cofi/event-log/migrate";
import { Store } from "@cofi/event-log/store";
import type { Tables } from "@cofi/event-log/tables";
import { startServer, type TestServer } from "../../../test/support/server.js";
import { stallingProxy } from "../../../test/support/stalling-proxy.js";
import { storedEvent } from "./stored-event.js";

let folder: string;
let server: TestServer;
let url: string;
let direct: Database;
let store: Store;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cofi-faults-"));
  url = await server.createDatabase();
  direct = await openDatabase(url);
  await migrate(direct);
  store = new Store(direct);
});
afterEach(async () => {
  await direct.close();
  await rm(folder, { recursive: true, force: true });
});

async function names(batchId: number): Promise<(string | null)[]> {
  const { events } = await store.events(batchId, { limit: 5_000 });
  return events.map(({ fileName }) => fileName).toReversed();
}

test("connections that never answer again are replaced: shipping goes on, and close() does not wait for them", async () => {
  const proxy = await stallingProxy(server.port);
  const through = await openDatabase(url.replace(`:${server.port}/`, `:${proxy.port}/`), { queryTimeoutMs: 300 });
  try {
    const batch = await store.createBatch({ name: "night", folder: null });
    const problems: string[] = [];
    const logger = await EventLogger.open({
      batchId: batch.id,
      spoolDir: folder,
      store: new Store(through),
      onProblem: ({ message }) => problems.push(message),
    });
    await logger.fileComplete("stt", "before", { response: 1 });
    expect(await logger.drain(20_000)).toBe(true);

    proxy.forget();
    for (let n = 0; n < 100; n++) await logger.fileComplete("stt", `after-${n}`, { response: n });
    expect(await logger.drain(20_000)).toBe(true);
    expect(await names(batch.id)).toEqual(["before", ...Array.from({ length: 100 }, (_, n) => `after-${n}`)]);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/did not answer within 300 ms/);

    proxy.stall();
    await logger.fileComplete("stt", "late", { response: 1 });
    const closing = performance.now();
    expect(await logger.close(100)).toEqual({ unshipped: 1, lost: 0 });
    await through.close();
    expect(performance.now() - closing).toBeLessThan(10_000);
  } finally {
    proxy.close();
  }
});

test("queries on connections that never answer again fail, and do not use up the pool", async () => {
  const proxy = await stallingProxy(server.port);
  const through = await openDatabase(url.replace(`:${server.port}/`, `:${proxy.port}/`), {
    poolSize: 2,
    queryTimeoutMs: 300,
  });
  try {
    const blocked = new Store(through);
    await Promise.all([blocked.currentBatch(), blocked.currentBatch()]);
    proxy.forget();
    const first = await Promise.allSettled([blocked.currentBatch(), blocked.currentBatch(), blocked.maxEventId()]);
    expect(first.filter(({ status }) => status === "rejected").length).toBeGreaterThanOrEqual(2);
    expect(await blocked.currentBatch()).toBeNull();
  } finally {
    await through.close();
    proxy.close();
  }
});

test("a connection forgotten between two statements of a shipment leaves no locks on its events", async () => {
  const proxy = await stallingProxy(server.port);
  const through = await openDatabase(url.replace(`:${server.port}/`, `:${proxy.port}/`), { queryTimeoutMs: 1_500 });
  const retrying = await openDatabase(url, { queryTimeoutMs: 2_000 });
  try {
    const batch = await store.createBatch({ name: "night", folder: null });
    const events = Array.from({ length: 257 }, (_, n) => storedEvent({ batchId: batch.id, eventId: `event-${n}` }));
    const blocked = new Store(through);
    // The last event, in a statement of its own, waits for another session that has written it and not committed.
    const shipping = await direct.kysely.transaction().execute(async (transaction) => {
      await sql`INSERT INTO batchExecutionLog (batchId, stage, eventType, timestamp, eventId)
        VALUES (${batch.id}, 'stt', 'info', '2026-11-23 02:15:00.000', 'event-256')`.execute(transaction);
      const attempt = blocked.insertEvents(events).catch((error: Error) => error);
      await expect
        // The server renews this table when nobody has read it for 100 ms.
        .poll(
          async () => {
            const { rows } =
              await sql`SELECT 1 FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'`.execute(
                retrying.kysely,
              );
            return rows.length;
          },
          { interval: 150 },
        )
        .toBe(1);
      proxy.forget();
      return { attempt };
    });
    expect(await shipping.attempt).toMatchObject({ message: expect.stringMatching(/did not answer within 1500 ms/) });
    await new Store(retrying).insertEvents(events);
    expect((await store.events(batch.id, { limit: 1_000 })).events).toHaveLength(257);
  } finally {
    await Promise.all([through.close(), retrying.close()]);
    proxy.close();
  }
});

test("a client that is frozen in a transaction loses its session, and with it the locks that keep others waiting", async () => {
  const proxy = await stallingProxy(server.port);
  const through = await openDatabase(url.replace(`:${server.port}/`, `:${proxy.port}/`), { queryTimeoutMs: 1_000 });
  try {
    const { id } = await store.createBatch({ name: "night", folder: null });
    const rename = (db: Kysely<Tables>, name: string) =>
      db.updateTable("batchStatus").set({ name }).where("id", "=", id).execute();
    const frozen = through.transaction(async (db) => {
      await rename(db, "frozen");
      proxy.stall();
      await rename(direct.kysely, "other");
      proxy.resume();
      await rename(db, "awake");
    });
    await expect(frozen).rejects.toSatisfy(isUnavailable);
    expect((await store.batch(id))?.name).toBe("other");
  } finally {
    proxy.close();
    await through.close();
  }
});

test("connections that nobody uses are ended in good order, and those that the server has ended meanwhile are replaced unseen", async () => {
  const database = await openDatabase(url, { poolSize: 1, queryTimeoutMs: 1_000 });
  try {
    const current = async (): Promise<number> => {
      const { rows } = await sql<{ id: number }>`SELECT CONNECTION_ID() AS id`.execute(database.kysely);
      return Number(rows[0]?.id);
    };
    const isOpen = async (id: number): Promise<boolean> => {
      const { rows } = await sql`SELECT 1 FROM information_schema.processlist WHERE id = ${id}`.execute(direct.kysely);
      return rows.length > 0;
    };
    const first = await current();
    await expect.poll(() => isOpen(first)).toBe(false);
    const second = await current();
    expect(second).not.toBe(first);
    // As when the process was stopped: the server's word that it has ended the session is not read yet.
    const until = performance.now() + 2_500;
    while (performance.now() < until);
    expect(await current()).not.toBe(second);
  } finally {
    await database.close();
  }
});

test("a server that takes small packets only gets small ones, and the event that can never fit holds up no other", async () => {
  await sql`SET GLOBAL max_allowed_packet = 1048576`.execute(direct.kysely);
  const database = await openDatabase(url);
  try {
    const batch = await store.createBatch({ name: "night", folder: null });
    const problems: { kind: string; message: string }[] = [];
    const logger = await EventLogger.open({
      batchId: batch.id,
      spoolDir: folder,
      store: new Store(database),
      onProblem: (problem) => problems.push(problem),
    });
    const logged: Promise<boolean>[] = [];
    // Three bytes a character: 30 events are 3.6 MB.
    for (let n = 0; n < 30; n++)
      logged.push(logger.fileComplete("stt", `hindi-${n}`, { response: "ख".repeat(40_000) }));
    logged.push(logger.info("stt", "big", { fileName: "metadata", metadata: { text: "x".repeat(700_000) } }));
    logged.push(logger.info("stt", "big", { fileName: "more metadata", metadata: { text: "x".repeat(700_000) } }));
    logged.push(logger.fileComplete("stt", "too big", { response: "x".repeat(2_000_000) }));
    logged.push(logger.fileComplete("stt", "after", { response: 1 }));
    await Promise.all(logged);
    expect(await logger.drain(20_000)).toBe(true);
    await logger.close();
    const expected = [...Array.from({ length: 30 }, (_, n) => `hindi-${n}`), "metadata", "more metadata", "after"];
    expect(await names(batch.id)).toEqual(expected);
    expect(problems.map(({ kind }) => kind)).toEqual(["rejected"]);
    expect(problems[0]?.message).toMatch(/max_allowed_packet/);
  } finally {
    await database.close();
    await sql`SET GLOBAL max_allowed_packet = DEFAULT`.execute(direct.kysely);
  }
});

test("on a full disk nothing throws and nothing spins; when there is room again, everything is stored", async () => {
  const batch = await store.createBatch({ name: "night", folder: null });
  const script = fileURLToPath(new URL("full-disk.mjs", import.meta.url));
  // Files of at most 100 KB: beyond it the system refuses the write, as a full disk does.
  const limited = 'trap "" XFSZ; ulimit -S -f 200; exec "$@"';
  const child = spawn("sh", ["-c", limited, "sh", process.execPath, script, url, String(batch.id), folder]);
  try {
    const lines: Record<string, unknown>[] = [];
    let errors = "";
    child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
    const exit = once(child, "exit");
    for await (const line of createInterface({ input: child.stdout })) {
      const said = JSON.parse(line) as Record<string, unknown>;
      lines.push(said);
      if ("drained" in said) spawnSync("prlimit", ["--pid", String(child.pid), "--fsize=unlimited"]);
    }
    expect([await exit, errors.replaceAll(/^.*Warning.*$/gm, "").trim()]).toEqual([[0, null], ""]);
    expect(lines).toEqual([
      { problem: "spool" },
      { drained: false, acknowledged: 0, beats: true },
      { acknowledged: 500, unshipped: 0, lost: 0 },
    ]);
    expect(await names(batch.id)).toEqual(Array.from({ length: 500 }, (_, n) => String(n)));
  } finally {
    child.kill("SIGKILL");
  }
});
