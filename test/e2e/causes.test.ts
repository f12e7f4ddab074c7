/** Causes of errors as people read them: in the words of one of the errors, with how many are like it. */
import { sql } from "kysely";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import { launchBrowser } from "../support/browser.js";
import { startNight, type Night } from "../support/night.js";

let night: Night;
let browser: Browser;
let page: Page;
let url: string;

beforeAll(async () => {
  night = await startNight(240);
  ({ url } = night);
  browser = await launchBrowser();
  page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
});
afterAll(async () => {
  await browser?.close();
  await night?.close();
});

const finding = (kind: string) => page.locator(`[data-finding="${kind}"] a`);

test("a cause is named by one of its errors and how many are like it, wherever it stands; a traceback by its last line", async () => {
  const database = await openDatabase(night.databaseUrl);
  const traceback = (line: number): string =>
    `Traceback (most recent call last):\n  File "/srv/stt.py", line ${line}, in run\n    decode(audio)\nRuntimeError: no tokens left`;
  for (const n of [1, 2, 3])
    await sql`INSERT INTO batchExecutionLog (batchId, stage, eventType, fileName, status, errorMessage)
      VALUES (${night.batchId}, 'stt', 'error', ${`traced-${n}.wav`}, 'failed', ${traceback(n)})`.execute(
      database.kysely,
    );
  await database.close();
  const like = night.failed / 2 - 1;
  const memory = new RegExp(`CUDA out of memory: call-2026-11-23-\\d{6}\\.wav, 1,?\\d{3} MB, and ${like} like it`);
  const noPlaceholder = async (): Promise<void> => {
    const text = await page.evaluate<string>("document.body.textContent");
    expect(/<(?:file|n|name|id|url|host|path)>/.exec(text)).toBeNull();
  };
  await page.goto(`${url}/?batch=${night.batchId}`);
  await finding("cause").filter({ hasText: memory }).waitFor();
  await finding("cause")
    .filter({ hasText: "3 failures in Speech to text: RuntimeError: no tokens left, and 2 like it" })
    .waitFor();
  await noPlaceholder();
  await page.goto(`${url}/?batch=${night.batchId}&view=errors`);
  const traced = page.locator(".cause", { hasText: "RuntimeError: no tokens left, and 2 like it" });
  await traced.waitFor();
  // The whole of it is there, folded.
  expect(await traced.locator("code").textContent()).toContain(traceback(1));
  const lines = (): Promise<number> =>
    traced
      .locator("code .message")
      .first()
      .evaluate((one) => Math.round(one.getBoundingClientRect().height / 18));
  await traced.getByRole("button", { name: "Show all of it" }).click();
  await traced.getByRole("button", { name: "Show less" }).waitFor();
  expect(await lines()).toBeGreaterThan(2);
  await noPlaceholder();
  await page.getByRole("link", { name: memory }).click();
  await page.getByTestId("focus").getByText(memory).waitFor();
  await expect.poll(() => page.getByTestId("files-total").textContent()).toBe(`${night.failed / 2} files`);
  await noPlaceholder();
});
