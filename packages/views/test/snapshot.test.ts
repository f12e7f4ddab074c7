import fc from "fast-check";
import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { EVENT_STATUSES, EVENT_TYPES } from "@cofi/event-log/events";
import { applyEvent, emptyView, snapshotOf } from "@cofi/views/projection";
import { Store } from "@cofi/event-log/store";
import { sqlSnapshot } from "@cofi/views/sql-cards";
import { DIALECTS, freshDatabase } from "../../../test/support/databases.js";

const ASOF = "2026-11-23T04:00:00.000Z";
const START = Date.UTC(2026, 10, 23, 2);

/** As other services may write them: any columns, any order, stages that nobody knows. */
const rows = fc.array(
  fc.record({
    stage: fc.constantFrom("denoise", "stt", "constructor", "elsewhere"),
    eventType: fc.constantFrom(...EVENT_TYPES),
    status: fc.constantFrom(null, ...EVENT_STATUSES),
    fileName: fc.constantFrom(null, "a.wav", "A.wav", "b.wav", "c.wav"),
    totalFiles: fc.constantFrom(null, null, 0, 3, 100),
    processedFiles: fc.constantFrom(null, null, 0, 2),
    timestamp: fc
      .integer({ min: 0, max: 180_000 })
      .map((ms) => new Date(START + ms).toISOString().replace("T", " ").replace("Z", "")),
  }),
  { maxLength: 40 },
);

describe.each(DIALECTS)("the snapshot on %s", (dialect) => {
  test("is what the fold of the events makes, for every part of the log", { timeout: 120_000 }, async () => {
    const fresh = await freshDatabase(dialect);
    const store = new Store(fresh.database);
    try {
      await fc.assert(
        fc.asyncProperty(rows, fc.nat(40), async (written, back) => {
          const batch = await store.createBatch({ name: "night", folder: null });
          if (written.length > 0)
            await fresh.database.kysely
              .insertInto("batchExecutionLog")
              .values(written.map((row) => ({ ...row, batchId: batch.id })))
              .execute();
          const upToId = (await store.maxEventId()) - (written.length > 0 ? Math.min(back, written.length) : 0);
          let view = emptyView(batch, 3);
          for (const event of await store.batchEventsAfter(batch.id, 0, upToId, 1_000)) view = applyEvent(view, event);
          expect(await sqlSnapshot(store, batch, upToId, 3, ASOF)).toEqual(snapshotOf(view, ASOF));
        }),
        { numRuns: dialect === "mysql" ? 60 : 150 },
      );
    } finally {
      await fresh.close();
    }
  });

  test("counts from the index alone", async () => {
    const fresh = await freshDatabase(dialect);
    try {
      const batch = await new Store(fresh.database).createBatch({ name: "night", folder: null });
      for (const stage of ["denoise", "stt"])
        await fresh.insertForeign({ batchId: batch.id, stage, eventType: "file_start", fileName: "a.wav" });
      const hint = sql.raw(
        dialect === "mysql" ? "FORCE INDEX (batchExecutionLog_state)" : "INDEXED BY batchExecutionLog_state",
      );
      const explain = sql.raw(dialect === "mysql" ? "EXPLAIN" : "EXPLAIN QUERY PLAN");
      const { rows: plan } = await sql`${explain} SELECT max(id), max(timestamp), max(totalFiles), max(processedFiles)
        FROM batchExecutionLog ${hint} WHERE batchId = ${batch.id} AND stage = 'stt' AND eventType = 'error' AND status = 'failed'`.execute(
        fresh.database.kysely,
      );
      expect(JSON.stringify(plan)).toMatch(dialect === "mysql" ? /Using index|Covering index/ : /COVERING INDEX/);
    } finally {
      await fresh.close();
    }
  });
});
