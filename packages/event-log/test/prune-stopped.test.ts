/** The pauses of `prune` are as long as its steps, and not as its waiting for others. */
import { setTimeout as pause } from "node:timers/promises";
import { sql } from "kysely";
import { expect, test } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import { prune } from "@cofi/event-log/retention";
import { Store } from "@cofi/event-log/store";
import { freshDatabase } from "../../../test/support/databases.js";
import { storedEvent } from "./stored-event.js";

const DAY = 86_400_000;
const EVENTS = 2_000;
const BEATS = 400;
const ago = (days: number): string =>
  new Date(Date.now() - days * DAY).toISOString().replace("T", " ").replace("Z", "");

test("after others have held the database it does not pause for as long as they did", async () => {
  const fresh = await freshDatabase("sqlite");
  const other = await openDatabase(fresh.url);
  try {
    const store = new Store(fresh.database);
    const { id } = await store.createBatch({ name: "old", folder: null });
    const values = { status: "completed" as const, createdAt: ago(400), finishedAt: ago(400) };
    await fresh.database.kysely.updateTable("batchStatus").set(values).where("id", "=", id).execute();
    await store.insertEvents(
      Array.from({ length: EVENTS }, (_, n) => storedEvent({ batchId: id, timestamp: ago(400), eventId: `${n}` })),
    );
    const { id: newest } = await store.createBatch({ name: "newest", folder: null });
    await fresh.insertForeign({ batchId: newest, stage: "stt", eventType: "info" });

    // Between two steps of it the file is taken, for so many beats of this process.
    const transaction = fresh.database.transaction.bind(fresh.database);
    let begun = 0;
    let freed = Promise.resolve();
    fresh.database.transaction = async (work) => {
      begun += 1;
      if (begun === 2) {
        await sql`BEGIN IMMEDIATE`.execute(other.kysely);
        freed = (async () => {
          for (let beat = 0; beat < BEATS; beat++) await pause(5);
          await sql`ROLLBACK`.execute(other.kysely);
        })();
      }
      return transaction(work);
    };
    let isDone = false;
    const onBatch = (): void => void (isDone = true);
    const pruned = prune(fresh.database, { keepPayloadsMs: null, keepEventsMs: 365 * DAY, onBatch });
    await expect.poll(() => begun, { interval: 1 }).toBe(2);
    await freed;
    for (let beats = 0; beats < BEATS / 2; beats++) {
      if (isDone) break;
      await pause(5);
    }
    expect(isDone).toBe(true);
    expect(await pruned).toEqual([expect.objectContaining({ id, events: EVENTS })]);
  } finally {
    await other.close();
    await fresh.close();
  }
});
