import { sql } from "kysely";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDatabase, type Database } from "@cofi/event-log/database";
import { Feed, get, run, until, type Running } from "./dashboard-support.js";

let it: Running;
let other: Database;
let feed: Feed | undefined;
beforeEach(async () => {
  it = await run("mysql");
  other = await openDatabase(it.fresh.url);
});
afterEach(async () => {
  feed?.close();
  await other.close();
  await it.close();
});

test("an event whose transaction was open when the dashboard started arrives, however many were committed behind it", async () => {
  const batch = await it.store.createBatch({ name: "night", folder: null });
  await it.fresh.insertForeign({ batchId: batch.id, stage: "stt", eventType: "info" });
  let late = 0;
  await other.kysely.transaction().execute(async (transaction) => {
    const row = sql`INSERT INTO batchExecutionLog (batchId, stage, eventType) VALUES (${batch.id}, 'stt', 'info')`;
    late = Number((await row.execute(transaction)).insertId);
    // As many in one statement: the ids behind are given out at once.
    const rows = sql.join(Array.from({ length: 6_000 }, () => sql`(${batch.id}, 'lid', 'info')`));
    await sql`INSERT INTO batchExecutionLog (batchId, stage, eventType) VALUES ${rows}`.execute(
      it.fresh.database.kysely,
    );
    await it.restart();
    feed = await new Feed(`${it.url}/api/stream?batch=${batch.id}`).ready();
    expect(Number(feed.lastEventId)).toBeLessThan(late);
  });
  // By itself, or in the snapshot of a viewer that has more to catch up with than it is sent.
  const inSnapshot = (): boolean => feed?.snapshots.at(-1)?.events["stt"]?.some(({ id }) => id === late) ?? false;
  await until(() => inSnapshot() || (feed?.ids.includes(late) ?? false), "the event of the long transaction");
  const { body } = await get<{ events: { currentBatch: number } }>(`${it.url}/api/health`);
  expect(body.events.currentBatch).toBe(6_002);
});
