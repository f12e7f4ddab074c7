/** A pipeline that was killed: the page says so within its lease, in the badge, the findings, the list and the alerts, until somebody continues the batch. */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { launchBrowser } from "../support/browser.js";
import { startDashboard, type Dashboard } from "../support/cofi.js";
import { stoppableRun, type StoppableRun } from "../support/stoppable-run.js";

let run: StoppableRun;
let root: string;
let dashboard: Dashboard;
let browser: Browser;

beforeAll(async () => {
  run = await stoppableRun(inject("serverUrl"));
  root = await mkdtemp(join(tmpdir(), "cofi-silence-"));
  dashboard = await startDashboard({ COFI_DATABASE_URL: run.url, COFI_DATA_DIR: root });
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await dashboard?.stop();
  await run?.close();
  await rm(root, { recursive: true, force: true });
});

test("no sign of life, said everywhere, until the batch is continued", async () => {
  const lease = { COFI_LEASE_S: "5" };
  const path = await run.folder();
  run.engine.plan("denoise", "a.wav", "hang");
  const child = run.start(path, run.url, lease);
  await run.engine.asked("denoise", "a.wav");

  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(dashboard.url);
  const badge = page.locator(".batch-title .badge");
  await badge.getByText("Running").waitFor();
  await page.getByTestId("alerts").click();
  await page.getByRole("checkbox", { name: /Tell me when/ }).check();
  await page.keyboard.press("Escape");

  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
  await badge.getByText(/^⊘No sign of life since \d\d:\d\d:\d\d$/).waitFor();
  const finding = page.locator('[data-finding="silent-batch"]');
  await finding.getByText(/^No sign of life since \d\d:\d\d:\d\d$/).waitFor();
  await finding.getByText("`npx cofi run … --batch 1` continues the batch.").waitFor();
  expect(await page.locator('[data-finding="stuck-stage"]').count()).toBe(0);
  await page.locator('[data-stage="denoise"] .badge', { hasText: "No sign of life" }).waitFor();
  await expect.poll(() => page.title()).toMatch(/No sign of life since/);
  // What it ran for does not grow any more.
  const ran = page.getByTestId("elapsed");
  const before = await ran.textContent();
  await page.getByTestId("alerts").click();
  await page
    .getByRole("list", { name: "Recent alerts" })
    .getByText(/: no sign of life since \d\d:\d\d:\d\d on /)
    .waitFor();
  await page.keyboard.press("Escape");
  await page.goto(`${dashboard.url}/?view=time`);
  await page
    .getByTestId("eta")
    .getByText(/^No estimate: no sign of life since/)
    .waitFor();
  expect(await ran.textContent()).toBe(before);
  await page.goto(`${dashboard.url}/?view=batches`);
  await page.locator('tr[data-batch="1"] .badge', { hasText: "No sign of life since" }).waitFor();

  await page.goto(dashboard.url);
  const again = once(run.start(path, run.url, lease), "exit");
  await badge.getByText("Completed").waitFor();
  await again;
  await expect.poll(() => finding.count()).toBe(0);
});
