/** Events may be larger than what a server sorts in: MySQL refuses to sort rows that do not fit, so no query may make it. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Store } from "@cofi/event-log/store";
import { DIALECTS, freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";
import { storedEvent } from "./stored-event.js";

const EVENTS = 12;
/** More than the 256 KB of a server without configuration. */
const LARGE = "x".repeat(400_000);

describe.each(DIALECTS)("events with metadata of 400 KB on %s", (dialect) => {
  let fresh: FreshDatabase;
  let store: Store;
  let batchId: number;
  let ids: number[];
  beforeEach(async () => {
    fresh = await freshDatabase(dialect);
    store = new Store(fresh.database);
    batchId = (await store.createBatch({ name: "night", folder: null })).id;
    const events = Array.from({ length: EVENTS }, (_, n) =>
      storedEvent({
        batchId,
        eventId: `event-${n}`,
        stage: n % 2 === 0 ? "stt" : "llm1",
        eventType: n % 3 === 0 ? "error" : "file_complete",
        status: n % 3 === 0 ? "failed" : "success",
        fileName: `${n % 4}.wav`,
        payload: JSON.stringify(LARGE),
        response: JSON.stringify(LARGE),
        errorMessage: n % 3 === 0 ? "e".repeat(60_000) : null,
        metadata: JSON.stringify({ text: LARGE }),
      }),
    );
    await store.insertEvents(events);
    ids = await store.idsAfter(0, EVENTS);
  });
  afterEach(() => fresh.close());

  const idsOf = (events: readonly { id: number }[]): number[] => events.map(({ id }) => id);

  test("are listed by every filter, newest first", async () => {
    const filters = [
      {},
      { stage: "stt" },
      { fileName: "1.wav" },
      { status: "failed" },
      { eventType: "error" },
      { stage: "llm1", fileName: "1.wav", status: "success", eventType: "file_complete" },
    ] as const;
    for (const filter of filters) {
      const { events } = await store.events(batchId, { ...filter, limit: EVENTS });
      expect(events.length).toBeGreaterThan(0);
      expect(idsOf(events)).toEqual(idsOf(events).toSorted((a, b) => b - a));
    }
    const page = await store.events(batchId, { limit: 2, before: ids.at(-1)! });
    expect(idsOf(page.events)).toEqual(ids.slice(-3, -1).toReversed());
  });

  test("are read by the tail, the journey of a file and exports, oldest first", async () => {
    const range = { after: 0, upToId: ids.at(-1)!, limit: EVENTS };
    expect(idsOf(await store.eventsAfter(0, EVENTS))).toEqual(ids);
    expect(idsOf(await store.eventsByIds(ids.toReversed()))).toEqual(ids);
    expect(idsOf(await store.batchEventsAfter(batchId, 0, ids.at(-1)!, EVENTS))).toEqual(ids);
    expect(idsOf(await store.replay(batchId, 0, ids.at(-1)!, EVENTS))).toEqual(ids);
    const ofFiles = await store.eventsOfFiles(batchId, ["1.wav", "3.wav"], range);
    expect(idsOf(ofFiles)).toEqual(ids.filter((_, n) => n % 2 === 1));
    const exported = await store.exportedEvents(batchId, {}, { ...range, bodies: true });
    expect(idsOf(exported)).toEqual(ids);
    expect([...(await store.completedFiles(batchId, "llm1")).keys()]).toEqual(["3.wav"]);
    const narrowed = await store.exportedEvents(batchId, { fileName: "1.wav" }, { ...range, bodies: true });
    expect(idsOf(narrowed)).toEqual(ids.filter((_, n) => n % 4 === 1));
  });
});
