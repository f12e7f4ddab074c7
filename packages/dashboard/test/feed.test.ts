import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openDatabase, type Database } from "@cofi/event-log/database";
import type { StageSummary } from "@cofi/event-log/events";
import { DIALECTS } from "../../../test/support/databases.js";
import { Feed, get, run, sorted, until, type Running } from "./dashboard-support.js";

describe.each(DIALECTS)("the live feed on %s", (dialect) => {
  let it: Running;
  const feeds: Feed[] = [];
  beforeEach(async () => {
    it = await run(dialect);
  });
  afterEach(async () => {
    for (const feed of feeds.splice(0)) feed.close();
    await it.close();
  });

  function follow(query = "", headers: Record<string, string> = {}): Feed {
    const feed = new Feed(`${it.url}/api/stream${query}`, headers);
    feeds.push(feed);
    return feed;
  }
  const info = (batchId: number, row: Record<string, string | number | null> = {}): Promise<number> =>
    it.fresh.insertForeign({ batchId, stage: "stt", eventType: "info", ...row });

  async function idsOf(batchId: number): Promise<number[]> {
    const rows = await sql<{
      id: number;
    }>`SELECT id FROM batchExecutionLog WHERE batchId = ${batchId} ORDER BY id`.execute(it.fresh.database.kysely);
    return rows.rows.map(({ id }) => id);
  }

  test("without a batch the snapshot is empty; one that plain SQL opens appears by itself", async () => {
    const feed = await follow().ready();
    expect(feed.snapshots[0]).toMatchObject({ batch: null, head: 0, eventsPerStage: 20 });
    expect(feed.snapshots[0]?.stages).toHaveLength(10);
    const statement =
      dialect === "mysql" ? sql`INSERT INTO batchStatus () VALUES ()` : sql`INSERT INTO batchStatus DEFAULT VALUES`;
    const batchId = Number((await statement.execute(it.fresh.database.kysely)).insertId);
    const id = await info(batchId, { payload: '{"secret":1}' });
    const shows = (): boolean =>
      feed.ids.includes(id) || feed.snapshots.some((snapshot) => snapshot.events["stt"]?.some((e) => e.id === id));
    await until(shows, "the foreign row");
    expect(feed.snapshots.at(-1)?.batch).toMatchObject({ id: batchId, name: `Batch ${batchId}` });
    expect(JSON.stringify([feed.snapshots, feed.frames])).not.toContain("secret");
  });

  test("an event that becomes visible just before its batch is opened counts once", async () => {
    const night = await it.store.createBatch({ name: "night", folder: null });
    const other = await it.store.createBatch({ name: "other", folder: null });
    const head = await info(other.id);
    const late = { stage: "stt", eventType: "error", status: "failed", fileName: "late.wav", errorMessage: "no" };
    await info(night.id, { id: head + 2 });
    // The look that passes on the event above finds the one below it missing.
    await get(`${it.url}/api/batch/${other.id}/stats`);
    await info(night.id, { id: head + 1, ...late });
    const feed = await follow(`?batch=${night.id}`).ready();
    const { body } = await get<{ stages: StageSummary[] }>(`${it.url}/api/batch/${night.id}/stats`);
    expect(body.stages.find(({ stage }) => stage === "stt")).toMatchObject({ errors: 1, failed: 1 });
    const end = await info(night.id);
    await until(() => feed.ids.includes(end), "the event after");
    const again = await get<{ stages: StageSummary[] }>(`${it.url}/api/batch/${night.id}/stats`);
    expect(again.body.stages.find(({ stage }) => stage === "stt")).toMatchObject({ errors: 1, failed: 1 });
  });

  test.each([1_000, 1_001, 6_000])("a batch of %i events opens", async (count) => {
    const { id: batchId } = await it.store.createBatch({ name: "night", folder: null });
    for (let written = 0; written < count; written += 500) {
      const rows = Array.from({ length: Math.min(500, count - written) }, () => sql`(${batchId}, 'stt', 'info')`);
      await sql`INSERT INTO batchExecutionLog (batchId, stage, eventType) VALUES ${sql.join(rows)}`.execute(
        it.fresh.database.kysely,
      );
    }
    const answer = await get<{ hosts: unknown[] }>(`${it.url}/api/batch/${batchId}/hosts`);
    expect([answer.status, answer.body.hosts]).toEqual([200, []]);
  });

  test("a reader follows the newest batch, unless it names one", async () => {
    const first = await it.store.createBatch({ name: "first", folder: null });
    const following = await follow().ready();
    const fixed = await follow(`?batch=${first.id}`).ready();
    const second = await it.store.createBatch({ name: "second", folder: null });
    await until(() => following.snapshots.at(-1)?.batch?.id === second.id, "the switch");
    const inSecond = await info(second.id);
    const inFirst = await info(first.id);
    await until(() => following.ids.includes(inSecond) && fixed.ids.includes(inFirst), "both events");
    expect(following.ids).toEqual([inSecond]);
    expect(fixed.ids).toEqual([inFirst]);
    expect(fixed.snapshots).toHaveLength(1);
  });

  test("a change of the batch row alone reaches the page", async () => {
    const batch = await it.store.createBatch({ name: "night", folder: null });
    const feed = await follow().ready();
    await it.store.updateBatch(batch.id, { status: "completed_with_errors", totalFiles: 7 });
    await until(() => feed.frames.at(-1)?.batch.status === "completed_with_errors", "the status");
    expect(feed.frames.at(-1)).toMatchObject({ batchId: batch.id, events: [], batch: { totalFiles: 7 } });
  });

  test("events that come together share a frame, and the summaries are what the API says", async () => {
    const batch = await it.store.createBatch({ name: "night", folder: null });
    const feed = await follow().ready();
    const bursts = 3;
    // Few enough that no frame has to be split.
    const size = 100;
    for (let burst = 0; burst < bursts; burst++) {
      const rows = Array.from(
        { length: size },
        (_, n) => sql`(${batch.id}, 'stt', 'file_complete', ${`f${burst}-${n}`}, 'success')`,
      );
      await sql`INSERT INTO batchExecutionLog (batchId, stage, eventType, fileName, status)
        VALUES ${sql.join(rows)}`.execute(it.fresh.database.kysely);
    }
    const count = bursts * size;
    await until(() => feed.ids.length === count, "all events");
    // The rows of one statement become visible together, so one look at the database finds them all.
    expect(feed.frames.filter(({ events }) => events.length > 0).length).toBeLessThanOrEqual(bursts);
    const { body } = await get<{ stages: StageSummary[] }>(`${it.url}/api/batch/${batch.id}/stats`);
    const last = feed.frames.at(-1)?.stages.find(({ stage }) => stage === "stt");
    expect(last).toEqual(body.stages.find(({ stage }) => stage === "stt"));
    expect(last?.done).toBe(count);
  });

  test("every event arrives exactly once, whatever the order in which foreign writers commit", async () => {
    const batch = await it.store.createBatch({ name: "night", folder: null });
    const early = await follow(`?batch=${batch.id}`).ready();
    const writers = dialect === "mysql" ? 8 : 2;
    const progress = { writing: writers };
    const late: Feed[] = [];
    await Promise.all([
      ...Array.from({ length: writers }, async (_, writer) => {
        const database = await openDatabase(it.fresh.url, { poolSize: 1 });
        try {
          for (let n = 0; n < 40; n++) await writeRows(database, batch.id, (writer * 40 + n * 7) % 23);
        } finally {
          await database.close();
          progress.writing -= 1;
        }
      }),
      // Readers that come while rows are written: with the first event as the last they know, they must get all others.
      (async () => {
        await until(async () => (await idsOf(batch.id)).length > 50, "some rows");
        const first = (await idsOf(batch.id))[0]!;
        while (progress.writing > 0 && late.length < 5) {
          late.push(follow(`?batch=${batch.id}`, { "Last-Event-ID": String(Math.min(first, 1)) }));
          await pause(40);
        }
      })(),
    ]);
    const stored = await idsOf(batch.id);
    await until(() => early.ids.length >= stored.length, `all ${stored.length} events`);
    expect(sorted(early.ids)).toEqual(stored);
    expect(late.length).toBeGreaterThan(0);
    for (const feed of late) {
      // From Last-Event-ID 1 on: event 1 itself comes only if it was committed after the reader had come.
      const owed = stored.filter((id) => id > 1);
      const got = (): Set<number> => new Set(feed.ids.filter((id) => id > 1));
      await until(() => got().size >= owed.length, "what the late reader is owed");
      expect(sorted(got())).toEqual(owed);
    }
    const health = (await get<{ tail: { openHoles: number } }>(`${it.url}/api/health`)).body;
    expect(health.tail.openHoles).toBeLessThan(200);
    const counts = await sql<{
      n: number;
    }>`SELECT COUNT(DISTINCT fileName) AS n FROM batchExecutionLog WHERE batchId = ${batch.id}`.execute(
      it.fresh.database.kysely,
    );
    const { body } = await get<{ stages: StageSummary[] }>(`${it.url}/api/batch/${batch.id}/stats`);
    expect(body.stages.find(({ stage }) => stage === "stt")?.done).toBe(Number(counts.rows[0]?.n));
  });

  test("an event that becomes visible late is delivered, and does not undo what a later one said of its file", async () => {
    const batch = await it.store.createBatch({ name: "night", folder: null });
    await info(batch.id);
    const feed = await follow().ready();
    const file = { fileName: "a.wav" };
    await info(batch.id, { ...file, id: 2_000_010, eventType: "file_complete", status: "success" });
    await until(() => feed.ids.includes(2_000_010), "the later event");
    expect(Number(feed.lastEventId)).toBeLessThan(2_000_010);
    const before = (await get<{ tail: unknown }>(`${it.url}/api/health`)).body.tail;
    expect(before).toMatchObject({ openHoles: 1, lowWater: 1 });
    // Next to the later event, and in the middle of two million missing ids.
    for (const id of [2_000_009, 1_000_000]) await info(batch.id, { ...file, id, eventType: "file_start" });
    await until(() => feed.ids.length === 3, "the late events");
    expect(sorted(feed.ids)).toEqual([1_000_000, 2_000_009, 2_000_010]);
    expect(feed.frames.at(-1)?.stages[0]).toMatchObject({ stage: "stt", done: 1, inFlight: 0 });
  });

  /** On MariaDB a transaction that stays open for `holdMs` between its rows, every fifth rolled back; on SQLite plain rows. */
  async function writeRows(database: Database, batchId: number, holdMs: number): Promise<void> {
    const row = { batchId, stage: "stt", eventType: "file_complete", status: "success" } as const;
    if (dialect === "sqlite") {
      await database.kysely
        .insertInto("batchExecutionLog")
        .values({ ...row, fileName: `f${holdMs}` })
        .execute();
      return pause(2);
    }
    const work = database.kysely.transaction().execute(async (transaction) => {
      for (let n = 0; n < 3; n++) {
        await transaction
          .insertInto("batchExecutionLog")
          .values({ ...row, fileName: `f${holdMs}-${n}` })
          .execute();
        await pause(holdMs);
      }
      if (holdMs % 5 === 4) throw new Error("rolled back");
    });
    await work.catch((error: Error) => {
      if (error.message !== "rolled back") throw error;
    });
  }

  test("reconnecting with Last-Event-ID loses nothing and repeats nothing", async () => {
    const batch = await it.store.createBatch({ name: "night", folder: null });
    for (let n = 0; n < 5; n++) await info(batch.id);
    await get(`${it.url}/api/batch/${batch.id}/stats`);
    const feed = await follow().ready();
    for (let n = 0; n < 5; n++) await info(batch.id);
    await until(() => feed.ids.length >= 5, "live events");
    expect(feed.ids).toEqual((await idsOf(batch.id)).slice(5));
    feed.close();
    const missed: number[] = [];
    for (let n = 0; n < 1_200; n++) missed.push(await info(batch.id));
    await get(`${it.url}/api/batch/${batch.id}/stats`);
    const again = await follow("", { "Last-Event-ID": feed.lastEventId }).ready();
    expect(again.ids).toEqual(missed);
    expect(again.snapshots[0]?.head).toBe(missed.at(-1));
    const live = await info(batch.id);
    await until(() => again.ids.includes(live), "the next live event");
    expect(again.ids).toEqual([...missed, live]);
    const byQuery = await follow(`?lastEventId=${missed.at(-2)}`).ready();
    expect(byQuery.ids).toEqual([missed.at(-1), live]);
  });

  test("a dashboard that restarts in the middle: the page reconnects by itself and has every event once", async () => {
    const batch = await it.store.createBatch({ name: "night", folder: null });
    const feed = await follow().ready();
    for (let n = 0; n < 20; n++) await info(batch.id);
    await until(() => feed.ids.length === 20, "the events before");
    await it.restart(async () => {
      for (let n = 0; n < 20; n++) await info(batch.id);
    });
    for (let n = 0; n < 20; n++) await info(batch.id);
    const stored = await idsOf(batch.id);
    await until(() => new Set(feed.ids).size === stored.length, "the events after");
    expect(feed.ids).toEqual(stored);
    expect(feed.opened).toBe(2);
  });

  test("a reader that does not read is disconnected; the others continue", async () => {
    const slow = await run(dialect, { COFI_STREAM_BUFFER_BYTES: "65536" });
    try {
      const batch = await slow.store.createBatch({ name: "night", folder: null });
      const feed = new Feed(`${slow.url}/api/stream`);
      feeds.push(feed);
      await feed.ready();
      const { port } = new URL(slow.url);
      const socket = connect(Number(port), "127.0.0.1");
      await once(socket, "connect");
      socket.on("error", () => socket.destroy());
      socket.write(`GET /api/stream HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`);
      socket.pause();
      const readers = async (): Promise<number> =>
        (await get<{ readers: number }>(`${slow.url}/api/health`)).body.readers;
      await until(async () => (await readers()) === 2, "two readers");
      const metadata = JSON.stringify({ text: "m".repeat(15_000) });
      let written = 0;
      while ((await readers()) === 2 && written < 4_000) {
        for (let n = 0; n < 50; n++) {
          await slow.fresh.insertForeign({ batchId: batch.id, stage: "stt", eventType: "info", metadata });
          written += 1;
        }
      }
      expect(await readers()).toBe(1);
      await until(() => feed.ids.length === written, "all events at the reader that reads");
      socket.destroy();
    } finally {
      await slow.close();
    }
  });
});
