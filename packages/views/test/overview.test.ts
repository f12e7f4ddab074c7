import { expect, test } from "vitest";
import { metricsView } from "@cofi/views/detail/metrics";
import { foldDetail } from "@cofi/views/detail/replay";
import type { Batch } from "@cofi/event-log/events";
import { Store } from "@cofi/event-log/store";
import { overviewOf } from "@cofi/views/overview";
import { DIALECTS, freshDatabase } from "../../../test/support/databases.js";

const ASOF = "2026-11-23T04:00:00.000Z";
/** More than one answer of the database holds. */
const FILES = 5_500;
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

test.each(DIALECTS)("audio hours per hour are of more files than one answer holds, on %s", async (dialect) => {
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
