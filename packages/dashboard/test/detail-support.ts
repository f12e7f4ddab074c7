/** Batches that are generated behind a dashboard, and the comparison of its views and exports with SQL. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import { afterEach, beforeEach, expect } from "vitest";
import type { DialectName } from "@cofi/event-log/database";
import type { LogEvent } from "@cofi/event-log/events";
import type { Reconciliation } from "@cofi/views/detail/shapes";
import { generateBatch } from "../../../tools/generate-batch.mjs";
import { get, run, type Running } from "./dashboard-support.js";

export type ExportedFile = { fileName: string; stage: string; state: string; eventId: number | null };

type Generation = Omit<Parameters<typeof generateBatch>[0], "store" | "spoolDir">;

interface Generated {
  /** The dashboard of the test that runs. */
  readonly it: Running;
  generate: (options: Generation) => ReturnType<typeof generateBatch>;
  /** The text of an answer, with the id of the last event that it holds. */
  text: (path: string) => Promise<{ body: string; head: number; headers: Headers }>;
  /** The same for lines of JSON. */
  lines: <T>(path: string) => Promise<{ rows: T[]; head: number }>;
  /** By stage, how many files are in each state, by the latest event of each with an id up to `head`. */
  statesBySql: (batchId: number, head: number) => Promise<Map<string, Record<string, number>>>;
  /** Expects that handoffs and exports equal SQL at the moment that each of them names. */
  compare: (batchId: number) => Promise<void>;
}

/** Starts a dashboard before each test, and closes it after. */
export function useGenerated(dialect: DialectName): Generated {
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

  const generate = (options: Generation) => generateBatch({ store: it.store, spoolDir: folder, ...options });
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

  return {
    get it() {
      return it;
    },
    generate,
    text,
    lines,
    statesBySql,
    compare,
  };
}
