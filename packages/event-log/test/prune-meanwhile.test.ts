/** What happens to a batch between the moment at which `prune` finds it old enough and the moment at which it removes it. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { prune, type PruneOptions } from "@cofi/event-log/retention";
import { Results } from "@cofi/evidence/results";
import { Store } from "@cofi/event-log/store";
import type { Database } from "@cofi/event-log/database";
import { DIALECTS, freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";
import { storedEvent } from "./stored-event.js";

const DAY = 86_400_000;
const KEEP: PruneOptions = { keepPayloadsMs: 30 * DAY, keepEventsMs: 365 * DAY };
const EVENTS = 10;
const ago = (days: number): string =>
  new Date(Date.now() - days * DAY).toISOString().replace("T", " ").replace("Z", "");

let fresh: FreshDatabase;
let store: Store;

/** A batch that ended so many days ago. */
async function batchOf(days: number): Promise<number> {
  const { id } = await store.createBatch({ name: `${days} days`, folder: null });
  const values = { status: "completed" as const, createdAt: ago(days), finishedAt: ago(days) };
  await fresh.database.kysely.updateTable("batchStatus").set(values).where("id", "=", id).execute();
  const event = { batchId: id, timestamp: ago(days), payload: "p", response: "r" };
  await store.insertEvents(Array.from({ length: EVENTS }, (_, n) => storedEvent({ ...event, eventId: `${id} ${n}` })));
  return id;
}

/** Does `work` before the second transaction of the database begins: `prune` has its list, and has removed the first step of it. */
function afterTheFirstStep(database: Database, work: () => Promise<void>): void {
  const transaction = database.transaction.bind(database);
  let begun = 0;
  database.transaction = async (inside) => {
    begun += 1;
    if (begun === 2) await work();
    return transaction(inside);
  };
}

async function wholeRun(batchId: number): Promise<void> {
  const run = await store.beginRun(batchId, { owner: "a", leaseMs: 60_000, version: "1", configuration: {} });
  const transcript = { language: "en", confidence: 1, model: "m", text: "buy", segments: [] };
  await new Results(fresh.database).saveTranscript(run!, "C1", transcript);
  await store.updateBatchOf(run!, { status: "completed", finishedAt: new Date() });
  await store.endRun(run!, "completed");
}

/** As a service does that knows nothing of leases. */
async function reopenAndEnd(batchId: number): Promise<void> {
  await store.updateBatch(batchId, { status: "running", finishedAt: null });
  await store.updateBatch(batchId, { status: "completed", finishedAt: new Date() });
}

/** As a service does that writes no `batchStatus`; nobody has judged the age of the event. */
async function logLate(batchId: number): Promise<void> {
  await fresh.insertForeign({ batchId, stage: "stt", eventType: "info" });
}

describe.each(DIALECTS)("on %s", (dialect) => {
  beforeEach(async () => {
    fresh = await freshDatabase(dialect);
    store = new Store(fresh.database);
  });
  afterEach(() => fresh.close());

  describe.each([
    ["is run again", wholeRun],
    ["is reopened and ended by a service", reopenAndEnd],
    ["gets an event from a service", logLate],
  ])("a batch that %s while another one is removed", (_, happens) => {
    test.each([
      [40, "payloads"],
      [400, "events"],
    ])("keeps what it has, when it was %i days old and its %s were to go", async (days) => {
      const first = await batchOf(401);
      const second = await batchOf(days);
      await batchOf(0);
      afterTheFirstStep(fresh.database, () => happens(second));
      expect((await prune(fresh.database, KEEP))?.map(({ id }) => id)).toEqual([first]);
      const { events } = await store.events(second, { limit: 100 });
      const whole = await Promise.all(events.map(({ id }) => store.event(id)));
      expect(whole.filter((event) => event?.payload === "p" && event.response === "r")).toHaveLength(EVENTS);
      expect(await store.removedBatch(second)).toBeNull();
      const kept = await new Results(fresh.database).transcript(second, "C1");
      expect(kept?.text).toBe(happens === wholeRun ? "buy" : undefined);
    });
  });
});
