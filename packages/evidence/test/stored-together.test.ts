/** Results of many calls that are stored in one transaction. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Results } from "@cofi/evidence/results";
import { RunSupersededError } from "@cofi/event-log/runs";
import { Store } from "@cofi/event-log/store";
import { DIALECTS, freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";

describe.each(DIALECTS)("on %s", (dialect) => {
  let fresh: FreshDatabase;
  let results: Results;
  let batchId: number;
  beforeEach(async () => {
    fresh = await freshDatabase(dialect);
    results = new Results(fresh.database);
    batchId = (await new Store(fresh.database).createBatch({ name: "results", folder: null })).id;
  });
  afterEach(() => fresh.close());

  const save = (callId: string, text: string | null, run = 0): Promise<void> => {
    const transcript = { language: "en", confidence: 0.5, model: "m", text: text as string, segments: [] };
    return results.saveTranscript({ batchId, run }, callId, transcript);
  };
  const texts = async (callIds: readonly string[]): Promise<(string | null)[]> =>
    Promise.all(callIds.map(async (callId) => (await results.transcript(batchId, callId))?.text ?? null));

  test("one that cannot be stored costs no other", async () => {
    const saved = await Promise.allSettled([save("A", "a"), save("B", null), save("C", "c")]);
    expect(saved.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(await texts(["A", "B", "C"])).toEqual(["a", null, "c"]);
  });

  test("of one call that is stored twice at once the later one stays", async () => {
    await Promise.all([save("A", "first"), save("B", "b"), save("A", "second")]);
    expect(await texts(["A", "B"])).toEqual(["second", "b"]);
  });

  test("those of a run that has been overtaken are refused, and those of the newest stored", async () => {
    const saved = await Promise.allSettled([save("A", "a"), save("B", "b", 7), save("C", "c")]);
    expect(saved[1]).toMatchObject({ status: "rejected", reason: expect.any(RunSupersededError) as Error });
    expect([saved[0]?.status, saved[2]?.status]).toEqual(["fulfilled", "fulfilled"]);
    expect(await texts(["A", "B", "C"])).toEqual(["a", null, "c"]);
  });
});
