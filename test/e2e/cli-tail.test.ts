/** `cofi tail` prints every event of a batch once, also those that are committed late, and ends after the last. */
import { createConnection, type Connection, type ResultSetHeader } from "mysql2/promise";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sql } from "kysely";
import { openDatabase, type Database } from "@cofi/event-log/database";
import { migrate } from "@cofi/event-log/migrate";
import { startCofi, type CofiProcess } from "../support/cofi.js";
import { emptyDatabase } from "../support/databases.js";
import { startServer, type TestServer } from "../support/server.js";

let server: TestServer;
let url: string;
let writer: Connection;
let other: Connection;
let tail: CofiProcess;

beforeEach(async () => {
  server = await startServer();
  url = await server.createDatabase();
  await migrated(url);
  [writer, other] = [await createConnection({ uri: url }), await createConnection({ uri: url })];
});
afterEach(async () => {
  await tail.stop();
  for (const connection of [writer, other]) connection.destroy();
  await server.stop();
});

async function migrated(at: string): Promise<void> {
  const database = await openDatabase(at);
  await migrate(database);
  await database.close();
}

async function createBatch(): Promise<number> {
  const [{ insertId }] = await writer.query<ResultSetHeader>("INSERT INTO batchStatus SET status = 'running'");
  return insertId;
}

async function write(connection: Connection, batchId: number, fileName: string): Promise<void> {
  await connection.query(
    "INSERT INTO batchExecutionLog SET batchId = ?, stage = 'stt', eventType = 'info', fileName = ?",
    [batchId, fileName],
  );
}

async function end(batchId: number): Promise<void> {
  await writer.query("UPDATE batchStatus SET status = 'completed', finishedAt = UTC_TIMESTAMP(3) WHERE id = ?", [
    batchId,
  ]);
}

const start = (env: Record<string, string> = {}): CofiProcess =>
  (tail = startCofi(["tail"], { COFI_DATABASE_URL: url, ...env }));

const files = (): string[] => [...tail.output().matchAll(/(\S+)\.wav/g)].map(([, name]) => name ?? "");

describe("cofi tail", () => {
  test("prints an event that is committed after later ones, once", async () => {
    const batchId = await createBatch();
    await write(writer, batchId, "first.wav");
    start();
    await tail.printed(/first\.wav/);
    await other.beginTransaction();
    await write(other, batchId, "late.wav");
    await write(writer, batchId, "early.wav");
    await tail.printed(/early\.wav/);
    await other.commit();
    await write(writer, batchId, "after.wav");
    await tail.printed(/after\.wav/);
    await tail.printed(/late\.wav/);
    await end(batchId);
    expect(await tail.ended).toBe(0);
    expect(files().toSorted()).toEqual(["after", "early", "first", "late"]);
    expect(tail.output()).toMatch(/Batch 1 is completed\.\n$/);
  });

  test("prints an event whose transaction was open when it began", async () => {
    const batchId = await createBatch();
    await other.beginTransaction();
    await write(other, batchId, "late.wav");
    await write(writer, batchId, "early.wav");
    start();
    await tail.printed(/early\.wav/);
    await other.commit();
    await end(batchId);
    expect(await tail.ended).toBe(0);
    expect(files()).toEqual(["early", "late"]);
  });

  test("prints the events that follow the end of the batch, as of a service that marks it as over first", async () => {
    const batchId = await createBatch();
    start();
    await tail.printed(/Batch 1/);
    await end(batchId);
    await write(writer, batchId, "last.wav");
    expect(await tail.ended).toBe(0);
    expect(files()).toEqual(["last"]);
  });

  test("prints a batch that is over, without waiting for ids that never came", async () => {
    const batchId = await createBatch();
    await write(writer, batchId, "first.wav");
    await other.beginTransaction();
    await write(other, batchId, "never.wav");
    await other.rollback();
    await write(writer, batchId, "last.wav");
    await writer.query("UPDATE batchStatus SET status = 'failed'");
    start({ COFI_LONGEST_TRANSACTION_S: "86400" });
    expect(await tail.ended).toBe(0);
    expect(tail.output()).toMatch(/first\.wav\n.*last\.wav\nBatch 1 is failed\.\n$/);
  });

  test("goes on after the database was away", async () => {
    const batchId = await createBatch();
    await write(writer, batchId, "before.wav");
    start();
    await tail.printed(/before\.wav/);
    await server.kill();
    await tail.printed(/The database is lost: /);
    await server.restart();
    writer = await createConnection({ uri: url });
    await write(writer, batchId, "after.wav");
    await tail.printed(/after\.wav/);
    expect(tail.output()).toMatch(/The database is back\./);
    await end(batchId);
    expect(await tail.ended).toBe(0);
    expect(files()).toEqual(["before", "after"]);
  });

  test("ends when the database is created again, and says so", async () => {
    await write(writer, await createBatch(), "before.wav");
    start();
    await tail.printed(/before\.wav/);
    const name = new URL(url).pathname.slice(1);
    await writer.query(`DROP DATABASE ${name}`);
    await writer.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4`);
    await migrated(url);
    expect([await tail.ended, tail.output()]).toEqual([
      1,
      expect.stringMatching(/another one than before.*cofi tail/s),
    ]);
  });
});

test("on SQLite it prints what comes and ends with the batch", async () => {
  const { url: file, drop } = await emptyDatabase("sqlite");
  const database: Database = await openDatabase(file);
  try {
    await migrate(database);
    await sql`INSERT INTO batchStatus (status) VALUES ('running')`.execute(database.kysely);
    start({ COFI_DATABASE_URL: file });
    await tail.printed(/Batch 1/);
    for (const name of ["a.wav", "b.wav"])
      await sql`INSERT INTO batchExecutionLog (batchId, stage, eventType, fileName) VALUES (1, 'stt', 'info', ${name})`.execute(
        database.kysely,
      );
    await tail.printed(/b\.wav/);
    await sql`UPDATE batchStatus SET status = 'failed'`.execute(database.kysely);
    expect(await tail.ended).toBe(0);
    expect(files()).toEqual(["a", "b"]);
  } finally {
    await database.close();
    await drop();
  }
});
