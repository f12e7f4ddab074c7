/**
 * A night in which one host answers garbage, one stage hangs, 3 % of the files fail for two causes and one file vanished
 * between two stages: an operator finds each from the first page.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import { migrate } from "@cofi/event-log/migrate";
import { Store } from "@cofi/event-log/store";
import { generateBatch, TROUBLE } from "../../tools/generate-batch.mjs";
import { axeViolations } from "../support/axe.js";
import { launchBrowser } from "../support/browser.js";
import { startCofi, type CofiProcess } from "../support/cofi.js";

const FILES = 600;
let root: string;
let dashboard: CofiProcess;
let browser: Browser;
let page: Page;
let url: string;
let vanished: string;
let failed: number;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "cofi-operator-"));
  const databaseUrl = `sqlite:${join(root, "cofi.sqlite")}`;
  const database = await openDatabase(databaseUrl);
  await migrate(database);
  const generated = await generateBatch({ store: new Store(database), spoolDir: root, files: FILES, trouble: true });
  ({ failed } = generated);
  vanished = generated.vanished ?? "";
  // Ten minutes ago: what hangs has hung for long enough to be told.
  await sql`UPDATE batchExecutionLog SET timestamp = strftime('%Y-%m-%d %H:%M:%f', timestamp, '-600 seconds')`.execute(
    database.kysely,
  );
  await database.close();
  dashboard = startCofi(["serve"], { COFI_DATABASE_URL: databaseUrl, COFI_DATA_DIR: root, COFI_PORT: "0" });
  url = (await dashboard.printed(/Dashboard: (http\S+)/))[1] ?? "";
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await dashboard?.stop();
  await rm(root, { recursive: true, force: true });
});
beforeEach(async () => {
  await page?.close();
  page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(url);
  await page.getByTestId("findings").waitFor();
});

const finding = (kind: string) => page.locator(`[data-finding="${kind}"] a`);

test("the file that vanished is named on the first page; one click shows where its way ends", async () => {
  await expect.poll(() => finding("missing").textContent()).toContain(`${vanished} never reached IVR`);
  await finding("missing").click();
  const journey = page.getByRole("dialog");
  await journey.getByText("Denoise").waitFor();
  expect(await journey.locator(".tries > li").count()).toBe(2);
  expect(new URL(page.url()).searchParams.get("state")).toBe("missing");
  await page.keyboard.press("Escape");
  await expect.poll(() => page.getByTestId("files-total").textContent()).toBe("1 file");
});

test("the host that answers garbage is named with its stage; one click shows it beside the others", async () => {
  await expect.poll(() => finding("sick-host").textContent()).toContain(`${TROUBLE.sickHost} fails in Language`);
  await finding("sick-host").click();
  const cell = page.locator(`[data-host="${TROUBLE.sickHost}"] td[style] a`).filter({ hasText: "100 %" });
  await cell.waitFor();
  await cell.click();
  await page.locator(".matrix-row").first().waitFor();
  expect(new URL(page.url()).searchParams.get("host")).toBe(TROUBLE.sickHost);
});

test("the stage that hangs is named; one click shows the files that hang in it", async () => {
  await expect.poll(() => finding("stuck-stage").textContent()).toContain("Speech to text stands still");
  await finding("stuck-stage").click();
  await expect.poll(() => page.getByTestId("files-total").textContent()).toBe("4 files");
});

test("both causes of the failures are named with their counts; one click shows their files", async () => {
  await expect.poll(() => finding("cause").count()).toBe(2);
  const texts = await finding("cause").allTextContents();
  for (const cause of TROUBLE.causes) expect(texts.join("\n")).toContain(cause);
  await finding("cause").first().click();
  await expect.poll(() => page.getByTestId("files-total").textContent()).toBe(`${failed / 2} files`);
  await page.locator(".matrix-row").first().click();
  const journey = page.getByRole("dialog");
  await journey.locator('[data-outcome="failed"]').waitFor();
  await journey.getByRole("button", { name: "Compare" }).nth(0).click();
  await journey.getByRole("button", { name: "Compare" }).nth(1).click();
  await page.getByTestId("comparison").getByText("Payload").first().waitFor();
});

test("the same counts by the page and by SQL; a link reopens what was sent", async () => {
  await page.goto(`${url}/?view=handoffs`);
  const row = page.locator('tr[data-stage="denoise"] td');
  await row.first().waitFor();
  const cells = await row.allTextContents();
  expect(cells.slice(1, 4)).toEqual([String(FILES), String(FILES - failed), String(failed)]);
  await page.goto(`${url}/?view=files&state=failed&stage=denoise&sort=duration&order=desc`);
  await expect.poll(() => page.getByTestId("files-total").textContent()).toBe(`${failed} files`);
});

test.each(["stages", "files", "handoffs", "time", "hosts", "errors"])(
  "%s: nothing serious for axe, light and dark, wide and on a phone",
  async (view) => {
    await mkdir("test-results", { recursive: true });
    for (const colorScheme of ["light", "dark"] as const)
      for (const width of [1440, 390]) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: width === 390 ? 844 : 900 });
        await page.goto(`${url}/?view=${view}`);
        await page.locator("main .panel, main .card").first().waitFor();
        await page.locator(".view-loading").waitFor({ state: "detached" });
        await page.screenshot({ path: `test-results/operator-${view}-${colorScheme}-${width}.png` });
        expect(await axeViolations(page), `${view} ${colorScheme} ${width}`).toEqual([]);
        const overflow = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
        expect(overflow, `${view} ${width} does not scroll sideways`).toBeLessThanOrEqual(0);
      }
  },
);
