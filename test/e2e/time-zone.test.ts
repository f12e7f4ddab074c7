/** An operator in London watches a batch that is traded in Mumbai: times and days of the page are those of the zone that is chosen. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import { migrate } from "@cofi/event-log/migrate";
import { launchBrowser } from "../support/browser.js";
import { startDashboard, type Dashboard } from "../support/cofi.js";
import { expectFit, LOOKS, takeLook } from "../support/looks.js";

const LONGEST = "America/North_Dakota/New_Salem";
let root: string;
let dashboard: Dashboard;
let browser: Browser;
let page: Page;
let url: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "cofi-zone-"));
  const databaseUrl = `sqlite:${join(root, "cofi.sqlite")}`;
  const database = await openDatabase(databaseUrl);
  await migrate(database);
  const { kysely } = database;
  await sql`INSERT INTO batchStatus (name, status, createdAt, startedAt, finishedAt)
    VALUES ('mumbai', 'completed', '2026-11-20 19:00:00.000', '2026-11-20 19:00:00.000', '2026-11-20 22:00:00.000')`.execute(
    kysely,
  );
  for (const hour of [19, 20, 21])
    await sql`INSERT INTO batchExecutionLog (batchId, stage, eventType, fileName, status, durationMs, timestamp)
      VALUES (1, 'stt', 'file_complete', ${`${hour}.wav`}, 'success', 900, ${`2026-11-20 ${hour}:15:00.000`})`.execute(
      kysely,
    );
  await database.close();
  dashboard = await startDashboard({ COFI_DATABASE_URL: databaseUrl, COFI_DATA_DIR: root });
  ({ url } = dashboard);
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await dashboard?.stop();
  await rm(root, { recursive: true, force: true });
});
beforeEach(async () => {
  await page?.close();
  page = await browser.newPage({ timezoneId: "Europe/London" });
  await page.goto(url);
});

const choice = () => page.getByRole("combobox", { name: "Time zone" });
const lastEvent = () => page.locator('[data-stage="stt"] [data-event-id] time').first();

test("the times of events, charts and days follow, also after a reload", async () => {
  await expect.poll(() => lastEvent().textContent()).toBe("21:15:00");
  await choice().selectOption("Asia/Kolkata");
  await expect.poll(() => lastEvent().textContent()).toBe("02:45:00");
  expect(await page.getByTestId("data-age").textContent()).toContain("GMT+5:30");
  await page.reload();
  await expect.poll(() => lastEvent().textContent()).toBe("02:45:00");
  expect(await choice().inputValue()).toBe("Asia/Kolkata");

  await page.goto(`${url}/?view=metrics`);
  const figures = page.getByRole("region", { name: "Figures of this batch" });
  await figures.getByText("As a table").first().click();
  await expect.poll(() => figures.locator("details tbody th").first().textContent()).toMatch(/^21 Nov 2026, 00:4\d$/);

  // It began half an hour after midnight there.
  await page.goto(`${url}/?view=batches&from=2026-11-21&to=2026-11-21`);
  await page.locator("tr[data-batch]").waitFor();
  await choice().selectOption("utc");
  await page.getByText("No batch passes these filters").waitFor();
});

test("all zones can be chosen, cities by the names that they have today; one that is not known is as none", async () => {
  const names = await choice().locator("optgroup option").allTextContents();
  expect(names.length).toBeGreaterThan(400);
  expect(names).toContain("Asia/Kolkata");
  await page.evaluate("localStorage.setItem('cofi.zone', 'Mars/Olympus')");
  await page.reload();
  await expect.poll(() => lastEvent().textContent()).toBe("21:15:00");
  expect(await choice().inputValue()).toBe("local");
});

test("the header is as wide and as high with the longest name, on a phone and in the dark too", async () => {
  for (const look of LOOKS) {
    await takeLook(page, look);
    await choice().selectOption("local");
    const before = await page.locator(".bar").boundingBox();
    await choice().selectOption(LONGEST);
    await expect.poll(() => page.getByTestId("data-age").textContent()).toMatch(/GMT-[56]/);
    expect(await page.locator(".bar").boundingBox(), `${look.width}`).toEqual(before);
    await expectFit(page, "time-zone", look);
  }
});
