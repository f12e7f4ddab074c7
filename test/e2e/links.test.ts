/** Choices narrow the whole page and are in the URL: a link reopens the page that was sent, even when there is a newer batch. */
import { sql } from "kysely";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import { Store } from "@cofi/event-log/store";
import { TROUBLE } from "../../tools/trouble.mjs";
import { launchBrowser } from "../support/browser.js";
import { expectFit, LOOKS, takeLook } from "../support/looks.js";
import { startNight, type Night } from "../support/night.js";
import { tab } from "../support/views.js";

let night: Night;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  night = await startNight(300);
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await night?.close();
});
beforeEach(async () => {
  await page?.close();
  page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
});

test("a click on a cause of errors narrows every view to its files, until it is let go of", async () => {
  await page.goto(`${night.url}/?view=errors`);
  await page.getByRole("link", { name: /The answer is no JSON/ }).click();
  await page.locator(".matrix-row").first().waitFor();
  const files = parseInt((await page.getByTestId("files-total").textContent()) ?? "", 10);
  expect(files).toBeGreaterThan(10);
  expect(files).toBeLessThan(night.files);

  await tab(page, "Handoffs").click();
  const input = page.locator('tr[data-stage="lid"] td').nth(1);
  await expect.poll(() => input.textContent()).toBe(String(files));
  await tab(page, "Hosts").click();
  // A count: of files with one error in common nearly all fail, and a rate would say nothing.
  const unhealthy = page.locator(`[data-host="${TROUBLE.unhealthyHost}"] td[data-errors="${files}"] a`);
  await expect.poll(() => unhealthy.textContent()).toBe(String(files));
  await tab(page, "Errors").click();
  await expect.poll(() => page.locator(".cause").count()).toBe(1);
  await tab(page, "Metrics").click();
  // Of all files 3 % failed before that stage.
  const failedBefore = page
    .getByRole("region", { name: "Figures of this batch" })
    .locator('tr[data-stage="denoise"] td');
  await expect.poll(() => failedBefore.nth(2).textContent()).toBe("0 %");
  await tab(page, "Time").click();
  // Only the whole batch, which is stalled there, is reported as stalled.
  await expect.poll(() => page.locator('.gantt [data-stage="stt"]').textContent()).toContain("left: ");
  expect(await page.getByTestId("eta").textContent()).not.toContain("stalled");
  await tab(page, "Stages").click();
  const total = page.locator('[data-stage="lid"] [data-count="total"] dd');
  await expect.poll(() => total.textContent()).toBe(String(files));
  expect(await page.getByTestId("findings").count()).toBe(0);
  for (const look of LOOKS) {
    await takeLook(page, look);
    await page.reload();
    await expect.poll(() => total.textContent()).toBe(String(files));
    await expectFit(page, "narrowed-stages", look);
  }

  await page.getByTestId("focus").getByRole("link", { name: "Show all files" }).click();
  await page.getByTestId("findings").waitFor();
  await expect.poll(() => total.textContent()).not.toBe(String(files));
  expect(new URL(page.url()).searchParams.has("cause")).toBe(false);
});

test.each([
  ["files", "Part of a file's name"],
  ["batches", "Part of a batch's name, or its number"],
])("%s: the search box holds what the address does, also after Show all and on the way back", async (view, label) => {
  await page.goto(`${night.url}/?view=${view}`);
  const box = page.getByRole("searchbox", { name: label });
  const inAddress = (): string | null => new URL(page.url()).searchParams.get("text");
  // Slower than the pause after which a search begins.
  await box.pressSequentially("no such", { delay: 300 });
  await expect.poll(inAddress).toBe("no such");
  expect(await box.inputValue()).toBe("no such");
  const showAll = page.getByRole("button", { name: "Show all" });
  await showAll.first().click();
  await expect.poll(inAddress).toBeNull();
  await expect.poll(() => box.inputValue()).toBe("");
  await page.goBack();
  await expect.poll(() => box.inputValue()).toBe("no such");
  // Text that was typed but not searched for yet is cleared, too.
  await box.press("x");
  await showAll.first().click();
  await page.waitForTimeout(400);
  expect(await box.inputValue()).toBe("");
  expect(inAddress()).toBeNull();
});

test("links of all batches lead to one of them without loading the page again", async () => {
  const list = `${night.url}/?view=batches&watch=${night.batchId}`;
  const links: [string, string][] = [
    [`tr[data-batch="${night.batchId}"] th a`, `?batch=${night.batchId}`],
    [`tr[data-batch="${night.batchId}"] td[data-tone] a`, `?batch=${night.batchId}&view=files&state=failed`],
    [`[data-watched="${night.batchId}"] a`, `?batch=${night.batchId}`],
  ];
  await page.goto(list);
  await page.evaluate("globalThis.isSamePage = true");
  for (const [selector, href] of links) {
    const link = page.locator(selector);
    await link.waitFor();
    expect(await link.getAttribute("href")).toBe(href);
    await link.click();
    await page
      .locator(href.includes("files") ? ".matrix-row" : ".card")
      .first()
      .waitFor();
    expect(new URL(page.url()).search).toBe(href);
    await page.goBack();
  }
  await page.locator(".watched").waitFor();
  expect(await page.evaluate("globalThis.isSamePage")).toBe(true);
});

test("the measure of the heat map is in the address", async () => {
  await page.goto(`${night.url}/?view=hosts`);
  await page.getByRole("button", { name: "Last heard" }).click();
  await page.goto(page.url());
  await page.getByRole("button", { name: "Last heard", pressed: true }).waitFor();
});

test("handoffs name the files that make a difference, each the way to its journey", async () => {
  await page.goto(`${night.url}/?view=handoffs`);
  await page.locator(".astray").getByRole("link", { name: night.vanished }).click();
  await page.getByRole("dialog").getByText("Denoise").waitFor();
});

test("a filter chosen far down the list shows its files from the first on", async () => {
  await page.goto(`${night.url}/?view=files`);
  await page.locator(".matrix-row").first().waitFor();
  await page.locator(".matrix-scroll").evaluate((list) => list.scrollTo(0, list.scrollHeight));
  await page.locator(`[data-index="${night.files - 1}"]`).waitFor();
  await page.getByRole("combobox", { name: "State" }).selectOption("failed");
  await page.locator('.matrix-row[data-index="0"]').waitFor();
  await expect.poll(() => page.locator(".matrix-row").count()).toBe(night.failed);
});

test("a link to an event of a journey shows the event, and the journey when it is closed", async () => {
  await page.goto(`${night.url}/?view=files&state=failed`);
  await page.locator(".matrix-row").first().click();
  const journey = page.locator("dialog.journey");
  await journey.getByRole("button", { name: "Payload" }).first().click();
  const event = page.locator("dialog:not(.journey)");
  await event
    .getByText(/event \d+/)
    .first()
    .waitFor();
  await page.goto("about:blank");
  await page.goBack();
  await event
    .getByText(/event \d+/)
    .first()
    .waitFor();
  expect(await journey.isVisible()).toBe(false);
  await page.keyboard.press("Escape");
  await journey.locator(".attempts > li").first().waitFor();
  await page.keyboard.press("Escape");
  await page.locator(".matrix-row").first().waitFor();
});

test("what to look at does not move under the pointer: what is new waits behind a button", async () => {
  await page.goto(`${night.url}/?batch=${night.batchId}`);
  const findings = page.getByTestId("findings");
  await findings.hover();
  const database = await openDatabase(night.databaseUrl);
  await sql`INSERT INTO batchExecutionLog (batchId, stage, eventType, fileName, status, errorMessage)
    VALUES (${night.batchId}, 'stt', 'error', 'call-2026-11-23-000001.wav', 'failed', 'the disk is full')`.execute(
    database.kysely,
  );
  await database.close();
  await page.getByTestId("new-findings").click();
  await findings.getByText("the disk is full").waitFor();
  expect(await page.getByTestId("new-findings").count()).toBe(0);
});

test("a link into a batch means the same when there is a newer one, which the page announces; the first page follows the newest", async () => {
  await page.goto(night.url);
  await page.getByRole("heading", { name: "night", level: 1 }).waitFor();
  await tab(page, "Files").click();
  await page.locator(".matrix-row").first().waitFor();
  const link = page.url();
  expect(new URL(link).searchParams.get("batch")).toBe(String(night.batchId));
  const follower = await browser.newPage();
  await follower.goto(night.url);

  const database = await openDatabase(night.databaseUrl);
  const store = new Store(database);
  const { id } = await store.createBatch({ name: "the next night", folder: null });
  await store.updateBatch(id, { status: "running" });

  await follower.getByRole("heading", { name: "the next night", level: 1 }).waitFor();
  // The page shows one batch, and another stands still.
  await follower.getByTestId("also-running").getByText("never reached IVR").waitFor();
  await store.updateBatch(night.batchId, { status: "interrupted" });
  await database.close();
  await follower.close();
  await page.goto(link);
  await page.getByRole("heading", { name: "night", level: 1 }).waitFor();
  await page.locator(".matrix-row").first().waitFor();
  await page.getByTestId("newer-batch").click();
  await page.getByRole("heading", { name: "the next night", level: 1 }).waitFor();
  expect(new URL(page.url()).searchParams.has("batch")).toBe(false);
});
