import fc from "fast-check";
import { expect, test } from "vitest";
import { metricsView } from "@cofi/views/detail/metrics";
import { foldDetail } from "@cofi/views/detail/replay";
import { EVENT_STATUSES, type Batch, type EventType } from "@cofi/event-log/events";
import { Store } from "@cofi/event-log/store";
import { overviewOf } from "@cofi/views/overview";
import { DIALECTS, freshDatabase } from "../../../test/support/databases.js";

const ASOF = "2026-11-23T04:00:00.000Z";
/** More than one answer of the database holds. */
const FILES = 5_500;
const START = Date.UTC(2026, 10, 23, 2);

/** What a start may say of its file's audio: its length, nothing, or no length at all. */
const LENGTHS: Readonly<Record<string, number>> = { "a.wav": 12.3, "b.wav": 600, "B.wav": 1e-3, "c.wav": 4 };
const OTHER_METADATA = [
  null,
  "{}",
  '{"audioSeconds":"12"}',
  '{"audioSeconds":-1}',
  "[]",
  "null",
  '{"note":"audioSeconds"}',
];

/** The first as often as the others together. */
function often<T>(first: T, ...others: T[]): fc.Arbitrary<T> {
  return fc.oneof(fc.constant(first), fc.constantFrom(...others));
}

/** Starts and ends in any order and stage, also in one that nobody knows. */
const rows = fc.array(
  fc
    .record({
      stage: fc.constantFrom("file_distribution", "denoise", "stt", "triaging", "elsewhere"),
      eventType: often<EventType>(
        "file_start",
        "file_complete",
        "file_complete",
        "error",
        "stage_start",
        "stage_complete",
      ),
      status: often(null, ...EVENT_STATUSES),
      fileName: fc.constantFrom(null, ...Object.keys(LENGTHS)),
      says: often<string | true | null>(true, ...OTHER_METADATA),
      timestamp: fc
        .integer({ min: 0, max: 180_000 })
        .map((ms) => new Date(START + ms).toISOString().replace("T", " ").replace("Z", "")),
    })
    .map(({ says, ...row }) => {
      if (row.eventType !== "file_start" || row.fileName === null) return { ...row, metadata: null };
      return { ...row, metadata: says === true ? JSON.stringify({ audioSeconds: LENGTHS[row.fileName] }) : says };
    }),
  { minLength: 5, maxLength: 60, size: "max" },
);

const rates = (stages: readonly { stage: string; audioHoursPerHour: number | null }[]) =>
  stages.map(({ stage, audioHoursPerHour }) => [
    stage,
    audioHoursPerHour === null ? null : Number(audioHoursPerHour.toPrecision(9)),
  ]);

async function bothRates(store: Store, batch: Batch, upToId: number) {
  const overview = await overviewOf(store, batch, upToId, ASOF);
  const { detail, summaries } = await foldDetail(store, batch, upToId);
  const { stages } = metricsView(detail, summaries, ASOF);
  return {
    bySql: rates(overview.stages),
    byFold: rates(stages.map(({ stage, overall }) => ({ stage, ...overall }))),
  };
}

test.each(DIALECTS)(
  "audio hours per hour are what the fold says, for every part of the log, on %s",
  async (dialect) => {
    const fresh = await freshDatabase(dialect);
    const store = new Store(fresh.database);
    let known = 0;
    try {
      await fc.assert(
        fc.asyncProperty(rows, fc.nat(20), async (written, back) => {
          const batch = await store.createBatch({ name: "night", folder: null });
          const values = written.map((row) => ({ ...row, batchId: batch.id }));
          await fresh.database.kysely.insertInto("batchExecutionLog").values(values).execute();
          const upToId = (await store.maxEventId()) - Math.min(back, written.length);
          const { bySql, byFold } = await bothRates(store, batch, upToId);
          expect(bySql).toEqual(byFold);
          known += bySql.filter(([, rate]) => rate !== null).length;
        }),
        { numRuns: 150 },
      );
      expect(known).toBeGreaterThan(50);
    } finally {
      await fresh.close();
    }
  },
);

test.each(DIALECTS)("so they are of more files than one answer holds, on %s", async (dialect) => {
  const fresh = await freshDatabase(dialect);
  const store = new Store(fresh.database);
  try {
    const batch = await store.createBatch({ name: "night", folder: null });
    const add = (fields: object[]) =>
      fresh.database.kysely
        .insertInto("batchExecutionLog")
        .values(fields.map((row) => ({ batchId: batch.id, stage: "stt", eventType: "file_start" as const, ...row })))
        .execute();
    for (let from = 0; from < FILES; from += 500)
      await add(
        Array.from({ length: 500 }, (_, n) => [
          { fileName: `${from + n}.wav`, metadata: JSON.stringify({ audioSeconds: from + n + 1 }) },
          { fileName: `${from + n}.wav`, eventType: "file_complete", metadata: null },
        ]).flat(),
      );
    const upToId = await store.maxEventId();
    const { bySql, byFold } = await bothRates(store, batch, upToId);
    expect(bySql).toEqual(byFold);
    const { stages } = await overviewOf(store, batch, upToId, new Date(Date.now() + 3_600_000).toISOString());
    const stt = stages.find(({ stage }) => stage === "stt");
    const hours = (FILES * (FILES + 1)) / 2 / 3_600;
    expect(stt?.audioHoursPerHour).toBeCloseTo(hours / ((stt?.durationMs ?? 0) / 3_600_000));
  } finally {
    await fresh.close();
  }
});
