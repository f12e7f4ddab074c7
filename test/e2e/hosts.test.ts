/** What became of hosts: their state now and when it is over, the rule behind it, and everything that happened to them, live. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { launchBrowser } from "../support/browser.js";
import { done, startHostNight, step, type HostNight } from "../support/host-night.js";
import { expectFit, LOOKS, takeLook } from "../support/looks.js";
import { settled } from "../support/views.js";

const HOSTS = [1, 2, 3, 4, 5, 6].map((n) => `10.20.0.1${n}`) as [string, string, string, string, string, string];
const [GOOD, OUT, GONE, TRIED, SLOW, FLAPPING] = HOSTS;
const FAULT =
  "10.20.0.12 did not answer within 31.4 s, which is far longer than nearly all other files took, or than COFI_ENGINE_TIMEOUT_S";
/** Each time left out, tried again and back. */
const FLAPS = 3_400;

let night: HostNight;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  night = await startHostNight();
  const flaps = Array.from({ length: FLAPS }, () => [
    step({
      stage: "denoise",
      host: FLAPPING,
      from: "healthy",
      to: "ejected",
      rule: "3 faults in a row. The last one: it broke off",
    }),
    step({
      stage: "denoise",
      host: FLAPPING,
      from: "ejected",
      to: "probing",
      rule: "it says that it is well; one file will show it",
    }),
    step({ stage: "denoise", host: FLAPPING, from: "probing", to: "healthy", rule: "it answers again" }),
  ]);
  await night.log(
    { stage: "denoise", eventType: "stage_start", totalFiles: 30 },
    ...HOSTS.flatMap((host, n) => done("denoise", `call-${n}.wav`, host, 900)),
    ...flaps.flat(),
    step({
      stage: "denoise",
      host: OUT,
      from: "healthy",
      to: "ejected",
      rule: `3 faults in a row. The last one: ${FAULT}`,
    }),
    { stage: "denoise", eventType: "stage_complete", status: "success", processedFiles: 30 },
    { eventType: "stage_start", totalFiles: 30 },
    ...HOSTS.flatMap((host, n) =>
      Array.from({ length: 6 }, (_, file) =>
        done("stt", `call-${n}-${file}.wav`, host, host === SLOW ? 17_000 : 4_200),
      ).flat(),
    ),
    {
      ...step({
        host: OUT,
        from: "ejected",
        to: "ejected",
        rule: "it was left out in an earlier stage, and its pause is not over",
      }),
    },
    ...[1, 2, 3].map((n) => ({
      eventType: "error" as const,
      status: "processing" as const,
      fileName: `call-2-${n}.wav`,
      gpuIp: GONE,
      attempt: 1,
      errorMessage: "The engine of stt has ended: signal SIGKILL",
    })),
    step({
      host: GONE,
      from: "suspect",
      to: "gone",
      rule: "The engine of stt ended 6 times without an answer in between: signal SIGKILL",
    }),
    step({ host: FLAPPING, engine: "2", engines: 4, from: "healthy", to: "ejected", rule: "3 faults in a row" }),
    step({
      host: TRIED,
      from: "healthy",
      to: "ejected",
      rule: "5 faults in its last 10 attempts. The last one: HTTP 502",
    }),
    step({ host: TRIED, from: "ejected", to: "probing", rule: "it says that it is well; one file will show it" }),
    {
      eventType: "info",
      fileName: "call-4-7.wav",
      gpuIp: GOOD,
      metadata: JSON.stringify({
        hedge: {
          attempt: 2,
          of: 1,
          rule: `it has been in work on ${SLOW} for 12.4 s, more than twice as long as usual`,
        },
      }),
    },
    { eventType: "file_start", status: "processing", fileName: "call-4-7.wav", gpuIp: GOOD, attempt: 2 },
    {
      eventType: "file_complete",
      status: "success",
      fileName: "call-4-7.wav",
      gpuIp: GOOD,
      attempt: 2,
      durationMs: 4_000,
    },
    {
      eventType: "info",
      fileName: "call-4-7.wav",
      gpuIp: SLOW,
      metadata: JSON.stringify({
        outrun: { attempt: 1, rule: `another host has answered first; the answer of ${SLOW} has been given up` },
      }),
    },
  );
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

/** The cell of a host in the second stage that is shown. */
const inStt = (host: string) => page.locator(`tr[data-host="${host}"] td[data-errors]`).last();
const events = () => page.locator(".host-event");

async function open(query = ""): Promise<void> {
  await page.goto(`${night.url}/?batch=${night.batchId}&view=hosts${query}`);
  await settled(page);
  await events().first().waitFor();
}

test("each host has its state now, since when and why, and the states of stages that are over are said to be history", async () => {
  await open();
  const now = page.getByTestId("hosts-now");
  expect((await now.innerText()).replace(/\s+/g, " ")).toBe(
    "3 of 6 hosts are in use. ⊘ 10.20.0.12 left out ✕ 10.20.0.13 given up ↻ 10.20.0.14 being tried again ⊘ 10.20.0.16 1 of 4 left out",
  );
  const row = (host: string): Promise<string> => page.locator(`tr[data-host="${host}"] .host-now`).innerText();
  expect(await row(OUT)).toMatch(
    /left out in Speech to text since [\d:]+\s+It was left out in an earlier stage, and its pause is not over$/,
  );
  expect(await row(GONE)).toMatch(/given up in Speech to text since .*\s+The engine of stt ended 6 times/);
  expect(await row(FLAPPING)).toMatch(/1 of 4 left out in .*\s+http:\/\/10\.20\.0\.16:8020: 3 faults in a row$/);
  expect(await row(GOOD)).toMatch(/in use in Speech to text since [\d:]+$/);
  expect(await inStt(OUT).innerText()).toMatch(/left out\s+since [\d:]+\s+0 % failed/);
  const inDenoise = page.locator(`tr[data-host="${OUT}"] td[data-errors]`).first();
  expect(await inDenoise.innerText()).toContain("was left out");
  // Each is a way to its event.
  await inStt(OUT).getByRole("button").click();
  await page.getByRole("dialog").getByText("its pause is not over").first().waitFor();
});

test("a host that has come and gone ten thousand times: a page at a time, with how many more there are", async () => {
  await open(`&host=${FLAPPING}&stage=denoise&kind=ejected`);
  expect(await events().count()).toBe(50);
  await page.getByRole("link", { name: "Older: 3,350 more" }).click();
  await page.getByRole("link", { name: "Older: 3,300 more" }).waitFor();
  const older = await events().first().getAttribute("data-event-id");
  await page.reload();
  await events().first().waitFor();
  expect(await events().first().getAttribute("data-event-id")).toBe(older);
  await page.getByRole("link", { name: "Newest" }).click();
  await page.getByRole("link", { name: "Older: 3,350 more" }).waitFor();
  const kinds = page.getByRole("group", { name: "Kind" }).getByRole("button");
  expect((await kinds.allInnerTexts()).map((text) => text.replace(/\s+/g, " "))).toEqual([
    "⊘ Left out 3,400",
    "↻ Tried again 3,400",
    "✓ In use again 3,400",
  ]);
  await kinds.first().click();
  await page.getByRole("link", { name: "Older: 10,150 more" }).waitFor();
  await page.getByRole("button", { name: "Show all" }).click();
  await page.getByRole("heading", { name: "What happened to the hosts" }).waitFor();
  // A name in the table narrows the history to its host.
  await page.getByRole("row").getByRole("link", { name: TRIED }).click();
  await page.getByRole("heading", { name: `What happened to ${TRIED}` }).waitFor();
  await expect
    .poll(() => events().evaluateAll((rows) => rows.map((row) => row.dataset["kind"])))
    .toEqual(["probing", "ejected"]);
});

test("by keyboard: the history is one stop, arrows lead through it, Enter opens an event and Escape leads back", async () => {
  await open(`&host=${TRIED}`);
  await page.getByRole("group", { name: "Kind" }).getByRole("button").last().focus();
  await page.keyboard.press("Tab");
  const focused = (): Promise<string | null> => page.locator(":focus").getAttribute("data-kind");
  expect(await focused()).toBe("probing");
  await page.keyboard.press("ArrowDown");
  expect(await focused()).toBe("ejected");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").getByText("5 faults in its last 10 attempts").first().waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await expect.poll(focused).toBe("ejected");
});

test("a host that is much slower than its peers is found, and the finding leads to how long its files take", async () => {
  await page.goto(`${night.url}/?batch=${night.batchId}`);
  const finding = page.locator('[data-finding="slow-host"]');
  await finding.waitFor();
  expect(await finding.innerText()).toContain(`${SLOW} is 4.1 times slower than its peers in Speech to text`);
  await finding.getByRole("link").click();
  await page.getByRole("button", { name: "Time per file", pressed: true }).waitFor();
  await expect.poll(() => inStt(SLOW).innerText()).toBe("17.0 s");
  await page.getByRole("heading", { name: `What happened to ${SLOW}` }).waitFor();
  await page.getByRole("button", { name: "Was overtaken 1" }).click();
  await expect.poll(() => events().innerText()).toContain("another host has answered first");
});

test("wide, in a window of 1280 by 720, at 200 % zoom and on a phone, light and dark: nothing serious for axe", async () => {
  for (const look of [...LOOKS, { width: 1280, height: 720, colorScheme: "light" }] as const) {
    await takeLook(page, look);
    for (const query of ["", "&measure=took"]) {
      await open(query);
      await expectFit(page, `hosts${query.replace(/\W+/g, "-")}`, look);
    }
    await events().first().scrollIntoViewIfNeeded();
    await expectFit(page, "hosts-history", look);
  }
});

test("what happens now is there without a reload, no row moves under the pointer, and after the stage its states are history", async () => {
  await open();
  const newest = await events().first().getAttribute("data-event-id");
  await events().first().hover();
  await night.log(step({ host: TRIED, from: "probing", to: "healthy", rule: "it answers again" }));
  await expect.poll(() => inStt(TRIED).innerText()).toContain("in use");
  await page.getByTestId("new-host-events").waitFor();
  expect(await events().first().getAttribute("data-event-id")).toBe(newest);
  await page.getByTestId("new-host-events").click();
  await expect.poll(() => events().first().innerText()).toContain("In use again");
  expect(await page.getByTestId("hosts-now").innerText()).toContain("4 of 6 hosts are in use.");

  await night.log({ stage: "stt", eventType: "stage_complete", status: "success", processedFiles: 30 });
  await expect.poll(() => inStt(OUT).innerText()).toContain("was left out");
  expect(await page.getByTestId("hosts-now").innerText()).toMatch(/^No stage is worked on: /);
  await night.store.updateBatch(night.batchId, { status: "completed", finishedAt: new Date() });
  await expect.poll(() => page.getByTestId("hosts-now").innerText()).toMatch(/^The batch is over: /);
  expect(await page.locator(".host-now").count()).toBe(0);
});
