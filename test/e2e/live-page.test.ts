/** The page on a MariaDB server: nothing there yet, rows of another service, a batch that runs on while the dashboard restarts. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createConnection, type Connection, type ResultSetHeader } from "mysql2/promise";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import { Results } from "@cofi/evidence/results";
import { STAGES } from "@cofi/event-log/stages";
import { launchBrowser } from "../support/browser.js";
import { runCofi, startCofi, startDashboard, type Dashboard } from "../support/cofi.js";
import { emptyDatabase } from "../support/databases.js";
import { startScriptedEngine, type ScriptedEngine } from "../support/scripted-engine.js";

const FILES = ["morning 'one'.wav", "noon 😀.wav", "night.wav"];
const ENGINES = ["file_distribution", "denoise", "ivr", "lid", "stt", "llm1", "llm2"];

let root: string;
let batchFolder: string;
let drop: () => Promise<void>;
let databaseUrl: string;
let env: Record<string, string>;
let engine: ScriptedEngine;
let dashboard: Dashboard;
let browser: Browser;
let page: Page;
let url: string;
let foreign: Connection;

async function serve(port: string): Promise<void> {
  dashboard = await startDashboard({ ...env, COFI_PORT: port });
  ({ url } = dashboard);
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "cofi-live-"));
  ({ url: databaseUrl, drop } = await emptyDatabase("mysql"));
  engine = await startScriptedEngine();
  const urls = ENGINES.map((stage) => [`COFI_ENGINE_${stage.toUpperCase()}_URLS`, engine.url]);
  env = { COFI_DATABASE_URL: databaseUrl, COFI_DATA_DIR: join(root, "data"), ...Object.fromEntries(urls) };
  batchFolder = await mkdtemp(join(root, "batch-"));
  const calls = FILES.map((name, n) => `C${n},${name},2026-11-20T09:0${n}:00Z,10,+91981000000${n},D1,AB${n}`);
  const trades = FILES.map(
    (_, n) => `T${n},2026-11-20T09:0${n}:05Z,AB${n},+91981000000${n},D1,INFY,BUY,200,1500,DEALER`,
  );
  await writeFile(
    join(batchFolder, "calls.csv"),
    ["call_id,file_name,start_time,duration_s,caller_number,dealer_id,client_code", ...calls].join("\n"),
  );
  await writeFile(
    join(batchFolder, "trades.csv"),
    ["trade_id,order_time,client_code,client_phones,dealer_id,symbol,side,quantity,price,order_source", ...trades].join(
      "\n",
    ),
  );
  for (const name of FILES) await writeFile(join(batchFolder, name), "audio");
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  await foreign?.end();
  await dashboard?.stop();
  await engine?.close();
  await drop?.();
  await rm(root, { recursive: true, force: true });
});

describe("a dashboard on MariaDB", () => {
  test("asks for the migration first, which `cofi migrate` does from empty", async () => {
    const refused = await runCofi(["serve"], { ...env, COFI_PORT: "0" });
    expect(refused).toMatchObject({
      code: 1,
      output: expect.stringMatching(/lacks migration 0001_event_log.*npx cofi migrate/),
    });
    const migrated = await runCofi(["migrate"], env);
    expect(migrated).toMatchObject({ code: 0, output: expect.stringMatching(/0001_event_log/) });
    expect(await runCofi(["migrate"], env)).toMatchObject({ code: 0, output: expect.stringMatching(/up to date/) });
  });

  test("says what to do while there is no batch", async () => {
    await serve("0");
    page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    await page.goto(url);
    await page.getByText("cofi run").first().waitFor();
  });

  test("shows the rows of another service, written with plain SQL, on the open page", async () => {
    foreign = await createConnection({ uri: databaseUrl });
    const [opened] = await foreign.query<ResultSetHeader>("INSERT INTO batchStatus () VALUES ()");
    const started = performance.now();
    await foreign.query(
      "INSERT INTO batchExecutionLog (batchId, stage, eventType, fileName, gpuIp, payload, response, status) VALUES (?, 'stt', 'file_complete', 'call-1.wav', '10.0.0.7', ?, ?, 'success')",
      [opened.insertId, '{"model":"small"}', '{"text":"hello"}'],
    );
    const row = page.locator('[data-stage="stt"] [data-event-id]', { hasText: "call-1.wav" });
    await row.waitFor();
    console.log(`plain INSERT to row on the page: ${Math.round(performance.now() - started)} ms`);
    await row.click();
    await page.locator("dialog[open]").getByText("hello").first().waitFor();
    await page.keyboard.press("Escape");
  });

  test("a dashboard that is killed in the middle of a batch comes back, and the page has all of it", async () => {
    // Rows under the pointer are held where they are.
    await page.mouse.move(0, 0);
    engine.plan("stt", "night.wav", 503, 503);
    const running = startCofi(["run", batchFolder], { ...env, COFI_RETRY_DELAY_MS: "1500" });
    // The batch before looks the same.
    await page.getByRole("heading", { level: 1, name: basename(batchFolder) }).waitFor();
    await page.locator('[data-stage="stt"][data-status="processing"]').waitFor();
    const port = new URL(url).port;
    dashboard.kill("SIGKILL");
    await dashboard.ended;
    await page.locator('[data-connection="reconnecting"]').waitFor();
    expect(await running.ended).toBe(0);
    await serve(port);
    await page.locator('[data-stage="llm2"][data-status="success"]').waitFor();
    for (const { name } of STAGES) {
      const [rows] = await foreign.query<ResultSetHeader & { done: number }[]>(
        "SELECT COUNT(DISTINCT fileName) AS done FROM batchExecutionLog WHERE batchId = 2 AND stage = ? AND eventType = 'file_complete'",
        [name],
      );
      const card = page.locator(`[data-stage="${name}"][data-status="success"]`);
      expect([name, await card.locator('[data-count="done"] dd').innerText()]).toEqual([name, String(rows[0]?.done)]);
    }
    const shown = (): Promise<number[]> =>
      page
        .locator('[data-stage="stt"] [data-event-id]')
        .evaluateAll((rows) => rows.map((row) => Number(row.getAttribute("data-event-id"))));
    const [stored] = await foreign.query<ResultSetHeader & { id: number }[]>(
      "SELECT id FROM batchExecutionLog WHERE batchId = 2 AND stage = 'stt' ORDER BY id DESC LIMIT 20",
    );
    await expect.poll(shown, { timeout: 15_000 }).toEqual(stored.map(({ id }) => id));
  });

  test("holds the same results as SQLite", async () => {
    const sqlite = {
      ...env,
      COFI_DATABASE_URL: `sqlite:${join(root, "other.sqlite")}`,
      COFI_DATA_DIR: join(root, "other"),
    };
    expect(await runCofi(["run", batchFolder], sqlite)).toMatchObject({ code: 0 });
    const contents = async (at: string, batchId: number): Promise<unknown> => {
      const database = await openDatabase(at);
      const results = new Results(database);
      const found = {
        calls: await results.calls(batchId),
        trades: await results.trades(batchId),
        tradeCalls: await results.tradeCalls(batchId),
        extracted: await results.extractedTrades(batchId),
        answers: await results.answers(batchId),
        transcript: await results.transcript(batchId, "C0"),
      };
      await database.close();
      return found;
    };
    expect(await contents(databaseUrl, 2)).toEqual(await contents(sqlite.COFI_DATABASE_URL, 1));
  });
});
