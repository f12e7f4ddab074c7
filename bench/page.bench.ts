/** The page in Chromium, on batches of several sizes: how soon it appears, how fast it responds, also while a log is busy. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, test } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import { migrate } from "@cofi/event-log/migrate";
import { Store } from "@cofi/event-log/store";
import { launchBrowser } from "../test/support/browser.js";
import { startDashboard, type Dashboard } from "../test/support/cofi.js";
import { startServer, type TestServer } from "../test/support/server.js";
import { settled, VIEWS } from "../test/support/views.js";
import { generateBatch } from "../tools/generate-batch.mjs";
import {
  firstView,
  heapBytes,
  interactions,
  LONG_TASK_MS,
  longestFrame,
  newestEvent,
  openPage,
  PATIENCE,
  slowestInteraction,
  take,
} from "./support/page-probe.js";
import { median, record } from "./support/results.js";

/** Events a second of a busy log. */
const RATE = 2_000;
const BUSY = `${RATE.toLocaleString("en")} events a second`;
const SECONDS_A_VIEW = 8;
const HEAP_MINUTES = Number(process.env["COFI_HEAP_MINUTES"] ?? "2");
const SIZES = (process.env["COFI_PAGE_FILES"] ?? "50,5000,100000").split(",").map(Number);
/** A file takes 14 events, some more with retries. */
const FILES_OF_A_MILLION_EVENTS = 72_000;
const WRITER = fileURLToPath(new URL("support/live-writer.mjs", import.meta.url));

let folder: string;
let server: TestServer;
let browser: Browser;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cofi-page-bench-"));
  server = await startServer();
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Generated {
  url: string;
  batchId: number;
  title: string;
}

async function generate(files: number): Promise<Generated> {
  const url = await server.createDatabase();
  const database = await openDatabase(url);
  await migrate(database);
  const { batchId, events } = await generateBatch({ store: new Store(database), spoolDir: folder, files });
  await database.close();
  const title = `The page in Chromium, ${files.toLocaleString("en")} files, ${events.toLocaleString("en")} events`;
  return { url, batchId, title };
}

/** Ends with this process, or when its input does. */
function startWriter({ url, batchId }: Generated, files: number): ChildProcess {
  return spawn(process.execPath, [WRITER, url, String(batchId), String(RATE), String(files)], {
    stdio: ["pipe", "inherit", "inherit"],
  });
}

async function endWriter(writer: ChildProcess): Promise<void> {
  if (writer.exitCode !== null || writer.signalCode !== null) return;
  const closed = once(writer, "close");
  writer.stdin?.end();
  await closed;
}

function serve(url: string): Promise<Dashboard> {
  return startDashboard({ COFI_DATABASE_URL: url, COFI_DATA_DIR: folder });
}

test("the first view of a million events", async () => {
  const { url, batchId, title } = await generate(FILES_OF_A_MILLION_EVENTS);
  // A night's events were not written half a minute ago: the database is done with them.
  await pause(30_000);
  let dashboard = await serve(url);
  try {
    const justStarted = await median(async () => {
      await dashboard.stop();
      dashboard = await serve(url);
      return firstView(browser, dashboard.url, batchId);
    });
    const address = dashboard.url;
    const page = await openPage(browser);
    await page.goto(`${address}/?batch=${batchId}&view=files`);
    await settled(page, PATIENCE);
    await page.close();
    const running = await median(() => firstView(browser, address, batchId));
    await record(
      `${title}: first view painted`,
      "ms",
      { "server just started": justStarted, "server has the batch in memory": running },
      "Bar: <= 1,000 ms. Browser, server and database share the cores.",
    );
  } finally {
    await dashboard.stop();
  }
});

test.each(SIZES)("the page on a batch of %i files", async (files) => {
  const generated = await generate(files);
  const { url, batchId, title } = generated;
  const dashboard = await serve(url);
  const page = await openPage(browser);
  let writer: ChildProcess | null = null;
  try {
    const address = dashboard.url;
    const began = performance.now();
    await page.goto(`${address}/?batch=${batchId}&view=files`);
    await settled(page, PATIENCE);
    const usable: Record<string, number> = { "files, server just started": performance.now() - began };
    for (const view of Object.keys(VIEWS))
      usable[view] = await median(async () => {
        const asked = performance.now();
        await page.goto(`${address}/?batch=${batchId}&view=${view}`);
        await settled(page, PATIENCE);
        return performance.now() - asked;
      });
    await record(`${title}: until a view is usable`, "ms", usable);

    await page.goto(`${address}/?batch=${batchId}`);
    await settled(page, PATIENCE);
    const calm = await slowestInteraction(page);
    const calmFrame = await longestFrame(page);

    writer = startWriter(generated, files);
    const tasks: Record<string, number> = {};
    let seen = 0;
    for (const view of Object.keys(VIEWS)) {
      await page.goto(`${address}/?batch=${batchId}&view=${view}`);
      await settled(page, PATIENCE);
      // What loading the page costs is measured above.
      await take(page);
      const before = await newestEvent(page);
      await pause(SECONDS_A_VIEW * 1_000);
      seen += (await newestEvent(page)) - before;
      tasks[view] = Math.max(LONG_TASK_MS, ...(await take(page)).tasks);
    }
    await record(
      `${title}: longest task while the log is busy`,
      "ms",
      tasks,
      `Bar: <= 100 ms. ${LONG_TASK_MS} stands for less: the browser does not tell. Events that reached the page: ${Math.round(seen / (SECONDS_A_VIEW * Object.keys(VIEWS).length)).toLocaleString("en")} a second.`,
    );
    await page.goto(`${address}/?batch=${batchId}`);
    await settled(page, PATIENCE);
    const busy = await slowestInteraction(page);
    const busyFrame = await longestFrame(page);
    await record(
      `${title}: interaction to next paint, the slowest of ${interactions(page).length}`,
      "ms",
      { [`nothing happens (${calm[0]})`]: calm[1], [`${BUSY} (${busy[0]})`]: busy[1] },
      "Bar: <= 200 ms.",
    );
    await record(`${title}: longest frame while the matrix is scrolled`, "ms", {
      "nothing happens": calmFrame,
      [BUSY]: busyFrame,
    });
  } finally {
    await page.close();
    if (writer) await endWriter(writer);
    await dashboard.stop();
  }
});

test.each(SIZES)(
  "the heap of the page on a batch of %i files",
  async (files) => {
    const generated = await generate(files);
    const dashboard = await serve(generated.url);
    const page = await openPage(browser);
    const writer = startWriter(generated, files);
    try {
      await page.goto(`${dashboard.url}/?batch=${generated.batchId}`);
      await settled(page, PATIENCE);
      await pause(20_000);
      const before = await heapBytes(page);
      const first = await newestEvent(page);
      // In fifths, so that growth can be distinguished from noise.
      const heaps: Record<string, number> = { "after 20 s": before / 1e6 };
      for (let fifth = 1; fifth <= 5; fifth++) {
        await pause(HEAP_MINUTES * 12_000);
        heaps[`${((HEAP_MINUTES * fifth) / 5).toFixed(1)} min later`] = (await heapBytes(page)) / 1e6;
      }
      const events = (await newestEvent(page)) - first;
      await record(
        `${generated.title}: heap while the log is busy`,
        "MB",
        heaps,
        `Bar: flat over 15 minutes (COFI_HEAP_MINUTES=15). ${events.toLocaleString("en")} events reached the page meanwhile.`,
      );
    } finally {
      await page.close();
      await endWriter(writer);
      await dashboard.stop();
    }
  },
  1_200_000 + HEAP_MINUTES * 60_000,
);
