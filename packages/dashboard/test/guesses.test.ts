/** Those who guess wait longer and longer; those who know the secret do not. */
import { describe, expect, test } from "vitest";
import { Guesses } from "@cofi/access/guesses";
import { Users } from "@cofi/access/users";
import { cookiesOf, form, guarded } from "./access-support.js";

const PASSWORD = "correct horse battery";

describe("guesses", () => {
  const account = [{ key: "ann", free: 3 }];

  test("cost more and more time, and none of it once the secret is known", () => {
    let now = 0;
    const guesses = new Guesses(() => now);
    const waits: number[] = [];
    for (let n = 0; n < 12; n++) {
      const wait = guesses.begin(account);
      if (wait === 0) continue;
      waits.push(wait);
      expect(guesses.begin(account)).toBe(wait);
      now += wait;
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000]);
    now += 60_000;
    expect(guesses.begin(account)).toBe(0);
    guesses.succeeded(account, "ann");
    for (let n = 0; n < 3; n++) expect(guesses.begin(account)).toBe(0);
  });

  test("many at once do not slip through, those of others are not counted, and what is old is forgotten", () => {
    let now = 0;
    const guesses = new Guesses(() => now);
    const looked = Array.from({ length: 1_000 }, () => guesses.begin(account)).filter((wait) => wait === 0);
    expect(looked).toHaveLength(4);
    expect(guesses.begin([{ key: "bob", free: 3 }])).toBe(0);
    now += 900_001;
    expect(guesses.begin(account)).toBe(0);
    for (let n = 0; n < 50_000; n++) guesses.begin([{ key: `account ${n}`, free: 3 }]);
    expect(guesses.begin(account)).toBe(0);
  });

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
