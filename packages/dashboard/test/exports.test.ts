/** Exports hold the whole filtered set, in each format, harmless for spreadsheets. */
import { setTimeout as pause } from "node:timers/promises";
import { parse } from "csv-parse/sync";
import { describe, expect, test } from "vitest";
import type { FilesPage } from "@cofi/views/detail/shapes";
import type { LogEventDetail } from "@cofi/event-log/events";
import { DIALECTS } from "../../../test/support/databases.js";
import { get, problem, startDashboard } from "./dashboard-support.js";
import { useGenerated, type ExportedFile } from "./detail-support.js";

describe.each(DIALECTS)("exports on %s", (dialect) => {
  const on = useGenerated(dialect);
  const { generate, text, lines } = on;

  test("an export holds the whole filtered set, with the events that say so, in each format", async () => {
    const { batchId, failed } = await generate({ files: 200, trouble: true });
    const path = `/api/batch/${batchId}`;
    const { body: page } = await get<FilesPage>(`${on.it.url}${path}/files?state=failed&stage=denoise&limit=5`);
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
    const { body: event } = await get<LogEventDetail>(`${on.it.url}/api/events/${end?.eventId}`);
    expect(event).toMatchObject({ fileName: end?.fileName, stage: "denoise" });
    const cause = "CUDA out of memory";
    const ofCause = await lines<ExportedFile>(`${path}/export/files?format=ndjson&cause=${encodeURIComponent(cause)}`);
    const { body: byCause } = await get<FilesPage>(`${on.it.url}${path}/files?cause=${encodeURIComponent(cause)}`);
    expect(new Set(ofCause.rows.map(({ fileName }) => fileName)).size).toBe(byCause.total);
  });

  test("an export is not cut off when its reader takes longer than a request may", async () => {
    const batch = await on.it.store.createBatch({ name: "night", folder: null });
    // More than the buffers of a connection hold.
    const events = 240;
    const payload = JSON.stringify({ text: "x".repeat(100_000) });
    for (let n = 0; n < events; n++)
      await on.it.fresh.insertForeign({ batchId: batch.id, stage: "stt", eventType: "info", payload });
    const limited = await startDashboard(on.it.store, { COFI_REQUEST_TIMEOUT_MS: "100" });
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
    const batch = await on.it.store.createBatch({ name: "night", folder: null });
    const row = { batchId: batch.id, stage: "stt", eventType: "error", status: "failed" };
    const texts = ['=HYPERLINK("http://x")', "+1", "-1+2", "@SUM(A1)", "\tx", 'a, "b"\nc', "plain"];
    for (const errorMessage of texts)
      await on.it.fresh.insertForeign({
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
    expect((await problem(`${on.it.url}${path}?format=xlsx`)).status).toBe(400);
    expect((await problem(`${on.it.url}/api/batch/99/export/files`)).status).toBe(404);
  });
});
