/** What the live feed and the API say of a batch that was run more than once, and of a log that is not the one it was. */
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import { EventLogger, shipLeftovers } from "@cofi/event-log/event-logger";
import type { LogEvent, Snapshot } from "@cofi/event-log/events";
import { migrate } from "@cofi/event-log/migrate";
import { Store } from "@cofi/event-log/store";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sqlSnapshot } from "@cofi/views/sql-cards";
import { startServer } from "../../../test/support/server.js";
import { DIALECTS } from "../../../test/support/databases.js";
import { Feed, get, run, startDashboard, until, type Running } from "./dashboard-support.js";

const FACTS = { version: "1", configuration: {} };

describe.each(DIALECTS)("a batch of two runs on %s", (dialect) => {
  let it: Running;
  let folder: string;
  const feeds: Feed[] = [];
  beforeEach(async () => {
    it = await run(dialect);
    folder = await mkdtemp(join(tmpdir(), "cofi-runs-"));
  });
  afterEach(async () => {
    for (const feed of feeds.splice(0)) feed.close();
    await it.close();
    await rm(folder, { recursive: true, force: true });
  });

  test("what the first run left behind is history: cards, checkpoint and last events stay, the journey shows it", async () => {
    const { store } = it;
    const batch = await store.createBatch({ name: "night", folder: null });
    const open = (name: string, number: number, sink: Pick<Store, "insertEvents">) =>
      EventLogger.open({ batchId: batch.id, run: number, spoolDir: join(folder, name), store: sink });
    const away = { insertEvents: () => Promise.reject(Object.assign(new Error("away"), { code: "ECONNREFUSED" })) };

    // Host A is cut off from the database, logs a start and dies; host B takes over and ends the batch.
    const first = await store.beginRun(batch.id, { owner: "A", leaseMs: -1, ...FACTS });
    const a = await open("A", first!.run, away);
    await a.stageStart("stt", { totalFiles: 1 });
    await a.fileStart("stt", "c01.wav", { payload: {}, gpuIp: "gpu1", attempt: 1 });
    await a.fileError("stt", "c01.wav", { error: "CUDA out of memory" });
    await a.close(0);
    const second = await store.beginRun(batch.id, { owner: "B", leaseMs: 60_000, ...FACTS });
    const b = await open("B", second!.run, store);
    await b.stageStart("stt", { totalFiles: 1 });
    await b.fileStart("stt", "c01.wav", { payload: {}, gpuIp: "gpu2", attempt: 1 });
    await b.fileComplete("stt", "c01.wav", { response: { text: "hello" }, gpuIp: "gpu2", attempt: 1 });
    await b.stageComplete("stt", { status: "success", processedFiles: 1, totalFiles: 1 });
    await b.close();

    const feed = new Feed(`${it.url}/api/stream`);
    feeds.push(feed);
    await feed.ready();
    const before = feed.cards.get("stt");
    expect(before).toMatchObject({ status: "success", done: 1, inFlight: 0, failed: 0, errors: 0 });
    const eventsBefore = (await get<Snapshot>(`${it.url}/api/batch/${batch.id}/snapshot`)).body.events["stt"];

    expect((await shipLeftovers(join(folder, "A"), store)).shipped).toBe(3);
    // A batch row that changes tells when the feed has come past the late events.
    await store.updateBatchOf(second!, { status: "completed" });
    await until(() => feed.frames.at(-1)?.batch.status === "completed", "the end of the batch");
    expect(feed.cards.get("stt")).toEqual(before);
    expect(feed.events).toEqual([]);
    const { body: snapshot } = await get<Snapshot>(`${it.url}/api/batch/${batch.id}/snapshot`);
    expect(snapshot.events["stt"]).toEqual(eventsBefore);
    const row = (await store.batch(batch.id))!;
    expect((await sqlSnapshot(store, row, await store.maxEventId(), 5, "")).stages).toEqual(snapshot.stages);
    expect([...(await store.completedFiles(batch.id, "stt")).keys()]).toEqual(["c01.wav"]);
    const errors = await get<{ groups: unknown[] }>(`${it.url}/api/batch/${batch.id}/errors`);
    expect(errors.body.groups).toEqual([]);

    const journey = await get<{ events: LogEvent[] }>(`${it.url}/api/batch/${batch.id}/logs?fileName=c01.wav`);
    const { body } = await get<{ runs: { run: number; outcome: string | null; owner: string }[] }>(
      `${it.url}/api/batch/${batch.id}/runs`,
    );
    expect(body.runs.map(({ run: number, owner, outcome }) => [number, owner, outcome])).toEqual([
      [1, "A", "lost"],
      [2, "B", null],
    ]);
    expect(journey.body.events.map(({ eventType, run: number, history }) => [eventType, number, history])).toEqual([
      ["error", 1, true],
      ["file_start", 1, true],
      ["file_complete", 2, undefined],
      ["file_start", 2, undefined],
    ]);
  });

  test("an event that turns out to be history, because the first of a newer run becomes visible late, is taken back", async () => {
    const batch = await it.store.createBatch({ name: "night", folder: null });
    const row = { batchId: batch.id, stage: "stt", fileName: "a.wav" };
    const feed = new Feed(`${it.url}/api/stream`);
    feeds.push(feed);
    await feed.ready();
    const done = await it.fresh.insertForeign({ ...row, eventType: "file_complete", status: "success", run: 1 });
    // Of the two that follow the one with the higher id is seen first.
    const late = done + 2;
    await it.fresh.insertForeign({ ...row, id: late, eventType: "error", status: "failed", run: 1 });
    await until(() => feed.cards.get("stt")?.failed === 1, "the late event, counted");
    await it.fresh.insertForeign({ ...row, id: late - 1, stage: "lid", eventType: "file_start", run: 2 });
    await until(() => feed.cards.get("stt")?.done === 1 && feed.cards.get("lid")?.inFlight === 1, "the card put right");
    expect(feed.cards.get("stt")).toMatchObject({ done: 1, failed: 0, errors: 0 });
  });
});

test("a database that is dropped and made again under a dashboard is shown as it is", async () => {
  const server = await startServer();
  const url = await server.createDatabase();
  const name = new URL(url).pathname.slice(1);
  const database = await openDatabase(url);
  await migrate(database);
  const { dashboard, url: address } = await startDashboard(new Store(database));
  const feed = new Feed(`${address}/api/stream`);
  try {
    const fill = async (on: Store, files: number): Promise<void> => {
      const { id } = await on.createBatch({ name: `night of ${files}`, folder: null });
      for (let n = 0; n < files; n++)
        await sql`INSERT INTO batchExecutionLog (batchId, stage, eventType, fileName) VALUES (${id}, 'stt', 'file_complete', ${`${n}.wav`})`.execute(
          on.database.kysely,
        );
    };
    await fill(new Store(database), 5);
    await feed.ready();
    await until(() => feed.cards.get("stt")?.done === 5, "the first log");

    const other = await openDatabase(url.replace(`/${name}`, "/mysql"));
    await sql`DROP DATABASE ${sql.id(name)}`.execute(other.kysely);
    await sql`CREATE DATABASE ${sql.id(name)}`.execute(other.kysely);
    await other.close();
    const again = await openDatabase(url);
    await migrate(again);
    await fill(new Store(again), 2);
    await until(() => feed.cards.get("stt")?.done === 2, "the second log", 30_000);
    expect((await get<Snapshot>(`${address}/api/batch/1/snapshot`)).body).toMatchObject({
      batch: { name: "night of 2" },
      head: 2,
    });
    await fill(new Store(again), 3);
    await until(() => feed.cards.get("stt")?.done === 3, "a batch of the second log");
    await again.close();
  } finally {
    feed.close();
    await dashboard.close();
    await database.close();
    await server.stop();
  }
});
