/**
 * A night in which one host answers garbage, one stage hangs, 3 % of the files fail for two causes and one file vanished
 * between two stages: an operator finds each from the first page.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "kysely";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import { migrate } from "@cofi/event-log/migrate";
import { Store } from "@cofi/event-log/store";
import { TROUBLE } from "../../tools/trouble.mjs";
import { launchBrowser } from "../support/browser.js";
import { startDashboard } from "../support/cofi.js";
import { startNight, type Night } from "../support/night.js";

const FILES = 600;
let night: Night;
let browser: Browser;
let page: Page;
let url: string;

beforeAll(async () => {
  night = await startNight(FILES);
  ({ url } = night);
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await night?.close();
});
beforeEach(async () => {
  await page?.close();
  page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(url);
  await page.getByTestId("findings").waitFor();
});

const finding = (kind: string) => page.locator(`[data-finding="${kind}"] a`);

test("the file that vanished is named on the first page; one click shows where its way ends", async () => {
  await expect.poll(() => finding("missing").textContent()).toContain(`${night.vanished} never reached IVR`);
  await finding("missing").click();
  const journey = page.getByRole("dialog");
  await journey.getByText("Denoise").waitFor();
  await journey.getByText("IVR never saw it").waitFor();
  expect(await journey.locator(".attempts > li").count()).toBe(2);
  expect(new URL(page.url()).searchParams.get("state")).toBe("missing");
  await page.keyboard.press("Escape");
  await expect.poll(() => page.getByTestId("files-total").textContent()).toBe("1 file");
});

test("the host that answers garbage is named with its stage; one click shows it beside the others", async () => {
  await expect
    .poll(() => finding("unhealthy-host").textContent())
    .toContain(`${TROUBLE.unhealthyHost} fails in Language`);
  await finding("unhealthy-host").click();
  const cell = page.locator(`[data-host="${TROUBLE.unhealthyHost}"] td[style] a`).filter({ hasText: "100 %" });
  await cell.waitFor();
  await cell.click();
  await page.locator(".matrix-row").first().waitFor();
  expect(new URL(page.url()).searchParams.get("host")).toBe(TROUBLE.unhealthyHost);
});

test("the stage that hangs is named; one click shows the files that hang in it", async () => {
  await expect.poll(() => finding("stuck-stage").textContent()).toContain("Speech to text is stalled");
  await finding("stuck-stage").click();
  await expect.poll(() => page.getByTestId("files-total").textContent()).toBe("4 files");
});

test("both causes of the failures are named with their counts; one click shows their files", async () => {
  await expect.poll(() => finding("cause").count()).toBe(2);
  const texts = await finding("cause").allTextContents();
  for (const cause of TROUBLE.causes) expect(texts.join("\n")).toContain(cause);
  await finding("cause").first().click();
  await expect.poll(() => page.getByTestId("files-total").textContent()).toBe(`${night.failed / 2} files`);
  await page.locator(".matrix-row").first().click();
  const journey = page.getByRole("dialog");
  await journey.locator('[data-outcome="failed"]').waitFor();
  await journey.getByRole("button", { name: "Compare" }).nth(0).click();
  await journey.getByRole("button", { name: "Compare" }).nth(1).click();
  await page.getByTestId("comparison").getByText("Payload").first().waitFor();
  // The comparison is part of the link; with the file it leaves the address.
  expect(new URL(page.url()).searchParams.get("compare")).toMatch(/^\d+,\d+$/);
  const compared = await page.getByTestId("comparison").getByRole("heading", { level: 3 }).textContent();
  await page.reload();
  await page.getByTestId("comparison").getByText("Payload").first().waitFor();
  expect(await page.getByTestId("comparison").getByRole("heading", { level: 3 }).textContent()).toBe(compared);
  expect(await journey.locator('[aria-pressed="true"]').count()).toBe(2);
  await journey.locator('[aria-pressed="true"]').first().click();
  await expect.poll(() => page.getByTestId("comparison").count()).toBe(0);
  expect(new URL(page.url()).searchParams.get("compare")).toMatch(/^\d+$/);
  await page.keyboard.press("Escape");
  await expect.poll(() => journey.count()).toBe(0);
  expect([...new URL(page.url()).searchParams.keys()]).not.toContain("compare");
});

test("the same counts by the page and by SQL; a link reopens what was sent", async () => {
  await page.goto(`${url}/?view=handoffs`);
  const row = page.locator('tr[data-stage="denoise"] td');
  await row.first().waitFor();
  const cells = await row.allTextContents();
  expect(cells.slice(1, 4)).toEqual([String(FILES), String(FILES - night.failed), String(night.failed)]);
  await page.goto(`${url}/?view=files&state=failed&stage=denoise&sort=duration&order=desc`);
  await expect.poll(() => page.getByTestId("files-total").textContent()).toBe(`${night.failed} files`);
});

test("all batches: filters and batches side by side are in the address, and open a batch", async () => {
  await page.goto(`${url}/?view=batches`);
  const rows = page.locator("tr[data-batch]");
  await expect.poll(() => rows.count()).toBe(2);
  expect(await rows.first().textContent()).toContain("Running");
  await rows.first().locator(".sparkline").waitFor();
  await page.getByRole("checkbox", { name: /^Watch night/ }).check();
  await page.getByRole("checkbox", { name: /^Watch quiet/ }).check();
  await page.locator("[data-watched]").nth(1).getByText("Speech to text").waitFor();
  await page.getByRole("combobox", { name: "Status" }).selectOption("completed");
  await expect.poll(() => rows.count()).toBe(1);
  const sent = page.url();
  await page.goto(url);
  await page.goto(sent);
  await expect.poll(() => rows.count()).toBe(1);
  await expect.poll(() => page.locator("[data-watched]").count()).toBe(2);
  await rows.getByRole("link", { name: "quiet" }).click();
  await page.getByRole("heading", { name: "quiet", level: 1 }).waitFor();
  await page.locator(".card").first().waitFor();
});

test("figures over as many of the last batches as were asked for, in the address", async () => {
  await page.goto(`${url}/?view=metrics&stage=llm1`);
  const last = page.getByRole("region", { name: "The last batches" });
  const count = page.getByRole("combobox", { name: "How many batches" });
  await last.getByText("Trade extraction, over the last batch").waitFor();
  expect(await count.inputValue()).toBe("20");
  expect(await last.locator("figcaption").allTextContents()).toContain("Audio in hours per hour");
  await count.selectOption("50");
  const inAddress = (): string | null => new URL(page.url()).searchParams.get("last");
  await expect.poll(inAddress).toBe("50");
  await expect.poll(() => last.getAttribute("aria-busy")).toBe("false");
  await page.reload();
  await last.getByText("Trade extraction, over the last").waitFor();
  expect(await count.inputValue()).toBe("50");
  // Another stage, as many batches.
  await page.getByRole("link", { name: "Denoise" }).click();
  await last.getByText("Denoise, over the last").waitFor();
  expect(await count.inputValue()).toBe("50");
  await count.selectOption("20");
  await expect.poll(inAddress).toBe(null);
  await page.goto(`${url}/?view=metrics&last=7`);
  await expect.poll(() => count.inputValue()).toBe("20");
});

test("the files that are filtered leave as a file with their events", async () => {
  await page.goto(`${url}/?view=files&state=failed&stage=denoise`);
  await expect.poll(() => page.getByTestId("files-total").textContent()).toBe(`${night.failed} files`);
  await page.getByRole("button", { name: "Export" }).click();
  const downloading = page.waitForEvent("download");
  await page.getByRole("link", { name: "NDJSON" }).first().click();
  const download = await downloading;
  const lines = (await readFile(await download.path(), "utf8")).trim().split("\n");
  const rows = lines.map((line) => JSON.parse(line) as { fileName: string; eventId: number });
  expect(new Set(rows.map(({ fileName }) => fileName)).size).toBe(night.failed);
  expect(rows.every(({ eventId }) => eventId > 0)).toBe(true);
});

test("each alert is reported once, with its link, also after a reload", async () => {
  await page.getByTestId("alerts").click();
  await page.getByRole("checkbox", { name: /Tell me when/ }).check();
  await page.getByRole("spinbutton").fill("0.1");
  await page.getByRole("spinbutton").press("Tab");
  const told = page.getByRole("list", { name: "Recent alerts" }).getByRole("link");
  await expect.poll(() => told.allTextContents()).toHaveLength(5);
  const texts = (await told.allTextContents()).join("\n");
  expect(texts).toMatch(/Speech to text is stalled/);
  expect(texts).toMatch(/never reached IVR/);
  expect(texts).toMatch(/fails in Language/);
  expect(texts).toMatch(/% of the file steps failed/);
  await page.reload();
  await page.getByTestId("findings").waitFor();
  await page.getByTestId("alerts").click();
  await expect.poll(() => told.count()).toBe(5);
  expect(await page.getByTestId("alerts").textContent()).toBe("Alerts on");
  await told.filter({ hasText: "file steps failed" }).click();
  await page.locator(".cause").first().waitFor();
});

test("the page stands still while it is paused, counts what comes, and shows it on resuming", async () => {
  await page.goto(`${url}/?batch=${night.batchId}`);
  const age = page.getByTestId("data-age");
  // The batch is idle, and not behind.
  expect(await age.textContent()).toMatch(/event [\d,]+, up to date$/);
  await page.getByTestId("pause").click();
  await expect.poll(() => page.locator("[data-connection]").textContent()).toContain("Paused");
  expect(await age.textContent()).toMatch(/ s behind$/);
  const before = /event ([\d,]+), /.exec((await age.textContent()) ?? "")?.[1];
  const database = await openDatabase(night.databaseUrl);
  for (let n = 0; n < 3; n++)
    await sql`INSERT INTO batchExecutionLog (batchId, stage, eventType, errorMessage) VALUES (${night.batchId}, 'llm2', 'info', ${`word ${n} of a latecomer`})`.execute(
      database.kysely,
    );
  await database.close();
  await expect.poll(() => page.getByTestId("pause").textContent()).toBe("Resume, 3 new");
  expect(await age.textContent()).toContain(`event ${before},`);
  expect(await page.getByText("word 2 of a latecomer").count()).toBe(0);
  await page.getByTestId("pause").click();
  await page.getByText("word 2 of a latecomer").waitFor();
  expect(/event ([\d,]+), /.exec((await age.textContent()) ?? "")?.[1]).not.toBe(before);
});

test("a silent host and a slow file are distinguished from a stalled stage", async () => {
  const ownDatabase = `sqlite:${join(night.root, "silent.sqlite")}`;
  const database = await openDatabase(ownDatabase);
  await migrate(database);
  const { id } = await new Store(database).createBatch({ name: "silent", folder: null });
  const insert = (eventType: string, fileName: string | null, gpuIp: string | null, secondsAgo: number) =>
    sql`INSERT INTO batchExecutionLog (batchId, stage, eventType, fileName, gpuIp, totalFiles, timestamp)
      VALUES (${id}, 'stt', ${eventType}, ${fileName}, ${gpuIp}, ${eventType === "stage_start" ? 4 : null},
        strftime('%Y-%m-%d %H:%M:%f', 'now', ${`-${secondsAgo} seconds`}))`.execute(database.kysely);
  await insert("stage_start", null, null, 400);
  await insert("file_start", "lost.wav", "10.0.0.1", 300);
  await insert("file_start", "long.wav", "10.0.0.2", 200);
  await insert("file_start", "quick.wav", "10.0.0.2", 5);
  await insert("file_complete", "quick.wav", "10.0.0.2", 0);
  await database.close();
  const own = await startDashboard({ COFI_DATABASE_URL: ownDatabase, COFI_DATA_DIR: night.root });
  try {
    await page.goto(own.url);
    await finding("silent-host").waitFor();
    expect(await finding("silent-host").textContent()).toContain("10.0.0.1 is silent in Speech to text");
    expect(await finding("slow-file").textContent()).toContain("2 files are slow in Speech to text");
    expect(await finding("stuck-stage").count()).toBe(0);
  } finally {
    await own.stop();
  }
});

test("of a file with very many attempts the latest are drawn, the earlier ones on demand", async () => {
  const database = await openDatabase(night.databaseUrl);
  const attempts = 60;
  for (let attempt = 1; attempt <= attempts; attempt++)
    for (const eventType of ["file_start", "error"])
      await sql`INSERT INTO batchExecutionLog (batchId, stage, eventType, fileName, attempt, status)
        VALUES (${night.batchId}, 'llm1', ${eventType}, 'again.wav', ${attempt}, 'processing')`.execute(
        database.kysely,
      );
  await database.close();
  await page.goto(`${url}/?batch=${night.batchId}&view=files&file=again.wav`);
  const drawn = page.getByRole("dialog").locator(".attempts > li");
  await expect.poll(() => drawn.count()).toBe(40);
  expect(await drawn.last().textContent()).toContain(`attempt ${attempts}`);
  await page.getByRole("button", { name: "Show 20 earlier attempts" }).click();
  await expect.poll(() => drawn.count()).toBe(attempts);
  expect(await drawn.nth(1).textContent()).toContain("attempt 2");
});

test("a journey shows how long the file waited; an attempt in flight keeps growing, unless the page is paused", async () => {
  const database = await openDatabase(night.databaseUrl);
  for (const [eventType, attempt, secondsAgo] of [
    ["file_start", 1, 100],
    ["error", 1, 90],
    ["file_start", 2, 60],
  ] as const)
    await sql`INSERT INTO batchExecutionLog (batchId, stage, eventType, fileName, attempt, status, timestamp)
      VALUES (${night.batchId}, 'llm1', ${eventType}, 'patient.wav', ${attempt}, 'processing',
        strftime('%Y-%m-%d %H:%M:%f', ${new Date(Date.now() - secondsAgo * 1_000).toISOString()}))`.execute(
      database.kysely,
    );
  await database.close();
  const row = page.locator('[data-file="patient.wav"]');
  const texts = page.getByRole("dialog").locator(".attempt-text");
  await page.goto(`${url}/?batch=${night.batchId}&view=files&text=patient`);
  await row.click();
  await expect.poll(() => texts.count()).toBe(2);
  expect(await texts.first().textContent()).not.toContain("waited");
  expect(await texts.last().textContent()).toContain("waited 30.0 s · ");
  expect(await page.locator(".attempt-wait").count()).toBe(1);
  const before = await texts.last().textContent();
  await expect.poll(() => texts.last().textContent()).not.toBe(before);
  await page.keyboard.press("Escape");
  await page.getByTestId("pause").click();
  await row.click();
  await expect.poll(() => texts.count()).toBe(2);
  const paused = await texts.last().textContent();
  await page.waitForTimeout(1_500);
  expect(await texts.last().textContent()).toBe(paused);
});

test("a page that lost its dashboard says that it is blind, not that something stalls", async () => {
  const own = await startDashboard({ COFI_DATABASE_URL: night.databaseUrl, COFI_DATA_DIR: night.root });
  await page.goto(own.url);
  await finding("stuck-stage").waitFor();
  await own.stop();
  await page.locator('[data-finding="blind"]').waitFor();
  expect(await finding("stuck-stage").count()).toBe(0);
});
