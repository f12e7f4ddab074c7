/** The access log: one chain, whoever writes, and a word for each thing that was changed in it. */
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase, type Database } from "@cofi/event-log/database";
import { AccessLog } from "@cofi/access/access-log";
import { hashOfRow, NO_HASH } from "@cofi/access/log-chain";
import type { NewEntry } from "@cofi/access/log-entries";
import { endsIn, LogKeeper } from "@cofi/access/log-keeper";
import type { ChainEnd } from "@cofi/event-log/kept-outside";
import { sha256 } from "@cofi/access/secrets";
import { verifyAccessLog, type Verified } from "@cofi/access/verify-log";
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
  let folder: string;
  beforeEach(async () => {
    fresh = await freshDatabase(dialect);
    others = [];
    folder = await mkdtemp(join(tmpdir(), "cofi-access-log-"));
    // Where somebody has all of the database, nothing holds him.
    if (dialect === "sqlite") await unlocked(fresh.database);
  });
  afterEach(async () => {
    await Promise.all(others.map((other) => other.close()));
    await fresh.close();
    await rm(folder, { recursive: true });
  });

  const logOf = (database: Database): AccessLog => new AccessLog(database, new LogKeeper(folder));
  const verify = (noted?: ChainEnd | null): Promise<Verified> => verifyAccessLog(fresh.database, folder, noted);
  const says = async (noted?: ChainEnd | null): Promise<string[]> =>
    (await verify(noted)).faults.map(({ says: sentence }) => sentence);

  test("several dashboards that write at once keep one chain", async () => {
    for (let n = 0; n < 3; n++) others.push(await openDatabase(fresh.url));
    const logs = [fresh.database, ...others].map((database) => logOf(database));
    const each = 50;
    await Promise.all(
      logs.flatMap((log, writer) => Array.from({ length: each }, (_, n) => log.add(entry(`event ${writer}-${n}`)))),
    );
    const { entries, faults, end } = await verify();
    expect({ entries, faults, last: end?.seq }).toEqual({ entries: 200, faults: [], last: 200 });
    const all = await logs[0]!.entries({}, { limit: 500 });
    expect(new Set(all.entries.map(({ what }) => what)).size).toBe(200);
  });

  test("texts of any kind read back as they were hashed", async () => {
    const log = logOf(fresh.database);
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
    expect((await verify()).faults).toEqual([]);
  });

  test("what is changed, removed or put in is found and named", async () => {
    const log = logOf(fresh.database);
    for (let n = 1; n <= 20; n++) await log.add(entry(`event ${n}`));
    const { kysely } = fresh.database;
    await sql`UPDATE accessLog SET who = 'bnn' WHERE seq = 5`.execute(kysely);
    expect((await verify()).faults).toEqual([{ seq: 5, says: "Entry 5 was changed: its hash is another one." }]);
    await sql`DELETE FROM accessLog WHERE seq IN (10, 11)`.execute(kysely);
    await sql`UPDATE accessLog SET hash = ${"0".repeat(64)} WHERE seq = 15`.execute(kysely);
    await sql`DELETE FROM accessLog WHERE seq = 20`.execute(kysely);
    expect(await says()).toEqual([
      "Entry 5 was changed: its hash is another one.",
      "Entries 10 to 11 are missing.",
      "Entry 15 was changed: its hash is another one.",
      "Entry 15 has another hash than was noted when it was written.",
      "Entry 16 does not follow from entry 15: one of the two was changed.",
      "Entry 10 was noted when it was written, and is not in the log any more.",
      "Entry 11 was noted when it was written, and is not in the log any more.",
      "Entry 20 was noted when it was written, and is not in the log any more.",
    ]);
  });

  test("whoever has the database alone can neither write the chain anew nor add to it", async () => {
    const log = logOf(fresh.database);
    for (let n = 1; n <= 5; n++) await log.add(entry(`event ${n}`));
    const { kysely } = fresh.database;
    const rows = await kysely.selectFrom("accessLog").selectAll().orderBy("seq").execute();
    // With another key, and by the plain hash; under the name of the key in use, and of none.
    const elsewhere = await mkdtemp(join(tmpdir(), "cofi-access-log-"));
    const forger = new LogKeeper(elsewhere);
    await rm(elsewhere, { recursive: true });
    for (const sign of [(text: string) => forger.sign(text), sha256])
      for (const keyId of [forger.keyId, rows[0]!.keyId]) {
        await kysely.deleteFrom("accessLog").execute();
        let previousHash = NO_HASH;
        for (const { hash: _hash, ...row } of rows.slice(0, 4)) {
          const forged = { ...row, who: "somebody else", keyId, previousHash };
          previousHash = hashOfRow(forged, sign);
          await kysely
            .insertInto("accessLog")
            .values({ ...forged, hash: previousHash })
            .execute();
        }
        const found = await says();
        expect(found.join(" ")).toMatch(/is not in the data folder|Entry 1 was changed/);
        expect(found).toContain("Entry 5 was noted when it was written, and is not in the log any more.");
      }
    // One entry more, after those that are there.
    await kysely.deleteFrom("accessLog").execute();
    await kysely.insertInto("accessLog").values(rows).execute();
    expect(await says()).toEqual([]);
    const { hash: last, ...more } = rows.at(-1)!;
    const added = { ...more, seq: 6, previousHash: last };
    await kysely
      .insertInto("accessLog")
      .values({ ...added, hash: hashOfRow(added, sha256) })
      .execute();
    expect(await says()).toEqual(["Entry 6 was changed: its hash is another one."]);
  });

  test("an end that is cut off is found, also when entries were written after it", async () => {
    const log = logOf(fresh.database);
    for (let n = 1; n <= 5; n++) await log.add(entry(`event ${n}`));
    const { end } = await verify();
    await sql`DELETE FROM accessLog WHERE seq > 3`.execute(fresh.database.kysely);
    for (let n = 1; n <= 4; n++) await log.add(entry(`another ${n}`));
    expect(await says()).toEqual([
      "Entry 4 has another hash than was noted when it was written.",
      "Entry 5 has another hash than was noted when it was written.",
    ]);
    // On a machine that has noted nothing, by an end that was written down.
    await rm(join(folder, "access-log.ends"));
    expect(await verify()).toMatchObject({ faults: [], notedEnds: 0 });
    expect(await says(end)).toEqual(["Entry 5 has another hash than was noted when it was written."]);
  });

  test("each machine has a key of its own; with all of them, all is proven", async () => {
    const other = await mkdtemp(join(tmpdir(), "cofi-access-log-"));
    try {
      await logOf(fresh.database).add(entry("here"));
      const there = new LogKeeper(other);
      await new AccessLog(fresh.database, there).add(entry("there"));
      await logOf(fresh.database).add(entry("here again"));
      expect(await says()).toEqual([
        expect.stringContaining(`Entry 2, and maybe more, was signed with the key ${there.keyId}`),
      ]);
      await writeFile(join(folder, "access-log-2.key"), await readFile(join(other, "access-log.key")));
      expect(await says()).toEqual([]);
    } finally {
      await rm(other, { recursive: true });
    }
  });

  test("the database says that it is another one", async () => {
    await logOf(fresh.database).add(entry("event 1"));
    await sql`UPDATE databaseIdentity SET id = 'another'`.execute(fresh.database.kysely);
    expect(await says()).toEqual([expect.stringContaining("this is another database, or says that it is")]);
  });

  test("what cannot be noted is not allowed", async () => {
    const log = logOf(fresh.database);
    await log.add(entry("event 1"));
    await rm(join(folder, "access-log.ends"));
    await mkdir(join(folder, "access-log.ends"));
    await expect(log.add(entry("event 2"))).rejects.toThrow(/EISDIR/);
  });

  test("a thousand changes of one byte each are found", async () => {
    const log = logOf(fresh.database);
    await Promise.all(Array.from({ length: 20 }, (_, n) => log.add(entry(`event ${n}`))));
    const { kysely } = fresh.database;
    const columns = [
      "who",
      "role",
      "action",
      "what",
      "why",
      "request",
      "address",
      "hash",
      "keyId",
      "previousHash",
      "at",
    ] as const;
    for (let n = 0; n < 1_000; n++) {
      const seq = 1 + (Math.floor(n / columns.length) % 20);
      const column = columns[n % columns.length]!;
      const row = await kysely.selectFrom("accessLog").select(column).where("seq", "=", seq).executeTakeFirstOrThrow();
      const before = (row as Record<string, string>)[column]!;
      const place = column === "at" ? before.length - 1 : (n * 7) % before.length;
      const byte = before[place] === "1" ? "2" : "1";
      const set = { [column]: before.slice(0, place) + byte + before.slice(place + 1) };
      await kysely.updateTable("accessLog").set(set).where("seq", "=", seq).execute();
      const { faults } = await verify();
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
    expect((await verify()).faults).toEqual([]);
  });
});

test("an embedded database refuses changes by itself", async () => {
  const fresh = await freshDatabase("sqlite");
  try {
    await new AccessLog(fresh.database, new LogKeeper(inject("logFolder"))).add(entry("event 1"));
    for (const change of ["UPDATE accessLog SET who = 'bob'", "DELETE FROM accessLog"])
      await expect(sql.raw(change).execute(fresh.database.kysely)).rejects.toThrow(/only added to/);
  } finally {
    await fresh.close();
  }
});

test("the key is made once, for its owner alone; a damaged one is not replaced, and a torn line spoils no other", async () => {
  const folder = await mkdtemp(join(tmpdir(), "cofi-access-log-"));
  try {
    const path = join(folder, "data", "access-log.key");
    const one = new LogKeeper(join(folder, "data"));
    expect(new LogKeeper(join(folder, "data")).keyId).toBe(one.keyId);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, "data"))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(folder, "data"))).toEqual(["access-log.key"]);

    const ends = join(folder, "data", "access-log.ends");
    one.note("db", { seq: 1, hash: "a".repeat(64) });
    await writeFile(ends, "\ndb 2 aaaa", { flag: "a" });
    one.note("db", { seq: 3, hash: "b".repeat(64) });
    const { ends: noted } = await endsIn(join(folder, "data")).of("db");
    expect([...noted.keys()]).toEqual([1, 3]);
    expect((await stat(ends)).mode & 0o777).toBe(0o600);

    await writeFile(path, "");
    expect(() => new LogKeeper(join(folder, "data"))).toThrow(/is no key of the access log/);
    expect(await readFile(path, "utf8")).toBe("");
  } finally {
    await rm(folder, { recursive: true });
  }
});

async function unlocked({ kysely }: Database): Promise<void> {
  await sql`DROP TRIGGER accessLog_noUpdate`.execute(kysely);
  await sql`DROP TRIGGER accessLog_noDelete`.execute(kysely);
}
