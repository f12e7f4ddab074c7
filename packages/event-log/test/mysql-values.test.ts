/** Values on their way to a server and back: bound, typed, and in no error. */
import { inspect } from "node:util";
import { sql } from "kysely";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DatabaseError } from "@cofi/event-log/database";
import { Store } from "@cofi/event-log/store";
import { freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";

let fresh: FreshDatabase;
let store: Store;
beforeEach(async () => {
  fresh = await freshDatabase("mysql");
  store = new Store(fresh.database);
});
afterEach(() => fresh.close());

const SECRET = "client 4711 buys \uD83D\uDE00";

test("an error of the server holds no value of the statement, neither in its message nor in a property", async () => {
  const { id } = await store.createBatch({ name: "night", folder: null });
  const db = fresh.database.kysely;
  const row = { batchId: id, stage: "stt", eventType: "info" } as const;
  const failing = [
    () =>
      db
        .insertInto("batchExecutionLog")
        .values([
          { ...row, eventId: "4711" },
          { ...row, eventId: "4711" },
        ])
        .execute(),
    () =>
      db
        .insertInto("batchExecutionLog")
        .values({ ...row, timestamp: SECRET })
        .execute(),
    () =>
      db
        .insertInto("batchExecutionLog")
        .values({ ...row, metadata: SECRET })
        .execute(),
    () =>
      db
        .insertInto("batchExecutionLog")
        .values({ ...row, eventId: SECRET })
        .execute(),
    () => sql`SELECT * FROM batchStatus WHERE nothing = ${SECRET}`.execute(db),
    () => sql`SELECT ${SECRET} ${SECRET} FROM`.execute(db),
    () => sql`SELECT CAST(${SECRET} AS DATE) + 9223372036854775807 * 4711`.execute(db),
    () => sql`SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = ${sql.lit(SECRET)}`.execute(db),
  ];
  for (const fail of failing) {
    const error: unknown = await fail().then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error, String(fail)).toBeInstanceOf(DatabaseError);
    expect(inspect(error, { depth: null, showHidden: true })).not.toMatch(/4711(?!.*mysql-values)|client/);
    expect((error as Error).message).toMatch(/^(INSERT batchExecutionLog|SELECT( batchStatus)?|SIGNAL): /);
  }
});

test("text, times, numbers and JSON have the same types with and without parameters", async () => {
  const { id } = await store.createBatch({ name: SECRET, folder: null });
  const row = {
    batchId: id,
    stage: "stt",
    timestamp: "2026-11-25 10:00:00.000",
    metadata: '{"a": [1, "é"]}',
    durationMs: 7,
  };
  await fresh.insertForeign({ ...row, eventType: "info", payload: SECRET });
  const columns = sql`log.*, batchStatus.*, sum(durationMs) AS total, avg(durationMs) AS mean, count(*) AS events,
    max(timestamp) AS latest, 1.5e0 AS floating, 9007199254740993 AS large, batchId = 1 AS isOne`;
  const from = sql`FROM batchExecutionLog AS log JOIN batchStatus ON batchStatus.id = batchId`;
  const bare = await sql`SELECT ${columns} ${from} GROUP BY log.id`.execute(fresh.database.kysely);
  const bound = await sql`SELECT ${columns} ${from} WHERE batchId = ${id} GROUP BY log.id`.execute(
    fresh.database.kysely,
  );
  expect(bare.rows).toMatchObject([
    { timestamp: "2026-11-25 10:00:00.000", latest: "2026-11-25 10:00:00.000", total: "7" },
  ]);
  expect(bound.rows).toEqual(bare.rows);
});

test("whole numbers arrive as such, exactly, in LIMIT, IN and comparisons", async () => {
  const exact = 9_007_199_254_740_991;
  const { rows } = await sql<
    Record<string, unknown>
  >`SELECT CAST(${exact} AS CHAR) AS text, ${exact} = 9007199254740991 AS same,
    ${exact} IN (9007199254740990) AS other, ${-1} AS negative, ${0.5} * 2 AS half, ${null} AS nothing LIMIT ${1}`.execute(
    fresh.database.kysely,
  );
  expect(rows).toMatchObject([{ text: String(exact), same: 1, other: 0, negative: -1, half: 1, nothing: null }]);
});

test("lists of many lengths leave few prepared statements behind", async () => {
  const held = async (): Promise<number> => {
    const { rows } = await sql<{ Value: string }>`SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'`.execute(
      fresh.database.kysely,
    );
    return Number(rows[0]?.Value);
  };
  const before = await held();
  for (let length = 1; length <= 300; length++) await store.eventsByIds(Array.from({ length }, (_, n) => n + 1));
  expect((await held()) - before).toBeLessThan(100);
});

test("a connection that the server has ended is replaced by one with its session set", async () => {
  const db = fresh.database.kysely;
  const { rows } = await sql<{ id: number }>`SELECT CONNECTION_ID() AS id`.execute(db);
  await sql`KILL CONNECTION ${sql.lit(Number(rows[0]?.id))}`.execute(db).catch(() => undefined);
  const read = () =>
    sql<Record<string, unknown>>`SELECT CONNECTION_ID() AS id, @@autocommit AS autocommit, @@time_zone AS zone,
      @@collation_connection AS collation, @@sql_mode LIKE '%ONLY_FULL_GROUP_BY%' AS other`.execute(db);
  await expect
    .poll(() =>
      read().then(
        ({ rows: [session] }) => session,
        () => null,
      ),
    )
    .toMatchObject({
      autocommit: 1,
      zone: "+00:00",
      collation: "utf8mb4_bin",
      other: 0,
    });
});

test("payload and response keep every byte, and metadata its numbers of 19 digits", async () => {
  const { id: batchId } = await store.createBatch({ name: "night", folder: null });
  const text = '{ "b":1.10,"a" :1234567890123456789, "b": 1e400 }';
  const metadata = '{"id":1234567890123456789,"least":-9223372036854775808}';
  const row = { batchId, stage: "stt", eventType: "info", payload: text, response: text, metadata };
  const event = await store.event(await fresh.insertForeign(row));
  expect(event).toMatchObject({ payload: text, response: text });
  // MySQL writes a space after each colon and comma.
  expect(event?.metadataText?.replaceAll(" ", "")).toBe(metadata);
});
