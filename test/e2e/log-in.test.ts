/** A dashboard that asks for a token: whoever opens a link gets to see what it names, and can log out again. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import { migrate } from "@cofi/event-log/migrate";
import { Store } from "@cofi/event-log/store";
import { generateBatch } from "../../tools/generate-batch.mjs";
import { launchBrowser } from "../support/browser.js";
import { runCofi, startDashboard, type Dashboard } from "../support/cofi.js";
import { expectFit, LOOKS, takeLook } from "../support/looks.js";

const TOKEN = "a-token-for-the-tests-alone";
let root: string;
let dashboard: Dashboard;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let link: string;
let databaseUrl: string;
let batchId: number;
/** The end of a file in `stt`, with its transcript. */
let eventId: number;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "cofi-log-in-"));
  databaseUrl = `sqlite:${join(root, "cofi.sqlite")}`;
  const database = await openDatabase(databaseUrl);
  await migrate(database);
  const store = new Store(database);
  ({ batchId } = await generateBatch({ store, spoolDir: root, files: 5, name: "night" }));
  const { events } = await store.events(batchId, { limit: 1, stage: "stt", eventType: "file_complete" });
  eventId = events[0]!.id;
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

test("a page whose session ends says so in its place, and the log-in leads back to what it showed", async () => {
  await page.goto(link);
  await logIn(TOKEN);
  await page.locator("dialog[open]").waitFor();
  await page.keyboard.press("Escape");
  await page.locator(".matrix-row").first().waitFor();
  await context.clearCookies();
  // Resuming asks for the stream again.
  await page.getByTestId("pause").click();
  await page.getByTestId("pause").click();
  await page.getByTestId("logged-out").getByRole("link", { name: "Log in" }).click();
  await logIn(TOKEN);
  await page.locator(".matrix-row").first().waitFor();
  await page.getByRole("button", { name: "Log out" }).waitFor();
  expect(page.url()).toBe(link.replace(/#.*/, ""));
});

describe("users", () => {
  const PASSWORD = "correct horse battery";
  const REASON = "complaint 17";
  let users: Dashboard;
  let url: string;

  beforeAll(async () => {
    const env = { COFI_DATABASE_URL: databaseUrl, COFI_DATA_DIR: root };
    for (const [name, role] of [
      ["rita", "reviewer"],
      ["axel", "auditor"],
      ["vera", "viewer"],
      ["ada", "admin"],
    ] as const)
      expect(await runCofi(["user", "add", name, "--role", role], env, undefined, PASSWORD)).toMatchObject({ code: 0 });
    users = await startDashboard(env);
    url = `${users.url}/?batch=${batchId}&view=files&stage=stt#event=${eventId}&part=response`;
  });
  afterAll(() => users?.stop());

  async function enter(user: string, at = url): Promise<void> {
    await page.goto(at);
    await page.getByLabel("User").fill(user);
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Log in" }).click();
  }

  test("a viewer sees that contents are masked, and no way to see them", async () => {
    await enter("vera");
    const dialog = page.locator("dialog[open]");
    await dialog.getByTestId("masked").getByText("Your role does not show them.").waitFor();
    expect(await dialog.getByTestId("response").innerText()).toContain("‹");
    expect(await dialog.getByRole("button", { name: "Show contents" }).count()).toBe(0);
    expect(await page.getByRole("link", { name: "Access log" }).count()).toBe(0);
    await page.getByTestId("who").getByText("vera · viewer").waitFor();
  });

  test(
    "a reviewer says why and sees them, in every look; the auditor finds who it was",
    { timeout: 240_000 },
    async () => {
      await enter("rita");
      const dialog = page.locator("dialog[open]");
      await dialog.getByTestId("masked").waitFor();
      for (const look of LOOKS) {
        await takeLook(page, look);
        await expectFit(page, "masked-event", look);
      }
      await takeLook(page, LOOKS[0]!);
      const masked = await dialog.getByTestId("response").innerText();
      await dialog.getByLabel("Reason, for the access log").fill(REASON);
      await page.keyboard.press("Enter");
      await dialog.getByTestId("masked").waitFor({ state: "detached" });
      const shown = await dialog.getByTestId("response").innerText();
      expect(shown).not.toContain("‹");
      expect(shown).not.toBe(masked);
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: "Log out" }).click();
      await page.getByRole("heading", { name: "Log in to Cofi" }).waitFor();

      await enter("axel", `${users.url}/?view=access`);
      const table = page.locator("table.access-log");
      await table.getByText(REASON).first().waitFor();
      const row = table
        .locator("tbody tr")
        .filter({ hasText: `event ${eventId}` })
        .first();
      expect(await row.innerText()).toMatch(/rita\s+reviewer[\s\S]*reveal[\s\S]*complaint 17/);
      for (const look of LOOKS) {
        await takeLook(page, look);
        await expectFit(page, "access-log", look);
      }
      await takeLook(page, LOOKS[0]!);
      await page.getByLabel("Action").selectOption({ label: "Log-ins" });
      await table.getByText(REASON).first().waitFor({ state: "detached" });
      await row.waitFor({ state: "detached" });
      await table.locator("tbody tr").first().waitFor();
      expect(page.url()).toContain("action=log-in");
    },
  );

  test(
    "an administrator sees who is logged in, and ends a session, whose page says so",
    { timeout: 240_000 },
    async () => {
      await enter("vera", users.url);
      await page.getByTestId("who").waitFor();
      const others = await browser.newContext();
      try {
        const viewer = page;
        page = await others.newPage();
        await enter("ada", `${users.url}/?view=access`);
        await page.getByRole("link", { name: "Sessions and users" }).click();
        await page.locator("[data-user='vera']").waitFor();
        const session = page.locator("[data-session]").filter({ hasText: "vera" }).first();
        await session.waitFor();
        await page.locator("[data-session]").filter({ hasText: "this browser" }).waitFor();
        for (const look of LOOKS) {
          await takeLook(page, look);
          await expectFit(page, "sessions", look);
        }
        await takeLook(page, LOOKS[0]!);
        expect(await viewer.getByTestId("logged-out").count()).toBe(0);
        await page.locator("[data-user='vera']").getByRole("button", { name: "End all sessions of vera" }).click();
        await session.waitFor({ state: "detached" });
        await viewer.getByTestId("logged-out").waitFor();
        await page.getByRole("link", { name: "Access log" }).first().click();
        await page.locator("table.access-log").getByText("session-ended").first().waitFor();
      } finally {
        await others.close();
      }
    },
  );

  test("a viewer has no way to sessions and users", async () => {
    await enter("vera", `${users.url}/?view=users`);
    await page.getByText("Sessions and users are for administrators").waitFor();
  });

  test("`cofi user revoke` ends what is open", async () => {
    await enter("vera", users.url);
    await page.getByTestId("who").waitFor();
    expect(
      await runCofi(["user", "revoke", "vera"], { COFI_DATABASE_URL: databaseUrl, COFI_DATA_DIR: root }),
    ).toMatchObject({ code: 0 });
    await page.getByTestId("logged-out").waitFor();
  });
});
