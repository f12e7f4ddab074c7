/** On a phone nothing that is cut says something else, and what an operator looks for is in sight without scrolling sideways. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TROUBLE } from "../../tools/trouble.mjs";
import { launchBrowser } from "../support/browser.js";
import { startNight, type Night } from "../support/night.js";
import { settled } from "../support/views.js";

const WIDTH = 390;
let night: Night;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  night = await startNight(120);
  browser = await launchBrowser();
  page = await browser.newPage({ viewport: { width: WIDTH, height: 844 } });
});
afterAll(async () => {
  await browser?.close();
  await night?.close();
});

test("a tick with the number of its attempts is not cut to a tick and a cross", async () => {
  await page.goto(`${night.url}/?view=files&host=${TROUBLE.unhealthyHost}&stage=lid`);
  const cell = page.locator('.cell[data-state="done"]:has(.cell-attempts)').first();
  await cell.waitFor();
  expect(await cell.innerText()).toBe("✓\n2");
  expect(await cell.evaluate((one) => one.scrollWidth <= one.clientWidth)).toBe(true);
});

test.each([
  ["batches", "tr[data-batch] td[data-tone=bad]"],
  ["handoffs", 'tr[data-stage="ivr"] td[data-tone=bad]'],
  ["handoffs", 'tr[data-stage="denoise"] td[data-tone=bad]'],
  ["hosts", `[data-host="${TROUBLE.unhealthyHost}"] td[data-errors]:not([data-errors="0"])`],
  ["metrics", 'tr[data-stage="stt"] td:last-child'],
  ["stages", '[data-finding="missing"]'],
])("%s: %s is in sight", async (view, selector) => {
  await page.goto(`${night.url}/?view=${view}`);
  await settled(page);
  const wanted = page.locator(selector).last();
  await wanted.waitFor();
  const box = await wanted.boundingBox();
  expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(WIDTH);
});
