/** The detailed views, the list of batches and the exports say what SQL says, also while a batch runs. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parse } from "csv-parse/sync";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type {
  BatchOverview,
  ErrorsView,
  FilesPage,
  HostsView,
  MetricsView,
  Reconciliation,
  TrendsView,
} from "@cofi/views/detail/shapes";
import type { Batch, LogEvent, LogEventDetail, Snapshot } from "@cofi/event-log/events";
import { STAGES } from "@cofi/event-log/stages";
import { generateBatch, TROUBLE } from "../../../tools/generate-batch.mjs";
import { DIALECTS } from "../../../test/support/databases.js";
import { get, problem, run, startDashboard, until, type Running } from "./dashboard-support.js";

type ExportedFile = { fileName: string; stage: string; state: string; eventId: number | null };

describe.each(DIALECTS)("what the views and exports say on %s", (dialect) => {
  let it: Running;
  let folder: string;
  beforeEach(async () => {
    it = await run(dialect);
    folder = await mkdtemp(join(tmpdir(), "cofi-detail-"));
  });
  afterEach(async () => {
    await it.close();
    await rm(folder, { recursive: true, force: true });
  });

  const generate = (options: { files: number; rate?: number; trouble?: boolean; name?: string }) =>
    generateBatch({ store: it.store, spoolDir: folder, ...options });
  const text = async (path: string): Promise<{ body: string; head: number; headers: Headers }> => {
    const response = await fetch(`${it.url}${path}`);
    expect(response.status).toBe(200);
    return {
      body: await response.text(),
      head: Number(response.headers.get("x-cofi-head")),
      headers: response.headers,
    };
  };
  const lines = async <T>(path: string): Promise<{ rows: T[]; head: number }> => {
    const { body, head } = await text(path);
    return {
      rows: body
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line) as T),
      head,
    };
  };

  /** By stage, how many files stand at each state, by the latest event of each with an id up to `head`. */
  async function statesBySql(batchId: number, head: number): Promise<Map<string, Record<string, number>>> {
    const { rows } = await sql<{ stage: string; eventType: string; status: string | null }>`
      SELECT log.stage, log.eventType, log.status FROM batchExecutionLog AS log JOIN (
        SELECT max(id) AS id FROM batchExecutionLog
        WHERE batchId = ${batchId} AND id <= ${head} AND fileName IS NOT NULL
          AND eventType IN ('file_start', 'file_complete', 'error')
        GROUP BY stage, fileName) AS latest ON latest.id = log.id`.execute(it.fresh.database.kysely);
    const stages = new Map<string, Record<string, number>>();
    for (const { stage, eventType, status } of rows) {
      const counts = stages.get(stage) ?? { done: 0, failed: 0, inWork: 0 };
      stages.set(stage, counts);
      const state =
        eventType === "file_start" || status === "processing"
          ? "inWork"
          : eventType === "file_complete" && status !== "failed"
            ? "done"
            : "failed";
      counts[state] = (counts[state] ?? 0) + 1;
    }
    return stages;
  }

  async function compare(batchId: number): Promise<void> {
    const { body: handoffs } = await get<Reconciliation>(`${it.url}/api/batch/${batchId}/reconciliation`);
    const bySql = await statesBySql(batchId, handoffs.head);
    for (const { stage, done, failed, inFlight, retrying, ...rest } of handoffs.stages) {
      const sums = { done, failed, inWork: inFlight + retrying };
      expect({ stage, ...sums }).toEqual({ stage, ...(bySql.get(stage) ?? { done: 0, failed: 0, inWork: 0 }) });
      expect(done + failed + inFlight + retrying + rest.skipped + rest.waiting + rest.missing).toBe(rest.input);
    }
    const files = await lines<ExportedFile>(`/api/batch/${batchId}/export/files?format=ndjson&everything=1`);
    const ofFiles = await statesBySql(batchId, files.head);
    for (const [stage, { done, failed }] of ofFiles) {
      const rows = files.rows.filter((row) => row.stage === stage);
      expect([stage, rows.filter(({ state }) => state === "done").length]).toEqual([stage, done]);
      expect([stage, rows.filter(({ state }) => state === "failed").length]).toEqual([stage, failed]);
    }
    const events = await lines<LogEvent>(`/api/batch/${batchId}/export/events?format=ndjson`);
    const { rows: ids } = await sql<{ id: number }>`
      SELECT id FROM batchExecutionLog WHERE batchId = ${batchId} AND id <= ${events.head} ORDER BY id`.execute(
      it.fresh.database.kysely,
    );
    expect(events.rows.map(({ id }) => id)).toEqual(ids.map(({ id }) => Number(id)));
  }

  test(
    "counts, reconciliation and exports are SQL's, at moments of a running batch and at its end",
    { timeout: 60_000 },
    async () => {
      const moments = new AbortController();
      const running = generate({ files: 120, rate: 700, trouble: true });
      const ended = running.finally(() => moments.abort());
      let batch: Batch | null = null;
      while (!batch) batch = await it.store.currentBatch();
      let compared = 0;
      for (; !moments.signal.aborted; compared++) await compare(batch.id);
      await ended;
      await compare(batch.id);
      expect(compared).toBeGreaterThan(3);
    },
  );

  test("an export holds the whole filtered set, with the events that say so, in each format", async () => {
    const { batchId, failed } = await generate({ files: 200, trouble: true });
    const path = `/api/batch/${batchId}`;
    const { body: page } = await get<FilesPage>(`${it.url}${path}/files?state=failed&stage=denoise&limit=5`);
    expect(page.total).toBe(failed);
    const ndjson = await lines<ExportedFile>(`${path}/export/files?state=failed&stage=denoise&format=ndjson`);
    expect(new Set(ndjson.rows.map(({ fileName }) => fileName)).size).toBe(failed);
    const json = await text(`${path}/export/files?state=failed&stage=denoise&format=json`);
    expect(JSON.parse(json.body)).toEqual(ndjson.rows);
    const csv = await text(`${path}/export/files?state=failed&stage=denoise`);
    expect(csv.headers.get("content-disposition")).toBe(`attachment; filename="cofi-batch-${batchId}-files.csv"`);
    const rows = parse(csv.body, { columns: true }) as Record<string, string>[];
    expect(rows.map(({ fileName, stage, eventId }) => [fileName, stage, eventId])).toEqual(
      ndjson.rows.map(({ fileName, stage, eventId }) => [fileName, stage, eventId === null ? "" : String(eventId)]),
    );
    const end = ndjson.rows.find(({ stage, state }) => stage === "denoise" && state === "failed");
    const { body: event } = await get<LogEventDetail>(`${it.url}/api/events/${end?.eventId}`);
    expect(event).toMatchObject({ fileName: end?.fileName, stage: "denoise" });
    const cause = "CUDA out of memory";
    const ofCause = await lines<ExportedFile>(`${path}/export/files?format=ndjson&cause=${encodeURIComponent(cause)}`);
    const { body: byCause } = await get<FilesPage>(`${it.url}${path}/files?cause=${encodeURIComponent(cause)}`);
    expect(new Set(ofCause.rows.map(({ fileName }) => fileName)).size).toBe(byCause.total);
  });

  test("narrowed to one cause, each view says what it would say of a batch with these files alone", async () => {
    const { batchId } = await generate({ files: 200, trouble: true });
    const path = `${it.url}/api/batch/${batchId}`;
    const { body: errors } = await get<ErrorsView>(`${path}/errors`);
    const group = errors.groups.find(({ cause }) => cause.startsWith("The answer is no JSON"))!;
    const of = `cause=${encodeURIComponent(group.cause)}`;
    const { body: page } = await get<FilesPage>(`${path}/files?${of}&limit=500`);
    const files = new Set(page.rows.map(({ fileName }) => fileName));
    expect(files.size).toBe(group.files);
    const { rows } = await sql<{ stage: string; fileName: string; gpuIp: string | null; eventType: string }>`
      SELECT stage, fileName, gpuIp, eventType FROM batchExecutionLog
      WHERE batchId = ${batchId} AND fileName IS NOT NULL`.execute(it.fresh.database.kysely);
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
    await it.fresh.insertForeign({
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

  test("an export is not cut off when its reader takes longer than a request may", async () => {
    const batch = await it.store.createBatch({ name: "night", folder: null });
    // More than the buffers of a connection hold.
    const events = 240;
    const payload = JSON.stringify({ text: "x".repeat(100_000) });
    for (let n = 0; n < events; n++)
      await it.fresh.insertForeign({ batchId: batch.id, stage: "stt", eventType: "info", payload });
    const limited = await startDashboard(it.store, { COFI_REQUEST_TIMEOUT_MS: "100" });
    try {
      const url = `${limited.url}/api/batch/${batch.id}/export/events?format=ndjson&bodies=1`;
      const response = await fetch(url, { headers: { "accept-encoding": "identity" } });
      await pause(300);
      expect((await response.text()).trim().split("\n")).toHaveLength(events);
    } finally {
      await limited.dashboard.close();
    }
  });

  test("cells that a spreadsheet would run are made harmless; bodies only when asked for", async () => {
    const batch = await it.store.createBatch({ name: "night", folder: null });
    const row = { batchId: batch.id, stage: "stt", eventType: "error", status: "failed" };
    const texts = ['=HYPERLINK("http://x")', "+1", "-1+2", "@SUM(A1)", "\tx", 'a, "b"\nc', "plain"];
    for (const errorMessage of texts)
      await it.fresh.insertForeign({
        ...row,
        fileName: "a.wav",
        errorMessage,
        payload: '{"phone":"+49"}',
        metadata: '{"a":{"b":1}}',
      });
    const path = `/api/batch/${batch.id}/export/events`;
    const rows = parse((await text(path)).body, { columns: true }) as Record<string, string>[];
    expect(rows.map(({ errorMessage }) => errorMessage)).toEqual(
      texts.map((message) => (/^[=+\-@\t]/.test(message) ? `'${message}` : message)),
    );
    expect(rows[0]).not.toHaveProperty("payload");
    expect(rows[0]?.["metadata"]).toBe('{"a":{"b":1}}');
    const json = JSON.parse((await text(`${path}?format=json&bodies=1&status=failed`)).body) as LogEventDetail[];
    expect(json[0]).toMatchObject({ errorMessage: texts[0], payload: '{"phone":"+49"}', metadata: { a: { b: 1 } } });
    expect((await text(`${path}?format=json&stage=ivr`)).body).toBe("[\n]\n");
    expect((await problem(`${it.url}${path}?format=xlsx`)).status).toBe(400);
    expect((await problem(`${it.url}/api/batch/99/export/files`)).status).toBe(404);
  });

  test("batches are found by status, time and text", async () => {
    const made: Batch[] = [];
    for (const name of ["Mumbai night", "Delhi night", ""])
      made.push(await it.store.createBatch({ name, folder: null }));
    const [mumbai, delhi, nameless] = made as [Batch, Batch, Batch];
    await it.store.updateBatch(mumbai.id, { status: "completed" });
    await it.fresh.insertForeign({ batchId: delhi.id, stage: "stt", eventType: "info" });
    await sql`UPDATE batchStatus SET createdAt = '2026-10-01 00:00:00.000' WHERE id = ${mumbai.id}`.execute(
      it.fresh.database.kysely,
    );
    const found = async (query: string): Promise<number[]> =>
      (await get<{ batches: Batch[] }>(`${it.url}/api/batches?${query}`)).body.batches.map(({ id }) => id);
    expect(await found("status=running")).toEqual([delhi.id]);
    expect(await found("status=pending")).toEqual([nameless.id]);
    expect(await found("text=NIGHT")).toEqual([delhi.id, mumbai.id]);
    expect(await found("text=%25")).toEqual([]);
    expect(await found(`text=Batch%20${nameless.id}`)).toEqual([nameless.id]);
    expect(await found("to=2026-10-02T00:00:00Z")).toEqual([mumbai.id]);
    expect(await found("from=2026-10-01T02:00:00%2B02:00&status=completed")).toEqual([mumbai.id]);
    expect((await problem(`${it.url}/api/batches?from=yesterday`)).status).toBe(400);
  });

  test("a batch in one line, and the last ones side by side", async () => {
    const { batchId } = await generate({ files: 40, name: "first", rate: 2_000 });
    const { body: line } = await get<BatchOverview>(`${it.url}/api/batch/${batchId}/overview`);
    const bySql = await statesBySql(batchId, line.head);
    for (const { stage, done, failed } of line.stages.filter((one) => bySql.has(one.stage)))
      expect({ stage, done, failed }).toMatchObject({ stage, ...pick(bySql.get(stage)) });
    const { rows } = await sql<{
      ends: number;
    }>`SELECT count(*) AS ends FROM batchExecutionLog WHERE batchId = ${batchId}
      AND fileName IS NOT NULL AND (eventType = 'file_complete' OR (eventType = 'error' AND status = 'failed'))`.execute(
      it.fresh.database.kysely,
    );
    expect(line.spark.reduce((sum, files) => sum + files, 0)).toBe(Number(rows[0]?.ends));
    expect(line.progress).toBe(1);
    const stt = line.stages.find(({ stage }) => stage === "stt");
    expect(stt?.p95Ms).toBeGreaterThan(1_000);
    expect(stt?.audioHoursPerHour).toBeGreaterThan(0);
    const { body: metrics } = await get<MetricsView>(`${it.url}/api/batch/${batchId}/metrics`);
    const byFold = metrics.stages.map(({ stage, overall }) => [stage, overall.audioHoursPerHour]);
    expect(line.stages.map(({ stage, audioHoursPerHour }) => [stage, audioHoursPerHour])).toEqual(byFold);
    await generate({ files: 10, name: "second" });
    await generate({ files: 10, name: "running", trouble: true });
    const { body: trends } = await get<TrendsView>(`${it.url}/api/trends?batches=5`);
    expect(trends.batches.map(({ name }) => name)).toEqual(["first", "second"]);
    expect(trends.batches[0]?.stages).toEqual(line.stages);
    expect((await problem(`${it.url}/api/trends?batches=0`)).status).toBe(400);
  });

  test("the last batches that are over are found behind many that are not", async () => {
    const { kysely } = it.fresh.database;
    const add = (count: number, columns: { status: "completed" | "interrupted"; finishedAt: string | null }) =>
      kysely
        .insertInto("batchStatus")
        .values(Array.from({ length: count }, (_, n) => ({ ...columns, name: `${columns.status} ${n}` })))
        .execute();
    await add(3, { status: "completed", finishedAt: "2026-10-01 00:00:00.000" });
    await add(450, { status: "interrupted", finishedAt: null });
    const { body: trends } = await get<TrendsView>(`${it.url}/api/trends?batches=2`);
    expect(trends.batches.map(({ name }) => name)).toEqual(["completed 1", "completed 2"]);
  });
});

function pick(counts: Record<string, number> | undefined): { done: number | undefined; failed: number | undefined } {
  return { done: counts?.["done"], failed: counts?.["failed"] };
}
