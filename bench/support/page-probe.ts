/** What Chromium itself measures of the page: how soon it is painted, how fast it answers, how long its tasks, frames and heap are. */
import { setTimeout as pause } from "node:timers/promises";
import type { Browser, Page } from "playwright-core";
import { settled, tab, VIEWS } from "../../test/support/views.js";

/** A server that has just started reads the largest batch first. */
export const PATIENCE = { timeout: 120_000 };
/** The browser tells of tasks from here on. */
export const LONG_TASK_MS = 50;

/** Measurements of the browser itself: interactions until the next paint, long tasks, frames; and when ten cards were painted. */
const OBSERVE = `
  globalThis.measured = { interactions: [], tasks: [], frames: [] };
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (entry.interactionId) measured.interactions.push(entry.duration);
  }).observe({ type: "event", durationThreshold: 16 });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) measured.tasks.push(entry.duration);
  }).observe({ type: "longtask" });
  let last = performance.now();
  requestAnimationFrame(function frame(now) {
    measured.frames.push(now - last);
    last = now;
    requestAnimationFrame(frame);
  });
  globalThis.cardsPainted = new Promise((resolve) => {
    const cards = new MutationObserver(() => {
      if (document.querySelectorAll(".card .row").length < 10) return;
      cards.disconnect();
      requestAnimationFrame(() => setTimeout(() => resolve(performance.now())));
    });
    cards.observe(document, { childList: true, subtree: true });
  });`;

type Measured = { interactions: number[]; tasks: number[]; frames: number[] };

/** The measurements since the last call. */
export async function take(page: Page): Promise<Measured> {
  // Entries come to the observers a moment after what they are about.
  await pause(300);
  return page.evaluate<Measured>(
    "(() => { const all = measured; measured = { interactions: [], tasks: [], frames: [] }; return all; })()",
  );
}

/** What an operator does, each by its name; the page is at Stages before and after. */
export function interactions(page: Page): [string, () => Promise<void>][] {
  const view = (label: string): [string, () => Promise<void>] => [
    `to ${label}`,
    async () => {
      await tab(page, label).click();
      await settled(page, PATIENCE);
    },
  ];
  const key = (name: string): [string, () => Promise<void>] => [
    `${name} in the matrix`,
    async () => {
      await page.keyboard.press(name);
      await pause(300);
    },
  ];
  const dialog = page.getByRole("dialog");
  const leave: [string, () => Promise<void>] = ["closing it", () => page.keyboard.press("Escape")];
  return [
    ...Object.values(VIEWS).slice(1).map(view),
    view(VIEWS.stages),
    [
      "opening an event",
      async () => {
        await page.locator(".row").first().click();
        await dialog.first().waitFor();
      },
    ],
    leave,
    view(VIEWS.files),
    ["focus on the matrix", () => page.locator(".matrix-row").first().focus()],
    ...["PageDown", "PageDown", "End", "PageUp", "Home"].map(key),
    [
      "typing a part of a name",
      () => page.getByRole("searchbox", { name: "Part of a file's name" }).pressSequentially("00001", { delay: 60 }),
    ],
    [
      "opening a file's journey",
      async () => {
        await pause(600);
        await page.locator(".matrix-row").first().click();
        await dialog.locator(".attempts > li").first().waitFor();
      },
    ],
    leave,
    view(VIEWS.stages),
  ];
}

/** The slowest interaction as `[name, ms]`. The browser does not report those below 16 ms; they count as 16. */
export async function slowestInteraction(page: Page): Promise<[string, number]> {
  await take(page);
  let slowest: [string, number] = ["none", 16];
  for (const [name, act] of interactions(page)) {
    await act();
    const ms = Math.max(0, ...(await take(page)).interactions);
    if (ms > slowest[1]) slowest = [name, ms];
  }
  return slowest;
}

/** The longest pause between two frames while the matrix is scrolled by the wheel. */
export async function longestFrame(page: Page): Promise<number> {
  await tab(page, VIEWS.files).click();
  await settled(page, PATIENCE);
  await page.locator(".matrix-row").first().hover();
  await take(page);
  for (let turn = 0; turn < 30; turn++) {
    await page.mouse.wheel(0, 400);
    await pause(40);
  }
  const { frames } = await take(page);
  await tab(page, VIEWS.stages).click();
  return Math.max(...frames);
}

/** Number of the latest event that the page shows. */
export async function newestEvent(page: Page): Promise<number> {
  const text = (await page.getByTestId("data-age").textContent()) ?? "";
  return Number(/event ([\d,]+),/.exec(text)?.[1]?.replaceAll(",", ""));
}

/** Of the page alone: what the probe has collected, a number for each frame, is thrown away first. */
export async function heapBytes(page: Page): Promise<number> {
  await take(page);
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  await session.detach();
  return usedSize;
}

/** A page that measures from its start on. */
export async function openPage(browser: Browser): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.addInitScript(OBSERVE);
  return page;
}

/** Ms from the start of the navigation until the ten cards are painted, with their latest events. */
export async function firstView(browser: Browser, address: string, batchId: number): Promise<number> {
  const page = await openPage(browser);
  await page.goto(`${address}/?batch=${batchId}`);
  const ms = await page.evaluate<number>("cardsPainted");
  await page.close();
  return ms;
}
