/** What is read of a whole batch, of which there may be millions of rows. */
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import { Store } from "@cofi/event-log/store";
import { DIALECTS, freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";

describe.each(DIALECTS)("on %s", (dialect) => {
  let fresh: FreshDatabase;
  let store: Store;
  beforeEach(async () => {
    fresh = await freshDatabase(dialect);
    store = new Store(fresh.database);
  });
  afterEach(() => fresh.close());

  test("where each of a thousand runs begins in the log", async () => {
    const batch = await store.createBatch({ name: "night", folder: null });
    expect(await store.runStarts(batch.id)).toEqual([]);
    // Other writers may leave numbers out.
    const runs = [...Array.from({ length: 1_200 }, (_, n) => 3 * n), 2_147_483_646, 2_147_483_647];
    const rows = [...runs, ...runs.toReversed(), null].map((run) => sql`(${batch.id}, 'stt', 'info', ${run})`);
    await sql`INSERT INTO batchExecutionLog (batchId, stage, eventType, run) VALUES ${sql.join(rows)}`.execute(
      fresh.database.kysely,
    );
    const { rows: starts } = await sql`SELECT run, min(id) AS firstId FROM batchExecutionLog
      WHERE run IS NOT NULL GROUP BY run ORDER BY run`.execute(fresh.database.kysely);
    expect(starts).toHaveLength(1_202);
    expect(await store.runStarts(batch.id)).toEqual(starts);
  });

  test("a replay is the listed events, without texts and sizes that nobody needs", async () => {
    const batch = await store.createBatch({ name: "night", folder: null });
    const names = ["a.wav", 'quote " and \\.wav', "नमस्ते 😀.wav", "line\nbreak.wav", "tab\t.wav"];
    const times = ["2026-11-20 09:00:00.000", "2026-11-20 09:00:00.120", "2026-11-20 09:00:01.000"];
    for (const [n, fileName] of names.entries())
      await fresh.insertForeign({
        batchId: batch.id,
        stage: "stt",
        eventType: n % 2 ? "error" : "file_complete",
        fileName,
        timestamp: times[n % times.length]!,
        gpuIp: n % 2 ? null : "10.0.0.1",
        durationMs: n % 2 ? null : 2_147_483_647 - n,
        attempt: n,
        run: n % 2 ? n : null,
        errorMessage: n % 2 ? "No speech" : null,
        payload: "{}",
      });
    const { events } = await store.events(batch.id, { limit: 100, after: 0 });
    const replayed = await store.replay(batch.id, 0, 1e9, 100);
    expect(replayed).toEqual(
      events.map(({ history: _history, ...event }) => ({ ...event, payloadBytes: null, responseBytes: null })),
    );
    expect(await store.replay(batch.id, 0, 1e9, 2)).toEqual(replayed.slice(0, 2));
    expect(await store.replay(batch.id, replayed.at(-1)!.id, 1e9, 2)).toEqual([]);
  });
});

test("servers read a few rows where a few rows answer, however long the batch is", async () => {
  const fresh = await freshDatabase("mysql");
  // Servers count by connection.
  const database = await openDatabase(fresh.url, { poolSize: 1 });
  try {
    const store = new Store(database);
    const { id } = await store.createBatch({ name: "night", folder: null });
    const rows = Array.from({ length: 4_000 }, (_, n) => sql`(${id}, 'stt', 'info', ${1 + Math.floor(n / 1_000)})`);
    for (let from = 0; from < rows.length; from += 1_000)
      await sql`INSERT INTO batchExecutionLog (batchId, stage, eventType, run)
        VALUES ${sql.join(rows.slice(from, from + 1_000))}`.execute(database.kysely);
    const rowsRead = async (): Promise<number> => {
      const status = sql<{ Value: string }>`SHOW SESSION STATUS LIKE 'Handler_read_%'`;
      const counts = (await status.execute(database.kysely)).rows;
      return counts.reduce((sum, { Value }) => sum + Number(Value), 0);
    };
    const asked = {
      runs: async () => expect(await store.runStarts(id)).toHaveLength(4),
      batches: async () => expect((await store.batches({ limit: 10 })).batches).toHaveLength(1),
    };
    // Whoever asks for the count reads some rows of it too.
    const before = await rowsRead();
    const ofCounting = (await rowsRead()) - before;
    for (const [what, ask] of Object.entries(asked)) {
      const from = await rowsRead();
      await ask();
      expect((await rowsRead()) - from - ofCounting, what).toBeLessThan(100);
    }
  } finally {
    await database.close();
    await fresh.close();
  }
});

test("bytes that another writer has stored in the place of a name are read as text in a replay", async () => {
  const fresh = await freshDatabase("sqlite");
  try {
    const store = new Store(fresh.database);
    const batch = await store.createBatch({ name: "night", folder: null });
    await sql`INSERT INTO batchExecutionLog (batchId, stage, eventType, fileName)
      VALUES (${batch.id}, 'stt', 'info', CAST('bytes.wav' AS BLOB))`.execute(fresh.database.kysely);
    expect(await store.replay(batch.id, 0, 1e9, 10)).toMatchObject([{ fileName: "bytes.wav" }]);
  } finally {
    await fresh.close();
  }
});
