/** The list of 100,000 trades, as the page asks for it, on both databases. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import { afterAll, beforeAll, test } from "vitest";
import { openDatabase, type Database } from "@cofi/event-log/database";
import { toDatabaseTime } from "@cofi/event-log/time";
import { migrate } from "@cofi/event-log/migrate";
import { Store } from "@cofi/event-log/store";
import type { TradesPage } from "@cofi/evidence/shapes";
import { startDashboard, type Dashboard } from "../test/support/cofi.js";
import { startServer, type TestServer } from "../test/support/server.js";
import { medianOf, record } from "./support/results.js";

const TRADES = 100_000;
const VERDICTS = [
  "CONFIRMED",
  "CONFIRMED",
  "CONFIRMED",
  "CONFIRMED",
  "MISMATCH",
  "LOW_CONFIDENCE",
  "NO_VOICE_EVIDENCE",
];
const REASON = "Call C05 and the trade differ in QTY: spoken 250 shares, executed 300. Spoken: ".padEnd(
  600,
  "sell three hundred ",
);
const TIMES = 5;

let folder: string;
let server: TestServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cofi-trades-"));
  server = await startServer();
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

/** As the pipeline stores a trade that it has judged. */
function rowAt(batchId: number, n: number) {
  return {
    batchId,
    tradeId: `T${String(n).padStart(6, "0")}`,
    orderId: `O${String(Math.floor(n / 2)).padStart(6, "0")}`,
    orderTime: toDatabaseTime(new Date(Date.UTC(2026, 10, 20, 3, 45) + ((n * 7_919) % 22_500) * 1_000)),
    clientCode: `K${(n * 31) % 8_000}`,
    clientPhones: '["+919812345678"]',
    dealerId: `D${n % 40}`,
    exchange: "NSE",
    symbol: `SYM${(n * 17) % 500}`,
    instrument: "EQ",
    side: n % 2 === 0 ? "BUY" : "SELL",
    quantity: 1 + (n % 1_000),
    price: 100 + (n % 5_000) / 20,
    orderType: "LIMIT",
    orderSource: "DEALER",
    triage: "MATCHED",
    triageReason: REASON.slice(0, 80),
    triageSteps: STEPS,
    verdict: VERDICTS[n % VERDICTS.length] ?? null,
    verdictCallId: `C${n % 30_000}`,
    verdictReason: REASON,
    verdictDetail: JSON.stringify({ mismatches: [], lines: [REASON.slice(0, 80), REASON.slice(0, 80)] }),
  };
}

const STEPS = JSON.stringify(
  Array.from({ length: 8 }, (_, n) => ({ rule: `RULE${n}`, outcome: "pass", detail: REASON.slice(0, 90) })),
);
/** Rows of a statement. */
const PART = 500;

async function fill(database: Database): Promise<number> {
  const { id: batchId } = await new Store(database).createBatch({ name: "night", folder: null });
  for (let start = 0; start < TRADES; start += PART * 20)
    await database.transaction(async (db) => {
      for (let from = start; from < start + PART * 20; from += PART) {
        const rows = Array.from({ length: PART }, (_, n) => rowAt(batchId, from + n));
        const names = Object.keys(rows[0] ?? {});
        const tuples = rows.map((row) => sql`(${sql.join(Object.values(row))})`);
        await sql`INSERT INTO trade (${sql.join(names.map((name) => sql.ref(name)))}) VALUES ${sql.join(tuples)}`.execute(
          db,
        );
      }
    });
  return batchId;
}

const QUESTIONS = {
  "the list, unproven first": "",
  "its 90,000th row": "&offset=90000",
  "by price, descending": "&sort=price&order=desc",
  "of one outcome": "&outcome=MISMATCH",
  "of one client": "&client=K31",
  "of one side": "&side=SELL",
  "of one symbol, by quantity": "&symbol=SYM17&sort=quantity",
  "of one dealer": "&dealerId=D7",
  "of one order": "&orderId=O000777",
  "of one call": "&callId=C777",
  "of prices and an hour": "&minPrice=200&maxPrice=300&from=2026-11-20T04:00:00Z&to=2026-11-20T05:00:00Z",
  "by a text": "&text=T077777",
} as const;

test.each(["sqlite", "mysql"] as const)("the list of 100,000 trades on %s", async (dialect) => {
  const url = dialect === "sqlite" ? `sqlite:${join(folder, "trades.sqlite")}` : await server.createDatabase();
  const database = await openDatabase(url);
  await migrate(database);
  const batchId = await fill(database);
  await database.close();
  const dashboard: Dashboard = await startDashboard({ COFI_DATABASE_URL: url, COFI_DATA_DIR: join(folder, dialect) });
  try {
    const figures: Record<string, number> = {};
    for (const [what, query] of Object.entries(QUESTIONS)) {
      const took: number[] = [];
      for (let n = 0; n < TIMES; n++) {
        const started = performance.now();
        // Each with a page of its own: answers to the same question are shared for a moment.
        const response = await fetch(`${dashboard.url}/api/batch/${batchId}/trades?limit=${120 + n}${query}`);
        const page = (await response.json()) as TradesPage;
        took.push(performance.now() - started);
        if (response.status !== 200 || page.total === 0) throw new Error(`${what}: ${JSON.stringify(page)}`);
      }
      figures[what] = medianOf(took);
      console.log(`${dialect}, ${what}: ${took.map(Math.round).join(", ")} ms`);
    }
    await record(
      `The list of 100,000 trades, ${dialect === "sqlite" ? "SQLite" : "MariaDB"}`,
      "ms",
      figures,
      "Bars: the list <= 300 ms, a filter <= 100 ms.",
    );
  } finally {
    await dashboard.stop();
  }
});
