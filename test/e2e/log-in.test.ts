/** A dashboard that asks for a token: whoever opens a link gets to see what it names, and can log out again. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import { migrate } from "@cofi/event-log/migrate";
import { Store } from "@cofi/event-log/store";
import { generateBatch } from "../../tools/generate-batch.mjs";
import { launchBrowser } from "../support/browser.js";
import { startDashboard, type Dashboard } from "../support/cofi.js";
import { expectFit, LOOKS, takeLook } from "../support/looks.js";

const TOKEN = "a-token-for-the-tests-alone";
let root: string;
let dashboard: Dashboard;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let link: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "cofi-log-in-"));
  const databaseUrl = `sqlite:${join(root, "cofi.sqlite")}`;
  const database = await openDatabase(databaseUrl);
  await migrate(database);
  const { batchId } = await generateBatch({ store: new Store(database), spoolDir: root, files: 5, name: "night" });
  await database.close();
  dashboard = await startDashboard({
    COFI_DATABASE_URL: databaseUrl,
    COFI_DATA_DIR: root,
    COFI_ACCESS_TOKEN: TOKEN,
  });
  link = `${dashboard.url}/?batch=${batchId}&view=files&stage=stt#event=3&part=response`;
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await dashboard?.stop();
  await rm(root, { recursive: true, force: true });
});
beforeEach(async () => {
  context = await browser.newContext();
  page = await context.newPage();
});
afterEach(() => context.close());

async function logIn(token: string): Promise<void> {
  await page.getByLabel("Access token").fill(token);
  await page.getByRole("button", { name: "Log in" }).click();
}

test("the log-in leads to the link that was opened, its event included, also after a wrong token; log out leads back to the form", async () => {
  await page.goto(link);
  await page.getByRole("heading", { name: "Log in to Cofi" }).waitFor();
  await logIn("wrong");
  await page.getByRole("alert").getByText("That is not the access token.").waitFor();
  await logIn(TOKEN);
  await page.locator("dialog:not(.journey) .dialog-body[data-shown='3']").waitFor();
  expect(page.url()).toBe(link);
  await page.keyboard.press("Escape");
  await page.locator(".matrix-row").first().waitFor();
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByRole("heading", { name: "Log in to Cofi" }).waitFor();
  await page.goto(link);
  await page.getByRole("heading", { name: "Log in to Cofi" }).waitFor();
});

test("the form looks like the page: its style, its theme, nothing serious for axe", async () => {
  for (const look of LOOKS) {
    await takeLook(page, look);
    await page.goto(link);
    await page.getByRole("heading", { name: "Log in to Cofi" }).waitFor();
    await expectFit(page, "log-in", look);
  }
  await logIn(TOKEN);
  await page.locator("dialog[open]").waitFor();
  const styleOf = (selector: string): Promise<unknown> =>
    page.evaluate(
      `(({ fontFamily, backgroundColor }) => [fontFamily, backgroundColor])(getComputedStyle(document.querySelector(${JSON.stringify(selector)})))`,
    );
  const body = await styleOf("body");
  await page.goto(`${dashboard.url}/login`);
  expect(await styleOf("body")).toEqual(body);
});

test("a page whose session ends asks for the token in its place, and shows the same afterwards", async () => {
  await page.goto(link);
  await logIn(TOKEN);
  await page.locator("dialog[open]").waitFor();
  await page.keyboard.press("Escape");
  await page.locator(".matrix-row").first().waitFor();
  await context.clearCookies();
  // Resuming asks for the stream again.
  await page.getByTestId("pause").click();
  await page.getByTestId("pause").click();
  await page.getByRole("heading", { name: "Log in", exact: true }).waitFor();
  await logIn(TOKEN);
  await page.locator(".matrix-row").first().waitFor();
  await page.getByRole("button", { name: "Log out" }).waitFor();
  expect(page.url()).toBe(link.replace(/#.*/, ""));
});
