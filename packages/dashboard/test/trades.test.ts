/** The routes of trades and calls: figures, filters, pages, masks, reveals and exports. */
import { parse } from "csv-parse/sync";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { CallPage, TradePage, TradesPage, TranscriptPage } from "@cofi/evidence/shapes";
import type { Finding } from "@cofi/views/detail/shapes";
import { ROLES } from "@cofi/access/roles";
import { DIALECTS } from "../../../test/support/databases.js";
import { guarded, post, type Guarded } from "./access-support.js";
import { get, problem, run, until, type Running } from "./dashboard-support.js";
import { storeTrades } from "../../../test/support/trades.js";

const SECRETS = { word: "Zebedee", phone: "919812345678", client: "MN0042" };

async function refuse(it: Pick<Running, "fresh">, batchId: number, line: number): Promise<void> {
  await it.fresh.insertForeign({
    batchId,
    stage: "trademetadata",
    eventType: "error",
    fileName: "trades.csv",
    status: "processing",
    errorMessage: `trades.csv line ${line}: the quantity is no number.`,
    metadata: JSON.stringify({ line, column: "quantity", code: "BAD_TYPE" }),
  });
}

describe.each(DIALECTS)("trades on %s", (dialect) => {
  let it: Running;
  let batchId: number;
  let path: string;
  const trades = async (query = ""): Promise<TradesPage> =>
    (await get<TradesPage>(`${it.url}/api/batch/${batchId}/trades${query}`)).body;

  beforeEach(async () => {
    it = await run(dialect);
    batchId = (await it.store.createBatch({ name: "night", folder: null })).id;
    path = `${it.url}/api/batch/${batchId}`;
    await it.fresh.insertForeign({ batchId, stage: "trademetadata", eventType: "file_start", fileName: "trades.csv" });
    await storeTrades(it.fresh, batchId, SECRETS);
    for (const line of [3, 3, 9]) await refuse(it, batchId, line);
  });
  afterEach(() => it.close());

  test("the outcomes add up to the rows of trades.csv, and the unproven come first", async () => {
    const page = await trades();
    expect(page.outcomes).toEqual([
      { outcome: "MISMATCH", count: 1 },
      { outcome: "UNJUDGED", count: 1 },
      { outcome: "OUT_OF_SCOPE", count: 1 },
      { outcome: "CONFIRMED", count: 2 },
      { outcome: "REFUSED", count: 2 },
    ]);
    expect(page.rows.map(({ tradeId }) => tradeId)).toEqual(["T1", "T4", "T5", "T2", "T3"]);
    expect(page.rows[0]).toMatchObject({ client: "MN0042", mismatches: ["QTY"], callId: "C1", fills: 1 });
    expect(page.rows[3]).toMatchObject({ orderId: "O2", fills: 2 });
    const refused = await trades("?outcome=REFUSED");
    expect(refused).toMatchObject({ total: 2, rows: [] });
    expect(refused.refusedRows.map(({ line }) => line)).toEqual([3, 9]);
    expect(refused.refusedRows[0]?.message).toContain("line 3");
    // A file that is read again has other errors.
    await it.fresh.insertForeign({ batchId, stage: "trademetadata", eventType: "file_start", fileName: "trades.csv" });
    await refuse(it, batchId, 4);
    // An answer is shared for a moment.
    const now = async (): Promise<number[]> => (await trades("?outcome=REFUSED")).refusedRows.map(({ line }) => line);
    await until(async () => (await now()).join() === "4", "the errors of the file that was read again");
  });

  test("filters, orders and pages", async () => {
    const ids = async (query: string): Promise<string[]> => (await trades(query)).rows.map(({ tradeId }) => tradeId);
    expect(await ids("?outcome=CONFIRMED,MISMATCH&sort=trade&order=desc")).toEqual(["T3", "T2", "T1"]);
    expect(await ids("?client=MN0042")).toEqual(["T1", "T2"]);
    expect(await ids("?client=XX")).toEqual([]);
    expect(await ids("?maxQuantity=100")).toEqual(["T3"]);
    expect(await ids("?from=2026-01-05T04:46:00.001Z")).toEqual([]);
    expect(await ids("?text=C1")).toEqual(["T1", "T2", "T3"]);
    expect(await ids("?sort=trade&offset=1&limit=2")).toEqual(["T2", "T3"]);
    expect((await trades("?sort=trade&offset=1&limit=2")).total).toBe(5);
    for (const wrong of ["?sort=client", "?outcome=", "?from=noon", "?minPrice=x", "?nothing=1"])
      expect([wrong, (await problem(`${path}/trades${wrong}`)).status]).toEqual([wrong, 400]);
  });

  test("a trade: executed beside spoken, triage, candidates and history", async () => {
    const { body } = await get<TradePage>(`${path}/trades/T1`);
    expect(body.masked).toBe(false);
    expect(body.fields).toMatchObject([
      { field: "SIDE", outcome: null, executed: "BUY", spoken: null },
      { field: "SYMBOL", executed: "INFY" },
      { field: "QTY", outcome: "different", executed: "300", spoken: "250 shares Zebedee" },
      { field: "PRICE", executed: "1650.05" },
      { field: "CLIENT", outcome: "same", executed: "MN0042", spoken: "MN0042" },
    ]);
    expect(body.notes).toEqual(["USED: Zebedee"]);
    expect(body.triage).toMatchObject({ result: "MATCHED", steps: [{ rule: "IDENTITY" }] });
    expect(body.candidates).toMatchObject([
      { callId: "C1", decided: true, events: { stt: 7, llm1: null }, triage: { selected: true, parts: { phone: 40 } } },
      { callId: "C2", decided: false, events: null, call: { durationS: 60 } },
    ]);
    expect(body.history).toMatchObject([{ verdict: "MISMATCH", run: 1, late: false }]);
    expect((await get<TradePage>(`${path}/trades/T2`)).body.fills.map(({ tradeId }) => tradeId)).toEqual(["T2", "T3"]);
    expect((await get<CallPage>(`${path}/calls/C1`)).body).toMatchObject({
      orders: [{ quantity: "250 shares", quotes: [{ startS: 2.5, text: "buy Zebedee" }] }],
      answers: [{ questionId: "client_identified", answer: "YES" }],
    });
    expect((await get<TranscriptPage>(`${path}/calls/C1/transcript`)).body.segments[0]).toMatchObject({
      speaker: "client",
      text: "buy Zebedee",
    });
    for (const missing of ["trades/T9", "calls/C9", "calls/C2/transcript"])
      expect([missing, (await problem(`${path}/${missing}`)).status]).toEqual([missing, 404]);
  });

  test("the findings begin with what the batch found", async () => {
    const { body } = await get<{ findings: Finding[] }>(`${path}/findings`);
    expect(body.findings[0]).toMatchObject({ kind: "trades", what: "MISMATCH", count: 1 });
    expect(body.findings.map(({ kind }) => kind)).toContain("rows");
  });

  test("the export holds all that pass, harmless for spreadsheets", async () => {
    const response = await fetch(`${path}/export/trades?sort=trade&outcome=CONFIRMED,MISMATCH`);
    expect(response.headers.get("content-disposition")).toContain(`cofi-batch-${batchId}-trades.csv`);
    const rows = parse(await response.text(), { columns: true }) as Record<string, string>[];
    expect(rows.map(({ tradeId }) => tradeId)).toEqual(["T1", "T2", "T3"]);
    expect(rows[2]?.["symbol"]).toBe(`'=HYPERLINK("http://x")`);
    expect(rows[0]).toMatchObject({ client: "MN0042", quantity: "300", price: "1650.05", mismatches: '["QTY"]' });
  });
});

describe.each(DIALECTS)("contents of trades on %s", (dialect) => {
  let it: Guarded;
  let batchId: number;

  beforeEach(async () => {
    it = await guarded(dialect);
    batchId = (await it.store.createBatch({ name: "night", folder: null })).id;
    await storeTrades(it.fresh, batchId, SECRETS);
  });
  afterEach(() => it.close());

  test("clients are pseudonyms by which their trades are found; equal ones have equal ones", async () => {
    const ask = async (query = ""): Promise<TradesPage> =>
      (await get<TradesPage>(`${it.url}/api/batch/${batchId}/trades${query}`, { headers: it.as("reviewer") })).body;
    const { rows, masked } = await ask("?sort=trade");
    expect(masked).toBe(true);
    const [first, second, third] = rows;
    expect(first?.client).toMatch(/^‹\w{8}›$/);
    expect(second?.client).toBe(first?.client);
    expect(third?.client).not.toBe(first?.client);
    expect(first?.reason).toBeNull();
    const found = await ask(`?sort=trade&client=${encodeURIComponent(first?.client ?? "")}`);
    expect(found.rows.map(({ tradeId }) => tradeId)).toEqual(["T1", "T2"]);
    expect((await ask("?client=MN0042")).total).toBe(0);
  });

  test("a reveal needs the permission and a reason, and is noted before", async () => {
    for (const [path, what] of [
      ["trades/T1", `trade T1 of batch ${batchId}`],
      ["calls/C1", `call C1 of batch ${batchId}, with its transcript`],
    ] as const) {
      const before = (await it.log()).length;
      const url = `${it.url}/api/batch/${batchId}/${path}`;
      const reveal = (role: (typeof ROLES)[number], reason?: string) =>
        fetch(`${url}/reveal`, post({ reason }, it.as(role)));
      for (const role of ["viewer", "operator"] as const) expect((await reveal(role, "curious")).status).toBe(403);
      expect((await reveal("reviewer")).status).toBe(400);
      expect((await fetch(`${url}9/reveal`, post({ reason: "a case" }, it.as("reviewer")))).status).toBe(404);
      expect(await it.log()).toHaveLength(before);
      const shown = await reveal("reviewer", "a case");
      expect(shown.status).toBe(200);
      expect(await shown.text()).toContain(SECRETS.word);
      expect((await it.log()).slice(before)).toMatchObject([
        { action: "reveal", who: "the reviewer", what, why: "a case", batchId },
      ]);
      expect(await (await fetch(url, { headers: it.as("auditor") })).text()).not.toContain(SECRETS.word);
    }
  });

  test("searches and exports are in the access log", async () => {
    const before = (await it.log()).length;
    for (const path of [
      "trades?text=T1",
      "trades?text=T1",
      "export/trades",
      "export/trades?contents=1&reason=a%20case",
    ])
      await (await fetch(`${it.url}/api/batch/${batchId}/${path}`, { headers: it.as("auditor") })).text();
    expect((await it.log()).slice(before).map(({ action, what, why }) => [action, what, why])).toEqual([
      ["search", 'trades with "T1"', ""],
      ["export", `trades of batch ${batchId}`, ""],
      ["export", `trades with clients and reasons of batch ${batchId}`, "a case"],
    ]);
  });
});
