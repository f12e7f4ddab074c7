/** The dialog of an event shows what is stored, as it is stored; and names do not turn the page around. */
import { readFile } from "node:fs/promises";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { openDatabase, type Database } from "@cofi/event-log/database";
import { migrate } from "@cofi/event-log/migrate";
import { Store } from "@cofi/event-log/store";
import { launchBrowser } from "../support/browser.js";
import { startDashboard, type Dashboard } from "../support/cofi.js";

const PAYLOAD =
  '{"id": 9007199254740993123, "rate": 1e400, "price": 1500.1000, "side": "BUY", "side": "SELL", "10": 1, "2": 2}';
const MANY = JSON.stringify({ rows: Array.from({ length: 3_000 }, (_, row) => ({ row, words: [`word ${row}`] })) });
const BIDI = "call-\u202Egnp.\u2066wav";

let root: string;
let database: Database;
let dashboard: Dashboard;
let browser: Browser;
let page: Page;
let url: string;
let ends: Record<string, number>;

/** Logs an attempt of the file. @returns the id of its end */
async function attempt(
  batchId: number,
  fileName: string,
  payload: string,
  response: string,
  metadata: string | null = null,
): Promise<number> {
  await sql`INSERT INTO batchExecutionLog (batchId, stage, eventType, fileName, gpuIp, attempt, payload)
    VALUES (${batchId}, 'stt', 'file_start', ${fileName}, ${"10.0.0.\u202E7"}, 1, ${payload})`.execute(database.kysely);
  const { insertId } =
    await sql`INSERT INTO batchExecutionLog (batchId, stage, eventType, fileName, gpuIp, attempt, response, metadata)
    VALUES (${batchId}, 'stt', 'file_complete', ${fileName}, ${"10.0.0.\u202E7"}, 1, ${response}, ${metadata})`.execute(
      database.kysely,
    );
  return Number(insertId);
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "cofi-dialog-"));
  const databaseUrl = `sqlite:${join(root, "cofi.sqlite")}`;
  database = await openDatabase(databaseUrl);
  await migrate(database);
  const { id } = await new Store(database).createBatch({ name: "night \u202Ethgin", folder: null });
  ends = {
    numbers: await attempt(id, "numbers.wav", PAYLOAD, '{"text": "hello"}', '{"order": 9007199254740993123}'),
    many: await attempt(id, "many.wav", MANY, '{"text": "far down"}'),
    bidi: await attempt(id, BIDI, "{}", "{}"),
  };
  dashboard = await startDashboard({ COFI_DATABASE_URL: databaseUrl, COFI_DATA_DIR: root });
  ({ url } = dashboard);
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await dashboard?.stop();
  await database?.close();
  await rm(root, { recursive: true, force: true });
});
beforeEach(async () => {
  await page?.close();
  page = await browser.newPage({ viewport: { width: 1280, height: 720 }, acceptDownloads: true });
});

test("numbers, repeated keys and the order of keys stand as in the text", async () => {
  await page.goto(`${url}/#event=${ends["numbers"]}`);
  const leaves = page.getByTestId("payload").locator(".tree-leaf");
  await expect.poll(() => leaves.count()).toBe(7);
  const texts = (await leaves.allTextContents()).map((text) => text.replaceAll(/[“”]/g, ""));
  expect(texts).toEqual([
    "id:9007199254740993123",
    "rate:1e400",
    "price:1500.1000",
    "side:BUY",
    "side:SELL",
    "10:1",
    "2:2",
  ]);
  const metadata = page.locator(".field-wide", { hasText: "Metadata" });
  expect(await metadata.locator(".tree-leaf").allTextContents()).toEqual(["order:9007199254740993123"]);
});

test("the text is shown raw, and downloaded as it is stored", async () => {
  await page.goto(`${url}/#event=${ends["numbers"]}`);
  const payload = page.getByTestId("payload");
  await payload.getByRole("button", { name: "Raw text" }).click();
  await expect.poll(() => payload.locator("pre").textContent()).toBe(PAYLOAD);
  const downloading = page.waitForEvent("download");
  await payload.getByRole("button", { name: /^Download/ }).click();
  const download = await downloading;
  expect(download.suggestedFilename()).toMatch(/^batch-1-event-\d+-payload\.json$/);
  expect(await readFile(await download.path(), "utf8")).toBe(PAYLOAD);
});

test("all branches open and close at once, and a long text says how many are open", async () => {
  await page.goto(`${url}/#event=${ends["many"]}`);
  const payload = page.getByTestId("payload");
  await payload.getByRole("button", { name: "Expand all" }).click();
  await payload.getByText("“word 7”", { exact: true }).waitFor();
  await payload.getByText("The first 2,000 of 12,002 values are open.").waitFor();
  await payload.getByRole("button", { name: "Close all" }).click();
  await expect.poll(() => payload.locator("details[open]").count()).toBe(0);
});

test("the button Response of a journey opens the dialog at the response, and so does its link", async () => {
  await page.goto(`${url}/?view=files&file=many.wav`);
  await page.locator("dialog.journey").getByRole("button", { name: "Response" }).click();
  const distance = (): Promise<number> =>
    page.evaluate(
      `document.querySelector("[data-testid=response]").getBoundingClientRect().top - document.querySelector("dialog:not(.journey) .dialog-scroll").getBoundingClientRect().top`,
    );
  const response = page.getByTestId("response");
  for (const reopen of [() => Promise.resolve(null), () => page.reload()]) {
    await reopen();
    await response.getByText("far down").waitFor();
    await page.getByTestId("payload").getByText("rows").waitFor();
    await expect.poll(() => response.and(page.locator(":focus")).count()).toBe(1);
    const scroll = page.locator("dialog:not(.journey) .dialog-scroll");
    const isAtEnd = await scroll.evaluate((one) => one.scrollTop + one.clientHeight >= one.scrollHeight - 2);
    if (!isAtEnd) expect(Math.abs(await distance())).toBeLessThan(40);
    expect(await response.isVisible()).toBe(true);
  }
});

test("a name with bidirectional characters is escaped and isolated wherever it stands", async () => {
  const shown = "call-\\u202Egnp.\\u2066wav";
  await page.goto(url);
  const row = page.locator(`[data-event-id="${ends["bidi"]}"]`);
  await row.waitFor();
  expect(await row.locator(".row-file").textContent()).toBe(shown);
  await page.getByRole("heading", { name: "night \\u202Ethgin", level: 1 }).waitFor();
  expect(await page.title()).toContain("night \\u202Ethgin");
  await row.click();
  await page.locator("#event-title", { hasText: shown }).waitFor();
  for (const view of ["stages", "files", "hosts", "handoffs", "time", "errors", "metrics", "batches"]) {
    await page.goto(`${url}/?view=${view}`);
    await page.locator("main .panel, main .card").first().waitFor();
    await page.locator("main:not(:has(.view-loading))").waitFor();
    // In texts, titles and labels.
    const raw = await page.evaluate<string[]>(
      `[...document.querySelectorAll("*")].flatMap((one) => [...one.childNodes].filter(({ nodeType }) => nodeType === 3).map(({ data }) => data)
        .concat(["title", "aria-label"].map((name) => one.getAttribute(name) ?? ""))).filter((text) => /[\\u202E\\u2066]/.test(text))`,
    );
    expect(raw, view).toEqual([]);
  }
});

test("a long name keeps its end where there is no room for all of it", async () => {
  const { insertId } = await sql`INSERT INTO batchExecutionLog (batchId, stage, eventType, fileName)
    VALUES (1, 'stt', 'file_start', ${`${"a long beginning ".repeat(9)}-000417.wav`})`.execute(database.kysely);
  await page.goto(url);
  const name = page.locator(`[data-event-id="${insertId}"] .cut-name`);
  await name.waitFor();
  const [of, tail] = await Promise.all([name.boundingBox(), name.locator(".cut-tail").boundingBox()]);
  const row = await page.locator(`[data-event-id="${insertId}"] .row-file`).boundingBox();
  expect((of?.x ?? 0) + (of?.width ?? 0)).toBeLessThanOrEqual((row?.x ?? 0) + (row?.width ?? 0) + 1);
  expect((tail?.x ?? 0) + (tail?.width ?? 0)).toBeLessThanOrEqual((row?.x ?? 0) + (row?.width ?? 0) + 1);
  expect(await name.locator(".cut-tail").textContent()).toBe("-000417.wav".padStart(12, " "));
});
