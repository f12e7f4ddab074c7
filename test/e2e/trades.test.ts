/** Trades as a reviewer sees them: the list, its filters, and a trade's page, masked and revealed; wide, zoomed and on a phone. */
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

const open = async (query: string): Promise<void> => {
  await page.goto(`${it.url}/?batch=${it.batchId}&${query}`);
  await page.locator("main .panel").first().waitFor();
  await loaded(page);
};

const ids = (): Promise<string[]> => page.locator(".trade-row [data-cell='trade']").allInnerTexts();

test("a batch that is over opens with its trades; the bar adds up, and its parts lead to their trades", async () => {
  await takeLook(page, LOOKS[0]!);
  await page.goto(it.url);
  await page.getByTestId("outcomes").waitFor();
  expect(await ids()).toEqual(["T1", "T4", "T5", "T2", "T3"]);
  expect(await page.getByTestId("outcomes").innerText()).toContain("7 rows of trades.csv");
  expect(await page.locator("[data-finding]").first().innerText()).toContain("1 trade differs");
  await page.getByTestId("outcomes").getByRole("link", { name: "2 Confirmed" }).click();
  await expect.poll(ids).toEqual(["T2", "T3"]);
  expect(new URL(page.url()).searchParams.get("outcome")).toBe("CONFIRMED");
  await page.getByTestId("outcomes").getByRole("link", { name: "2 Row refused" }).click();
  await page.getByText("Line 12", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Show all" }).click();
  await expect.poll(ids).toHaveLength(5);
  await page.getByRole("navigation", { name: "Views" }).getByRole("link", { name: "Stages" }).click();
  await page.locator("[data-stage='stt']").waitFor();
});

test("filters by the field and by hand", async () => {
  await open("view=trades");
  await page.getByRole("searchbox").fill("O2");
  await expect.poll(ids).toEqual(["T2", "T3"]);
  await page.getByRole("button", { name: "More filters" }).click();
  const form = page.getByRole("dialog", { name: "More filters" });
  await form.getByLabel("Quantity to").fill("100");
  await form.getByRole("button", { name: "Show" }).click();
  await expect.poll(ids).toEqual(["T3"]);
  await page.getByRole("button", { name: "Quantity to 100" }).click();
  await expect.poll(ids).toEqual(["T2", "T3"]);
});

test("by keyboard: one stop of Tab, arrows through the rows, Enter opens the trade", async () => {
  await open("view=trades");
  await page.locator(".trade-row").first().focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  await page.locator("[data-trade='T1']").waitFor();
});

test("a trade: masked until a reason is given, then all that decided", async () => {
  await takeLook(page, LOOKS[0]!);
  await open("view=trade&trade=T1");
  const said = page.locator("main");
  await page.locator(".transcript").waitFor();
  expect(await said.innerText()).not.toMatch(/zebedee|MN0042|9198/);
  expect(await page.locator("[data-field='QTY']").getAttribute("data-outcome")).toBe("different");
  for (const look of LOOKS) {
    await takeLook(page, look);
    await expectFit(page, "trade-masked", look);
  }
  await page.getByLabel("Reason, for the access log").fill("case 17");
  await page.getByRole("button", { name: "Show contents" }).click();
  await expect.poll(() => page.locator(".transcript").innerText()).toContain("buy zebedee");
  expect(await page.locator("[data-field='QTY']").innerText()).toContain("250 shares zebedee");
  expect(await page.locator("[data-call='C2']").innerText()).toContain("89 of 100");
  for (const look of LOOKS) {
    await takeLook(page, look);
    await expectFit(page, "trade", look);
  }
});

test.each(["view=trades", "view=trades&outcome=REFUSED", "view=trade&trade=T5"])(
  "%s: nothing serious for axe, nothing beyond its sides",
  async (query) => {
    for (const look of LOOKS) {
      await takeLook(page, look);
      await open(query);
      await expectFit(page, query.replaceAll(/\W+/g, "-"), look);
    }
  },
);
