/** While another process writes, a call on an SQLite file waits without stopping its own process. */
import { setTimeout as pause } from "node:timers/promises";
import { sql } from "kysely";
import { expect, test } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import { Store } from "@cofi/event-log/store";
import { freshDatabase } from "../../../test/support/databases.js";

test("a writer that holds the SQLite file for a while delays the call, and not the process", async () => {
  const fresh = await freshDatabase("sqlite");
  const other = await openDatabase(fresh.url);
  try {
    const store = new Store(fresh.database);
    const batch = await store.createBatch({ name: "night", folder: null });
    await sql`BEGIN IMMEDIATE`.execute(other.kysely);
    // The heart of this process frees the file with its hundredth beat: a call that blocks the process would stop the heart.
    const freed = (async () => {
      for (let beat = 0; beat < 100; beat++) await pause(5);
      await sql`ROLLBACK`.execute(other.kysely);
    })();
    await store.updateBatch(batch.id, { status: "running" });
    await freed;
    expect((await store.batch(batch.id))?.status).toBe("running");
  } finally {
    await other.close();
    await fresh.close();
  }
});
