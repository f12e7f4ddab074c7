/**
 * The database under a running dashboard is created again, restored to an older state, emptied or exchanged for another.
 * Afterwards every answer is that of a dashboard which was started after it.
 */
import { rm, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openDatabase, type Database } from "@cofi/event-log/database";
import { migrate } from "@cofi/event-log/migrate";
import { Store } from "@cofi/event-log/store";
import { Feed, get, run, startDashboard, until, type Running } from "./dashboard-support.js";

let it: Running;
let feeds: Feed[] = [];
let asking: { stop: () => Promise<void> } | undefined;
afterEach(async () => {
  await asking?.stop();
  asking = undefined;
  for (const feed of feeds.splice(0)) feed.close();
  await it.close();
});

/** Two batches, the first of which ended long ago, so that what is known of it is kept for good. */
async function fill(database: Database, name: string): Promise<void> {
  const times = { createdAt: "2026-11-01 01:00:00.000", startedAt: "2026-11-01 01:00:00.000" };
  const ended = { finishedAt: "2026-11-01 02:00:00.000", status: "completed_with_errors" } as const;
  const { kysely } = database;
  await kysely
    .insertInto("batchStatus")
    .values({ id: 1, name, ...times, ...ended })
    .execute();
  await kysely
    .insertInto("batchStatus")
    .values({ id: 2, name: `${name} 2`, ...times, status: "running" })
    .execute();
  await add(database, name, 1);
  await add(database, name, 2);
}

/** As many events for each name. */
async function add(database: Database, name: string, batchId: number): Promise<void> {
  for (const stage of ["stt", "llm1"]) {
    const event = (at: number, eventType: string, fileName: string | null, status: string | null, error?: string) =>
      sql`(${batchId}, ${`2026-11-01 01:${String(10 + at)}:00.000`}, ${stage}, ${eventType}, ${fileName}, ${status}, ${error ?? null}, '10.0.0.7', 4, 60000)`;
    const rows = [
      event(0, "stage_start", null, "processing"),
      ...[1, 2].flatMap((n) => [
        event(n, "file_start", `${name}-${n}.wav`, "processing"),
        event(n + 1, "file_complete", `${name}-${n}.wav`, "success"),
      ]),
      event(3, "file_start", `${name}-3.wav`, "processing"),
      event(4, "error", `${name}-3.wav`, "failed", `no memory on ${name}`),
      event(5, "stage_complete", null, "success"),
    ];
    await sql`INSERT INTO batchExecutionLog
      (batchId, timestamp, stage, eventType, fileName, status, errorMessage, gpuIp, totalFiles, durationMs)
      VALUES ${sql.join(rows)}`.execute(database.kysely);
  }
}

/** Everything that the API says of the two batches, but for the time of the answer. */
async function answers(url: string, name: string): Promise<Record<string, unknown>> {
  const cause = `cause=${encodeURIComponent(`no memory on ${name}`)}`;
  const ofBatch = ["", "/stats", "/overview", "/files", "/snapshot", "/hosts", "/errors", "/timeline", "/metrics"];
  const more = ["/reconciliation", "/findings", "/runs", "/logs", `/snapshot?${cause}`, `/hosts?${cause}`];
  const exports = ["/export/files?format=ndjson&everything=1", "/export/events?format=ndjson"];
  const paths = ["/api/current-batch", "/api/batches", "/api/trends", "/api/events/1"];
  for (const path of [...ofBatch, ...more, ...exports]) for (const id of [1, 2]) paths.push(`/api/batch/${id}${path}`);
  const said: Record<string, unknown> = {};
  for (const path of paths) {
    const text = await (await fetch(url + path)).text();
    said[path] = text.replaceAll(/"(asOf|durationMs|forMs|audioHoursPerHour|perMinute)":("[^"]*"|[\d.]+)/g, '"$1":0');
  }
  return said;
}

async function watch(dialect: "sqlite" | "mysql"): Promise<void> {
  it = await run(dialect);
  await fill(it.fresh.database, "before");
  feeds = [new Feed(`${it.url}/api/stream`), new Feed(`${it.url}/api/stream?batch=1`)];
  for (const feed of feeds) await feed.ready();
  await answers(it.url, "before");
  // Viewers ask without a pause.
  asking = askOnAndOn();
  expect((await get<{ migrations: string }>(`${it.url}/api/health`)).body.migrations).toBe("current");
}

function askOnAndOn(): { stop: () => Promise<void> } {
  const stopping = new AbortController();
  const loop = (async () => {
    while (!stopping.signal.aborted) await (await fetch(`${it.url}/api/batch/1/hosts`)).text();
  })();
  return {
    async stop() {
      stopping.abort();
      await loop;
    },
  };
}

/** Expects that the dashboard has noticed, says so, and knows nothing of what was before. */
async function expectReadAnew(name: string): Promise<void> {
  // A snapshot shows the new log; the name of the batch may be written after it.
  const isShown = ({ snapshots, frames }: Feed): boolean =>
    snapshots.length > 1 &&
    [snapshots.at(-1)?.batch, frames.at(-1)?.batch].some((batch) => batch?.name.startsWith(name));
  await until(() => feeds.every(isShown), "the new log on every page");
  const health = await get<{ detail: string; tail: { replacedAt: string | null } }>(`${it.url}/api/health`);
  expect([health.status, health.body.detail]).toEqual([200, expect.stringMatching(/read anew/)]);
  expect(Date.parse(health.body.tail.replacedAt ?? "")).toBeGreaterThan(0);
  const said = await answers(it.url, name);
  const database = await openDatabase(it.fresh.url);
  const another = await startDashboard(new Store(database));
  try {
    expect(said).toEqual(await answers(another.url, name));
  } finally {
    await another.dashboard.close();
    await database.close();
  }
}

async function open(url: string): Promise<Database> {
  const database = await openDatabase(url);
  await migrate(database);
  return database;
}

/** Empties the log, and writes another one with the ids of the first. */
async function restore(database: Database, keep: number): Promise<void> {
  await sql`DELETE FROM batchExecutionLog WHERE id > ${keep}`.execute(database.kysely);
  const next = keep + 1;
  await (
    database.dialect.name === "mysql"
      ? sql`ALTER TABLE batchExecutionLog AUTO_INCREMENT = ${sql.lit(next)}`
      : sql`UPDATE sqlite_sequence SET seq = ${keep} WHERE name = 'batchExecutionLog'`
  ).execute(database.kysely);
  await sql`UPDATE batchStatus SET name = CONCAT('restored ', id)`.execute(database.kysely);
}

describe.each(["sqlite", "mysql"] as const)("a database that is not the same any more, on %s", (dialect) => {
  beforeEach(() => watch(dialect));

  test("it is restored to an older state", async () => {
    await restore(it.fresh.database, 10);
    await expectReadAnew("restored");
  });

  test("it is restored to an older state, and written to before anybody looks", async () => {
    await it.fresh.database.kysely.transaction().execute(async (db) => {
      await sql`DELETE FROM batchExecutionLog WHERE id > 10`.execute(db);
      for (let id = 11; id <= 60; id++)
        await sql`INSERT INTO batchExecutionLog (id, batchId, stage, eventType, fileName)
          VALUES (${id}, ${1 + (id % 2)}, 'ivr', 'file_start', ${`after-${id}.wav`})`.execute(db);
      await sql`UPDATE batchStatus SET name = CONCAT('after ', id)`.execute(db);
    });
    await expectReadAnew("after");
  });

  test("its log is emptied", async () => {
    await restore(it.fresh.database, 0);
    await expectReadAnew("restored");
  });
});

test("the database of a server is dropped, created and migrated again", async () => {
  await watch("mysql");
  const name = new URL(it.fresh.url).pathname.slice(1);
  const other = await openDatabase(it.fresh.url);
  await sql`DROP DATABASE ${sql.ref(name)}`.execute(other.kysely);
  await until(async () => (await get(`${it.url}/api/health`)).status === 503, "health to say that it is gone");
  await sql`CREATE DATABASE ${sql.ref(name)} CHARACTER SET utf8mb4`.execute(other.kysely);
  await other.close();
  await until(
    async () => (await get<{ migrations: string }>(`${it.url}/api/health`)).body.migrations === "behind",
    "health to say that it is not migrated",
  );
  const again = await open(it.fresh.url);
  await fill(again, "after");
  await again.close();
  await expectReadAnew("after");
});

describe("an SQLite file is exchanged for another", () => {
  let path: string;
  let other: string;
  beforeEach(async () => {
    await watch("sqlite");
    path = it.fresh.url.slice("sqlite:".length);
    other = join(dirname(path), "other.sqlite");
  });
  /** Leaves nothing beside the file. */
  const finish = async (database: Database): Promise<void> => {
    await sql`PRAGMA wal_checkpoint(TRUNCATE)`.execute(database.kysely);
    await database.close();
  };
  const removeLeftovers = (): Promise<void[]> =>
    Promise.all(["-wal", "-shm"].map((end) => rm(path + end, { force: true })));

  test.each([true, false])(
    "by another database, what the old one leaves behind being removed: %s",
    async (isRemoved) => {
      const database = await open(`sqlite:${other}`);
      await fill(database, "after");
      await finish(database);
      if (isRemoved) await removeLeftovers();
      await rename(other, path);
      await expectReadAnew("after");
    },
  );

  test("by a copy of an older state of itself", async () => {
    await sql`VACUUM INTO ${other}`.execute(it.fresh.database.kysely);
    await add(it.fresh.database, "before", 2);
    await until(() => (feeds[0]?.ids.length ?? 0) >= 16, "the events after the copy");
    const copy = await openDatabase(`sqlite:${other}`);
    await restore(copy, 30);
    await finish(copy);
    await removeLeftovers();
    await rename(other, path);
    await expectReadAnew("restored");
  });

  test("by a copy of itself that has gone its own way, and further", async () => {
    await sql`VACUUM INTO ${other}`.execute(it.fresh.database.kysely);
    const copy = await openDatabase(`sqlite:${other}`);
    await restore(copy, 0);
    for (let n = 0; n < 3; n++) await add(copy, "after", 1 + (n % 2));
    await finish(copy);
    await removeLeftovers();
    await rename(other, path);
    await expectReadAnew("restored");
  });

  test("after it has been missing for a while, in which nobody makes an empty one", async () => {
    const database = await open(`sqlite:${other}`);
    await fill(database, "after");
    await finish(database);
    await removeLeftovers();
    await rm(path);
    await until(async () => (await get(`${it.url}/api/health`)).status === 503, "health to say that it is gone");
    await rename(other, path);
    await expectReadAnew("after");
  });
});
