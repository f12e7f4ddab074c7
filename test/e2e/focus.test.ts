/** Whatever comes from the feed, from polls or from other pages of the browser: a control that has the focus keeps it. */
import { sql } from "kysely";
import type { Browser, BrowserContext, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { openDatabase, type Database } from "@cofi/event-log/database";
import { Store } from "@cofi/event-log/store";
import { launchBrowser } from "../support/browser.js";
import { startNight, type Night } from "../support/night.js";
import { settled, VIEWS } from "../support/views.js";

let night: Night;
let database: Database;
let store: Store;
let browser: Browser;
let context: BrowserContext;
let page: Page;

beforeAll(async () => {
  night = await startNight(60);
  database = await openDatabase(night.databaseUrl);
  store = new Store(database);
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await database?.close();
  await night?.close();
});
beforeEach(async () => {
  context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  page = await context.newPage();
});
afterEach(() => context.close());

const hasFocus = async (one: Locator): Promise<boolean> => (await one.and(page.locator(":focus")).count()) === 1;

/** Remembers the control that has the focus, as an object: one that is drawn anew is another one. */
const remember = (): Promise<unknown> => page.evaluate("globalThis.before = document.activeElement, true");
const isKept = (): Promise<unknown> =>
  page.evaluate("document.activeElement === before && before.isConnected && before !== document.body");

let calls = 0;
/** A file that fails with an error nobody has seen yet, on a new host: cards, causes, hosts, files and findings change. */
async function logNews(batchId: number): Promise<void> {
  const name = `news-${++calls}`;
  await sql`INSERT INTO batchExecutionLog (batchId, stage, eventType, fileName, gpuIp, status, errorMessage)
    VALUES (${batchId}, 'stt', 'file_start', ${`${name}.wav`}, ${`10.0.9.${calls % 250}`}, 'processing', NULL),
      (${batchId}, 'stt', 'error', ${`${name}.wav`}, ${`10.0.9.${calls % 250}`}, 'failed', ${`no ${name} at all`})`.execute(
    database.kysely,
  );
}

/** The highest event id that the page says it shows. */
const head = async (): Promise<number> =>
  Number(/event ([\d,]+)/.exec((await page.getByTestId("data-age").textContent()) ?? "")?.[1]?.replaceAll(",", ""));

/** Two rounds of news: what the first brings in, the second may move. */
async function newsArrives(path: RegExp | null): Promise<void> {
  for (let round = 0; round < 2; round++) {
    const before = await head();
    const polled = path && page.waitForResponse((response) => path.test(response.url()));
    await logNews(night.batchId);
    await expect.poll(head).toBeGreaterThan(before);
    await polled;
  }
}

const POLLED: Readonly<Record<string, RegExp>> = {
  stages: /\/findings/,
  files: /\/files\?/,
  handoffs: /\/reconciliation/,
  time: /\/timeline/,
  hosts: /\/hosts/,
  errors: /\/errors/,
  metrics: /\/metrics/,
  batches: /api\/batches\?/,
};

test.each(Object.keys(VIEWS))("%s: the focus stays while news arrives", async (view) => {
  await page.goto(`${night.url}/?batch=${night.batchId}&view=${view}`);
  await settled(page);
  const controls = page.locator("main :is(a[href], button, select, input, summary, [tabindex='0']):visible");
  await controls.first().focus();
  for (let n = 0; n < 3; n++) await page.keyboard.press("Tab");
  await remember();
  await newsArrives(POLLED[view] ?? null);
  expect(await isKept(), await page.evaluate("before.outerHTML.slice(0, 200)")).toBe(true);
});

const told = (key: number) => ({
  key: `${key}`,
  title: `Batch ${key} failed`,
  body: "Open it.",
  href: `?batch=${key}`,
});

test("a list of alerts that is gone through stands still; new ones wait behind a button", async () => {
  await page.addInitScript(
    `localStorage.getItem("cofi.told") ?? localStorage.setItem("cofi.told", ${JSON.stringify(
      JSON.stringify(Array.from({ length: 20 }, (_, index) => told(20 - index))),
    )})`,
  );
  await page.goto(night.url);
  await page.locator(".card").first().waitFor();
  const other = await context.newPage();
  await other.goto(`${night.url}/api/health`);
  const tellElsewhere = (key: number): Promise<void> =>
    other.evaluate(
      `localStorage.setItem("cofi.told", JSON.stringify([${JSON.stringify(told(key))}, ...JSON.parse(localStorage.getItem("cofi.told"))]))`,
    );
  await page.bringToFront();
  await page.getByTestId("alerts").focus();
  await page.keyboard.press("Enter");
  const list = page.getByRole("list", { name: "Recent alerts" }).getByRole("link");
  await expect.poll(() => list.count()).toBe(20);
  // The last of those that are listed: a newer one would push it out.
  for (let n = 0; n < 40 && !(await hasFocus(list.last())); n++) await page.keyboard.press("Tab");
  await remember();
  await tellElsewhere(21);
  await tellElsewhere(22);
  const waiting = page.getByTestId("new-alerts");
  await expect.poll(() => waiting.textContent()).toBe("2 new");
  expect(await isKept()).toBe(true);
  expect(await list.first().textContent()).toContain("Batch 20 failed");
  await waiting.focus();
  await page.keyboard.press("Enter");
  await expect.poll(() => list.first().textContent()).toContain("Batch 22 failed");
  expect(await hasFocus(list.first())).toBe(true);
});

test("a batch that ends while its link has the focus stays listed until the focus leaves", async () => {
  const { id } = await store.createBatch({ name: "neighbour", folder: null });
  await store.updateBatch(id, { status: "running", startedAt: new Date() });
  await page.goto(`${night.url}/?batch=${night.batchId}`);
  const link = page.getByTestId("also-running").getByRole("link");
  await link.filter({ hasText: "neighbour" }).waitFor();
  await page.getByTestId("pause").focus();
  for (let n = 0; n < 200 && !(await hasFocus(link.filter({ hasText: "neighbour" }))); n++)
    await page.keyboard.press("Tab");
  await remember();
  await store.updateBatch(id, { status: "completed" });
  const asked = await page.waitForRequest((request) => request.url().includes("status=running"));
  await (await asked.response())?.finished();
  await page.getByTestId("new-others").waitFor();
  expect(await isKept()).toBe(true);
  await page.getByTestId("pause").focus();
  await link.filter({ hasText: "neighbour" }).waitFor({ state: "detached" });
});

test("older batches are loaded by keyboard without losing the focus", async () => {
  for (let n = 0; n < 61; n++) await store.createBatch({ name: `older ${n}`, folder: null });
  await page.goto(`${night.url}/?batch=${night.batchId}`);
  await page.getByTestId("batch-picker").focus();
  await page.keyboard.press("Enter");
  const rows = page.locator("#batches [data-batch]");
  await expect.poll(() => rows.count()).toBe(30);
  await page.getByRole("button", { name: "Load older batches" }).focus();
  await remember();
  await page.keyboard.press("Enter");
  await expect.poll(() => rows.count()).toBe(60);
  expect(await isKept()).toBe(true);
  // The button goes with the last page: the focus is then on the first of the batches that it brought.
  await page.keyboard.press("Enter");
  await expect.poll(() => rows.count()).toBeGreaterThan(60);
  await expect.poll(() => hasFocus(rows.nth(60))).toBe(true);
});
