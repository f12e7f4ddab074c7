/** By keyboard alone: Tab and arrows reach everything, Enter opens it, Escape leads back to where one was. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { launchBrowser } from "../support/browser.js";
import { startNight, type Night } from "../support/night.js";
import { settled, VIEWS } from "../support/views.js";

let night: Night;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  night = await startNight(120);
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await night?.close();
});
beforeEach(async () => {
  await page?.close();
  page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
});

/** Notes whatever gets the focus. */
const WATCH = `globalThis.reached = new Set(); addEventListener("focusin", ({ target }) => reached.add(target));`;
/** What can be used within the selector and never had the focus. Rows of lists are gone through by arrows: one of them is a stop. */
const unreached = (within: string): string => `[...document.querySelectorAll("${within}")].flatMap((part) =>
  [...part.querySelectorAll("a[href], button, select, input, summary, [tabindex='0']")]
    .filter((one) => one.tabIndex >= 0 && !one.matches(":disabled") && one.checkVisibility() && !reached.has(one))
    .map((one) => one.outerHTML.slice(0, 120)))`;
const focused = (attribute: string): string => `document.activeElement.getAttribute("${attribute}")`;

test.each(Object.keys(VIEWS))("%s: Tab reaches everything", async (view) => {
  await page.addInitScript(WATCH);
  await page.goto(`${night.url}/?batch=${night.batchId}&view=${view}`);
  await settled(page);
  // What changes by itself while the keys are pressed would be new to the watch.
  await page.getByTestId("pause").focus();
  await page.keyboard.press("Enter");
  const count = await page.locator("a[href], button, select, input, summary, [tabindex='0']").count();
  // Once through all of it, and a little further.
  for (let n = 0; n < count + 10; n++) await page.keyboard.press("Tab");
  expect(await page.evaluate(unreached("body"))).toEqual([]);
});

test("the matrix from its first row to its last", async () => {
  await page.goto(`${night.url}/?batch=${night.batchId}&view=files`);
  const row = (): Promise<string> => page.evaluate<string>(focused("data-index"));
  await page.locator(".matrix-row").first().focus();
  await page.keyboard.press("End");
  await expect.poll(row).toBe(String(night.files - 1));
  await page.keyboard.press("PageUp");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Home");
  await expect.poll(row).toBe("0");
  await page.keyboard.press("ArrowDown");
  expect(await row()).toBe("1");
});

test("rows of the matrix by arrows; Escape leads back to the row whose journey was open", async () => {
  await page.goto(`${night.url}/?batch=${night.batchId}&view=files`);
  await page.locator(".matrix-row").first().focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").locator(".attempts > li").first().waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  expect(await page.evaluate(focused("data-index"))).toBe("2");
});

test("events of a card by arrows; Escape leads back to the row whose event was open", async () => {
  await page.goto(`${night.url}/?batch=${night.batchId}`);
  const rows = page.locator('[data-stage="stt"] .row');
  await rows.first().focus();
  await page.keyboard.press("ArrowDown");
  const id = await page.evaluate<string>(focused("data-event-id"));
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog");
  await dialog.getByText(`event ${id}`).first().waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  expect(await page.evaluate(focused("data-event-id"))).toBe(id);
});

/** Notes how many controls each popover holds in the moment it opens, before any later task of the page. */
const COUNT_AT_OPENING = `globalThis.atOpening = {};
  addEventListener("toggle", ({ target, newState }) => {
    if (newState === "open") atOpening[target.id] = target.querySelectorAll("a[href], button, input").length;
  }, true);`;

test.each([
  ["batches", "batch-picker"],
  ["alerts", "alerts"],
])("the popover %s opens by Enter, Tab goes through it, Escape leads back", async (id, button) => {
  await page.addInitScript(COUNT_AT_OPENING);
  await page.goto(night.url);
  await page.locator(".card").first().waitFor();
  await page.getByTestId(button).focus();
  await page.evaluate(WATCH);
  await page.keyboard.press("Enter");
  await page.locator(`#${id}:popover-open`).waitFor();
  // A popover that opens empty and is filled later lets a quick Tab pass it by.
  await expect.poll(() => page.evaluate(`atOpening.${id}`)).toBeGreaterThan(0);
  if (id === "batches") await page.locator("#batches [data-batch]").first().waitFor();
  const left = (): Promise<string[]> => page.evaluate<string[]>(unreached(`#${id}`));
  const most = 30;
  for (let n = 0; n < most && (await left()).length > 0; n++) await page.keyboard.press("Tab");
  expect(await left()).toEqual([]);
  await page.keyboard.press("Escape");
  await page.locator(`#${id}:popover-open`).waitFor({ state: "detached" });
  expect(await page.evaluate(focused("data-testid"))).toBe(button);
});
