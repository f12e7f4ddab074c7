/** Those who guess wait longer and longer; those who know the secret do not. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import { toApiTime, toDatabaseTime } from "@cofi/event-log/time";
import { Guesses } from "@cofi/access/guesses";
import { Users } from "@cofi/access/users";
import { DIALECTS, freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";
import { cookiesOf, form, guarded } from "./access-support.js";
import { startDashboard } from "./dashboard-support.js";

const PASSWORD = "correct horse battery";

describe.each(DIALECTS)("guesses on %s", (dialect) => {
  let fresh: FreshDatabase;
  beforeEach(async () => {
    fresh = await freshDatabase(dialect);
  });
  afterEach(() => fresh.close());

  const account = [{ key: "ann", free: 3 }];
  /** As if `ms` had passed since the last guess. */
  const pass = async (ms: number): Promise<void> => {
    const { kysely } = fresh.database;
    for (const { guessed, nextAt, lastAt } of await kysely.selectFrom("accessGuess").selectAll().execute())
      await kysely
        .updateTable("accessGuess")
        .set({ nextAt: earlier(nextAt, ms), lastAt: earlier(lastAt, ms) })
        .where("guessed", "=", guessed)
        .execute();
  };

  test("cost more and more time, also after a restart and in another dashboard, and none of it once the secret is known", async () => {
    const waits: number[] = [];
    for (let n = 0; n < 12; n++) {
      // Each of them as a process has it that has just begun.
      const wait = await new Guesses(fresh.database).begin(account);
      if (wait === 0) continue;
      waits.push(Math.ceil(wait / 1_000));
      await pass(wait);
    }
    expect(waits).toEqual([1, 2, 4, 8]);
    await pass(60_000);
    const guesses = new Guesses(fresh.database);
    expect(await guesses.begin(account)).toBe(0);
    await guesses.succeeded(account, "ann");
    for (let n = 0; n < 3; n++) expect(await guesses.begin(account)).toBe(0);
  });

  test("many at once, in several dashboards, do not slip through", async () => {
    const others = await Promise.all([openDatabase(fresh.url), openDatabase(fresh.url)]);
    try {
      const all = [fresh.database, ...others].map((database) => new Guesses(database));
      const begun = await Promise.all(Array.from({ length: 300 }, (_, n) => all[n % all.length]!.begin(account)));
      expect(begun.filter((wait) => wait === 0)).toHaveLength(4);
      expect(await all[0]!.begin([{ key: "bob", free: 3 }])).toBe(0);
    } finally {
      await Promise.all(others.map((other) => other.close()));
    }
  });

  test("what is old is forgotten, and its rows are removed; no row names an account", async () => {
    const guesses = new Guesses(fresh.database);
    for (let n = 0; n < 20; n++) await guesses.begin([{ key: `account ${n} Zebedee`, free: 3 }]);
    const rows = () => fresh.database.kysely.selectFrom("accessGuess").selectAll().execute();
    expect(await rows()).toHaveLength(20);
    expect(JSON.stringify(await rows())).not.toMatch(/account|Zebedee/);
    for (let n = 0; n < 4; n++) await guesses.begin(account);
    expect(await guesses.begin(account)).toBeGreaterThan(0);
    await pass(900_001);
    expect(await guesses.begin(account)).toBe(0);
    expect(await guesses.begin([{ key: "bob", free: 3 }])).toBe(0);
    expect(await rows()).toHaveLength(2);
  });
});

describe("guesses", () => {
  test("at a password are slowed down, and do not shut out its user, whose browser is known", async () => {
    const it = await guarded("sqlite");
    try {
      await new Users(it.fresh.database).add("ann", "viewer", PASSWORD);
      const logIn = (fields: Record<string, string>, cookie = "") => fetch(`${it.url}/login`, form(fields, { cookie }));
      const device = cookiesOf(await logIn({ user: "ann", password: PASSWORD }));
      const slowed = await until429(() => logIn({ user: "ann", password: "wrong and wrong again" }));
      expect(Number(slowed.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(await slowed.text()).toContain("too many wrong attempts");
      expect((await logIn({ user: "ann", password: PASSWORD }, device)).status).toBe(303);
      // A dashboard that has just begun knows both.
      const other = await startDashboard(it.store, { COFI_LOGIN: "1" });
      try {
        const there = (fields: Record<string, string>, cookie = "") =>
          fetch(`${other.url}/login`, form(fields, { cookie }));
        await until429(() => there({ user: "ann", password: "wrong and wrong again" }));
        expect((await there({ user: "ann", password: PASSWORD }, device)).status).toBe(303);
      } finally {
        await other.dashboard.close();
      }
    } finally {
      await it.close();
    }
  });

  test("at a bearer token are slowed down, and do not shut out those who have it", async () => {
    const token = "a-token-for-the-tests-alone";
    const it = await guarded("sqlite", { COFI_ACCESS_TOKEN: token });
    try {
      const ask = (bearer: string): Promise<Response> =>
        fetch(`${it.url}/api/session`, { headers: { authorization: `Bearer ${bearer}` } });
      expect((await ask(token)).status).toBe(200);
      let n = 0;
      const slowed = await until429(() => ask(`wrong-${n++}`));
      expect(Number(slowed.headers.get("retry-after"))).toBeGreaterThan(0);
      expect((await ask(token)).status).toBe(200);
    } finally {
      await it.close();
    }
  });
});

/** The first answer that asks to wait; those before it say that the secret is wrong. */
async function until429(guess: () => Promise<Response>): Promise<Response> {
  for (let n = 0; n < 100; n++) {
    const response = await guess();
    if (response.status === 429) return response;
    expect(response.status).toBe(401);
  }
  throw new Error("A hundred guesses were looked at.");
}

/** A stored time, `ms` earlier. */
function earlier(stored: string, ms: number): string {
  return toDatabaseTime(new Date(Date.parse(toApiTime(stored)) - ms));
}
