/** The README's first command, seen through a browser: the sample batch through all ten stages with the real engines. */
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDatabase, type Database } from "@cofi/event-log/database";
import { Results } from "@cofi/evidence/results";
import { STAGES } from "@cofi/event-log/stages";
import { Store } from "@cofi/event-log/store";
import { axeViolations } from "../support/axe.js";
import { launchBrowser } from "../support/browser.js";
import { dashboardUrl, startCofi, type CofiProcess } from "../support/cofi.js";

const MINUTE = 60_000;
const BATCH_ID = 1;

let folder: string;
let cofi: CofiProcess;
let browser: Browser;
let database: Database;
let url: string;
let page: Page;
const problems: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cofi-e2e-"));
  cofi = startCofi(["up"], { COFI_DATA_DIR: folder, COFI_PORT: "0" });
  browser = await launchBrowser();
  url = await dashboardUrl(cofi);
  page = await open({ viewport: { width: 1440, height: 900 } });
  await mkdir("test-results", { recursive: true });
  await page
    .locator('[data-stage="stt"][data-status="processing"] [data-event-type="file_complete"]')
    .first()
    .waitFor({ timeout: 8 * MINUTE });
  await page.screenshot({ path: "test-results/dashboard-running.png" });
  await cofi.printed(/Sample batch .*\n/);
  database = await openDatabase(`sqlite:${join(folder, "cofi.sqlite")}`);
}, 9 * MINUTE);

afterAll(async () => {
  await browser?.close();
  await database?.close();
  await cofi?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** By default the stages, with which a batch opens until it is over. */
async function open(options: BrowserContextOptions, path = "?view=stages"): Promise<Page> {
  const context = await browser.newContext(options);
  const opened = await context.newPage();
  opened.on("pageerror", (error) => problems.push(error.message));
  opened.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  await opened.goto(url + path);
  await opened.locator('[data-stage="file_distribution"]').waitFor();
  return opened;
}

async function count(target: Page, stage: string, name: string): Promise<number> {
  const text = await target.locator(`[data-stage="${stage}"] [data-count="${name}"] dd`).innerText();
  return Number(text.replaceAll(/[^\d]/g, ""));
}

/** What SQL says of a stage's files, without the projection: the latest word on each. */
async function countsBySql(
  stage: string,
): Promise<{ done: number; failed: number; inFlight: number; total: number | null }> {
  const { rows } = await sql<{ eventType: string; status: string | null }>`
    SELECT eventType, status FROM batchExecutionLog WHERE id IN (
      SELECT max(id) FROM batchExecutionLog
      WHERE batchId = ${BATCH_ID} AND stage = ${stage} AND fileName IS NOT NULL AND eventType IN ('file_start', 'file_complete', 'error')
      GROUP BY fileName)`.execute(database.kysely);
  const totals = await sql<{ totalFiles: number }>`
    SELECT totalFiles FROM batchExecutionLog WHERE batchId = ${BATCH_ID} AND stage = ${stage} AND totalFiles IS NOT NULL
    ORDER BY id DESC LIMIT 1`.execute(database.kysely);
  return {
    done: rows.filter(({ eventType }) => eventType === "file_complete").length,
    failed: rows.filter(({ eventType, status }) => eventType === "error" && status === "failed").length,
    inFlight: rows.filter(({ eventType, status }) => eventType === "file_start" || status === "processing").length,
    total: totals.rows[0]?.totalFiles ?? null,
  };
}

describe("npm start", () => {
  test("runs the sample batch to its end, and says what was refused", () => {
    expect(cofi.output()).toMatch(
      /Sample batch completed with errors\. .*1 failed in denoise, 1 failed in lid, \d+ rows or recordings refused/,
    );
  });

  test.each(STAGES.map(({ name }) => name))(
    "the card of %s reaches its end, with the counts that SQL gives",
    async (stage) => {
      await page.locator(`[data-stage="${stage}"][data-status="success"]`).waitFor({ timeout: MINUTE });
      const expected = await countsBySql(stage);
      expect({
        done: await count(page, stage, "done"),
        failed: await count(page, stage, "failed"),
        inFlight: await count(page, stage, "in-flight"),
        total: await count(page, stage, "total"),
      }).toEqual(expected);
      expect(expected.done).toBeGreaterThan(0);
      expect(expected.inFlight).toBe(0);
    },
  );

  test("every attempt of a file has its payload, every completion its response", async () => {
    const store = new Store(database);
    const events = await store.batchEventsAfter(BATCH_ID, 0, Number.MAX_SAFE_INTEGER, 10_000);
    expect(events.length).toBeGreaterThan(150);
    for (const { id, eventType } of events) {
      const answer = await fetch(`${url.replace(/\/$/, "")}/api/events/${id}`);
      const detail = (await answer.json()) as { payload: string | null; response: string | null };
      if (eventType === "file_start") expect(JSON.parse(detail.payload ?? "null")).toBeTypeOf("object");
      if (eventType === "file_complete")
        expect(Object.keys(JSON.parse(detail.response ?? "{}") as object).length).toBeGreaterThan(1);
    }
  });

  test("triage finds what it must, and verdicts rest on what was said", async () => {
    const expected = JSON.parse(await readFile("samples/expected.json", "utf8")) as {
      triage: Record<string, { result: string; call?: string; calls?: string[] }>;
    };
    const results = new Results(database);
    const trades = await results.trades(BATCH_ID);
    const pairs = await results.tradeCalls(BATCH_ID);
    const found = Object.fromEntries(
      trades.map(({ tradeId, triage }) => {
        const calls = pairs.filter((pair) => pair.tradeId === tradeId && pair.selected).map(({ callId }) => callId);
        const { call, calls: several } = expected.triage[tradeId] ?? { call: undefined, calls: undefined };
        return [
          tradeId,
          { result: triage, ...(call && { call: calls[0] }), ...(several && { calls: calls.toSorted() }) },
        ];
      }),
    );
    const wanted = Object.entries(expected.triage).map(([id, { result, call, calls }]) => [
      id,
      { result, ...(call && { call }), ...(calls && { calls }) },
    ]);
    expect(found).toEqual(Object.fromEntries(wanted));

    const verdicts = new Map(trades.map(({ tradeId, verdict }) => [tradeId, verdict]));
    // Clean calls, understood; the trade of T007 is 50 shares more than was ordered.
    for (const tradeId of ["T001", "T002", "T003", "T004", "T008"])
      expect([tradeId, verdicts.get(tradeId)]).toEqual([tradeId, "CONFIRMED"]);
    expect(verdicts.get("T007")).toBe("MISMATCH");
    // Refused, said by the dealer alone, another expiry, and more than was ordered.
    for (const tradeId of ["T018", "T019"])
      expect([tradeId, verdicts.get(tradeId)]).toEqual([tradeId, "NOT_CONFIRMED"]);
    for (const tradeId of ["T020", "T021"]) expect([tradeId, verdicts.get(tradeId)]).toEqual([tradeId, "MISMATCH"]);
    // Noise, another language: never CONFIRMED, never MISMATCH.
    for (const tradeId of ["T012", "T014", "T016"])
      expect([tradeId, verdicts.get(tradeId)]).toEqual([tradeId, "LOW_CONFIDENCE"]);
    expect(verdicts.get("T009")).toBe("NO_VOICE_EVIDENCE");
    expect(verdicts.get("T013")).toBeNull();
  });
});

describe("the page", () => {
  test("opens an event with payload and response, by keyboard, and gives the focus back", async () => {
    const row = page.locator('[data-stage="stt"] [data-event-type="file_complete"]').first();
    await row.focus();
    await page.keyboard.press("Enter");
    const dialog = page.locator("dialog[open]");
    await dialog.waitFor();
    await dialog.getByText("segments").first().waitFor();
    // The payload is at the start of the same attempt.
    await dialog.getByTestId("payload").getByText("file_name").first().waitFor();
    expect(page.url()).toMatch(/event=\d+/);
    await page.screenshot({ path: "test-results/event-dialog.png" });
    expect(await axeViolations(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    const focused = await page.evaluate<string | undefined>("document.activeElement.dataset.eventId");
    expect(focused).toBe(await row.getAttribute("data-event-id"));
  });

  test("reopens an event from its link", async () => {
    const store = new Store(database);
    const [event] = (await store.events(BATCH_ID, { stage: "llm1", eventType: "file_complete", limit: 1 })).events;
    const other = await open({}, `?view=stages#event=${event?.id}`);
    await other.locator("dialog[open]").getByText("client_identity").first().waitFor();
    await other.context().close();
  });

  test.each([
    ["wide", { viewport: { width: 1440, height: 900 }, colorScheme: "light" as const }],
    ["dark", { viewport: { width: 1440, height: 900 }, colorScheme: "dark" as const }],
    ["phone", { viewport: { width: 390, height: 844 }, colorScheme: "light" as const, isMobile: true, hasTouch: true }],
    ["very wide", { viewport: { width: 2560, height: 1300 }, colorScheme: "light" as const }],
  ])("is accessible and fits: %s", async (name, options) => {
    const shown = await open(options);
    await shown.locator('[data-stage="llm2"][data-status="success"]').waitFor();
    await shown.screenshot({ path: `test-results/dashboard-${name.replace(" ", "-")}.png` });
    if (name === "wide" && process.env["COFI_UPDATE_PICTURE"])
      await shown.screenshot({ path: "docs/images/dashboard.png" });
    expect(await axeViolations(shown)).toEqual([]);
    const overflow = await shown.evaluate<number>(
      "document.documentElement.scrollWidth - document.documentElement.clientWidth",
    );
    expect(overflow).toBeLessThanOrEqual(0);
    // Cards hide what does not fit them: nothing may be hidden.
    const clipped = await shown.evaluate<string[]>(
      `[...document.querySelectorAll(".card")].flatMap((card) => {
        const edge = card.getBoundingClientRect().right + 0.5;
        return [...card.querySelectorAll("*")].filter((part) => part.getBoundingClientRect().right > edge).map((part) => part.outerHTML.slice(0, 100));
      })`,
    );
    expect(clipped).toEqual([]);
    await shown.context().close();
  });

  test("opens with its trades when it is over: they add up to the rows of trades.csv, and T007 is shown by its call", async () => {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const shown = await context.newPage();
    await shown.goto(url);
    const outcomes = await shown.getByTestId("outcomes").innerText();
    const rows = (await readFile("samples/batch/trades.csv", "utf8")).trim().split("\n").length - 1;
    expect(outcomes).toContain(`${rows} rows of trades.csv`);
    await shown.locator(".trade-row", { hasText: "T007" }).click();
    await shown.locator('[data-field="QTY"][data-outcome="different"]').waitFor();
    await shown.getByRole("button", { name: "Listen" }).click();
    await expect
      .poll(() => shown.evaluate<boolean>("document.querySelector('audio')?.currentTime > 0"), { timeout: MINUTE })
      .toBe(true);
    expect(await shown.getByLabel("Denoised").count()).toBe(1);
    expect(await shown.locator(".player .remark").count()).toBe(0);
    await shown.screenshot({ path: "test-results/trade.png", fullPage: true });
    expect(await axeViolations(shown)).toEqual([]);
    await context.close();
  });

  test("reported no error", () => {
    expect(problems).toEqual([]);
  });
});
