/** What the databases say in SQL of their own has to mean the same. */
import fc from "fast-check";
import { sql } from "kysely";
import { expect, test } from "vitest";
import { Store } from "@cofi/event-log/store";
import { toDatabaseTime } from "@cofi/event-log/time";
import { DIALECTS, freshDatabase } from "../../../test/support/databases.js";

const FROM = Date.UTC(2026, 10, 23, 5, 53, 4, 913);

test.each(DIALECTS)(
  "on %s a time lies in the part that begins last before it, up to the last millisecond",
  async (dialect) => {
    const fresh = await freshDatabase(dialect);
    try {
      const batch = await new Store(fresh.database).createBatch({ name: "night", folder: null });
      const id = await fresh.insertForeign({ batchId: batch.id, stage: "stt", eventType: "info" });
      const { dialect: words, kysely } = fresh.database;
      const partOf = async (afterMs: number, widthMs: number): Promise<number> => {
        const timestamp = toDatabaseTime(new Date(FROM + afterMs));
        await kysely.updateTable("batchExecutionLog").set({ timestamp }).where("id", "=", id).execute();
        const part = words.partOfTime(toDatabaseTime(new Date(FROM)), widthMs);
        const { rows } = await sql<{ part: number }>`SELECT ${part} AS part FROM batchExecutionLog`.execute(kysely);
        return Number(rows[0]?.part);
      };
      const edges = fc.record({
        part: fc.integer({ min: -1, max: 40 }),
        widthMs: fc.integer({ min: 1, max: 90_000_000 }),
      });
      await fc.assert(
        fc.asyncProperty(edges, async ({ part, widthMs }) => {
          expect(await partOf(part * widthMs, widthMs)).toBe(part);
          expect(await partOf(part * widthMs - 1, widthMs)).toBe(part - 1);
        }),
        { numRuns: 100, examples: [[{ part: 40, widthMs: 2_474_313 }]] },
      );
    } finally {
      await fresh.close();
    }
  },
);
