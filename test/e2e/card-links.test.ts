/** The numbers of a card lead to exactly the files that they count; CSV files and trades are found like recordings. */
import { sql } from "kysely";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import { launchBrowser } from "../support/browser.js";
import { startNight, type Night } from "../support/night.js";

let night: Night;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  night = await startNight(60);
  const database = await openDatabase(night.databaseUrl);
  // A file that is tried again counts as in flight, one that is left out not at all; a stage that names no files.
  await sql`INSERT INTO batchExecutionLog (batchId, stage, eventType, fileName, status, metadata, processedFiles, totalFiles)
    VALUES (${night.batchId}, 'llm1', 'stage_start', NULL, NULL, NULL, NULL, 3),
      (${night.batchId}, 'llm1', 'file_start', 'call-2026-11-23-000001.wav', 'processing', NULL, NULL, NULL),
      (${night.batchId}, 'llm1', 'error', 'call-2026-11-23-000001.wav', 'processing', NULL, NULL, NULL),
      (${night.batchId}, 'llm1', 'info', 'call-2026-11-23-000002.wav', NULL, '{"skipped":"too short"}', NULL, NULL),
      (${night.batchId}, 'llm2', 'stage_progress', NULL, NULL, NULL, 7, 9)`.execute(database.kysely);
  await database.close();
  browser = await launchBrowser();
  page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
});
afterAll(async () => {
  await browser?.close();
  await night?.close();
});

const total = () => page.getByTestId("files-total").textContent();

test("each number of each card leads to so many files", async () => {
  await page.goto(`${night.url}/?batch=${night.batchId}`);
  await page.locator('[data-stage="llm2"] [data-count="done"] a').waitFor();
  const links = await page.locator(".card").evaluateAll((cards) =>
    cards.flatMap((card) =>
      [...card.querySelectorAll("[data-count] a")].map((link) => ({
        stage: card.getAttribute("data-stage") ?? "",
        href: link.getAttribute("href") ?? "",
        count: Number(link.textContent?.replaceAll(",", "")),
      })),
    ),
  );
  expect(links.length).toBeGreaterThan(20);
  for (const { stage, href, count } of links) {
    // Of a stage that names no files, and of one whose files are not all known, the number is what its writer says.
    if (stage === "llm2" || (stage === "llm1" && href.includes("waiting"))) continue;
    const query = new URLSearchParams(href);
    const filter = new URLSearchParams({
      stage: query.get("stage") ?? "",
      state: query.get("state") ?? "",
      limit: "1",
    });
    const answer = await fetch(`${night.url}/api/batch/${night.batchId}/files?${filter.toString()}`);
    expect([href, ((await answer.json()) as { total: number }).total]).toEqual([href, count]);
  }
});

test("the files of a number are shown with their state; of a stage that names none it is said", async () => {
  await page.goto(`${night.url}/?batch=${night.batchId}`);
  await page.locator('[data-stage="llm1"] [data-count="in-flight"] a').click();
  await expect.poll(total).toBe("1 file");
  expect(await page.getByRole("combobox", { name: "State" }).inputValue()).toBe("inFlight,retrying");
  await page.locator('[data-file="call-2026-11-23-000001.wav"]').waitFor();
  await page.goBack();
  await page.locator('[data-stage="trademetadata"] [data-count="done"] a').click();
  await page.locator('[data-file="trades.csv"]').waitFor();
  await page.goBack();
  await page.locator('[data-stage="llm2"] [data-count="done"] a').click();
  await page.getByText("Audit questions says how many files it has done, but not which").waitFor();
});

test("CSV files and trades are found by their name, and listed on demand", async () => {
  await page.goto(`${night.url}/?batch=${night.batchId}&view=files`);
  await expect.poll(total).toBe("60 files");
  const search = page.getByRole("searchbox", { name: "Part of a file's name" });
  for (const name of ["trades.csv", "T-000001"]) {
    await search.fill(name);
    await page.locator(`[data-file="${name}"]`).waitFor();
    await expect.poll(total).toBe("1 file");
  }
  await search.fill("");
  await expect.poll(total).toBe("60 files");
  await page.getByRole("combobox", { name: "Kind of files" }).selectOption("With CSV files and trades");
  await expect.poll(total).toBe("63 files");
  await page.locator('[data-file="calls.csv"]').or(page.locator(".matrix-row").first()).first().waitFor();
});
