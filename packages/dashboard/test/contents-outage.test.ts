/** With the database away no byte of contents leaves, and those who look on see what is in memory. */
import { sql } from "kysely";
import { expect, inject, test } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import { migrate } from "@cofi/event-log/migrate";
import { Store } from "@cofi/event-log/store";
import { Sessions } from "@cofi/access/sessions";
import { verifyAccessLog } from "@cofi/access/verify-log";
import { startServer } from "../../../test/support/server.js";
import { post } from "./access-support.js";
import { Feed, get, startDashboard, until } from "./dashboard-support.js";

const WORD = "Zebedeecanary";

test("the database is killed and comes back", async () => {
  const server = await startServer();
  const database = await openDatabase(await server.createDatabase());
  await migrate(database);
  const store = new Store(database);
  const { dashboard, url } = await startDashboard(store, { COFI_LOGIN: "1" });
  let feed: Feed | undefined;
  try {
    const sessions = new Sessions(database, { idleMs: 3_600_000, longestMs: 3_600_000 });
    const headers = { cookie: `cofi_session=${await sessions.begin({ who: "ann", role: "admin", way: "password" })}` };
    const batch = await store.createBatch({ name: "night", folder: null });
    await sql`INSERT INTO batchExecutionLog (batchId, stage, eventType, payload) VALUES (${batch.id}, 'stt', 'info', ${WORD})`.execute(
      database.kysely,
    );
    const reveal = (): Promise<Response> =>
      fetch(`${url}/api/events/1/reveal`, post({ reason: "a good reason" }, headers));
    const whole = (): Promise<Response> =>
      fetch(`${url}/api/batch/${batch.id}/export/events?bodies=1&reason=a%20good%20reason`, { headers });
    expect(await (await reveal()).text()).toContain(WORD);
    expect(await (await whole()).text()).toContain(WORD);
    feed = await new Feed(`${url}/api/stream`, headers).ready();

    await server.kill();
    await until(() => feed?.states.at(-1)?.database === "unreachable", "the stream says so");
    for (let n = 0; n < 10; n++)
      for (const ask of [reveal, whole]) {
        const refused = await ask();
        expect(refused.status).toBe(503);
        expect(await refused.text()).not.toContain(WORD);
      }
    // Whoever was logged in still looks on.
    expect((await get(`${url}/api/session`, { headers })).status).toBe(200);
    expect(feed.opened).toBe(1);

    await server.restart();
    await until(async () => (await reveal()).status === 200, "contents are there again");
    expect((await verifyAccessLog(database, inject("logFolder"))).faults).toEqual([]);
  } finally {
    feed?.close();
    await dashboard.close();
    await database.close();
    await server.stop();
  }
});
