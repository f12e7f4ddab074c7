/** `index.html` of a pack in a browser, from the folder that it was unzipped to: it plays, and loads nothing from anywhere. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { axeViolations } from "../../../test/support/axe.js";
import { launchBrowser } from "../../../test/support/browser.js";
import { NASTY, packLab, type PackLab } from "./packed-case.js";

let lab: PackLab;
let browser: Browser;
let url: string;
beforeAll(async () => {
  lab = await packLab();
  const path = await lab.pack();
  await promisify(execFile)("unzip", ["-q", path, "-d", `${path}.d`]);
  url = pathToFileURL(join(`${path}.d`, "index.html")).href;
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser.close();
  await lab.close();
});

interface Opened {
  page: Page;
  /** What the browser complains of. */
  said: string[];
  requests: string[];
}

async function opened(options: { colorScheme?: "light" | "dark"; width?: number } = {}): Promise<Opened> {
  const { colorScheme = "light", width = 1_200 } = options;
  const context = await browser.newContext({ colorScheme, viewport: { width, height: 800 } });
  const page = await context.newPage();
  const said: string[] = [];
  const requests: string[] = [];
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(error.message));
  page.on("request", (request) => requests.push(request.url()));
  await page.goto(url);
  return { page, said, requests };
}

test("a click on what was said plays from two seconds before, and what is heard is marked", async () => {
  const { page, said, requests } = await opened();
  await expect.poll(() => page.evaluate<number>("document.querySelector('audio').duration")).toBe(4);
  await page.locator("ol button").nth(1).click();
  await expect
    .poll(() => page.evaluate<number>("document.querySelector('audio').currentTime"))
    .toBeGreaterThanOrEqual(0.5);
  await page.evaluate("(() => { const one = document.querySelector('audio'); one.pause(); one.currentTime = 3; })()");
  await expect.poll(() => page.locator("li[aria-current]").textContent()).toMatch(/buy two hundred/);
  expect(said).toEqual([]);
  expect(requests.every((request) => request.startsWith("file:"))).toBe(true);
  await page.context().close();
});

test("names and texts of the case stay text", async () => {
  const { page } = await opened();
  expect(await page.title()).toBe("Trade T1");
  expect(await page.locator("img").count()).toBe(0);
  const text = (await page.locator("body").textContent()) ?? "";
  expect(text).toContain(`Heard twice ${NASTY}`);
  expect(text.split(NASTY).length).toBeGreaterThan(6);
  // A script that got in all the same would not run.
  const ran = await page.evaluate(`(() => {
    const script = document.createElement("script");
    script.textContent = "document.title = 'hit'";
    document.body.append(script);
    return document.title;
  })()`);
  expect(ran).toBe("Trade T1");
  await page.context().close();
});

test("it can be read by everybody: light and dark, on a phone", async () => {
  for (const colorScheme of ["light", "dark"] as const)
    for (const width of [1_200, 360]) {
      const { page } = await opened({ colorScheme, width });
      expect(await axeViolations(page)).toEqual([]);
      const overflow = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
      expect([colorScheme, width, overflow <= 0]).toEqual([colorScheme, width, true]);
      await page.context().close();
    }
});
