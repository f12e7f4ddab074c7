/** A batch that retention has reason to remove, with three calls and three trades of two clients. */
import type { Kysely } from "kysely";
import { reportUnavailable, type Database } from "@cofi/event-log/database";
import type { Store } from "@cofi/event-log/store";
import type { Tables } from "@cofi/event-log/tables";
import type { FreshDatabase } from "../../../test/support/databases.js";

export const DAY = 86_400_000;
const ago = (days: number): string =>
  new Date(Date.now() - days * DAY).toISOString().replace("T", " ").replace("Z", "");

/** Call, its recording, its trade, and the client of both. */
const SUBJECTS = [
  { callId: "C1", fileName: "c1.wav", tradeId: "T1", clientCode: "MN1" },
  { callId: "C2", fileName: "c2.wav", tradeId: "T2", clientCode: "MN2" },
  { callId: "C3", fileName: "c3.wav", tradeId: "T3", clientCode: "MN2" },
] as const;

/** A batch that ended so many days ago; another one is the newest, so that the clock is believed. */
export async function oldBatch(fresh: FreshDatabase, store: Store, days: number, repeated = 1): Promise<number> {
  const { database } = fresh;
  const { id: batchId } = await store.createBatch({ name: `${days} days`, folder: null });
  // As a whole: from then on it may be removed.
  await reportUnavailable(database, () => database.transaction((db) => fill(db, batchId, { days, repeated })));
  return batchId;
}

async function fill(
  kysely: Kysely<Tables>,
  batchId: number,
  { days, repeated }: { days: number; repeated: number },
): Promise<void> {
  const event = { batchId, timestamp: ago(days), payload: '{"a":1}', response: '{"b":1}' };
  const named = SUBJECTS.flatMap(({ fileName, tradeId }) => [
    { ...event, stage: "stt", eventType: "file_complete" as const, fileName },
    { ...event, stage: "verdicts", eventType: "file_complete" as const, fileName: tradeId },
  ]);
  const start = { batchId, timestamp: ago(days), stage: "stt", eventType: "stage_start" as const };
  await kysely.insertInto("batchExecutionLog").values(start).execute();
  await kysely
    .insertInto("batchExecutionLog")
    .values(Array.from({ length: repeated }, () => named).flat())
    .execute();
  for (const { callId, fileName, tradeId, clientCode } of SUBJECTS) {
    await kysely
      .insertInto("callRecord")
      .values({ batchId, callId, fileName, startTime: ago(days), durationS: 10, clientCode })
      .execute();
    await kysely.insertInto("transcript").values({ batchId, callId, text: "buy", segments: "[]" }).execute();
    await kysely.insertInto("auditAnswer").values({ batchId, callId, questionId: "Q", answer: "YES" }).execute();
    await kysely.insertInto("extractedTrade").values({ batchId, callId, ordinal: 0, action: "NEW" }).execute();
    const trade = { batchId, tradeId, orderTime: ago(days), clientCode, dealerId: "D", symbol: "INFY", side: "BUY" };
    await kysely
      .insertInto("trade")
      .values({ ...trade, quantity: 1, price: 1, verdict: "MISMATCH", verdictCallId: callId })
      .execute();
    const scores = { ranking: 1, score: 1, phoneScore: 1, clientCodeScore: 1, dealerScore: 1, timeScore: 1 };
    await kysely
      .insertInto("tradeCall")
      .values({ batchId, tradeId, callId, ...scores, selected: 1, reason: "" })
      .execute();
    await kysely
      .insertInto("review")
      .values({ batchId, tradeId, number: 1, what: "taken", who: "ann", role: "reviewer", at: ago(days) })
      .execute();
  }
  const ended = { status: "completed" as const, createdAt: ago(days), finishedAt: ago(days) };
  await kysely.updateTable("batchStatus").set(ended).where("id", "=", batchId).execute();
}

export async function newestBatch(fresh: FreshDatabase, store: Store): Promise<void> {
  const { id: batchId } = await store.createBatch({ name: "newest", folder: null });
  await fresh.insertForeign({ batchId, stage: "stt", eventType: "info" });
}

/** What is left of a batch: names of files with events, those of them with payloads, and the keys of each table of results. */
export async function leftOf({ kysely }: Database, batchId: number) {
  const events = await kysely
    .selectFrom("batchExecutionLog")
    .select(["fileName", "payload"])
    .where("batchId", "=", batchId)
    .execute();
  const keys = async (table: "transcript" | "auditAnswer" | "extractedTrade" | "callRecord"): Promise<string[]> =>
    (await kysely.selectFrom(table).select("callId").where("batchId", "=", batchId).orderBy("callId").execute()).map(
      ({ callId }) => callId,
    );
  const trades = async (table: "trade" | "tradeCall" | "review"): Promise<string[]> =>
    (await kysely.selectFrom(table).select("tradeId").where("batchId", "=", batchId).orderBy("tradeId").execute()).map(
      ({ tradeId }) => tradeId,
    );
  return {
    events: [...new Set(events.flatMap(({ fileName }) => fileName ?? []))].toSorted(),
    payloads: [
      ...new Set(events.flatMap(({ fileName, payload }) => (payload === null ? [] : (fileName ?? [])))),
    ].toSorted(),
    transcript: await keys("transcript"),
    auditAnswer: await keys("auditAnswer"),
    extractedTrade: await keys("extractedTrade"),
    callRecord: await keys("callRecord"),
    trade: await trades("trade"),
    tradeCall: await trades("tradeCall"),
    review: await trades("review"),
  };
}
