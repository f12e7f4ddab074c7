/** The page after a retry that worked, and of a batch that was cut off and resumed: it says nothing that is not so any more. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import { migrate } from "@cofi/event-log/migrate";
import { Store } from "@cofi/event-log/store";
import { launchBrowser } from "../support/browser.js";
import { startDashboard } from "../support/cofi.js";

const MINUTE_MS = 60_000;
let root: string;
let dashboard: Awaited<ReturnType<typeof startDashboard>>;
let browser: Browser;
let page: Page;
let batchId: number;

/** Two files in a minute, one of which fails and is done 37 minutes later. `run`: of both runs; null for a writer without runs. */
async function writeBatch(run: readonly (number | null)[], { isCutOff }: { isCutOff: boolean }): Promise<number> {
  const database = await openDatabase(`sqlite:${join(root, "cofi.sqlite")}`);
  const now = Date.now();
  const at = (minutes: number): string =>
    new Date(now - minutes * MINUTE_MS).toISOString().replace("T", " ").replace("Z", "");
  const { id } = await new Store(database).createBatch({ name: "retried", folder: null });
  await database.kysely
    .updateTable("batchStatus")
    .set({ status: "completed", totalFiles: 2, startedAt: at(40), finishedAt: at(1) })
    .where("id", "=", id)
    .execute();
  const [first = null, second = null] = run;
  const file = { gpuIp: "10.0.0.7", attempt: 1 } as const;
  const rows = [
    { minutes: 40, run: first, eventType: "stage_start", totalFiles: 2 },
    { minutes: 40, run: first, eventType: "file_start", fileName: "a.wav", ...file },
    { minutes: 40, run: first, eventType: "file_start", fileName: "b.wav", ...file },
    { minutes: 39, run: first, eventType: "file_complete", fileName: "a.wav", durationMs: MINUTE_MS, ...file },
    {
      minutes: 39,
      run: first,
      eventType: "error",
      fileName: "b.wav",
      status: "failed",
      errorMessage: "CUDA out of memory",
      durationMs: MINUTE_MS,
      ...file,
    },
    ...(isCutOff ? [] : ([{ minutes: 39, run: first, eventType: "stage_complete", status: "success" }] as const)),
    { minutes: 2, run: second, eventType: "stage_start", totalFiles: 2 },
    { minutes: 2, run: second, eventType: "file_start", fileName: "b.wav", ...file },
    { minutes: 1, run: second, eventType: "file_complete", fileName: "b.wav", durationMs: MINUTE_MS, ...file },
    { minutes: 1, run: second, eventType: "stage_complete", status: "success" },
  ] as const;
  for (const { minutes, ...row } of rows)
    await database.kysely
      .insertInto("batchExecutionLog")
      .values({ batchId: id, stage: "stt", timestamp: at(minutes), ...row })
      .execute();
  await database.close();
  return id;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "cofi-retried-"));
  const databaseUrl = `sqlite:${join(root, "cofi.sqlite")}`;
  const database = await openDatabase(databaseUrl);
  await migrate(database);
  await database.close();
  dashboard = await startDashboard({ COFI_DATABASE_URL: databaseUrl, COFI_DATA_DIR: root });
  browser = await launchBrowser();
  page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
});
afterAll(async () => {
  await browser?.close();
  await dashboard?.stop();
  await rm(root, { recursive: true, force: true });
});

const open = (view: string): Promise<unknown> => page.goto(`${dashboard.url}/?batch=${batchId}&view=${view}`);

test.each([
  ["by a writer without runs", [null, null], { isCutOff: false }],
  ["by the pipeline, which had been killed", [1, 2], { isCutOff: true }],
])("after a retry %s nothing accuses, and times are without the pause", async (_, runs, how) => {
  batchId = await writeBatch(runs, how);
  await open("stages");
  await page.getByText("Nothing to look at in this batch.").waitFor();
  expect(await page.getByTestId("elapsed").textContent()).toBe("2:00");
  await page.getByRole("link", { name: "2 runs" }).waitFor();
  const card = page.locator('article[data-stage="stt"]');
  await card.getByText("1 files/min average in 2 runs").waitFor();
  expect(await card.getByRole("link", { name: "1 error" }).getAttribute("data-tone")).toBeNull();

  await open("errors");
  await page.getByText("1 file, done by a later try").waitFor();

  await open("time");
  await expect.poll(() => page.getByTestId("runs").locator("li").count()).toBe(2);
  expect(await page.getByTestId("runs").textContent()).toContain("after a pause of 37 min 00 s");
  const row = page.locator('.gantt li[data-stage="stt"]');
  expect(await row.locator(".gantt-bar").count()).toBe(2);
  expect(await row.locator(".gantt-pause").count()).toBe(1);
  expect(await row.locator(".gantt-text").textContent()).toBe("2 min 00 s in 2 runs");

  await open("metrics&stage=stt");
  const figures = page.locator('tr[data-stage="stt"] td');
  await expect.poll(() => figures.allTextContents()).toEqual(["1 min 00 s", "1 min 00 s", "0 %", ""]);

  await page.goto(`${dashboard.url}/?batch=${batchId}&view=files&file=b.wav`);
  const journey = page.getByRole("dialog");
  await journey.getByText(/^Run 2, .*, after a pause of 37 min 00 s$/).waitFor();
  expect(await journey.locator(".attempts > li[data-outcome]").allTextContents()).toEqual([
    expect.stringContaining("Speech to text attempt 1 of 2"),
    expect.stringContaining("Speech to text attempt 2 of 2"),
  ]);

  await page.goto(`${dashboard.url}/?view=batches`);
  const line = page.locator(`tr[data-batch="${batchId}"]`);
  await line.getByText("2:00 in 2 runs").waitFor();
});
