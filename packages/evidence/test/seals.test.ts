/** Seals: one chain, whoever ends a batch, and a word for each thing that was changed since. */
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openDatabase, type Database } from "@cofi/event-log/database";
import { prune } from "@cofi/event-log/retention";
import { SigningKey, trustedKeys, VerifyingKey } from "@cofi/evidence/seal-keys";
import { Sealer } from "@cofi/evidence/sealer";
import { DIALECTS } from "../../../test/support/databases.js";
import { COLUMNS } from "@cofi/evidence/canonical-rows";
import { lab, type Lab } from "./sealed-batch.js";

const DAY = 86_400_000;

describe.each(DIALECTS)("seals on %s", (dialect) => {
  let night: Lab;
  beforeEach(async () => {
    night = await lab(dialect);
  });
  afterEach(() => night.close());

  const eventIds = async (batchId: number): Promise<number[]> => {
    const { events } = await night.store.events(batchId, { limit: 2_000 });
    return events.map(({ id }) => id).toReversed();
  };
  const change = (id: number, values: Record<string, string | number | null>): Promise<unknown> =>
    night.fresh.database.kysely.updateTable("batchExecutionLog").set(values).where("id", "=", id).execute();

  test("a batch that ended is sealed, also with thousands of events, and proven", async () => {
    const batch = await night.batch();
    await night.log(batch, 1_234);
    await night.seal(batch);
    expect(await night.verify()).toMatchObject({
      says: [],
      end: { seq: 1 },
      notedEnds: 1,
      batches: [{ batchId: batch, state: "sealed", events: 1_234, pruned: 0, late: null }],
    });
  });

  test("batches that end at the same time, in several processes, keep one chain", async () => {
    const others: Database[] = [];
    for (let n = 0; n < 3; n++) others.push(await openDatabase(night.fresh.url));
    try {
      const databases = [night.fresh.database, ...others];
      const batches: number[] = [];
      for (let n = 0; n < 20; n++) {
        batches.push(await night.batch());
        await night.log(batches[n]!, 3);
      }
      await Promise.all(batches.map((batch, n) => night.seal(batch, 1, databases[n % 4])));
      expect(await night.verify()).toMatchObject({ says: [], end: { seq: 20 }, notedEnds: 20 });
    } finally {
      for (const other of others) await other.close();
    }
  });

  test("what comes later is late, and sealed when the batch is run again", async () => {
    const batch = await night.batch();
    await night.log(batch, 5);
    await night.seal(batch);
    const firstId = await night.fresh.insertForeign({ batchId: batch, stage: "stt", eventType: "info" });
    await night.log(batch, 2);
    const late = await night.verify(batch);
    expect(late).toMatchObject({ says: [], batches: [{ events: 5, late: { events: 3, firstId } }] });
    await night.seal(batch);
    expect(await night.verify(batch)).toMatchObject({ says: [], batches: [{ seals: 2, events: 8, late: null }] });
    await change(firstId, { stage: "lid" });
    expect((await night.verify(batch)).says).toEqual([`Event ${firstId} was changed in stage.`]);
  });

  test("a run that was taken over seals nothing, and what a process has left half done does not harm", async () => {
    const batch = await night.batch();
    await night.log(batch, 1_200);
    const sealer = new Sealer(night.fresh.database, new SigningKey(night.folder));
    await expect(sealer.seal({ batchId: batch, run: 7 })).rejects.toThrow(/may not write any more/);
    // Ends after the first part.
    const stopping = new AbortController();
    const row = { batchId: batch, firstId: 1, lastId: 2, events: 2, digests: "", checks: "", sha256: "0".repeat(64) };
    await night.fresh.database.kysely.insertInto("batchSealPart").values(row).execute();
    stopping.abort(new Error("stopped"));
    await expect(sealer.seal({ batchId: batch, run: 1 }, stopping.signal)).rejects.toThrow("stopped");
    expect(await night.verify()).toMatchObject({ says: [], end: null, batches: [{ state: "unsealed" }] });
    await night.seal(batch);
    expect(await night.verify()).toMatchObject({ says: [], end: { seq: 1 }, batches: [{ events: 1_200 }] });
  });

  test("what is changed, removed or put in is found and named", async () => {
    const [batch, other] = [await night.batch(), await night.batch()];
    await night.log(batch, 20);
    await night.log(other, 2);
    await night.seal(batch);
    await night.seal(other);
    const ids = await eventIds(batch);
    const { kysely } = night.fresh.database;
    await change(ids[3]!, { response: '{"text":"sell"}', durationMs: 7 });
    await change(ids[5]!, { batchId: other });
    await kysely.deleteFrom("batchExecutionLog").where("id", "in", ids.slice(9, 12)).execute();
    await change(ids[14]!, { payload: null });
    const putIn = { id: ids[10]!, batchId: batch, stage: "stt", eventType: "info" };
    await night.fresh.insertForeign(putIn);
    const { says } = await night.verify();
    expect(says).toEqual([
      `Event ${ids[3]} was changed in durationMs, response.`,
      `Event ${ids[5]} is missing: it was removed, or its id or its batch was changed.`,
      `Event ${ids[9]} is missing: it was removed, or its id or its batch was changed.`,
      expect.stringMatching(new RegExp(`^Event ${ids[10]} was changed in .*fileName.*payload`)),
      `Event ${ids[11]} is missing: it was removed, or its id or its batch was changed.`,
      `Event ${ids[14]} was changed in payload.`,
      expect.stringMatching(new RegExp(`^Event ${ids[5]} lies among sealed events and was not there`)),
    ]);
  });

  test("what is done to the seals themselves is found and named", async () => {
    await night.unlock();
    const batches = [await night.batch(), await night.batch(), await night.batch()];
    for (const batch of batches) {
      await night.log(batch, 4);
      await night.seal(batch);
    }
    const { kysely } = night.fresh.database;
    const kept = await kysely.selectFrom("batchSeal").selectAll().orderBy("seq").execute();
    const restore = async (): Promise<void> => {
      await kysely.deleteFrom("batchSeal").execute();
      await kysely.insertInto("batchSeal").values(kept).execute();
    };
    await kysely.updateTable("batchSeal").set({ events: 3 }).where("seq", "=", 2).execute();
    expect((await night.verify()).says).toContain(`Seal 2 (batch ${batches[1]}) was changed: its hash is another one.`);
    await restore();
    await kysely.deleteFrom("batchSeal").where("seq", "=", 2).execute();
    expect((await night.verify()).says).toEqual([
      "Seal 2 is missing.",
      "Seal 2 was noted when it was made, and is not there any more.",
    ]);
    await restore();
    await kysely.deleteFrom("batchSeal").where("seq", "=", 3).execute();
    expect((await night.verify()).says).toEqual(["Seal 3 was noted when it was made, and is not there any more."]);
    await restore();
    // Somebody with a key of his own.
    const stranger = new SigningKey(join(night.folder, "stranger"));
    await kysely.deleteFrom("batchSeal").where("seq", "=", 3).execute();
    await kysely.deleteFrom("batchSealPart").where("batchId", "=", batches[2]!).execute();
    await new Sealer(night.fresh.database, stranger).seal({ batchId: batches[2]!, run: 1 });
    const { says } = await night.verify();
    expect(says.join("\n")).toMatch(/Seal 3 .* is signed with the key .* which is not known here/);
    expect(says).toContain("Seal 3 has another hash than was noted when it was made.");
    // The key of another machine is given.
    await writeFile(join(night.folder, "signing-2.pub"), stranger.public.text);
    expect((await night.verify()).says).toEqual(["Seal 3 has another hash than was noted when it was made."]);
    const part = kysely.updateTable("batchSealPart").where("batchId", "=", batches[0]!);
    await part.set((eb) => ({ events: eb("events", "+", 1) })).execute();
    expect((await night.verify(batches[0])).says.join("\n")).toMatch(/holds of seal 1 .* is not what was signed/);
    await part.set((eb) => ({ events: eb("events", "-", 1), checks: eb.val("x\n") })).execute();
    expect((await night.verify(batches[0])).says.join("\n")).toMatch(
      /part of the seal from event \d+ on .* was changed/,
    );
  });

  test("what retention has removed is told from what was changed", async () => {
    const batch = await night.batch();
    await night.log(batch, 6);
    const [first = 0, second = 0, third = 0] = await eventIds(batch);
    await change(first, { payloadCut: null });
    await change(second, { stage: "verdicts" });
    await night.seal(batch);
    const long = new Date(Date.now() - 40 * DAY).toISOString().replace("T", " ").replace("Z", "");
    const { kysely } = night.fresh.database;
    // The log comes from the past, as far as retention sees.
    const times = await kysely.selectFrom("batchExecutionLog").select(["id", "timestamp"]).execute();
    await kysely.updateTable("batchExecutionLog").set({ timestamp: long }).execute();
    await kysely
      .updateTable("batchStatus")
      .set({ status: "completed", createdAt: long, finishedAt: long, leaseOwner: null, leaseExpiresAt: null })
      .execute();
    const keep = { keepPayloadsMs: 30 * DAY, keepEventsMs: 365 * DAY };
    const recent = await night.batch();
    await night.log(recent, 1);
    await prune(night.fresh.database, keep);
    for (const { id, timestamp } of times) await change(id, { timestamp });
    expect((await night.store.event(first))?.payload).toBeNull();
    expect(await night.verify(batch)).toMatchObject({ says: [], batches: [{ events: 6, pruned: 6 }] });

    await change(first, { fileName: "other.wav" });
    await change(second, { response: null });
    const removed = `{"bytes":5,"sha256":null,"removedAt":"${new Date().toISOString()}"}`;
    await change(third, { responseCut: removed });
    expect((await night.verify(batch)).says).toEqual([
      `Event ${first} was changed in fileName.`,
      `Event ${second} was changed in response.`,
      expect.stringMatching(new RegExp(`Event ${third} was changed in .*responseCut`)),
    ]);

    await kysely.updateTable("batchExecutionLog").set({ timestamp: long }).where("batchId", "=", batch).execute();
    await prune(night.fresh.database, { ...keep, keepEventsMs: 35 * DAY });
    const gone = await night.verify(batch);
    expect(gone).toMatchObject({ says: [], batches: [{ state: "removed" }] });
    await kysely.deleteFrom("removedBatch").execute();
    expect((await night.verify(batch)).says).toEqual([
      `Batch ${batch} is missing with its events, and retention has not removed it.`,
    ]);
  });

  test(
    "a thousand changes of one character each are found, and their column is named",
    { timeout: 120_000 },
    async () => {
      const batch = await night.batch();
      await night.log(batch, 12);
      const ids = await eventIds(batch);
      const whole = { responseCut: `{"bytes":7,"sha256":"${"b2".repeat(32)}"}` };
      for (const id of ids) await change(id, whole);
      await night.seal(batch);
      const { kysely } = night.fresh.database;
      const rows = await kysely.selectFrom("batchExecutionLog").selectAll().orderBy("id").execute();
      const unseen: string[] = [];
      let seed = 7;
      const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
      for (let n = 0; n < 1_000; n++) {
        const row = rows[random(rows.length)]!;
        const column = CHANGEABLE[random(CHANGEABLE.length)]!;
        await change(row.id, { [column]: changed(column, row[column], random) });
        const { says } = await night.verify(batch);
        if (says.length !== 1 || says[0] !== `Event ${row.id} was changed in ${column}.`)
          unseen.push(`${column} of ${row.id}: ${says.join(" ")}`);
        await change(row.id, { [column]: row[column] });
      }
      expect(unseen).toEqual([]);
      expect((await night.verify(batch)).says).toEqual([]);
    },
  );
});

const CHANGEABLE = COLUMNS.filter((column) => column !== "id" && column !== "batchId");

/** Another value that the column takes, with one character changed where it is a text. */
function changed(column: string, value: string | number | null, random: (below: number) => number): string | number {
  if (typeof value === "number") return value + 1;
  if (value === null) return "x";
  if (column === "eventType") return "info";
  if (column === "status") return "failed";
  const places = [...value.matchAll(column === "timestamp" ? /\d$/g : /[a-f](?=[a-f\d])/g)].map(({ index }) => index);
  const place = places[random(places.length)] ?? 0;
  const other = /\d/.test(value[place]!) ? String((Number(value[place]) + 1) % 10) : value[place] === "a" ? "b" : "a";
  return value.slice(0, place) + other + value.slice(place + 1);
}

test("the key is made once, for its owner alone, and only its public half is given away", async () => {
  const night = await lab("sqlite");
  try {
    const [first, second] = [new SigningKey(night.folder), new SigningKey(night.folder)];
    expect([first.isNew, second.isNew, first.public.id === second.public.id]).toEqual([true, false, true]);
    expect((await stat(first.path)).mode & 0o777).toBe(0o600);
    expect(first.public.text).toMatch(/^-----BEGIN PUBLIC KEY-----/);
    const content = Buffer.from("content");
    expect(new VerifyingKey(first.public.text).hasSigned(content, second.sign(content))).toBe(true);
    await writeFile(first.path, (await readFile(first.path, "utf8")).slice(0, 60));
    expect(() => new SigningKey(night.folder)).toThrow(/is no Ed25519 key/);
    expect(() => trustedKeys(night.folder)).toThrow(/is not a public key/);
    await rm(first.path);
    expect(trustedKeys(join(night.folder, "nowhere")).size).toBe(0);
  } finally {
    await night.close();
  }
});
