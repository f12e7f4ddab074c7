/**
 * Alerts as an operator gets them: the browser's own notifications, on a desktop that shows them. While one batch is shown,
 * others run.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import type { Browser, BrowserContext, Page, Route } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { openDatabase, type Database } from "@cofi/event-log/database";
import { migrate } from "@cofi/event-log/migrate";
import { Store } from "@cofi/event-log/store";
import { generateBatch } from "../../tools/generate-batch.mjs";
import { launchBrowser } from "../support/browser.js";
import { startDashboard, type Dashboard } from "../support/cofi.js";
import { startDesktop, type Desktop } from "../support/desktop.js";
import { expectFit, LOOKS, takeLook } from "../support/looks.js";
import { ageEvents } from "../support/night.js";

const STALL = "stuck: Speech to text is stalled";
/** Keeps the real constructor, and notes whom the browser has shown. */
const NOTE_SHOWN = `
  globalThis.shown = [];
  globalThis.Notification = class extends Notification {
    constructor(title, options) {
      super(title, options);
      this.addEventListener("show", ({ isTrusted }) => shown.push({ title, tag: this.tag, isTrusted }));
    }
  };`;
let root: string;
let database: Database;
let store: Store;
let dashboard: Dashboard;
let desktop: Desktop;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let url: string;
let stuckId: number;
let calmId: number;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "cofi-alerts-"));
  const databaseUrl = `sqlite:${join(root, "cofi.sqlite")}`;
  database = await openDatabase(databaseUrl);
  await migrate(database);
  store = new Store(database);
  ({ batchId: stuckId } = await generateBatch({ store, spoolDir: root, files: 60, name: "stuck", trouble: true }));
  await ageEvents(database);
  calmId = await running("calm");
  dashboard = await startDashboard({ COFI_DATABASE_URL: databaseUrl, COFI_DATA_DIR: root });
  ({ url } = dashboard);
  desktop = await startDesktop();
  browser = await launchBrowser({ DBUS_SESSION_BUS_ADDRESS: desktop.address });
});
afterAll(async () => {
  await browser?.close();
  await desktop?.stop();
  await dashboard?.stop();
  await database?.close();
  await rm(root, { recursive: true, force: true });
});
beforeEach(async () => {
  context = await browser.newContext();
  await context.grantPermissions(["notifications"], { origin: url });
  await context.addInitScript(NOTE_SHOWN);
  page = await context.newPage();
});
afterEach(() => context.close());

/** A batch with one file in progress that has just begun, so nothing is wrong. */
async function running(name: string): Promise<number> {
  const { id } = await store.createBatch({ name, folder: null });
  await store.updateBatch(id, { status: "running", startedAt: new Date() });
  await sql`INSERT INTO batchExecutionLog (batchId, stage, eventType, fileName, totalFiles)
    VALUES (${id}, 'stt', 'stage_start', NULL, 1), (${id}, 'stt', 'file_start', 'a.wav', NULL)`.execute(
    database.kysely,
  );
  return id;
}

async function openWithAlerts(query: string): Promise<void> {
  await page.goto(`${url}/${query}`);
  await page.getByTestId("alerts").click();
  await page.getByRole("checkbox", { name: /Tell me when/ }).check();
}

const reported = (of: Page) => of.getByRole("list", { name: "Recent alerts" }).getByRole("link");
const shownIn = (of: Page): Promise<{ title: string; tag: string; isTrusted: boolean }[]> => of.evaluate("shown");
const onDesktop = (title: string) => desktop.notifications.filter((notification) => notification.title === title);
/** Until the page has begun another look at the batches: the one before has been judged. */
async function looks(of: Page, count: number): Promise<void> {
  for (let look = 0; look < count; look++)
    await of.waitForRequest((request) => request.url().includes("api/batches?status=running"));
}

test("the stall of a batch that is not shown comes as the browser's notification, whose click opens it", async () => {
  await openWithAlerts(`?batch=${calmId}`);
  const tag = `cofi ${stuckId} stuck-stage stt `;
  await expect.poll(() => shownIn(page)).toContainEqual({ title: STALL, tag, isTrusted: true });
  await expect.poll(() => onDesktop(STALL)).toHaveLength(1);
  const [notification] = onDesktop(STALL);
  expect(notification?.body).toContain("No file has finished for more than 120 s");
  await expect
    .poll(() => reported(page).filter({ hasText: STALL }).getAttribute("href"))
    .toBe(`?batch=${stuckId}&view=time`);
  desktop.click(notification?.id ?? 0);
  await page.waitForURL(`${url}/?batch=${stuckId}&view=time`);
  await page.getByRole("heading", { name: "stuck", level: 1 }).waitFor();
});

test("an alert that one page of the browser has reported is listed by another page and not reported again", async () => {
  const before = desktop.notifications.length;
  await openWithAlerts(`?batch=${calmId}`);
  await expect.poll(() => desktop.notifications).toHaveLength(before + 4);
  const other = await context.newPage();
  await other.goto(`${url}/?batch=${stuckId}`);
  await looks(other, 2);
  expect(await shownIn(other)).toEqual([]);
  const id = await running("short");
  await sql`UPDATE batchStatus SET status = 'failed' WHERE id = ${id}`.execute(database.kysely);
  await expect.poll(() => onDesktop("short failed")).toHaveLength(1);
  await Promise.all([looks(page, 2), looks(other, 2)]);
  expect(
    [...(await shownIn(page)), ...(await shownIn(other))].filter(({ title }) => title === "short failed"),
  ).toHaveLength(1);
  expect(desktop.notifications).toHaveLength(before + 5);
  await other.getByTestId("alerts").click();
  await expect.poll(() => reported(other).allTextContents()).toHaveLength(5);
  for (const look of LOOKS) {
    await takeLook(other, look);
    await expectFit(other, "alerts-reported", look, ":popover-open");
  }
  // The thresholds are those of the browser, too.
  await other.getByRole("checkbox", { name: /Tell me when/ }).uncheck();
  await expect.poll(() => page.getByTestId("alerts").textContent()).toBe("Alerts");
});

test("a batch that somebody sets to failed with SQL is reported with its link, while another one is shown and paused", async () => {
  const id = await running("night");
  await openWithAlerts(`?batch=${calmId}`);
  await looks(page, 1);
  await page.keyboard.press("Escape");
  await page.getByTestId("pause").click();
  await sql`UPDATE batchStatus SET status = 'failed' WHERE id = ${id}`.execute(database.kysely);
  await expect.poll(() => onDesktop("night failed")).toHaveLength(1);
  await sql`UPDATE batchStatus SET status = 'interrupted' WHERE id = ${calmId}`.execute(database.kysely);
  await expect.poll(() => onDesktop("calm was interrupted")).toHaveLength(1);
  expect(await page.locator("[data-connection]").textContent()).toContain("Paused");
  await page.getByTestId("alerts").click();
  await reported(page).filter({ hasText: "night failed" }).click();
  await page.waitForURL(`${url}/?batch=${id}`);
  await page.getByRole("heading", { name: "night", level: 1 }).waitFor();
});

test("a batch that begins and fails between two polls is reported; those that failed long ago are not", async () => {
  const longAgo = await store.createBatch({ name: "old", folder: null });
  await store.updateBatch(longAgo.id, { status: "failed", finishedAt: new Date(Date.now() - 3_600_000) });
  await openWithAlerts(`?batch=${stuckId}`);
  await looks(page, 1);
  const { id } = await store.createBatch({ name: "quick", folder: null });
  await sql`UPDATE batchStatus SET status = 'failed' WHERE id = ${id}`.execute(database.kysely);
  await expect.poll(() => onDesktop("quick failed")).toHaveLength(1);
  expect(onDesktop("old failed")).toEqual([]);
});

test("a batch whose detail takes long holds up no other alert, and is not asked for again meanwhile", async () => {
  const id = await running("second night");
  const asked: Route[] = [];
  await page.route(`**/api/batch/${stuckId}/findings`, (route) => void asked.push(route));
  // The first page asks for what else runs by itself.
  await openWithAlerts(`?batch=${calmId}&view=errors`);
  await expect.poll(() => asked.length).toBe(1);
  await sql`UPDATE batchStatus SET status = 'failed' WHERE id = ${id}`.execute(database.kysely);
  await expect.poll(() => onDesktop("second night failed")).toHaveLength(1);
  await looks(page, 1);
  expect(asked).toHaveLength(1);
  await asked[0]?.continue();
  await expect.poll(() => shownIn(page).then((shown) => shown.map(({ title }) => title))).toContain(STALL);
});
