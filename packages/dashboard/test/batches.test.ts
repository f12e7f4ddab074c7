/** Batches are found and summed up, one by one and side by side. */
import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import type { BatchOverview, MetricsView, TrendsView } from "@cofi/views/detail/shapes";
import type { Batch } from "@cofi/event-log/events";
import { DIALECTS } from "../../../test/support/databases.js";
import { get, problem } from "./dashboard-support.js";
import { useGenerated } from "./detail-support.js";

describe.each(DIALECTS)("the list of batches on %s", (dialect) => {
  const on = useGenerated(dialect);
  const { generate, statesBySql } = on;

  test("batches are found by status, time and text", async () => {
    const made: Batch[] = [];
    for (const name of ["Mumbai night", "Delhi night", ""])
      made.push(await on.it.store.createBatch({ name, folder: null }));
    const [mumbai, delhi, nameless] = made as [Batch, Batch, Batch];
    await on.it.store.updateBatch(mumbai.id, { status: "completed" });
    await on.it.fresh.insertForeign({ batchId: delhi.id, stage: "stt", eventType: "info" });
    await sql`UPDATE batchStatus SET createdAt = '2026-10-01 00:00:00.000' WHERE id = ${mumbai.id}`.execute(
      on.it.fresh.database.kysely,
    );
    const found = async (query: string): Promise<number[]> =>
      (await get<{ batches: Batch[] }>(`${on.it.url}/api/batches?${query}`)).body.batches.map(({ id }) => id);
    expect(await found("status=running")).toEqual([delhi.id]);
    expect(await found("status=pending")).toEqual([nameless.id]);
    expect(await found("text=NIGHT")).toEqual([delhi.id, mumbai.id]);
    expect(await found("text=%25")).toEqual([]);
    expect(await found(`text=Batch%20${nameless.id}`)).toEqual([nameless.id]);
    expect(await found("to=2026-10-02T00:00:00Z")).toEqual([mumbai.id]);
    expect(await found("from=2026-10-01T02:00:00%2B02:00&status=completed")).toEqual([mumbai.id]);
    expect((await problem(`${on.it.url}/api/batches?from=yesterday`)).status).toBe(400);
  });

  test("a batch in one line, and the last ones side by side", async () => {
    const { batchId } = await generate({ files: 40, name: "first", rate: 2_000 });
    const { body: line } = await get<BatchOverview>(`${on.it.url}/api/batch/${batchId}/overview`);
    const bySql = await statesBySql(batchId, line.head);
    for (const { stage, done, failed } of line.stages.filter((one) => bySql.has(one.stage)))
      expect({ stage, done, failed }).toMatchObject({ stage, ...pick(bySql.get(stage)) });
    const { rows } = await sql<{
      ends: number;
    }>`SELECT count(*) AS ends FROM batchExecutionLog WHERE batchId = ${batchId}
      AND fileName IS NOT NULL AND (eventType = 'file_complete' OR (eventType = 'error' AND status = 'failed'))`.execute(
      on.it.fresh.database.kysely,
    );
    expect(line.spark.reduce((sum, files) => sum + files, 0)).toBe(Number(rows[0]?.ends));
    expect(line.progress).toBe(1);
    const stt = line.stages.find(({ stage }) => stage === "stt");
    expect(stt?.p95Ms).toBeGreaterThan(1_000);
    expect(stt?.audioHoursPerHour).toBeGreaterThan(0);
    const { body: metrics } = await get<MetricsView>(`${on.it.url}/api/batch/${batchId}/metrics`);
    const byFold = metrics.stages.map(({ stage, overall }) => [stage, overall.audioHoursPerHour]);
    expect(line.stages.map(({ stage, audioHoursPerHour }) => [stage, audioHoursPerHour])).toEqual(byFold);
    await generate({ files: 10, name: "second" });
    await generate({ files: 10, name: "running", trouble: true });
    const { body: trends } = await get<TrendsView>(`${on.it.url}/api/trends?batches=5`);
    expect(trends.batches.map(({ name }) => name)).toEqual(["first", "second"]);
    expect(trends.batches[0]?.stages).toEqual(line.stages);
    expect((await problem(`${on.it.url}/api/trends?batches=0`)).status).toBe(400);
  });

  test("the last batches that are over are found behind many that are not", async () => {
    const { kysely } = on.it.fresh.database;
    const add = (count: number, columns: { status: "completed" | "interrupted"; finishedAt: string | null }) =>
      kysely
        .insertInto("batchStatus")
        .values(Array.from({ length: count }, (_, n) => ({ ...columns, name: `${columns.status} ${n}` })))
        .execute();
    await add(3, { status: "completed", finishedAt: "2026-10-01 00:00:00.000" });
    await add(450, { status: "interrupted", finishedAt: null });
    const { body: trends } = await get<TrendsView>(`${on.it.url}/api/trends?batches=2`);
    expect(trends.batches.map(({ name }) => name)).toEqual(["completed 1", "completed 2"]);
  });
});

function pick(counts: Record<string, number> | undefined): { done: number | undefined; failed: number | undefined } {
  return { done: counts?.["done"], failed: counts?.["failed"] };
}
