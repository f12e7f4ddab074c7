import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sql } from "kysely";
import { STAGES } from "@cofi/event-log/stages";
import type { Batch, LogEvent, LogEventDetail, StageSummary } from "@cofi/event-log/events";
import { batchSchema, eventDetailSchema, eventSchema, healthSchema, stageSchema } from "@cofi/dashboard/schemas";
import { DIALECTS } from "../../../test/support/databases.js";
import { get, problem, run, type Running } from "./dashboard-support.js";

type Logs = { events: LogEvent[]; nextCursor: string | null };
type Stats = { batch: Batch; stages: StageSummary[] };

/** Below `/api/batch/{id}/`. */
const OF_A_BATCH =
  "logs stats files reading runs reconciliation snapshot hosts hosts/history errors timeline findings overview " +
  "export/files export/events metrics trades trades/{tradeId} trades/{tradeId}/reveal export/trades " +
  "calls/{callId} calls/{callId}/transcript calls/{callId}/reveal calls/{callId}/play calls/{callId}/sound " +
  "calls/{callId}/peaks trades/{tradeId}/pack trades/{tradeId}/review trades/{tradeId}/review/reveal cases draw search";

describe.each(DIALECTS)("the HTTP API on %s", (dialect) => {
  let it: Running;
  beforeEach(async () => {
    it = await run(dialect);
  });
  afterEach(() => it.close());

  const insert = (row: Record<string, string | number | null>): Promise<number> => it.fresh.insertForeign(row);

  test("says that there is no batch, then which one is the newest, and shows a pending one with events as running", async () => {
    expect((await get(`${it.url}/api/current-batch`)).body).toEqual({ batch: null });
    await it.store.createBatch({ name: "first", folder: null });
    const second = await it.store.createBatch({ name: "second", folder: null, totalFiles: 3 });
    const current = async (): Promise<Batch> => (await get<{ batch: Batch }>(`${it.url}/api/current-batch`)).body.batch;
    expect(batchSchema.strict().parse(await current())).toEqual(second);
    await insert({ batchId: second.id, stage: "stt", eventType: "info" });
    expect(await current()).toMatchObject({ id: second.id, status: "running" });
    const { body } = await get<{ batches: Batch[] }>(`${it.url}/api/batches`);
    expect(body.batches.map(({ name, status }) => [name, status])).toEqual([
      ["second", "running"],
      ["first", "pending"],
    ]);
    expect((await get<{ batch: Batch }>(`${it.url}/api/batch/${second.id}`)).body.batch.status).toBe("running");
  });

  test("pages through batches", async () => {
    for (let n = 1; n <= 5; n++) await it.store.createBatch({ name: `b${n}`, folder: null });
    const names: string[] = [];
    let query = "?limit=2";
    for (;;) {
      const { body } = await get<{ batches: Batch[]; nextCursor: string | null }>(`${it.url}/api/batches${query}`);
      names.push(...body.batches.map(({ name }) => name));
      if (body.nextCursor === null) break;
      query = `?limit=2&before=${body.nextCursor}`;
    }
    expect(names).toEqual(["b5", "b4", "b3", "b2", "b1"]);
  });

  test("lists events newest first, without payloads, by filter and cursor", async () => {
    const batch = await it.store.createBatch({ name: "night", folder: null });
    const other = await it.store.createBatch({ name: "other", folder: null });
    const expected: number[] = [];
    for (let n = 0; n < 30; n++) {
      const wanted = n % 3 === 0;
      const id = await insert({
        batchId: n % 5 === 4 ? other.id : batch.id,
        stage: wanted ? "stt" : "ivr",
        eventType: wanted ? "file_complete" : "info",
        fileName: wanted ? "ä b&c.wav" : null,
        status: wanted ? "success" : null,
        payload: '{"secret":1}',
        metadata: '{"n":1}',
      });
      if (wanted && n % 5 !== 4) expected.unshift(id);
    }
    const filter = `stage=stt&eventType=file_complete&status=success&fileName=${encodeURIComponent("ä b&c.wav")}`;
    const all = await get<Logs>(`${it.url}/api/batch/${batch.id}/logs?${filter}`);
    expect(all.body.events.map(({ id }) => id)).toEqual(expected);
    expect(all.body.nextCursor).toBeNull();
    expect(all.headers.get("cache-control")).toBe("no-store");
    for (const event of all.body.events) eventSchema.strict().parse(event);
    expect(all.body.events[0]).toMatchObject({ metadata: { n: 1 }, payloadBytes: 12, responseBytes: null });
    expect(JSON.stringify(all.body)).not.toContain("secret");

    const paged: number[] = [];
    let cursor = "";
    do {
      const { body } = await get<Logs>(`${it.url}/api/batch/${batch.id}/logs?${filter}&limit=3${cursor}`);
      paged.push(...body.events.map(({ id }) => id));
      cursor = body.nextCursor === null ? "" : `&before=${body.nextCursor}`;
    } while (cursor);
    expect(paged).toEqual(expected);

    const forward: number[] = [];
    cursor = "&after=0";
    do {
      const { body } = await get<Logs>(`${it.url}/api/batch/${batch.id}/logs?${filter}&limit=3${cursor}`);
      forward.push(...body.events.map(({ id }) => id));
      cursor = body.nextCursor === null ? "" : `&after=${body.nextCursor}`;
    } while (cursor);
    expect(forward).toEqual(expected.toReversed());
    const next = await get<Logs>(`${it.url}/api/batch/${batch.id}/logs?${filter}&after=${expected[1]}`);
    expect([next.body.events.map(({ id }) => id), next.body.nextCursor]).toEqual([[expected[0]], null]);
  });

  test("gives the whole event by id, and keeps huge metadata out of lists", async () => {
    const batch = await it.store.createBatch({ name: "night", folder: null });
    const payload = JSON.stringify({ text: "é".repeat(100_000) });
    const metadata = JSON.stringify({ text: "m".repeat(50_000) });
    const id = await insert({
      batchId: batch.id,
      stage: "stt",
      eventType: "info",
      payload,
      response: "no JSON",
      metadata,
    });
    // MySQL stores metadata in a form of its own.
    const { kysely } = it.store.database;
    const stored = await kysely
      .selectFrom("batchExecutionLog")
      .select("metadata")
      .where("id", "=", id)
      .executeTakeFirstOrThrow();
    const { body } = await get<LogEventDetail>(`${it.url}/api/events/${id}`);
    expect(eventDetailSchema.strict().parse(body)).toMatchObject({
      id,
      payload,
      response: "no JSON",
      payloadCut: null,
      metadataText: stored.metadata,
    });
    expect(body.metadata).toEqual(JSON.parse(metadata));
    const { events } = (await get<Logs>(`${it.url}/api/batch/${batch.id}/logs`)).body;
    expect(events[0]?.metadata).toEqual({ cut: true, bytes: metadata.length });
  });

  test("stats are what SQL counts, at once after the commit", async () => {
    const batch = await it.store.createBatch({ name: "night", folder: null });
    const empty = (await get<Stats>(`${it.url}/api/batch/${batch.id}/stats`)).body;
    expect(empty.stages.map(({ stage, progress, totalFiles }) => [stage, progress, totalFiles])).toEqual(
      STAGES.map(({ name }) => [name, null, null]),
    );
    const types = ["file_start", "file_complete", "error"] as const;
    for (let n = 0; n < 300; n++) {
      const eventType = types[(n * 7 + (n >> 3)) % 3]!;
      const stage = STAGES[n % STAGES.length]!.name;
      const status = eventType === "error" ? "failed" : eventType === "file_complete" ? "success" : "processing";
      await insert({ batchId: batch.id, stage, eventType, fileName: `f${(n * 13) % 17}.wav`, status, totalFiles: 40 });
    }
    const { body } = await get<Stats>(`${it.url}/api/batch/${batch.id}/stats`);
    const rows = await sql<{ stage: string; done: number; failed: number; inFlight: number; errors: number }>`
      SELECT l.stage, SUM(l.eventType = 'file_complete') AS done, SUM(l.eventType = 'error') AS failed,
        SUM(l.eventType = 'file_start') AS inFlight,
        (SELECT COUNT(*) FROM batchExecutionLog e WHERE e.batchId = ${batch.id} AND e.stage = l.stage AND e.eventType = 'error') AS errors
      FROM batchExecutionLog l
      WHERE l.id IN (SELECT MAX(id) FROM batchExecutionLog WHERE batchId = ${batch.id} GROUP BY stage, fileName)
      GROUP BY l.stage`.execute(it.fresh.database.kysely);
    const bySql = Object.fromEntries(
      rows.rows.map((row) => [row.stage, [row.done, row.failed, row.inFlight, row.errors].map(Number)]),
    );
    expect(Object.fromEntries(body.stages.map((s) => [s.stage, [s.done, s.failed, s.inFlight, s.errors]]))).toEqual(
      bySql,
    );
    for (const stage of body.stages) {
      stageSchema.strict().parse(stage);
      expect(stage.progress).toBeCloseTo((stage.done + stage.failed) / 40);
    }
  });

  test("stats right after a burst of many rows count them all", async () => {
    const batch = await it.store.createBatch({ name: "night", folder: null });
    const values = Array.from({ length: 2_500 }, (_, n) => ({
      batchId: batch.id,
      stage: "stt",
      eventType: "file_complete" as const,
      fileName: `f${n}`,
    }));
    for (let n = 0; n < 5; n++)
      await it.fresh.database.kysely
        .insertInto("batchExecutionLog")
        .values(values.slice(n * 500, (n + 1) * 500))
        .execute();
    const { body } = await get<Stats>(`${it.url}/api/batch/${batch.id}/stats`);
    expect(body.stages.find(({ stage }) => stage === "stt")?.done).toBe(2_500);
  });

  test("views that nobody watches do not pile up in memory", async () => {
    const batches: Batch[] = [];
    for (let n = 0; n < 18; n++) batches.push(await it.store.createBatch({ name: `b${n}`, folder: null }));
    const inMemory = async (): Promise<number | null> =>
      (await get<{ events: { currentBatch: number | null } }>(`${it.url}/api/health`)).body.events.currentBatch;
    for (const [index, { id }] of batches.toReversed().entries()) {
      await get(`${it.url}/api/batch/${id}/stats`);
      if (index === 0) expect(await inMemory()).toBe(0);
    }
    expect(await inMemory()).toBeNull();
  });

  test("health says what works", async () => {
    const { status, body } = await get(`${it.url}/api/health`);
    expect(status).toBe(200);
    expect(healthSchema.strict().parse(body)).toMatchObject({ status: "ok", database: "ok", migrations: "current" });
  });

  test("every wrong request is a problem that names what is wrong", async () => {
    const batch = await it.store.createBatch({ name: "night", folder: null });
    const logs = `/api/batch/${batch.id}/logs`;
    const cases: [path: string, status: number, detail: string][] = [
      ["/api/batch/999", 404, "batch 999"],
      ["/api/batch/999/logs", 404, "batch 999"],
      ["/api/batch/999/stats", 404, "batch 999"],
      ["/api/stream?batch=999", 404, "batch 999"],
      ["/api/events/999", 404, "event 999"],
      ["/api/nothing", 404, "/api/nothing"],
      ["/api/batch/..%2f1/stats", 400, '"id"'],
      ["/api/batch/1e3", 400, '"id"'],
      [`/api/batch/${"9".repeat(30)}`, 400, '"id"'],
      [`${logs}?limit=0`, 400, '"limit"'],
      [`${logs}?limit=5001`, 400, '"limit"'],
      [`${logs}?before=-1`, 400, '"before"'],
      [`${logs}?after=x`, 400, '"after"'],
      [`${logs}?after=1&before=2`, 400, '"after"'],
      [`${logs}?eventType=nope`, 400, '"eventType"'],
      [`${logs}?status=a&status=b`, 400, '"status"'],
      [`${logs}?staeg=stt`, 400, "staeg"],
      ["/api/stream?batch=abc", 400, '"batch"'],
      ["/%zz", 400, "URL"],
    ];
    for (const [path, status, detail] of cases) {
      const body = await problem(`${it.url}${path}`);
      expect([path, body.status]).toEqual([path, status]);
      expect(body.detail).toContain(detail);
      expect(body.type).toMatch(/^\/problems\/[a-z-]+$/);
      expect(body.title).toBeTruthy();
    }
    expect((await problem(`${it.url}/api/health`, { method: "POST", body: "{}" })).status).toBe(404);
  });

  test("documents itself: every $ref resolves, every route and path parameter is there", async () => {
    type Operation = { responses: Record<string, unknown>; parameters?: { name: string; in: string }[] };
    type Document = { openapi: string; paths: Record<string, Record<string, Operation>> };
    const { body } = await get<Document>(`${it.url}/docs/json`);
    expect(body.openapi).toMatch(/^3\.1/);
    expect(Object.keys(body.paths).toSorted()).toEqual(
      [
        "/api/health",
        "/api/current-batch",
        "/api/batches",
        "/api/batch/{id}",
        ...OF_A_BATCH.split(" ").map((path) => `/api/batch/{id}/${path}`),
        "/api/trends",
        "/api/search",
        "/api/reasons",
        "/api/accuracy",
        "/api/holds",
        "/api/holds/reveal",
        "/api/holds/{id}/release",
        "/api/events/{id}",
        "/api/events/{id}/reveal",
        "/api/stream",
        "/api/session",
        "/api/sessions",
        "/api/sessions/{id}",
        "/api/sessions/end",
        "/api/users",
        "/api/access-log",
      ].toSorted(),
    );
    for (const [path, operations] of Object.entries(body.paths)) {
      for (const operation of Object.values(operations)) {
        expect(Object.keys(operation.responses)).toContain("200");
        const inPath = (operation.parameters ?? []).filter((p) => p.in === "path").map((p) => p.name);
        expect(inPath).toEqual([...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]));
      }
    }
    const logs = body.paths["/api/batch/{id}/logs"]?.["get"]?.parameters ?? [];
    expect(logs.map(({ name }) => name)).toEqual(expect.arrayContaining(["before", "after"]));
    const refs = [...JSON.stringify(body).matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1]!);
    expect(refs.length).toBeGreaterThan(10);
    for (const ref of refs) {
      const found = ref
        .replace(/^#\//, "")
        .split("/")
        .reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], body);
      expect([ref, typeof found]).toEqual([ref, "object"]);
    }
    const page = await fetch(`${it.url}/docs`);
    const html = await page.text();
    expect(html).not.toMatch(/(?:src|href)="https?:/);
    for (const [, source] of html.matchAll(/(?:src|href)="(\/docs\/[^"]+)"/g)) {
      expect([source, (await fetch(`${it.url}${source}`)).status]).toEqual([source, 200]);
    }
  });
});
