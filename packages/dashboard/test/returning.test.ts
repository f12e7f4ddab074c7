/** Viewers that come back: each gets what it missed while that is not too much, and they do not come back all at once. */
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DIALECTS } from "../../../test/support/databases.js";
import { Feed, get, run, until, type Running } from "./dashboard-support.js";

describe.each(DIALECTS)("a viewer that returns, on %s", (dialect) => {
  let it: Running;
  let batchId: number;
  const feeds: Feed[] = [];
  beforeEach(async () => {
    it = await run(dialect);
    ({ id: batchId } = await it.store.createBatch({ name: "night", folder: null }));
  });
  afterEach(async () => {
    for (const feed of feeds.splice(0)) feed.close();
    await it.close();
  });

  /** In runs: those of run 1 that follow one of run 2 are history. */
  async function write(count: number, ofRun: number | null = null): Promise<void> {
    for (let left = count; left > 0; left -= 500) {
      const rows = Array.from({ length: Math.min(500, left) }, () => sql`(${batchId}, 'stt', 'info', ${ofRun})`);
      await sql`INSERT INTO batchExecutionLog (batchId, stage, eventType, run) VALUES ${sql.join(rows)}`.execute(
        it.fresh.database.kysely,
      );
    }
    await get(`${it.url}/api/batch/${batchId}/stats`);
  }

  async function comeBack(lastEventId: number): Promise<Feed> {
    const feed = new Feed(`${it.url}/api/stream?batch=${batchId}&lastEventId=${lastEventId}`);
    feeds.push(feed);
    return feed.ready();
  }

  test("gets some thousand missed events", async () => {
    await write(2_001);
    const feed = await comeBack(1);
    expect(feed.ids).toHaveLength(2_000);
    expect(feed.snapshots.map(({ head, missed }) => ({ head, missed }))).toEqual([{ head: 2_001, missed: undefined }]);
  });

  test("gets a snapshot and the number when there are more, and then what is new", async () => {
    await write(6_000);
    const feed = await comeBack(1);
    expect(feed.snapshots.map(({ head, missed }) => ({ head, missed }))).toEqual([{ head: 6_000, missed: 5_999 }]);
    expect(feed.ids).toEqual([]);
    await write(1);
    await until(() => feed.ids.length > 0, "the next event");
    expect(feed.ids).toEqual([6_001]);
    const fresh = new Feed(`${it.url}/api/stream?batch=${batchId}`);
    feeds.push(fresh);
    expect((await fresh.ready()).snapshots[0]).not.toHaveProperty("missed");
  });

  test("is not told of events of other batches, nor of history", async () => {
    await write(10, 1);
    await write(2_500, 2);
    await write(3_000, 1);
    const other = await it.store.createBatch({ name: "other", folder: null });
    for (let n = 0; n < 10; n++) await it.fresh.insertForeign({ batchId: other.id, stage: "stt", eventType: "info" });
    const feed = await comeBack(5);
    expect(feed.snapshots[0]?.missed).toBe(2_505);
    const later = await comeBack(2_000);
    expect([later.ids.length, later.snapshots[0]?.missed]).toEqual([510, undefined]);
  });
});

test("hundreds of viewers are given times to come back that lie more than five seconds apart, in no order", async () => {
  const it = await run("sqlite");
  const responses: IncomingMessage[] = [];
  try {
    const retries = await Promise.all(
      Array.from({ length: 300 }, async () => {
        const asked = request(`${it.url}/api/stream`).end();
        const [response] = (await once(asked, "response")) as [IncomingMessage];
        responses.push(response);
        const [bytes] = (await once(response, "data")) as [Buffer];
        return Number(/^retry: (\d+)$/m.exec(bytes.toString())?.[1]);
      }),
    );
    expect(Math.max(...retries) - Math.min(...retries)).toBeGreaterThanOrEqual(5_000);
    const earliest = Math.min(...retries);
    for (let from = earliest; from < earliest + 5_000; from += 1_000) {
      const within = retries.filter((retry) => retry >= from && retry < from + 1_000).length;
      expect(within).toBeGreaterThan(0);
      expect(within).toBeLessThan(100);
    }
    expect(Math.max(...retries)).toBeLessThan(10_000);
  } finally {
    for (const response of responses) response.destroy();
    await it.close();
  }
});
