import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EventLogger } from "@cofi/event-log/event-logger";
import { prune, PruneRefusedError, type PruneOptions } from "@cofi/event-log/retention";
import { Results } from "@cofi/evidence/results";
import { Store } from "@cofi/event-log/store";
import { DIALECTS, freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";

const DAY = 86_400_000;
const KEEP: PruneOptions = { keepPayloadsMs: 30 * DAY, keepEventsMs: 365 * DAY };
const ago = (days: number): string =>
  new Date(Date.now() - days * DAY).toISOString().replace("T", " ").replace("Z", "");

describe.each(DIALECTS)("retention on %s", (dialect) => {
  let fresh: FreshDatabase;
  let store: Store;
  beforeEach(async () => {
    fresh = await freshDatabase(dialect);
    store = new Store(fresh.database);
  });
  afterEach(() => fresh.close());

  /** A batch that ended so many days ago, with three events; the middle one has a payload and a response. */
  async function batchOf(days: number, status: "completed" | "running" | "interrupted" | "pending"): Promise<number> {
    const { id } = await store.createBatch({ name: `${days} days`, folder: null });
    const times = { createdAt: ago(days), finishedAt: status === "completed" ? ago(days) : null };
    await fresh.database.kysely
      .updateTable("batchStatus")
      .set({ status, ...times })
      .where("id", "=", id)
      .execute();
    const row = { batchId: id, timestamp: ago(days), stage: "stt" };
    await fresh.insertForeign({ ...row, eventType: "stage_start" });
    const payload = '{"caller":"+91 98200 12345"}';
    await fresh.insertForeign({
      ...row,
      eventType: "file_complete",
      fileName: "a.wav",
      payload,
      response: '{"text":"buy"}',
    });
    await fresh.insertForeign({ ...row, eventType: "stage_complete" });
    return id;
  }

  const left = async (id: number): Promise<string> => {
    const { events } = await store.events(id, { limit: 10 });
    const whole = await Promise.all(events.map((event) => store.event(event.id)));
    return `${events.length} events, ${whole.filter((event) => event?.payload !== null).length} with payload`;
  };

  test("payloads and events go at their own ages; what is younger or in progress stays", async () => {
    const [ancient, old, young] = [
      await batchOf(400, "completed"),
      await batchOf(40, "completed"),
      await batchOf(2, "completed"),
    ];
    const [running, interrupted] = [await batchOf(20, "running"), await batchOf(25, "interrupted")];
    await batchOf(0, "running");
    await new Results(fresh.database).saveTranscript({ batchId: old, run: 0 }, "C1", {
      language: "en",
      confidence: 1,
      model: "m",
      text: "buy",
      segments: [],
    });

    const rehearsal = await prune(fresh.database, { ...KEEP, dryRun: true });
    expect(await left(old)).toBe("3 events, 1 with payload");
    const pruned = await prune(fresh.database, KEEP);
    expect(rehearsal).toEqual(pruned);
    expect(pruned?.map(({ id, what, events, bytes }) => [id, what, events, bytes])).toEqual([
      [ancient, "events", 3, 42],
      [old, "payloads", 1, 42],
    ]);
    expect(await store.batch(ancient)).toBeNull();
    expect(await left(old)).toBe("3 events, 0 with payload");
    for (const id of [young, running, interrupted]) expect(await left(id)).toBe("3 events, 1 with payload");
    const { rows } = await fresh.database.kysely.executeQuery<{ n: number }>(
      fresh.database.kysely
        .selectFrom("transcript")
        .select((eb) => eb.fn.countAll<number>().as("n"))
        .compile(),
    );
    expect(Number(rows[0]?.n)).toBe(0);
    expect(await prune(fresh.database, KEEP)).toEqual([]);
  });

  test("results of triage and verdicts keep their responses: they are the evidence", async () => {
    const id = await batchOf(40, "completed");
    const row = { batchId: id, timestamp: ago(40), eventType: "file_complete", fileName: "T1", payload: "{}" } as const;
    for (const stage of ["triaging", "verdicts"]) await fresh.insertForeign({ ...row, stage, response: '{"of":"T1"}' });
    await batchOf(0, "running");
    const [rehearsed] = (await prune(fresh.database, { ...KEEP, dryRun: true })) ?? [];
    const [pruned] = (await prune(fresh.database, KEEP)) ?? [];
    expect([rehearsed?.bytes, pruned?.bytes]).toEqual([46, 46]);
    const { events } = await store.events(id, { limit: 10, fileName: "T1" });
    for (const event of events)
      expect(await store.event(event.id)).toMatchObject({
        payload: null,
        payloadCut: { bytes: 2 },
        response: '{"of":"T1"}',
        responseCut: null,
      });
    expect(events).toHaveLength(2);
  });

  test("an event says what was removed of it, and when", async () => {
    const id = await batchOf(40, "completed");
    await batchOf(0, "running");
    await prune(fresh.database, KEEP);
    const { events } = await store.events(id, { limit: 10 });
    const event = events.find(({ fileName }) => fileName !== null);
    expect(event).toMatchObject({ payloadBytes: 28, responseBytes: 14 });
    const whole = await store.event(event?.id ?? 0);
    expect(whole?.payload).toBeNull();
    expect(whole?.payloadCut).toEqual({ bytes: 28, sha256: null, removedAt: expect.stringMatching(/^\d{4}-.*Z$/) });
    const untouched = await store.event(events[0]?.id ?? 0);
    expect(untouched?.payloadCut).toBeNull();
  });

  test("a batch that nobody ended goes when it was long silent, and never while a run holds it", async () => {
    const [abandoned, held] = [await batchOf(500, "pending"), await batchOf(500, "interrupted")];
    await store.beginRun(held, { owner: "a run", leaseMs: 60_000, version: "1", configuration: {} });
    await batchOf(0, "running");
    expect((await prune(fresh.database, KEEP))?.map(({ id }) => id)).toEqual([abandoned]);
    expect(await left(held)).toBe("3 events, 1 with payload");
  });

  test("wrong clocks remove nothing", async () => {
    const old = await batchOf(400, "completed");
    // Nothing newer in the log: the clock alone says that it is old.
    expect(await prune(fresh.database, KEEP)).toEqual([]);
    await batchOf(0, "running");
    const slow = { ...KEEP, now: () => new Date(Date.now() - 3_600_000) };
    await expect(prune(fresh.database, slow)).rejects.toThrow(PruneRefusedError);
    await batchOf(-2, "running");
    await expect(prune(fresh.database, KEEP)).rejects.toThrow(/ahead of the database's clock/);
    expect(await left(old)).toBe("3 events, 1 with payload");
  });

  async function transcriptsOf(batchId: number, count: number): Promise<void> {
    const transcript = { language: "en", confidence: 1, model: "m", text: "buy", segments: [] };
    const results = new Results(fresh.database);
    for (let n = 0; n < count; n++) await results.saveTranscript({ batchId, run: 0 }, `C${n}`, transcript);
  }

  test.each([
    [40, "payloads"],
    [400, "events"],
  ])(
    "a batch of %i days without events of which results go (%s) is counted and said, also when it is stopped",
    async (days, what) => {
      const id = await batchOf(days, "completed");
      const { kysely } = fresh.database;
      await kysely.deleteFrom("batchExecutionLog").where("batchId", "=", id).execute();
      await transcriptsOf(id, 3);
      await batchOf(0, "running");
      const all = { id, what, events: 0, results: 3 };
      expect(await prune(fresh.database, { ...KEEP, dryRun: true })).toMatchObject([all]);

      const stop = new AbortController();
      const transaction = fresh.database.transaction.bind(fresh.database);
      fresh.database.transaction = async (work) => {
        const result = await transaction(work);
        if (!(await kysely.selectFrom("transcript").select("id").executeTakeFirst())) stop.abort();
        return result;
      };
      expect(await prune(fresh.database, { ...KEEP, signal: stop.signal })).toMatchObject([
        { ...all, unfinished: true },
      ]);
      expect(await prune(fresh.database, KEEP)).toHaveLength(what === "events" ? 1 : 0);
    },
  );

  test("stopped in the middle, the next run finishes it; writers go on meanwhile", async () => {
    const id = await batchOf(400, "completed");
    const { kysely } = fresh.database;
    for (let n = 0; n < 4; n++)
      await kysely
        .insertInto("batchExecutionLog")
        .values(
          Array.from({ length: 500 }, () => ({
            batchId: id,
            timestamp: ago(400),
            stage: "stt",
            eventType: "info" as const,
            payload: '{"n":1}',
          })),
        )
        .execute();
    const current = await batchOf(0, "running");
    const folder = await mkdtemp(join(tmpdir(), "cofi-prune-"));
    const logger = await EventLogger.open({ batchId: current, spoolDir: folder, store });
    const stop = new AbortController();
    let written = 0;
    const first = prune(fresh.database, { ...KEEP, signal: stop.signal });
    while ((await store.events(id, { limit: 5_000 })).events.length === 2_003) {
      await logger.fileComplete("stt", `${written++}`, { response: 1 });
      await new Promise((resolve) => setImmediate(resolve));
    }
    stop.abort();
    const [begun] = (await first) ?? [];
    const { events } = await store.events(id, { limit: 5_000 });
    expect(events.length).toBeLessThan(2_003);
    expect(begun).toMatchObject({ id, events: 2_003 - events.length, unfinished: true });
    expect(await prune(fresh.database, KEEP)).toEqual([expect.objectContaining({ id, events: events.length })]);
    expect(await store.batch(id)).toBeNull();
    expect(await logger.close()).toEqual({ unshipped: 0, lost: 0 });
    expect((await store.events(current, { limit: 5_000 })).events).toHaveLength(3 + written);
    await rm(folder, { recursive: true, force: true });
  });
});
