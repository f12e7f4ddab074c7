/** Many tabs of one browser, which opens no more than six connections to a server over HTTP/1.1; and a tab that comes back late. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { Store } from "@cofi/event-log/store";
import { launchBrowser } from "../support/browser.js";
import { startDashboard, type Dashboard } from "../support/cofi.js";
import { freshDatabase, type FreshDatabase } from "../support/databases.js";

const TABS = 10;

let root: string;
let fresh: FreshDatabase;
let dashboard: Dashboard;
let browser: Browser;
let context: BrowserContext;
/** As many batches as tabs. */
const batches: number[] = [];

const serve = (port: string): Promise<Dashboard> =>
  startDashboard({ COFI_DATABASE_URL: fresh.url, COFI_DATA_DIR: root, COFI_PORT: port });

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "cofi-tabs-"));
  fresh = await freshDatabase("sqlite");
  const store = new Store(fresh.database);
  for (let n = 0; n < TABS; n++) batches.push((await store.createBatch({ name: `night ${n}`, folder: null })).id);
  dashboard = await serve("0");
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await dashboard?.stop();
  await fresh?.close();
  await rm(root, { recursive: true, force: true });
});
beforeEach(async () => {
  context = await browser.newContext();
});
afterEach(() => context?.close());

const isLive = (page: Page): Promise<void> => page.locator("[data-connection=live]").waitFor();

/** All of them stay open. */
async function openTabs(batchOf: (n: number) => number): Promise<Page[]> {
  const pages: Page[] = [];
  for (let n = 0; n < TABS; n++) {
    const page = await context.newPage();
    await page.goto(`${dashboard.url}/?batch=${batchOf(n)}`);
    await isLive(page);
    pages.push(page);
  }
  return pages;
}

async function log(batchId: number, fileName: string): Promise<void> {
  await fresh.insertForeign({ batchId, stage: "stt", eventType: "file_start", fileName });
}

async function expectShown(pages: readonly Page[], fileName: string): Promise<void> {
  for (const page of pages)
    await page.locator('[data-stage="stt"] [data-event-id]', { hasText: fileName }).first().waitFor();
}

test("ten tabs of one batch load and stay live, also over a restart of the dashboard", async () => {
  const batch = batches[0]!;
  const pages = await openTabs(() => batch);
  await log(batch, "first.wav");
  await expectShown(pages, "first.wav");
  // Half of them go, with those that were first.
  for (const page of pages.splice(0, TABS / 2)) await page.close();
  await log(batch, "second.wav");
  await expectShown(pages, "second.wav");
  const { port } = new URL(dashboard.url);
  await dashboard.stop();
  for (const page of pages) await page.locator("[data-connection=reconnecting]").waitFor();
  await log(batch, "third.wav");
  dashboard = await serve(port);
  await Promise.all(pages.map(isLive));
  await expectShown(pages, "third.wav");
});

test("ten tabs of ten batches load and stay live", async () => {
  const pages = await openTabs((n) => batches[n]!);
  for (const batch of batches) await log(batch, `of-${batch}.wav`);
  for (const [n, page] of pages.entries()) await expectShown([page], `of-${batches[n]}.wav`);
  await pages[3]!.goto(`${dashboard.url}/?batch=${batches[0]}`);
  await expectShown([pages[3]!], `of-${batches[0]}.wav`);
});

test("a tab that missed more events than it is sent says how many, until that was read", async () => {
  const batch = batches.at(-1)!;
  const page = await context.newPage();
  await page.goto(`${dashboard.url}/?batch=${batch}`);
  await isLive(page);
  await log(batch, "before.wav");
  await expectShown([page], "before.wav");
  const { port } = new URL(dashboard.url);
  await dashboard.stop();
  const missed = 2_100;
  await fresh.database.kysely
    .insertInto("batchExecutionLog")
    .values(
      Array.from({ length: missed }, (_, n) => ({ batchId: batch, stage: "lid", eventType: "info", fileName: `${n}` })),
    )
    .execute();
  dashboard = await serve(port);
  await page.getByText("2,100 events came while this page was not connected").waitFor();
  await page.getByRole("button", { name: "Dismiss" }).click();
  await expect.poll(() => page.getByTestId("missed").count()).toBe(0);
});
