/** Listening to a call in a real Chromium: found exactly, by mouse and keyboard, with the transcript, and by a link. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { expectFit, LOOKS, takeLook } from "../support/looks.js";
import { startReviewed, type Reviewed } from "../support/reviewed.js";

let it: Reviewed;
let page: Page;

beforeAll(async () => {
  it = await startReviewed();
});
afterAll(() => it?.close());
beforeEach(async () => {
  await page?.context().close();
  page = await it.open();
  await takeLook(page, LOOKS[0]!);
});

const revealed = async (more = ""): Promise<void> => {
  await page.goto(`${it.url}/?batch=${it.batchId}&view=trade&trade=T1${more}`);
  await page.getByLabel("Reason, for the access log").fill("case 17");
  await page.getByRole("button", { name: "Show contents" }).click();
  await page.getByRole("button", { name: "Listen" }).waitFor();
};
const audio = <T>(what: string): Promise<T> =>
  page.evaluate<T>(`(() => { const audio = document.querySelector("audio"); return ${what}; })()`);
const isPlaying = (): Promise<boolean> => audio<boolean>("audio !== null && !audio.paused && audio.currentTime > 0");
const stopped = async (): Promise<number> => {
  await audio("audio.pause()");
  return audio<number>("audio.currentTime");
};

test("nothing of it is loaded before; then it plays, and the slider and the transcript follow it", async () => {
  const asked: string[] = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await revealed();
  expect(asked.filter((path) => /sound|peaks/.test(path))).toEqual([]);
  await page.getByRole("button", { name: "Listen" }).click();
  await expect.poll(isPlaying, { timeout: 30_000 }).toBe(true);
  const seconds = await audio<number>("audio.duration");
  expect(Math.abs(seconds - 60)).toBeLessThan(0.2);
  await audio("audio.currentTime = 4.5");
  const said = page.locator(".utterance[aria-current]");
  await expect.poll(() => said.innerText()).toContain("9198");
  await expect.poll(() => page.getByRole("slider").getAttribute("aria-valuetext")).toMatch(/^0:0[4-9].* of 1:00/);
  for (const look of LOOKS) {
    await takeLook(page, look);
    await expectFit(page, "trade-listening", look);
  }
});

test("a click on words plays from two seconds before; N and P go from quote to quote; the slider obeys the keyboard", async () => {
  await revealed();
  // Also before somebody has pressed Listen.
  await page.locator(".utterance").nth(1).click();
  await expect.poll(isPlaying, { timeout: 30_000 }).toBe(true);
  expect(await stopped()).toBeGreaterThanOrEqual(2);
  await audio("audio.currentTime = 30");
  await page.locator(".utterance").first().focus();
  await page.keyboard.press("p");
  await expect.poll(isPlaying).toBe(true);
  const before = await stopped();
  expect(before).toBeGreaterThanOrEqual(0.5);
  expect(before).toBeLessThan(20);
  const slider = page.getByRole("slider", { name: "Position in the call" });
  await audio("audio.currentTime = 20");
  await expect.poll(() => slider.getAttribute("aria-valuetext")).toMatch(/^0:20/);
  await slider.focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("PageDown");
  await page.keyboard.press("ArrowUp");
  expect(Math.abs((await stopped()) - 12)).toBeLessThan(0.05);
});

test("a link to a position opens there", async () => {
  await revealed("&at=41.25");
  await page.getByRole("button", { name: "Listen" }).click();
  await expect.poll(isPlaying, { timeout: 30_000 }).toBe(true);
  const at = await stopped();
  expect(at).toBeGreaterThanOrEqual(41.25);
  expect(at).toBeLessThan(60);
  await page.getByRole("button", { name: "Copy link to this position" }).click();
  await expect.poll(() => new URL(page.url()).searchParams.get("at")).toMatch(/^4\d\.\d\d$|^5\d\.\d\d$/);
});
