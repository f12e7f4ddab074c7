import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDatabase, type Database } from "@cofi/event-log/database";
import { migrate } from "@cofi/event-log/migrate";
import { Store } from "@cofi/event-log/store";
import type { Dashboard } from "@cofi/dashboard/server";
import { generateBatch } from "../../../tools/generate-batch.mjs";
import { startServer, type TestServer } from "../../../test/support/server.js";
import { stallingProxy, type StallingProxy } from "../../../test/support/stalling-proxy.js";
import { Feed, get, problem, startDashboard, until } from "./dashboard-support.js";

let server: TestServer;
let database: Database;
let store: Store;
let dashboard: Dashboard;
let url: string;
let feed: Feed | undefined;

beforeEach(async () => {
  server = await startServer();
  database = await openDatabase(await server.createDatabase());
  await migrate(database);
  store = new Store(database);
  ({ dashboard, url } = await startDashboard(store));
});
afterEach(async () => {
  feed?.close();
  await dashboard.close();
  await database.close();
  await server.stop();
});

async function info(batchId: number): Promise<number> {
  const result =
    await sql`INSERT INTO batchExecutionLog (batchId, stage, eventType) VALUES (${batchId}, 'stt', 'info')`.execute(
      database.kysely,
    );
  return Number(result.insertId);
}

async function openThrough({ port }: StallingProxy): Promise<Database> {
  const name = (await sql<{ name: string }>`SELECT DATABASE() AS name`.execute(database.kysely)).rows[0]!.name;
  return openDatabase(server.url.replace(`:${server.port}/`, `:${port}/`) + name);
}

test("the database is killed and comes back: the page is notified of both, and no event is lost or doubled", async () => {
  const batch = await store.createBatch({ name: "night", folder: null });
  feed = await new Feed(`${url}/api/stream`).ready();
  const written = [await info(batch.id), await info(batch.id)];
  await until(() => feed?.ids.length === 2, "the events before");

  await server.kill();
  await until(() => feed?.states.at(-1)?.database === "unreachable", "the state frame of the loss");
  expect(feed.states.at(-1)?.detail).not.toMatch(/cofi_|127\.0\.0\.1|password/);
  for (const path of [
    "/api/current-batch",
    `/api/batch/${batch.id}/stats`,
    `/api/batch/${batch.id}/logs`,
    "/api/events/1",
  ]) {
    const lost = await problem(`${url}${path}`);
    expect([path, lost.status, lost.headers.get("retry-after")]).toEqual([path, 503, "2"]);
    expect(lost.detail).not.toMatch(/127\.0\.0\.1|ECONN/);
  }
  const health = await get(`${url}/api/health`);
  expect(health.status).toBe(503);
  expect(health.body).toMatchObject({ status: "unavailable", database: "unreachable" });

  // A page that connects now gets the view in memory, and is notified.
  const late = new Feed(`${url}/api/stream`);
  await late.ready();
  expect(late.snapshots[0]).toMatchObject({ batch: { id: batch.id }, head: written.at(-1) });
  expect(late.states[0]).toMatchObject({ database: "unreachable" });

  await server.restart();
  for (let n = 0; n < 10; n++) written.push(await info(batch.id));
  await until(() => feed?.states.at(-1)?.database === "ok", "the state frame of the return");
  await until(() => feed?.ids.length === 12 && late.ids.length === 10, "the events after");
  late.close();
  expect(feed.ids).toEqual(written);
  expect(feed.opened).toBe(1);
  expect((await get(`${url}/api/health`)).status).toBe(200);
});

test("a dashboard that starts while the database is away serves as soon as it is there", async () => {
  const batch = await store.createBatch({ name: "night", folder: null });
  const id = await info(batch.id);
  await dashboard.close();
  await server.kill();
  ({ dashboard, url } = await startDashboard(store));
  feed = new Feed(`${url}/api/stream?batch=${batch.id}`);
  const following = new Feed(`${url}/api/stream`);
  try {
    await until(() => following.states.length > 0, "the state");
    expect((await problem(`${url}/api/batches`)).status).toBe(503);
    await server.restart();
    await following.ready();
    expect(following.snapshots[0]).toMatchObject({ batch: { id: batch.id }, head: id });
  } finally {
    following.close();
  }
});

test("a database that hangs without closing anything counts as lost, and nothing is lost or doubled when it answers again", async () => {
  const batch = await store.createBatch({ name: "night", folder: null });
  const proxy = await stallingProxy(server.port);
  const through = await openThrough(proxy);
  const hanging = await startDashboard(new Store(through), {
    COFI_QUERY_TIMEOUT_MS: "200",
    COFI_REQUEST_TIMEOUT_MS: "500",
  });
  try {
    feed = await new Feed(`${hanging.url}/api/stream`).ready();
    const written = [await info(batch.id)];
    await until(() => feed?.ids.length === 1, "the event before");
    proxy.stall();
    for (let n = 0; n < 5; n++) written.push(await info(batch.id));
    await until(() => feed?.states.at(-1)?.database === "unreachable", "the state frame");
    expect((await problem(`${hanging.url}/api/events/1`)).status).toBe(503);
    expect((await get(`${hanging.url}/api/health`)).status).toBe(503);
    proxy.resume();
    await until(() => feed?.ids.length === written.length, "the events written meanwhile");
    expect(feed.ids).toEqual(written);
    await until(() => feed?.states.at(-1)?.database === "ok", "the state frame of the return");
  } finally {
    proxy.resume();
    await hanging.dashboard.close();
    await through.close();
    proxy.close();
  }
});

test("a request for a batch that is still being read gets its progress, and the advice to repeat it", async () => {
  const spoolDir = await mkdtemp(join(tmpdir(), "cofi-reading-"));
  const { batchId } = await generateBatch({ store, spoolDir, files: 300 });
  await rm(spoolDir, { recursive: true });
  // A database so far away that reading a batch takes longer than anybody waits for an answer.
  const proxy = await stallingProxy(server.port);
  const far = await openThrough(proxy);
  proxy.delay(120);
  const hasty = await startDashboard(new Store(far), { COFI_REQUEST_TIMEOUT_MS: "8000" });
  try {
    const path = `${hasty.url}/api/batch/${batchId}`;
    const answer = await problem(`${path}/hosts`);
    expect(answer).toMatchObject({ status: 503, type: "/problems/reading" });
    expect(answer.detail).toMatch(/being read, \d+ % so far/);
    expect(answer.headers.get("retry-after")).toBe("2");
    proxy.delay(0);
    await until(async () => (await fetch(`${path}/hosts`)).status === 200, "the batch to be read");
    expect((await get(`${path}/reading`)).body).toEqual({ share: null });
  } finally {
    await hasty.dashboard.close();
    await far.close();
    proxy.close();
  }
});

test("events that come while a batch is read anew after a late one reach its viewers, each once", async () => {
  const { id: batchId } = await store.createBatch({ name: "night", folder: null });
  const proxy = await stallingProxy(server.port);
  const through = await openThrough(proxy);
  const far = await startDashboard(new Store(through));
  const other = await openDatabase(
    server.url + (await sql<{ name: string }>`SELECT DATABASE() AS name`.execute(database.kysely)).rows[0]!.name,
  );
  const insert = async (db: Database["kysely"], fileName: string, eventType: string): Promise<number> =>
    Number(
      (
        await sql`INSERT INTO batchExecutionLog (batchId, stage, eventType, fileName)
          VALUES (${batchId}, 'stt', ${eventType}, ${fileName})`.execute(db)
      ).insertId,
    );
  try {
    feed = await new Feed(`${far.url}/api/stream?batch=${batchId}`).ready();
    const ids = [await insert(database.kysely, "first.wav", "file_start")];
    await until(() => feed?.ids.length === 1, "the first event");
    await other.kysely.transaction().execute(async (open) => {
      ids.push(await insert(open, "open.wav", "file_start"));
      await database.kysely.transaction().execute(async (late) => {
        ids.push(await insert(late, "late.wav", "file_start"));
        ids.push(await insert(other.kysely, "late.wav", "file_complete"));
        await until(() => feed?.ids.length === 2, "the event above the late one");
        proxy.delay(150);
      });
      // It comes after one that has said more of its file: the batch is read anew, which takes a while.
      await until(() => feed?.ids.length === 3, "the late event");
    });
    ids.push(await insert(database.kysely, "after.wav", "file_start"));
    await until(() => (feed?.ids.length ?? 0) >= 5, "the events that came meanwhile");
    expect(feed.ids.toSorted((a, b) => a - b)).toEqual(ids.toSorted((a, b) => a - b));
  } finally {
    proxy.delay(0);
    await far.dashboard.close();
    await through.close();
    await other.close();
    proxy.close();
  }
});
