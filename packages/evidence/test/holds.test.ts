/** What somebody holds stays, and the rest goes; where the holds cannot be read, nothing goes. */
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { prune, type PrunedBatch, type PruneOptions } from "@cofi/event-log/retention";
import { Store } from "@cofi/event-log/store";
import { HoldRefusedError, Holds, type HoldSubject } from "@cofi/evidence/holds";
import { DIALECTS, freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";
import { DAY, leftOf, newestBatch, oldBatch } from "./old-batch.js";

const KEEP: PruneOptions = { keepPayloadsMs: 30 * DAY, keepEventsMs: 365 * DAY };
const BY = { who: "ann", role: "reviewer", reason: "letter of the regulator" };
const ALL = ["T1", "T2", "T3"];

describe.each(DIALECTS)("holds on %s", (dialect) => {
  let fresh: FreshDatabase;
  let store: Store;
  let holds: Holds;
  beforeEach(async () => {
    fresh = await freshDatabase(dialect);
    store = new Store(fresh.database);
    holds = new Holds(fresh.database);
  });
  afterEach(() => fresh.close());

  const left = (batchId: number) => leftOf(fresh.database, batchId);

  /** Both ways of asking say the same. */
  async function pruned(): Promise<PrunedBatch[]> {
    const rehearsed = await prune(fresh.database, { ...KEEP, dryRun: true });
    const done = (await prune(fresh.database, KEEP)) ?? [];
    expect(rehearsed).toEqual(done);
    return done;
  }

  const nothing = {
    events: [],
    payloads: [],
    transcript: [],
    auditAnswer: [],
    extractedTrade: [],
    callRecord: [],
    trade: [],
    tradeCall: [],
    review: [],
  };

  test.each<[string, Omit<HoldSubject, "batchId">, { calls: string[]; trades: string[]; pairs: string[] }]>([
    ["a call", { scope: "call", subject: "C1" }, { calls: ["C1"], trades: [], pairs: ["T1"] }],
    ["a trade, with its calls", { scope: "trade", subject: "T2" }, { calls: ["C2"], trades: ["T2"], pairs: ["T2"] }],
    [
      "a client, with trades and calls",
      { scope: "client", subject: "MN2" },
      { calls: ["C2", "C3"], trades: ["T2", "T3"], pairs: ["T2", "T3"] },
    ],
  ])("%s that is held stays, and the rest of the batch goes", async (_what, subject, { calls, trades, pairs }) => {
    const batchId = await oldBatch(fresh, store, 400);
    const other = await oldBatch(fresh, store, 401);
    await newestBatch(fresh, store);
    const { number } = await holds.hold({ ...subject, batchId }, BY);

    expect(await pruned()).toMatchObject([
      { id: batchId, what: "events", held: true, events: 7 - calls.length - trades.length },
      { id: other, what: "events", events: 7 },
    ]);
    const files = calls.map((callId) => `${callId.toLowerCase()}.wav`);
    const named = [...trades, ...files].toSorted();
    expect(await left(batchId)).toEqual({
      events: named,
      payloads: named,
      transcript: calls,
      auditAnswer: calls,
      extractedTrade: calls,
      callRecord: calls,
      trade: trades,
      tradeCall: pairs,
      review: trades,
    });
    expect(await store.batch(other)).toBeNull();
    // Again: nothing is left to remove.
    expect(await pruned()).toEqual([]);

    await holds.release(number, { ...BY, who: "bob" });
    expect(await pruned()).toMatchObject([{ id: batchId, what: "events" }]);
    expect(await left(batchId)).toEqual(nothing);
    expect(await store.batch(batchId)).toBeNull();
    expect(await holds.list({ released: true })).toEqual([]);
  });

  test("a batch that is held stays as it is, and it is said; a client in all batches stays in each", async () => {
    const [first, second] = [await oldBatch(fresh, store, 400), await oldBatch(fresh, store, 40)];
    await newestBatch(fresh, store);
    const before = await left(first);
    const { number } = await holds.hold({ scope: "batch", batchId: first, subject: null }, BY);
    await holds.hold({ scope: "client", batchId: null, subject: "MN1" }, BY);
    const said: number[] = [];
    await prune(fresh.database, { ...KEEP, onHeld: ({ id }) => said.push(id) });
    expect(said).toEqual([first]);
    expect(await left(first)).toEqual(before);
    expect(await left(second)).toMatchObject({ payloads: ["T1", "c1.wav"], transcript: ["C1"], review: ALL });

    await holds.release(number, BY);
    await pruned();
    expect(await left(first)).toMatchObject({ events: ["T1", "c1.wav"], trade: ["T1"], callRecord: ["C1"] });
  });

  test("payloads that were left because they were held go when they are released, and so do recordings and leftovers", async () => {
    const batchId = await oldBatch(fresh, store, 40);
    await newestBatch(fresh, store);
    const run = await store.beginRun(batchId, { owner: "a", leaseMs: 60_000, version: "1", configuration: {} });
    await store.noteFiles(run!, { place: "http://gpu-1", description: "gpu-1" });
    await store.endRun(run!, "completed");
    const { number } = await holds.hold({ scope: "call", batchId, subject: "C1" }, BY);
    expect(await pruned()).toMatchObject([{ id: batchId, what: "payloads", held: true }]);
    expect(await left(batchId)).toMatchObject({ payloads: ["c1.wav"], transcript: ["C1"], review: ALL });
    const place = { batchId, place: "http://gpu-1" };
    expect(await store.filesToRemove()).toMatchObject([{ ...place, keep: ["c1.wav"] }]);
    expect(await store.stillToRemove(place)).toMatchObject({ keep: ["c1.wav"] });
    expect(await store.filesAreRemoved(place)).toBe(false);
    expect(await store.removedBatch(batchId)).toBeNull();
    expect(await pruned()).toEqual([]);

    // The whole batch, when only recordings are left to remove.
    const whole = await holds.hold({ scope: "batch", batchId, subject: null }, BY);
    expect(whole.payloadsRemovedAt).toMatch(/^\d{4}-.*Z$/);
    expect(await store.filesToRemove()).toEqual([]);
    expect(await store.stillToRemove(place)).toBeNull();
    await holds.release(whole.number, BY);

    await holds.release(number, BY);
    expect(await pruned()).toMatchObject([{ id: batchId, what: "payloads", events: 1, results: 1 }]);
    expect(await left(batchId)).toMatchObject({ payloads: [], transcript: [] });
    expect(await store.filesToRemove()).toMatchObject([{ ...place, keep: [] }]);
    expect(await store.filesAreRemoved(place)).toBe(true);
    expect(await store.removedBatch(batchId)).toMatchObject({ isWhole: false });
  });

  test("one that is released while retention is at work does not lose its payloads' turn", async () => {
    const batchId = await oldBatch(fresh, store, 40, 200);
    await newestBatch(fresh, store);
    const { number } = await holds.hold({ scope: "call", batchId, subject: "C1" }, BY);
    const transaction = fresh.database.transaction.bind(fresh.database);
    let steps = 0;
    fresh.database.transaction = async (work) => {
      const result = await transaction(work);
      if (++steps === 1) await holds.release(number, BY);
      return result;
    };
    await prune(fresh.database, KEEP);
    fresh.database.transaction = transaction;
    expect(await left(batchId)).toMatchObject({ payloads: ["c1.wav"], transcript: [] });
    await prune(fresh.database, KEEP);
    expect(await left(batchId)).toMatchObject({ payloads: [] });
  });

  test("where the holds cannot be read, or one is not understood, nothing is removed", async () => {
    const batchId = await oldBatch(fresh, store, 400);
    await newestBatch(fresh, store);
    const before = await left(batchId);
    const { kysely } = fresh.database;
    await sql`ALTER TABLE retentionHold RENAME TO gone`.execute(kysely);
    await expect(prune(fresh.database, KEEP)).rejects.toThrow();
    expect(await left(batchId)).toEqual(before);
    await sql`ALTER TABLE gone RENAME TO retentionHold`.execute(kysely);
    const row = { scope: "future", batchId, subject: "x", who: "ann", role: "admin", reason: "" };
    await kysely
      .insertInto("retentionHold")
      .values({ ...row, at: fresh.database.dialect.now })
      .execute();
    await expect(prune(fresh.database, KEEP)).rejects.toThrow(/not understood.*nothing is removed/);
    expect(await left(batchId)).toEqual(before);
  });

  test("a hold that is set after retention says that there is nothing left", async () => {
    const batchId = await oldBatch(fresh, store, 400);
    await newestBatch(fresh, store);
    const hold = (subject: HoldSubject): Promise<unknown> => holds.hold(subject, BY);
    await hold({ scope: "call", batchId, subject: "C1" });
    await pruned();
    for (const subject of [
      { scope: "call", subject: "C2" },
      { scope: "trade", subject: "T2" },
      { scope: "client", subject: "MN2" },
    ] as const)
      await expect(hold({ ...subject, batchId })).rejects.toThrow(/nothing left to hold/);
    await holds.release(1, BY);
    await pruned();
    await expect(hold({ scope: "batch", batchId, subject: null })).rejects.toThrow(/retention removed it at/);
    await expect(hold({ scope: "batch", batchId: 999, subject: null })).rejects.toThrow(/There is no batch 999/);
  });

  test("of two who release a hold, one is told who was faster; rows are only added", async () => {
    const batchId = await oldBatch(fresh, store, 400);
    await holds.hold({ scope: "batch", batchId, subject: null }, BY);
    const done = await Promise.allSettled(
      ["bob", "eve", "joe"].map((who) => holds.release(1, { who, role: "admin", reason: "over" })),
    );
    const refused = done.flatMap((one) => (one.status === "rejected" ? [one.reason as Error] : []));
    expect(refused).toHaveLength(2);
    const [hold] = await holds.list({ released: true });
    for (const error of refused) {
      expect(error).toBeInstanceOf(HoldRefusedError);
      expect(error.message).toContain(`was released by ${hold?.released?.who} at ${hold?.released?.at}`);
    }
    expect(await holds.list()).toEqual([]);
    await expect(holds.release(9, BY)).rejects.toThrow(/There is no hold 9/);
    if (dialect === "sqlite")
      for (const change of ["UPDATE retentionHold SET releases = NULL", "DELETE FROM retentionHold"])
        await expect(sql.raw(change).execute(fresh.database.kysely)).rejects.toThrow(/holds/);
  });
});
