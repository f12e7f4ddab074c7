/** The look of each view without data: before there is any, while it loads, and when it cannot be read. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page, Route } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import { migrate } from "@cofi/event-log/migrate";
import { Store } from "@cofi/event-log/store";
import { generateBatch } from "../../tools/generate-batch.mjs";
import { launchBrowser } from "../support/browser.js";
import { startDashboard, type Dashboard } from "../support/cofi.js";
import { expectFit, LOOKS, takeLook } from "../support/looks.js";
import { startServer, type TestServer } from "../support/server.js";
import { loaded, tab, VIEWS } from "../support/views.js";

/** All but the first, which lives by the stream. */
const { stages: _stages, ...DATA_VIEWS } = VIEWS;

/** What views are made of; not the stream. */
const DATA = /\/api\/(batch\/\d+\/|batches|trends)/;

let root: string;
let database: TestServer;
let dashboard: Dashboard;
let browser: Browser;
let page: Page;
let url: string;
let empty: number;
let night: number;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "cofi-states-"));
  database = await startServer();
  const databaseUrl = await database.createDatabase();
  const opened = await openDatabase(databaseUrl);
  await migrate(opened);
  const store = new Store(opened);
  empty = (await store.createBatch({ name: "empty", folder: null })).id;
  night = (await generateBatch({ store, spoolDir: root, files: 60, name: "night", trouble: true })).batchId;
  await opened.close();
  dashboard = await startDashboard({ COFI_DATABASE_URL: databaseUrl, COFI_DATA_DIR: root });
  ({ url } = dashboard);
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await dashboard?.stop();
  await database?.stop();
  await rm(root, { recursive: true, force: true });
});
beforeEach(async () => {
  await page?.close();
  page = await browser.newPage();
});

test.each(Object.keys(DATA_VIEWS))("%s of a batch without events says what will stand there", async (view) => {
  const filter = view === "batches" ? "&text=nobody" : "";
  for (const look of LOOKS) {
    await takeLook(page, look);
    await page.goto(`${url}/?batch=${empty}&view=${view}${filter}`);
    await page.locator(".view-state").first().waitFor();
    await loaded(page);
    await expectFit(page, `empty-${view}`, look);
  }
});

test.each(Object.keys(DATA_VIEWS))("%s keeps its place while it is read", async (view) => {
  for (const look of LOOKS) {
    await takeLook(page, look);
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const hold = async (route: Route): Promise<void> => {
      await released;
      await route.continue();
    };
    await page.route(DATA, hold);
    await page.goto(`${url}/?batch=${night}&view=${view}`);
    await page.locator(".view-loading").first().waitFor();
    await expectFit(page, `loading-${view}`, look);
    release();
    await loaded(page);
    await page.unroute(DATA, hold);
    expect(await page.locator(".view-state[data-tone=bad]").count()).toBe(0);
  }
});

test("with the database away each view says that it cannot be read, and is there again with it", async () => {
  await page.goto(`${url}/?batch=${night}`);
  await page.locator(".card").first().waitFor();
  await database.kill();
  try {
    await page.locator(".connection", { hasText: "Database unreachable" }).waitFor();
    for (const look of LOOKS) {
      await takeLook(page, look);
      for (const [view, label] of Object.entries(DATA_VIEWS)) {
        await tab(page, label).click();
        await page.getByRole("alert").first().waitFor();
        await loaded(page);
        await expectFit(page, `error-${view}`, look);
      }
    }
  } finally {
    await database.restart();
  }
  for (const label of Object.values(DATA_VIEWS)) {
    await tab(page, label).click();
    await page.locator("main .panel:not(.view-state)").first().waitFor();
    await expect.poll(() => page.getByRole("alert").count()).toBe(0);
  }
});

test("a view whose code cannot be loaded says so, and is there by itself when it can", async () => {
  const code = /\/assets\/hosts-[^/]*\.js/;
  let refused = 0;
  await page.route(code, (route) => {
    refused++;
    return route.abort();
  });
  await page.goto(`${url}/?batch=${night}`);
  await page.locator(".card").first().waitFor();
  await tab(page, "Hosts").click();
  await page.getByRole("alert").getByText("This view cannot be loaded right now").waitFor();
  // The page was loaded again meanwhile, and has tried again.
  await expect.poll(() => refused).toBeGreaterThan(1);
  await page.unroute(code);
  await page.locator("[data-host]").first().waitFor();
});
