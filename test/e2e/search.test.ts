/** The search on the page: by keyboard, with a reason, for each role what it may see; and it fits wherever it is looked at. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { expectFit, LOOKS, takeLook } from "../support/looks.js";
import { startReviewed, type Reviewed } from "../support/reviewed.js";
import { loaded } from "../support/views.js";

let it: Reviewed;
let page: Page;

beforeAll(async () => {
  it = await startReviewed();
  page = await it.open();
});
afterAll(() => it?.close());

test("what was said is found by keyboard alone, and opens where it is heard", async () => {
  await page.goto(`${it.url}/?batch=${it.batchId}`);
  await loaded(page);
  await page.keyboard.press("/");
  const dialog = page.getByRole("dialog", { name: "Search" });
  await dialog.getByRole("searchbox").waitFor();
  await page.keyboard.type('"buy zebedee"');
  await dialog.getByLabel("Reason, for the access log").fill("case 17");
  await page.keyboard.press("Enter");
  await expect.poll(() => dialog.locator("mark").allInnerTexts()).toEqual(["buy", "zebedee"]);
  for (const look of LOOKS) {
    await takeLook(page, look);
    await expectFit(page, "search", look, "dialog");
  }
  await takeLook(page, LOOKS[0]!);
  await dialog.getByRole("searchbox").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.locator("[data-trade]").waitFor();
  expect(new URL(page.url()).searchParams.get("at")).toMatch(/^\d+\.\d\d$/);
  expect(await dialog.count()).toBe(0);
});

test("trades are found by their ids; the sign stays a sign where something is written", async () => {
  await page.goto(`${it.url}/?batch=${it.batchId}&view=trades`);
  await loaded(page);
  await page.getByRole("searchbox").fill("");
  await page.getByRole("searchbox").press("/");
  expect(await page.getByRole("searchbox").inputValue()).toBe("/");
  await page.getByTestId("search").click();
  const dialog = page.getByRole("dialog", { name: "Search" });
  await dialog.getByRole("searchbox").fill("t1");
  await dialog.getByLabel("Reason, for the access log").fill("case 17");
  await dialog.getByRole("button", { name: "Search" }).click();
  await dialog.getByRole("link", { name: "T1" }).click();
  await page.locator("[data-trade='T1']").waitFor();
  await page.keyboard.press("Escape");
});
