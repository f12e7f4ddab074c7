/** Who logs in, and how long it lasts: passwords, sessions, guesses, and requests of other sites. */
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Sessions } from "@cofi/access/sessions";
import { UserError, Users } from "@cofi/access/users";
import { Store } from "@cofi/event-log/store";
import { DIALECTS, freshDatabase } from "../../../test/support/databases.js";
import { cookiesOf, form, guarded, logOf, post, type Guarded } from "./access-support.js";
import { get, problem, startDashboard, until } from "./dashboard-support.js";

const PASSWORD = "correct horse battery";

describe.each(DIALECTS)("log-in on %s", (dialect) => {
  let it: Guarded;
  let users: Users;
  beforeEach(async () => {
    it = await guarded(dialect);
    users = new Users(it.fresh.database);
    await users.add("ann", "reviewer", PASSWORD);
  });
  afterEach(() => it.close());

  const logIn = (fields: Record<string, string>, headers: Record<string, string> = {}, path = "/login") =>
    fetch(`${it.url}${path}`, form(fields, headers));
  const right = { user: "ann", password: PASSWORD };
  const whoIs = (cookie: string) =>
    get<{ who: string; role: string }>(`${it.url}/api/session`, { headers: { cookie } });

  test("with the password, and not with another one; both are in the access log, and where the link leads is kept", async () => {
    expect(await (await fetch(`${it.url}/login`)).text()).toContain('autocomplete="current-password"');
    const wrong = await logIn({ ...right, password: `${PASSWORD}!` });
    expect([wrong.status, wrong.headers.getSetCookie()]).toEqual([401, []]);
    const nobody = await logIn({ user: "bob", password: PASSWORD });
    expect(await nobody.text()).toBe(await wrong.text());
    const accepted = await logIn(right, {}, `/login?${new URLSearchParams({ next: "/?batch=5&view=files#event=3" })}`);
    expect([accepted.status, accepted.headers.get("location")]).toEqual([303, "/?batch=5&view=files#event=3"]);
    const { body } = await whoIs(cookiesOf(accepted));
    expect(body).toEqual({
      who: "ann",
      role: "reviewer",
      permissions: ["progress", "contents", "decide"],
      way: "session",
      loggedIn: true,
    });
    const noted = (await it.log()).map(({ action, who, role, what }) => [action, who, role, what]);
    expect(noted).toEqual([
      ["log-in-refused", "ann", "", "password"],
      ["log-in-refused", "somebody unknown", "", "password"],
      ["log-in", "ann", "reviewer", "password"],
    ]);
  });

  test("the database holds neither a password nor what a cookie holds", async () => {
    const cookie = cookiesOf(await logIn(right));
    const secret = /cofi_session=([\w-]+)/.exec(cookie)?.[1] ?? "";
    const { kysely } = it.fresh.database;
    const stored = JSON.stringify([
      await kysely.selectFrom("accessUser").selectAll().execute(),
      await kysely.selectFrom("accessSession").selectAll().execute(),
      await kysely.selectFrom("accessLog").selectAll().execute(),
    ]);
    expect(stored).not.toContain(secret);
    expect(stored).not.toContain(PASSWORD);
    expect(stored).toContain("scrypt$131072$8$1$");
    await users.add("bob", "viewer", PASSWORD);
    const hashes = await kysely.selectFrom("accessUser").select("password").execute();
    expect(new Set(hashes.map(({ password }) => password)).size).toBe(2);
  });

  test("a session that was put into the browser gains nothing: each log-in has one of its own, and ends the one before", async () => {
    const planted = `cofi_session=${await it.sessions.begin({ who: "mallory", role: "viewer", way: "password" })}`;
    const after = await logIn(right, { cookie: planted });
    const own = cookiesOf(after);
    expect(own).not.toContain(planted);
    expect((await whoIs(own)).body.who).toBe("ann");
    await until(async () => (await whoIs(planted)).status === 401, "the planted session has ended");
    const made = await logIn(right, { cookie: "cofi_session=chosen-by-somebody" });
    expect(cookiesOf(made)).not.toContain("chosen-by-somebody");
  });

  test("log-out ends the session everywhere, and its open stream at once", async () => {
    const cookie = cookiesOf(await logIn(right));
    const stream = await streamOf(cookie);
    const out = await fetch(`${it.url}/logout`, { method: "POST", headers: { cookie }, redirect: "manual" });
    expect([out.status, out.headers.get("location")]).toEqual([303, "/login"]);
    expect(await stream.closedAfter()).toBeLessThan(20_000);
    expect((await whoIs(cookie)).status).toBe(401);
    expect((await it.log()).at(-1)).toMatchObject({ action: "log-out", who: "ann", role: "reviewer" });
  });

  test("an administrator ends a session, here and in other processes; others may not", async () => {
    const [one, other, third] = [
      cookiesOf(await logIn(right)),
      cookiesOf(await logIn(right)),
      cookiesOf(await logIn(right)),
    ];
    const streams = [await streamOf(one), await streamOf(other), await streamOf(third)];
    for (const role of ["viewer", "operator", "reviewer", "auditor"] as const) {
      expect((await problem(`${it.url}/api/sessions`, { headers: it.as(role) })).status).toBe(403);
      expect((await problem(`${it.url}/api/sessions/end`, post({ who: "ann" }, it.as(role)))).status).toBe(403);
    }
    const headers = it.as("admin");
    const { body } = await get<{ sessions: { id: number; who: string }[] }>(`${it.url}/api/sessions`, { headers });
    const newest = body.sessions.find(({ who }) => who === "ann");
    expect(JSON.stringify(body)).not.toMatch(/[\w-]{43}/);
    const ended = await fetch(`${it.url}/api/sessions/${newest?.id}`, { method: "DELETE", headers });
    expect(ended.status).toBe(200);
    expect(await streams[2]!.closedAfter()).toBeLessThan(20_000);
    expect((await whoIs(third)).status).toBe(401);
    expect((await whoIs(one)).status).toBe(200);
    // As `cofi user revoke` does, which is another process.
    expect(await new Sessions(it.fresh.database, { idleMs: 1e9, longestMs: 1e9 }).endOf("ann")).toBe(2);
    for (const stream of streams.slice(0, 2)) expect(await stream.closedAfter()).toBeLessThan(20_000);
    await until(async () => (await whoIs(one)).status === 401, "the session has ended");
    expect((await it.log()).at(-1)).toMatchObject({
      action: "session-ended",
      who: "the admin",
      what: `session ${newest?.id} of ann`,
    });
  });

  test("a session ends when its time is over, or nobody uses it", async () => {
    const { database } = it.fresh;
    const brief = new Sessions(database, { idleMs: 3_600_000, longestMs: 300 });
    const over = await brief.begin({ who: "ann", role: "viewer", way: "password" });
    expect(await brief.find(over)).toMatchObject({ who: "ann" });
    await until(async () => (await brief.find(over)) === null, "the end of the session");
    const restless = new Sessions(database, { idleMs: 400, longestMs: 3_600_000 });
    const idle = await restless.begin({ who: "ann", role: "viewer", way: "password" });
    expect(await restless.find(idle)).toMatchObject({ who: "ann" });
    const unused = await restless.begin({ who: "ann", role: "viewer", way: "password" });
    const { id } = (await it.fresh.database.kysely
      .selectFrom("accessSession")
      .select("id")
      .orderBy("id", "desc")
      .limit(1)
      .executeTakeFirst())!;
    await until(
      async () =>
        !(await restless.livingAmong([])).includes(id) && (await restless.living(100)).every((one) => one.id !== id),
      "the end of the unused session",
    );
    expect(await restless.find(unused)).toBeNull();
  });

  test("a request of another site changes nothing", async () => {
    const cookie = cookiesOf(await logIn(right));
    const paths = ["/login", "/logout", "/api/events/1/reveal", "/api/sessions/end"];
    for (const headers of [
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
      { origin: "http://evil.example" },
      { origin: "null" },
      { origin: "http://localhost.evil.example" },
    ] as Record<string, string>[])
      for (const path of paths) {
        const refused = await problem(`${it.url}${path}`, post({ reason: "curious" }, { cookie, ...headers }));
        expect([path, headers, refused.status]).toEqual([path, headers, 403]);
      }
    expect((await whoIs(cookie)).status).toBe(200);
    const own = await fetch(`${it.url}/logout`, {
      method: "POST",
      headers: { cookie, origin: it.url },
      redirect: "manual",
    });
    expect(own.status).toBe(303);
  });

  test("a role that is taken away is gone at once", async () => {
    const cookie = cookiesOf(await logIn(right));
    await users.setRole("ann", "viewer");
    await it.sessions.endOf("ann");
    await until(async () => (await whoIs(cookie)).status === 401, "the session has ended");
    expect((await whoIs(cookiesOf(await logIn(right)))).body.role).toBe("viewer");
    await users.remove("ann");
    expect((await logIn(right)).status).toBe(401);
  });

  /** An open stream, and how long after this call it was closed, in ms. */
  async function streamOf(cookie: string): Promise<{ closedAfter: () => Promise<number> }> {
    const call = request(`${it.url}/api/stream`, { headers: { cookie } });
    call.on("error", () => undefined);
    call.end();
    const [response] = (await once(call, "response")) as [IncomingMessage];
    expect(response.statusCode).toBe(200);
    const closed = new Promise<void>((resolve) => response.on("close", resolve));
    response.on("error", () => undefined).resume();
    return {
      async closedAfter() {
        const started = performance.now();
        await closed;
        return performance.now() - started;
      },
    };
  }
});

describe("a dashboard of this machine", () => {
  test("has one reader, its administrator, who says nothing and is noted all the same; a user ends that", async () => {
    const fresh = await freshDatabase("sqlite");
    const { dashboard, url } = await startDashboard(new Store(fresh.database));
    try {
      const batch = await new Store(fresh.database).createBatch({ name: "night", folder: null });
      const id = await fresh.insertForeign({
        batchId: batch.id,
        stage: "stt",
        eventType: "info",
        payload: '{"a":"hello"}',
        errorMessage: "Zebedee",
      });
      const { body } = await get<{ way: string; role: string }>(`${url}/api/session`);
      expect(body).toMatchObject({ way: "local", role: "admin", loggedIn: false });
      const event = (await get<{ payload: string; errorMessage: string }>(`${url}/api/events/${id}`)).body;
      expect(event).toMatchObject({ payload: '{"a":"hello"}', errorMessage: "Zebedee" });
      const { entries } = await logOf(fresh.database).entries({}, { limit: 10 });
      expect(entries).toMatchObject([{ who: "local administrator", action: "reveal", what: `event ${id}` }]);
      // What a proxy passes on is somebody else's.
      for (const name of ["x-forwarded-for", "forwarded", "x-real-ip", "via"])
        expect((await problem(`${url}/api/session`, { headers: { [name]: "10.0.0.1" } })).status).toBe(401);

      const stream = await fetch(`${url}/api/stream?batch=${batch.id}`);
      await new Users(fresh.database).add("ann", "admin", PASSWORD);
      await until(async () => (await fetch(`${url}/api/session`)).status === 401, "the dashboard asks for a log-in");
      // It ends, which an open stream never does.
      await stream.text();
      const cookie = cookiesOf(await fetch(`${url}/login`, form({ user: "ann", password: PASSWORD })));
      const feed = await get<{ events: Record<string, { errorMessage: string }[]> }>(
        `${url}/api/batch/${batch.id}/snapshot`,
        { headers: { cookie } },
      );
      expect(feed.body.events["stt"]?.[0]?.errorMessage).toMatch(/^‹.{8}›$/);
    } finally {
      await dashboard.close();
      await fresh.close();
    }
  });
});

test("names and passwords that cannot be used are refused with a sentence", async () => {
  const fresh = await freshDatabase("sqlite");
  try {
    const users = new Users(fresh.database);
    for (const name of ["", " ann", "a b", "a\nb", "<b>", "x".repeat(101)])
      await expect(users.add(name, "viewer", PASSWORD)).rejects.toThrow(UserError);
    await expect(users.add("ann", "viewer", "short")).rejects.toThrow(/5 characters; expected 12 to 256/);
    await users.add("ann", "viewer", PASSWORD);
    await expect(users.add("ann", "admin", PASSWORD)).rejects.toThrow(/already/);
    await expect(users.setRole("bob", "admin")).rejects.toThrow(/no user bob/);
    // The same characters, typed in two ways.
    await users.add("zoë", "viewer", "pässwörter sind hier");
    expect(await users.roleOf("zoë", "pa\u0308sswo\u0308rter sind hier")).toBe("viewer");
  } finally {
    await fresh.close();
  }
});
