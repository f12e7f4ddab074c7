/** The first page does not jump while a batch runs: nothing that comes or grows moves what an operator reads or is about to click. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDatabase, type Database } from "@cofi/event-log/database";
import { migrate } from "@cofi/event-log/migrate";
import { Store } from "@cofi/event-log/store";
import { generateBatch } from "../../tools/generate-batch.mjs";
import { launchBrowser } from "../support/browser.js";
import { startDashboard, type Dashboard } from "../support/cofi.js";

/** Of all shifts together, where the measure of the Web Vitals takes the worst five seconds. */
const MOST_SHIFT = 0.05;
const SIZES = [
  { width: 1600, height: 900 },
  { width: 1280, height: 720 },
  { width: 390, height: 844 },
] as const;
/** Notes each shift with what has moved. */
const WATCH = `
  globalThis.shifts = [];
  const placeOf = ({ x, y, width, height }) => [x, y, width, height].map(Math.round).join(" ");
  new PerformanceObserver((list) => {
    for (const { value, hadRecentInput, sources } of list.getEntries()) {
      if (hadRecentInput) continue;
      const moved = sources.map(({ node, previousRect, currentRect }) =>
        \`\${node?.tagName ?? node?.nodeName}.\${node?.className ?? ""}: \${placeOf(previousRect)} to \${placeOf(currentRect)}\`);
      shifts.push({ value, moved });
    }
  }).observe({ type: "layout-shift", buffered: true });`;

let root: string;
let database: Database;
let dashboard: Dashboard;
let browser: Browser;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "cofi-shift-"));
  const databaseUrl = `sqlite:${join(root, "cofi.sqlite")}`;
  database = await openDatabase(databaseUrl);
  await migrate(database);
  dashboard = await startDashboard({ COFI_DATABASE_URL: databaseUrl, COFI_DATA_DIR: root });
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await dashboard?.stop();
  await database?.close();
  await rm(root, { recursive: true, force: true });
});

test("from the first event of a batch to its findings, at each size", async () => {
  const pages: Page[] = [];
  for (const viewport of SIZES) {
    const page = await browser.newPage({ viewport });
    await page.addInitScript(WATCH);
    await page.goto(dashboard.url);
    await page.getByTestId("no-batch").waitFor();
    pages.push(page);
  }
  const store = new Store(database);
  // Slow enough that events come in many frames.
  await generateBatch({ store, spoolDir: root, files: 60, rate: 60, name: "night", trouble: true });
  for (const [index, page] of pages.entries()) {
    await page.locator('[data-finding="cause"]').nth(1).waitFor();
    const shifts = await page.evaluate<{ value: number; moved: string[] }[]>("shifts");
    const sum = shifts.reduce((total, { value }) => total + value, 0);
    console.log(`layout shift at ${SIZES[index]!.width} px: ${sum.toFixed(4)} in ${shifts.length} shifts`);
    const worst = shifts.toSorted((a, b) => b.value - a.value).slice(0, 5);
    expect(sum, JSON.stringify(worst, null, 2)).toBeLessThanOrEqual(MOST_SHIFT);
  }
});
