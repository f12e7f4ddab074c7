/** Events that become visible after later ones that they change: nobody misses one, and the figures become what the log says. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { FilesPage, MetricsView } from "@cofi/views/detail/shapes";
import { DIALECTS } from "../../../test/support/databases.js";
import { Feed, get, run, until, type Running } from "./dashboard-support.js";

const FILES = 30;

describe.each(DIALECTS)("late events on %s", (dialect) => {
  let it: Running;
  let feed: Feed;
  beforeEach(async () => {
    it = await run(dialect);
  });
  afterEach(async () => {
    feed.close();
    await it.close();
  });

  test("a batch that is folded again says what it would have said, and every event reaches its viewers once", async () => {
    const batch = await it.store.createBatch({ name: "night", folder: null });
    const add = (id: number, second: number, row: Record<string, string | number | null>) =>
      it.fresh.insertForeign({
        id,
        batchId: batch.id,
        stage: "stt",
        timestamp: new Date(Date.UTC(2026, 10, 23, 2, 0, second)).toISOString().replace("T", " ").replace("Z", ""),
        ...row,
      });
    await add(1, 0, { eventType: "stage_start", totalFiles: FILES });
    feed = await new Feed(`${it.url}/api/stream?batch=${batch.id}`).ready();
    const files = `${it.url}/api/batch/${batch.id}/files?limit=100`;
    const seconds = async (): Promise<(number | null | undefined)[]> => {
      const { body } = await get<FilesPage>(files);
      return body.rows.map(({ cells }) => cells.find(Boolean)?.durationMs);
    };
    // Each end is seen before the start that tells how long the file took.
    for (let n = 0; n < FILES; n++) {
      const file = { fileName: `${String(n).padStart(2, "0")}.wav` };
      await add(11 + 10 * n, n + 5, { ...file, eventType: "file_complete", status: "success" });
      await until(() => feed.ids.includes(11 + 10 * n), "the end of a file");
      await add(10 + 10 * n, n, { ...file, eventType: "file_start" });
    }
    // The first event is in the snapshot, or comes after it.
    const ids = (): number[] => feed.ids.filter((id) => id !== 1);
    const all = Array.from({ length: FILES }, (_, n) => [10 + 10 * n, 11 + 10 * n]).flat();
    await until(() => ids().length >= all.length, "all events");
    expect(ids().toSorted((a, b) => a - b)).toEqual(all);
    await until(async () => (await seconds()).every((ms) => ms === 5_000), "the durations of all files");
    const { body } = await get<MetricsView>(`${it.url}/api/batch/${batch.id}/metrics`);
    expect(body.stages.find(({ stage }) => stage === "stt")?.overall).toMatchObject({ p50Ms: 5_000, p95Ms: 5_000 });
    expect(ids()).toHaveLength(all.length);
  });
});
