/** The page of a batch whose CSV files hold values that were not understood. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import { EventLogger } from "@cofi/event-log/event-logger";
import { migrate } from "@cofi/event-log/migrate";
import { Store } from "@cofi/event-log/store";
import { axeViolations } from "../support/axe.js";
import { launchBrowser } from "../support/browser.js";
import { startDashboard } from "../support/cofi.js";

let root: string;
let dashboard: Awaited<ReturnType<typeof startDashboard>>;
let browser: Browser;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "cofi-values-"));
  const databaseUrl = `sqlite:${join(root, "cofi.sqlite")}`;
  const database = await openDatabase(databaseUrl);
  await migrate(database);
  const store = new Store(database);
  const { id } = await store.createBatch({ name: "values", folder: null });
  const logger = await EventLogger.open({ batchId: id, spoolDir: join(root, "spool"), store });
  const said = (severity: string, count: number, message: string) =>
    logger.info("callmetadata", message, {
      fileName: "calls.csv",
      metadata: { rows: { severity, code: "X", column: "y", count } },
    });
  await logger.stageStart("callmetadata", { totalFiles: 1 });
  await logger.fileStart("callmetadata", "calls.csv", { payload: { file_name: "calls.csv" } });
  await said(
    "warning",
    42,
    "calls.csv, line 2: caller_number names no number; it is taken as not given. 41 more like it.",
  );
  await said("note", 1, "calls.csv: the values are separated by tabs, and are read so.");
  await logger.fileComplete("callmetadata", "calls.csv", { response: { rows: 50 } });
  await logger.stageComplete("callmetadata", { status: "success" });
  await logger.close();
  await store.updateBatch(id, { status: "completed", finishedAt: new Date() });
  await database.close();
  dashboard = await startDashboard({ COFI_DATABASE_URL: databaseUrl, COFI_DATA_DIR: root });
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  await dashboard?.stop();
  await rm(root, { recursive: true, force: true });
});

test("a finding counts them, and leads to the file, which lists each kind", async () => {
  const page = await (await browser.newContext()).newPage();
  await page.goto(dashboard.url);
  const finding = page.locator('[data-finding="values"]');
  await finding.waitFor();
  expect(await finding.innerText()).toMatch(/42 values of calls\.csv need a look/);
  await finding.getByRole("link").click();
  const journey = page.locator("dialog.journey[open]");
  await journey.getByText("caller_number names no number").waitFor();
  expect(await journey.locator(".attempt-note").allInnerTexts()).toEqual([
    expect.stringMatching(/41 more like it/),
    expect.stringMatching(/separated by tabs/),
  ]);
  expect(await axeViolations(page)).toEqual([]);
});
