/** The access log: one chain, whoever writes, and a word for each thing that was changed in it. */
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openDatabase, type Database } from "@cofi/event-log/database";
import { AccessLog } from "@cofi/access/access-log";
import type { NewEntry } from "@cofi/access/log-entries";
import { verifyAccessLog } from "@cofi/access/verify-log";
import { DIALECTS, freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";

const entry = (what: string): NewEntry => ({
  who: "ann",
  role: "reviewer",
  address: "127.0.0.1",
  action: "reveal",
  what,
  why: "a reason",
  batchId: 1,
  request: "r1",
});

describe.each(DIALECTS)("the access log on %s", (dialect) => {
  let fresh: FreshDatabase;
  let others: Database[];
  beforeEach(async () => {
    fresh = await freshDatabase(dialect);
    others = [];
  });
  afterEach(async () => {
    await Promise.all(others.map((other) => other.close()));
    await fresh.close();
  });

  test("several dashboards that write at once keep one chain", async () => {
    for (let n = 0; n < 3; n++) others.push(await openDatabase(fresh.url));
    const logs = [fresh.database, ...others].map((database) => new AccessLog(database));
    const each = 50;
    await Promise.all(
      logs.flatMap((log, writer) => Array.from({ length: each }, (_, n) => log.add(entry(`event ${writer}-${n}`)))),
    );
    const { entries, faults, end } = await verifyAccessLog(fresh.database);
    expect({ entries, faults, last: end?.seq }).toEqual({ entries: 200, faults: [], last: 200 });
    const all = await logs[0]!.entries({}, { limit: 500 });
    expect(new Set(all.entries.map(({ what }) => what)).size).toBe(200);
  });

  test("texts of any kind read back as they were hashed", async () => {
    const log = new AccessLog(fresh.database);
    for (const text of [
      "",
      "\ud800 half",
      "नमस्ते 🦊",
      "a\0b",
      "'; DROP TABLE accessLog; --",
      "x".repeat(5_000),
      " trailing  ",
    ])
      await log.add({ ...entry(text), who: text, why: text });
    expect((await verifyAccessLog(fresh.database)).faults).toEqual([]);
  });

  test("what is changed, removed or put in is found and named", async () => {
    const log = new AccessLog(fresh.database);
    for (let n = 1; n <= 20; n++) await log.add(entry(`event ${n}`));
    const { end } = await verifyAccessLog(fresh.database);
    const { kysely } = fresh.database;
    if (dialect === "sqlite") {
      await expect(sql`UPDATE accessLog SET who = 'bob' WHERE seq = 5`.execute(kysely)).rejects.toThrow(
        /only added to/,
      );
      await expect(sql`DELETE FROM accessLog`.execute(kysely)).rejects.toThrow(/only added to/);
      await sql`DROP TRIGGER accessLog_noUpdate`.execute(kysely);
      await sql`DROP TRIGGER accessLog_noDelete`.execute(kysely);
    }
    await sql`UPDATE accessLog SET who = 'bnn' WHERE seq = 5`.execute(kysely);
    expect((await verifyAccessLog(fresh.database)).faults).toEqual([
      { seq: 5, says: "Entry 5 was changed: its hash is another one." },
    ]);
    await sql`DELETE FROM accessLog WHERE seq IN (10, 11)`.execute(kysely);
    await sql`UPDATE accessLog SET hash = ${"0".repeat(64)} WHERE seq = 15`.execute(kysely);
    await sql`DELETE FROM accessLog WHERE seq = 20`.execute(kysely);
    const { faults } = await verifyAccessLog(fresh.database, end);
    expect(faults.map(({ says }) => says)).toEqual([
      "Entry 5 was changed: its hash is another one.",
      "Entries 10 to 11 are missing.",
      "Entry 15 was changed: its hash is another one.",
      "Entry 16 does not follow from entry 15: one of the two was changed.",
      "Entry 20, which was written down, is not in the log any more.",
    ]);
  });

  test("a thousand changes of one byte each are found", async () => {
    const log = new AccessLog(fresh.database);
    await Promise.all(Array.from({ length: 20 }, (_, n) => log.add(entry(`event ${n}`))));
    const { kysely } = fresh.database;
    if (dialect === "sqlite") await sql`DROP TRIGGER accessLog_noUpdate`.execute(kysely);
    const columns = [
      "who",
      "role",
      "action",
      "what",
      "why",
      "request",
      "address",
      "hash",
      "previousHash",
      "at",
    ] as const;
    for (let n = 0; n < 1_000; n++) {
      const seq = 1 + (n % 20);
      const column = columns[Math.floor(n / 100)]!;
      const row = await kysely.selectFrom("accessLog").select(column).where("seq", "=", seq).executeTakeFirstOrThrow();
      const before = (row as Record<string, string>)[column]!;
      const place = column === "at" ? before.length - 1 : (n * 7) % before.length;
      const byte = before[place] === "1" ? "2" : "1";
      const set = { [column]: before.slice(0, place) + byte + before.slice(place + 1) };
      await kysely.updateTable("accessLog").set(set).where("seq", "=", seq).execute();
      const { faults } = await verifyAccessLog(fresh.database);
      expect(
        faults.some((fault) => fault.seq === seq),
        `${column} of ${seq}`,
      ).toBe(true);
      await kysely
        .updateTable("accessLog")
        .set({ [column]: before })
        .where("seq", "=", seq)
        .execute();
    }
    expect((await verifyAccessLog(fresh.database)).faults).toEqual([]);
  });
});
