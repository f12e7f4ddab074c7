/** What is history: the order of runs by itself, and the checkpoint, which the figures of `figures.test.ts` do not show. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RunOrder } from "@cofi/event-log/run-order";
import { Store } from "@cofi/event-log/store";
import { DIALECTS, freshDatabase } from "../../../test/support/databases.js";
import { logs, stored } from "./logs.js";
import { attemptsOf, current, filesOf, wordOf } from "./reference/rows.js";

describe.each(DIALECTS)("after retries, on %s", (dialect) => {
  test("the checkpoint holds what the newest word of a file completed", { timeout: 120_000 }, async () => {
    const fresh = await freshDatabase(dialect);
    const store = new Store(fresh.database);
    try {
      await fc.assert(
        fc.asyncProperty(logs, async (log) => {
          const { batch } = await stored(store, log);
          const rows = current(await store.batchEventsAfter(batch.id, 0, Number.MAX_SAFE_INTEGER, 1_000));
          const expected = filesOf(rows, "stt").filter((file) => {
            const last = attemptsOf(rows, "stt", file).at(-1);
            return last && wordOf(last) === "done" && (last.status ?? "success") === "success";
          });
          const completed = await store.completedFiles(batch.id, "stt");
          expect([...completed.keys()].toSorted()).toEqual(expected.toSorted());
        }),
        { numRuns: dialect === "mysql" ? 40 : 100 },
      );
    } finally {
      await fresh.close();
    }
  });
});

test("a run order says what comparing all rows says, whatever the order in which they come", () => {
  const ids = fc.uniqueArray(
    fc.record({ id: fc.integer({ min: 1, max: 40 }), run: fc.option(fc.integer({ min: 1, max: 4 })) }),
    {
      selector: ({ id }) => id,
    },
  );
  fc.assert(
    fc.property(ids, (rows) => {
      const order = new RunOrder();
      for (const { id, run } of rows) order.note(run, id);
      for (const { id, run } of rows) {
        const isHistory = run !== null && rows.some((other) => other.id < id && other.run !== null && other.run > run);
        expect(order.isHistory(run, id)).toBe(isHistory);
        expect(new RunOrder(order.starts).isHistory(run, id)).toBe(isHistory);
      }
    }),
  );
});
