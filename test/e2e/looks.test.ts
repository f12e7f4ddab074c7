/** Every view and what opens over it: wide, at 200 % zoom and on a phone, light and dark. The pictures are kept in test-results. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { launchBrowser } from "../support/browser.js";
import { expectFit, LOOKS, takeLook } from "../support/looks.js";
import { startNight, type Night } from "../support/night.js";
import { settled, VIEWS } from "../support/views.js";

let night: Night;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  night = await startNight(600);
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await night?.close();
});
beforeEach(async () => {
  await page?.close();
  page = await browser.newPage();
});

test.each(Object.keys(VIEWS))("%s: nothing serious for axe, nothing beyond its sides", async (view) => {
  for (const look of LOOKS) {
    await takeLook(page, look);
    await page.goto(`${night.url}/?view=${view}`);
    await settled(page);
    await expectFit(page, `operator-${view}`, look);
  }
});

test.each([
  ["alerts", "?view=stages", "Alerts"],
  ["export", "?view=files", "Export"],
  ["journey", "?view=files&state=failed", null],
] as const)("%s, opened: nothing serious for axe, and all of it within the page", async (name, query, button) => {
  for (const look of LOOKS) {
    await takeLook(page, look);
    await page.goto(`${night.url}/${query}`);
    await page.locator("main .panel, main .card").first().waitFor();
    if (button) await page.getByRole("button", { name: button }).click();
    else await page.locator(".matrix-row").first().click();
    const selector = button ? ":popover-open" : "dialog[open]";
    const opened = page.locator(selector);
    await opened.waitFor();
    if (!button) await opened.locator(".attempts > li").first().waitFor();
    const box = await opened.boundingBox();
    expect(box?.x, `${name} ${look.width}`).toBeGreaterThanOrEqual(0);
    expect((box?.x ?? 0) + (box?.width ?? 0), `${name} ${look.width}`).toBeLessThanOrEqual(look.width);
    await expectFit(page, `operator-${name}`, look, selector);
  }
});
