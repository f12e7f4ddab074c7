/** The detailed views say what SQL says, also while a batch runs and when they are narrowed. */
import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import type { HostsView } from "@cofi/views/detail/host-shapes";
import type { ErrorsView, FilesPage, MetricsView, Reconciliation } from "@cofi/views/detail/shapes";
import type { Batch, Snapshot } from "@cofi/event-log/events";
import { STAGES } from "@cofi/event-log/stages";
import { TROUBLE } from "../../../tools/trouble.mjs";
import { DIALECTS } from "../../../test/support/databases.js";
import { get, until } from "./dashboard-support.js";
import { useGenerated } from "./detail-support.js";

describe.each(DIALECTS)("the views on %s", (dialect) => {
  const on = useGenerated(dialect);
  const { generate, compare } = on;

  test("counts, reconciliation and exports are SQL's, at moments of a running batch and at its end", async () => {
    const ended = new AbortController();
    let compared = 0;
    // The writer waits for a comparison after so many events, so that there are several however busy the machine is.
    const pace = (events: number): Promise<void> =>
      events % 150 === 0 ? until(() => compared >= events / 150, "a comparison") : Promise.resolve();
    const running = generate({ files: 120, trouble: true, pace }).finally(() => ended.abort());
    let batch: Batch | null = null;
    while (!batch) batch = await on.it.store.currentBatch();
    for (; !ended.signal.aborted; compared++) await compare(batch.id);
    await running;
    await compare(batch.id);
    expect(compared).toBeGreaterThan(3);
  });

  test("narrowed to one cause, each view equals that of a batch with these files alone", async () => {
    const { batchId } = await generate({ files: 200, trouble: true });
    const path = `${on.it.url}/api/batch/${batchId}`;
    const { body: errors } = await get<ErrorsView>(`${path}/errors`);
    const group = errors.groups.find(({ cause }) => cause.startsWith("The answer is no JSON"))!;
    const of = `cause=${encodeURIComponent(group.cause)}`;
    const { body: page } = await get<FilesPage>(`${path}/files?${of}&limit=500`);
    const files = new Set(page.rows.map(({ fileName }) => fileName));
    expect(files.size).toBe(group.files);
    const { rows } = await sql<{ stage: string; fileName: string; gpuIp: string | null; eventType: string }>`
      SELECT stage, fileName, gpuIp, eventType FROM batchExecutionLog
      WHERE batchId = ${batchId} AND fileName IS NOT NULL`.execute(on.it.fresh.database.kysely);
    const own = rows.filter(({ fileName }) => files.has(fileName));

    const { body: hosts } = await get<HostsView>(`${path}/hosts?${of}`);
    const lid = STAGES.findIndex(({ name }) => name === "lid");
    for (const { host, stages } of hosts.hosts) {
      const there = own.filter(({ stage, gpuIp }) => stage === "lid" && gpuIp === host);
      expect([host, stages[lid]?.errors ?? 0, stages[lid]?.done ?? 0]).toEqual([
        host,
        there.filter(({ eventType }) => eventType === "error").length,
        there.filter(({ eventType }) => eventType === "file_complete").length,
      ]);
    }
    expect(hosts.hosts.find(({ host }) => host === TROUBLE.unhealthyHost)?.stages[lid]?.errors).toBe(group.count);

    const { body: handoffs } = await get<Reconciliation>(`${path}/reconciliation?${of}`);
    expect(handoffs.stages.find(({ stage }) => stage === "lid")).toMatchObject({ input: files.size, done: files.size });
    expect(handoffs.balanced).toBe(true);
    const { body: snapshot } = await get<Snapshot>(`${path}/snapshot?${of}`);
    expect(snapshot.stages[lid]).toMatchObject({ done: files.size, totalFiles: files.size, errors: group.count });
    expect(snapshot.events["lid"]?.filter(({ fileName }) => fileName !== null && !files.has(fileName))).toEqual([]);
    const { body: narrowed } = await get<ErrorsView>(`${path}/errors?${of}`);
    expect(narrowed.groups).toEqual([group]);
    const { body: metrics } = await get<MetricsView>(`${path}/metrics?${of}`);
    const retried = metrics.stages[lid]?.retried.reduce((sum, count) => sum + count, 0);
    expect(retried).toBe(group.count);

    // A file that meets the cause later belongs to it from then on, with all that it met before.
    const quiet = rows.find(({ fileName }) => fileName.endsWith(".wav") && !files.has(fileName))!.fileName;
    await on.it.fresh.insertForeign({
      batchId,
      stage: "lid",
      eventType: "error",
      status: "failed",
      fileName: quiet,
      errorMessage: group.example,
    });
    await until(async () => {
      const { body } = await get<Snapshot>(`${path}/snapshot?${of}`);
      return body.stages[lid]?.failed === 1 && body.stages[0]?.done === files.size + 1;
    }, "the new file");
    const { body: nothing } = await get<Snapshot>(`${path}/snapshot?cause=nobody`);
    expect(nothing.stages[lid]).toMatchObject({ done: 0, failed: 0, inFlight: 0, totalFiles: 0 });
  });
});
