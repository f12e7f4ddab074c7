/** `cofi explain` on a batch of 1,000 trades: every verdict comes out the same from the log alone, and what was changed is found. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { prune } from "@cofi/event-log/retention";
import { Store } from "@cofi/event-log/store";
import { Results } from "@cofi/evidence/results";
import { startCofi } from "../support/cofi.js";
import { DIALECTS, freshDatabase, type FreshDatabase } from "../support/databases.js";
import { startScriptedEngine, type ScriptedEngine } from "../support/scripted-engine.js";

const CALLS = 100;
const TRADES = 1_000;

let folder: string;
let engine: ScriptedEngine;
let fresh: FreshDatabase;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cofi-explain-"));
  engine = await startScriptedEngine();
});
afterEach(async () => {
  settings = {};
  await fresh.close();
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

const two = (number: number) => String(number).padStart(2, "0");
const phone = (client: number) => `+9198100${String(10_000 + client)}`;

/** Trades of every kind: confirmed, other quantity, side, price and symbol, in fills, out of scope, too early, without a call. */
async function writeBatch(calls: number, trades: number): Promise<void> {
  await mkdir(join(folder, "batch"));
  const at = (n: number, second: number) => `2026-11-20T09:${two(n % 60)}:${two(second)}Z`;
  const callRows = Array.from({ length: calls }, (_, n) => `C${n},c${n}.wav,${at(n, 0)},10,${phone(n)},D1,AB${n}`);
  const tradeRows = Array.from({ length: trades }, (_, n) => {
    const client = n % (calls + 10);
    const kind = Math.floor(n / 7);
    const [symbol, side, price] = [kind % 5 ? "INFY" : "TCS", kind % 4 ? "BUY" : "SELL", kind % 6 ? 1500 : 1510];
    const source = n % 11 ? "DEALER" : "ONLINE";
    const order = n % 3 ? `O${n}` : `O${client}`;
    const when = at(client, n % 13 ? 5 : 0);
    return `T${n},${order},${when},AB${client},${phone(client)},D1,${symbol},${side},${100 + (n % 3) * 50},${price},${source}`;
  });
  const header =
    "trade_id,order_id,order_time,client_code,client_phones,dealer_id,symbol,side,quantity,price,order_source";
  const callHeader = "call_id,file_name,start_time,duration_s,caller_number,dealer_id,client_code";
  await writeFile(join(folder, "batch", "calls.csv"), [callHeader, ...callRows].join("\n"));
  await writeFile(join(folder, "batch", "trades.csv"), [header, ...tradeRows].join("\n"));
  for (let n = 0; n < calls; n++) await writeFile(join(folder, "batch", `c${n}.wav`), `audio ${n}`);
}

/** Settings beside those of every test. */
let settings: Record<string, string> = {};

async function cofi(...args: string[]): Promise<{ code: number | null; output: string }> {
  const stages = ["FILE_DISTRIBUTION", "DENOISE", "IVR", "LID", "STT", "LLM1", "LLM2"];
  const engines = Object.fromEntries(stages.map((stage) => [`COFI_ENGINE_${stage}_URLS`, engine.url]));
  const env = {
    COFI_DATABASE_URL: fresh.url,
    COFI_DATA_DIR: join(folder, "data"),
    COFI_ATTEMPTS: "1",
    ...engines,
    ...settings,
  };
  const process = startCofi(args, env);
  const code = await process.ended;
  return { code, output: process.output() };
}

describe.each(DIALECTS)("on %s", (dialect) => {
  beforeEach(async () => {
    fresh = await freshDatabase(dialect);
  });

  it("all verdicts of a batch come out the same, and a changed one is found", async () => {
    await writeBatch(CALLS, TRADES);
    engine.plan("stt", "c7.wav", 500);
    engine.plan("llm1", "C9", 422);
    await cofi("run", join(folder, "batch"));
    const results = new Results(fresh.database);
    const verdicts = await results.verdictsInForce(1);
    const inScope = TRADES - Math.ceil(TRADES / 11);
    expect(verdicts.size).toBe(inScope);
    expect([...(await results.verdictCounts(1)).keys()].toSorted()).toEqual(
      ["CONFIRMED", "LOW_CONFIDENCE", "MISMATCH", "NO_VOICE_EVIDENCE", "ORDER_NOT_IN_CALL"].filter((kind) =>
        [...verdicts.values()].some(({ verdict }) => verdict === kind),
      ),
    );
    expect(new Set([...verdicts.values()].map(({ verdict }) => verdict)).size).toBeGreaterThanOrEqual(4);
    const same = await cofi("explain", "--all");
    expect(same.output).toContain(
      `${inScope} verdicts in the log, recomputed from it: ${inScope} the same, 0 different.`,
    );
    expect(same.code).toBe(0);

    const forged = [...verdicts.values()].find(({ verdict }) => verdict === "MISMATCH");
    await sql`UPDATE batchExecutionLog SET response = replace(response, '"MISMATCH"', '"CONFIRMED"')
      WHERE id = ${forged?.eventId}`.execute(fresh.database.kysely);
    const one = await cofi("explain", forged?.tradeId ?? "", "--batch", "1");
    expect(one.output).toContain('verdict: "CONFIRMED" in the log, "MISMATCH" computed again.');
    expect(one.code).toBe(1);
    const all = await cofi("explain", "--all", "--batch", "1");
    expect(all.output).toContain(`${inScope - 1} the same, 1 different.`);
    expect(all.code).toBe(1);
  });

  it("whatever was changed of what a verdict rests on is found, and ends nothing", async () => {
    await writeBatch(2, 24);
    await cofi("run", join(folder, "batch"));
    const verdicts = [...(await new Results(fresh.database).verdictsInForce(1)).values()];
    const confirmed = verdicts.find(({ verdict }) => verdict === "CONFIRMED");
    if (!confirmed) throw new Error("No trade is confirmed.");
    const { tradeId, eventId, basisEventId, restsOn } = confirmed;
    const db = fresh.database.kysely;
    const bodies = (await new Store(fresh.database).event(basisEventId ?? 0))?.payload ?? "";
    const verdict = (await new Store(fresh.database).event(eventId))?.response ?? "";
    const { order, ...basis } = JSON.parse(bodies) as { order: { fills: unknown[] }; calls: { stt: number }[] };
    const changed: [string, { payload?: string; response?: string; configuration?: string }, number, RegExp][] = [
      [
        "an order without fills",
        { payload: JSON.stringify({ ...basis, order: { ...order, fills: [] } }) },
        1,
        /SHA-256/,
      ],
      [
        "an order in another form",
        { payload: JSON.stringify({ ...basis, order: 7 }) },
        1,
        /The order .* another SHA-256/,
      ],
      ["calls in another form", { payload: JSON.stringify({ order, ...basis, calls: [null] }) }, 0, /a form that/],
      ["a basis in another form", { payload: "[]" }, 0, /a form that/],
      ["another call in the basis", { payload: JSON.stringify({ order, ...basis, calls: [] }) }, 1, /calls/],
      [
        "another transcript in the verdict",
        { response: verdict.replace(`"stt":${restsOn.calls[0]?.stt}`, '"stt":1') },
        1,
        /The calls .* are not those that the verdict names/,
      ],
      ["a configuration that is no JSON", { configuration: "{" }, 1, /configuration of run 1 has another SHA-256/],
    ];
    for (const [what, { payload, response, configuration }, code, said] of changed) {
      await db
        .updateTable("batchExecutionLog")
        .set({ payload: payload ?? bodies })
        .where("id", "=", basisEventId)
        .execute();
      await db
        .updateTable("batchExecutionLog")
        .set({ response: response ?? verdict })
        .where("id", "=", eventId)
        .execute();
      if (configuration !== undefined) await db.updateTable("batchRun").set({ configuration }).execute();
      const explained = await cofi("explain", tradeId);
      expect([what, explained.code], explained.output).toEqual([what, code]);
      expect(explained.output, what).toMatch(said);
    }
  });

  it("a verdict on a recording that has changed since says so, and no other verdict does", async () => {
    await writeBatch(2, 24);
    await cofi("run", join(folder, "batch"));
    const verdicts = [...(await new Results(fresh.database).verdictsInForce(1)).values()];
    const onFirst = verdicts.filter(({ restsOn }) => restsOn.calls.some(({ fileName }) => fileName === "c0.wav"));
    await writeFile(join(folder, "batch", "c0.wav"), "another recording");
    // The run ends before anything is answered about it.
    await writeFile(join(folder, "batch", "calls.csv"), "call_id");
    await cofi("run", join(folder, "batch"), "--batch", "1");
    const { tradeId, restsOn } = onFirst[0]!;
    const one = await cofi("explain", tradeId);
    expect(one.output).toMatch(
      new RegExp(`The recording of call C0 changed \\(event \\d+\\) after .*stt event ${restsOn.calls[0]?.stt}`),
    );
    expect(one.code).toBe(1);
    const all = await cofi("explain", "--all");
    expect(all.output).toContain(`${verdicts.length - onFirst.length} the same, ${onFirst.length} different.`);
  });

  it("an answer that the log holds cut is named by its event, and no verdict on it is called another one", async () => {
    settings = { COFI_MAX_PAYLOAD_BYTES: "1024" };
    await writeBatch(2, 24);
    await cofi("run", join(folder, "batch"));
    const verdicts = [...(await new Results(fresh.database).verdictsInForce(1)).values()];
    expect(verdicts.length).toBe(21);
    const confirmed = verdicts.filter(({ verdict }) => verdict === "CONFIRMED");
    expect(confirmed.length).toBeGreaterThan(0);
    for (const { restsOn } of confirmed) {
      expect(restsOn.triaging).toEqual(expect.any(Number));
      expect(restsOn.calls.map(({ llm2 }) => llm2)).toEqual(restsOn.calls.map(() => expect.any(Number)));
    }
    const [{ tradeId, restsOn }] = confirmed as [(typeof confirmed)[number]];
    const one = await cofi("explain", tradeId);
    expect(one.output).toContain(
      `It cannot be recomputed: The log does not hold the whole answer of llm2 about call ${restsOn.calls[0]?.callId} (event ${restsOn.calls[0]?.llm2}).`,
    );
    const all = await cofi("explain", "--all");
    expect(all.output).toMatch(/ 0 different\.\n\d+ cannot be recomputed/);
    expect([one.code, all.code]).toEqual([0, 0]);
  });

  it("says line by line why, without phone numbers, also when payloads are gone, and refuses what is not there", async () => {
    await writeBatch(2, 24);
    await cofi("run", join(folder, "batch"));
    const verdicts = [...(await new Results(fresh.database).verdictsInForce(1)).values()];
    const { tradeId } = verdicts.find(({ callId, lines }) => callId !== null && lines.length > 0) ?? { tradeId: "" };
    const { code, output } = await cofi("explain", tradeId);
    expect(code).toBe(0);
    for (const part of [
      /^Batch 1: batch$/m,
      /^Triage: MATCHED \(event \d+\)$/m,
      /^ {2}IDENTITY {2}pass {2}1 call/m,
      /^ {2}1\. C\d {2}score 100 \(selected\)/m,
      /^ {4}0:01\.0 to 0:04\.0 {2}"two hundred shares of infosys"$/m,
      /^ {2}QTY: /m,
      /^ {2}configuration {2}SHA-256 [0-9a-f]{64}$/m,
      /recording SHA-256 [0-9a-f]{64}$/m,
      /file_distribution event \d+, ivr event \d+, stt event \d+, llm1 event \d+, llm2 event \d+$/m,
      /^Recomputed from the log: the same\.$/m,
    ])
      expect(output).toMatch(part);
    expect(output).not.toContain("9198100");
    expect((await cofi("explain", "T11")).output).toMatch(/T11: no verdict\. The order came by ONLINE/);

    const store = new Store(fresh.database);
    const long = "2020-01-01 00:00:00.000";
    await fresh.database.kysely.updateTable("batchStatus").set({ createdAt: long, finishedAt: long }).execute();
    await fresh.database.kysely.updateTable("batchExecutionLog").set({ timestamp: long }).execute();
    const { id } = await store.createBatch({ name: "newer", folder: null });
    await fresh.insertForeign({ batchId: id, stage: "stt", eventType: "stage_start" });
    await prune(fresh.database, { keepPayloadsMs: 1, keepEventsMs: null });
    const pruned = await cofi("explain", tradeId, "--batch", "1");
    expect(pruned.code).toBe(0);
    expect(pruned.output).toMatch(/^Triage: MATCHED/m);
    expect(pruned.output).toMatch(/^ {2}QTY: /m);
    expect(pruned.output).toMatch(/It cannot be recomputed: The log does not hold what the verdict was computed from/);
    const all = await cofi("explain", "--all", "--batch", "1");
    expect(all.output).toContain(`${verdicts.length} cannot be recomputed`);

    for (const args of [["T999", "--batch", "1"], ["T1", "--batch", "9"], [], ["T1", "--all"], ["T1", "--batch", "x"]])
      expect((await cofi("explain", ...args)).code).toBe(2);
  });
});
