import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { DatabaseUnavailableError, openDatabase } from "@cofi/event-log/database";
import { assertMigrated, migrate } from "@cofi/event-log/migrate";
import { DIALECTS, emptyDatabase } from "../../../test/support/databases.js";

describe.each(DIALECTS)("migrations on %s", (dialect) => {
  test("from empty, twice, and by two migrators at once", async () => {
    const { url, drop } = await emptyDatabase(dialect);
    const [one, two] = await Promise.all([openDatabase(url), openDatabase(url)]);
    try {
      await expect(assertMigrated(one)).rejects.toThrow(/lacks migration 0001_event_log.*cofi migrate/);
      const applied =
        dialect === "mysql" ? (await Promise.all([migrate(one), migrate(two)])).flat() : await migrate(one);
      expect(applied).toEqual([
        "0001_event_log",
        "0002_results",
        "0003_snapshot",
        "0004_retention",
        "0005_runs",
        "0006_retention_state",
        "0007_calls_stored",
        "0008_engine_hosts",
        "0009_host_slots",
        "0010_host_turns",
        "0014_access",
        "0015_trade_list",
        "0016_seals",
        "0017_review",
        "0018_spoken_words",
      ]);
      expect(await migrate(two)).toEqual([]);
      await assertMigrated(two);
    } finally {
      await one.close();
      await two.close();
      await drop();
    }
  });

  test("refuse a history that this version does not know", async () => {
    const { url, drop } = await emptyDatabase(dialect);
    const database = await openDatabase(url);
    try {
      await migrate(database);
      const stranger = { name: "0000_before", timestamp: new Date().toISOString() };
      await sql`INSERT INTO kysely_migration (name, timestamp) VALUES (${stranger.name}, ${stranger.timestamp})`.execute(
        database.kysely,
      );
      await expect(migrate(database)).rejects.toThrow(/0000_before/);
    } finally {
      await database.close();
      await drop();
    }
  });
});

test("a server that is not there is said to be unavailable, without the password", async () => {
  const attempt = openDatabase("mysql://cofi:secret@127.0.0.1:1/cofi");
  await expect(attempt).rejects.toThrow(DatabaseUnavailableError);
  await expect(attempt).rejects.toThrow(/mysql:\/\/cofi@127\.0\.0\.1:1\/cofi is unavailable: .*ECONNREFUSED/);
});
