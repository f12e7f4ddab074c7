/** The result tables, on both databases: what is stored comes back, a second run replaces the first, thousands fit. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { NewCall, NewExtractedTrade, NewTrade, NewTriage } from "@cofi/evidence/records";
import { Results } from "@cofi/evidence/results";
import { Store } from "@cofi/event-log/store";
import { DatabaseUnavailableError, openDatabase } from "@cofi/event-log/database";
import { migrate } from "@cofi/event-log/migrate";
import { DIALECTS, freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";
import { startServer } from "../../../test/support/server.js";

const call = (callId: string, more: Partial<NewCall> = {}): NewCall => ({
  callId,
  fileName: `${callId} “प्रिया”\n.wav`,
  startTime: new Date("2026-11-20T03:45:00.250Z"),
  durationS: 61.25,
  direction: "IN",
  callerNumber: "+919812345678",
  calleeNumber: null,
  extension: "2104",
  dealerId: "D07",
  clientCode: null,
  channels: 2,
  ...more,
});

const trade = (tradeId: string, more: Partial<NewTrade> = {}): NewTrade => ({
  tradeId,
  orderId: "O1",
  orderTime: new Date("2026-11-20T03:46:00.001Z"),
  tradeTime: null,
  clientCode: "C1",
  clientPhones: ["+919812345678", "+442071234567"],
  dealerId: "D07",
  exchange: "NSE",
  symbol: "M&M",
  instrument: "OPT",
  expiry: "2026-11-26",
  strike: 3000.5,
  optionType: "CE",
  side: "BUY",
  quantity: 9_007_199_254_740_991,
  lotSize: 350,
  price: 1650.05,
  orderType: "LIMIT",
  orderSource: null,
  ...more,
});

const triaged = (tradeId: string, callIds: string[], more: Partial<NewTriage> = {}): NewTriage => ({
  tradeId,
  result: "MATCHED",
  reason: `It's the only one for ${tradeId}.`,
  steps: [{ rule: "SCOPE", outcome: "pass", detail: "The order came by DEALER." }],
  candidates: callIds.map((callId, position) => ({
    callId,
    rank: position + 1,
    score: 79.17,
    components: { phone: 40, clientCode: 0, dealer: 20, time: 19.17 },
    flags: position === 0 ? [] : ["DEALER_MISMATCH"],
    selected: position === 0,
    reason: "client's phone (40).",
  })),
  ...more,
});

const verdict = (tradeId: string, name: string) => ({
  tradeId,
  verdict: name,
  callId: null,
  reason: "r",
  detail: null,
});

const spoken: NewExtractedTrade = {
  action: "NEW",
  side: "BUY",
  symbol: "RELIANCE",
  symbolSpoken: "reliance",
  instrument: "EQ",
  quantity: 250,
  unit: "SHARES",
  priceType: "LIMIT",
  price: 1650,
  triggerPrice: null,
  strike: null,
  optionType: null,
  expiry: null,
  readBack: true,
  clientConfirmed: null,
  confidence: 0.875,
  evidence: [{ segment: 3, start_s: 12.5, end_s: 16, quote: `buy "two fifty" reliance` }],
};

for (const dialect of DIALECTS) {
  describe(`Results on ${dialect}`, () => {
    let fresh: FreshDatabase;
    let results: Results;
    let batchId: number;

    beforeEach(async () => {
      fresh = await freshDatabase(dialect);
      results = new Results(fresh.database);
      batchId = (await new Store(fresh.database).createBatch({ name: "results", folder: null })).id;
    });
    afterEach(() => fresh.close());

    it("gives calls back as they were stored, and replaces them", async () => {
      await results.replaceCalls({ batchId, run: 0 }, [call("old"), call("B")]);
      const full = call("B", {
        language: "en",
        languageConfidence: 0.9,
        trimStartS: 1.5,
        trimEndS: 60,
        speechS: 41.125,
      });
      await results.replaceCalls({ batchId, run: 0 }, [full, call("A", { audioUsable: false })]);
      const unknown = { language: null, languageConfidence: null, trimStartS: null, trimEndS: null, speechS: null };
      expect(await results.calls(batchId)).toEqual([
        { ...full, audioUsable: true },
        { ...call("A"), ...unknown, audioUsable: false },
      ]);
      expect(await results.calls(batchId + 1)).toEqual([]);
    });

    it("gives trades back with triage and verdict, and forgets both when the trades are replaced", async () => {
      await results.replaceTrades({ batchId, run: 0 }, [
        trade("T1"),
        trade("T2", { tradeTime: new Date(1e12), clientPhones: [] }),
      ]);
      await results.saveTriage({ batchId, run: 0 }, [
        triaged("T1", ["c1", "c2"]),
        triaged("T2", ["c1"], { result: "WEAK_MATCH" }),
      ]);
      const detail = { spoken: { quantity: 250 }, quotes: ["हाँ"] };
      await results.saveVerdicts({ batchId, run: 0 }, [
        { tradeId: "T1", verdict: "CONFIRMED", callId: "c1", reason: "It was said.", detail },
        { tradeId: "gone", verdict: "CONFIRMED", callId: null, reason: "", detail: null },
      ]);
      const [first, second] = await results.trades(batchId);
      expect(first).toEqual({
        ...trade("T1"),
        triage: "MATCHED",
        triageReason: "It's the only one for T1.",
        triageSteps: triaged("T1", []).steps,
        verdict: "CONFIRMED",
        verdictCallId: "c1",
        verdictReason: "It was said.",
        verdictDetail: detail,
      });
      expect(second).toMatchObject({
        triage: "WEAK_MATCH",
        tradeTime: new Date(1e12),
        clientPhones: [],
        verdict: null,
      });
      await results.replaceTrades({ batchId, run: 0 }, [trade("T1")]);
      expect(await results.trades(batchId)).toMatchObject([{ triage: null, triageSteps: null, verdict: null }]);
      expect(await results.tradeCalls(batchId)).toEqual([]);
    });

    it("replaces the result of triage as a whole, best call first", async () => {
      await results.replaceTrades({ batchId, run: 0 }, [trade("T1"), trade("T2")]);
      await results.saveTriage({ batchId, run: 0 }, [triaged("T1", ["c1"]), triaged("T2", ["c9"])]);
      await results.saveTriage({ batchId, run: 0 }, [triaged("T1", ["c2", "c1"])]);
      expect(await results.tradeCalls(batchId, "T1")).toEqual([
        expect.objectContaining({ tradeId: "T1", callId: "c2", ranking: 1, score: 79.17, selected: true, flags: [] }),
        expect.objectContaining({ callId: "c1", timeScore: 19.17, selected: false, flags: ["DEALER_MISMATCH"] }),
      ]);
      expect(await results.tradeCalls(batchId)).toHaveLength(2);
      expect((await results.trades(batchId)).map((one) => one.triage)).toEqual(["MATCHED", null]);
    });

    it("counts verdicts, most first, and replaces them", async () => {
      await results.replaceTrades(
        { batchId, run: 0 },
        ["1", "2", "3", "4"].map((id) => trade(id)),
      );
      await results.saveVerdicts({ batchId, run: 0 }, [verdict("4", "CONFIRMED")]);
      await results.saveVerdicts({ batchId, run: 0 }, [
        verdict("1", "CONFIRMED"),
        verdict("2", "NO_VOICE_EVIDENCE"),
        verdict("3", "NO_VOICE_EVIDENCE"),
      ]);
      expect([...(await results.verdictCounts(batchId))]).toEqual([
        ["NO_VOICE_EVIDENCE", 2],
        ["CONFIRMED", 1],
      ]);
    });

    it("keeps one transcript, extraction and set of answers per call", async () => {
      const segments = [{ id: 0, start_s: 0.5, end_s: 3.25, text: "बीस शेयर 🙂", confidence: null }];
      const transcript = { language: "hi", confidence: 0.5, model: null, text: "बीस शेयर 🙂", segments };
      await results.saveTranscript({ batchId, run: 0 }, "c1", { ...transcript, text: "first", segments: [] });
      await results.saveTranscript({ batchId, run: 0 }, "c1", transcript);
      expect(await results.transcript(batchId, "c1")).toEqual({ callId: "c1", ...transcript });
      expect(await results.transcript(batchId, "c2")).toBeNull();

      await results.saveExtraction({ batchId, run: 0 }, "c1", [spoken, spoken, spoken]);
      await results.saveExtraction({ batchId, run: 0 }, "c1", [spoken, { ...spoken, readBack: false }], {
        name: "Priya",
        code: "C1",
      });
      await results.saveExtraction({ batchId, run: 0 }, "c0", [spoken]);
      const who = { callId: "c1", clientName: "Priya", clientCode: "C1" };
      expect(await results.extractedTrades(batchId, "c1")).toEqual([
        { ...spoken, ...who, ordinal: 0 },
        { ...spoken, ...who, ordinal: 1, readBack: false },
      ]);
      expect((await results.extractedTrades(batchId)).map((one) => one.callId)).toEqual(["c0", "c1", "c1"]);
      await results.saveExtraction({ batchId, run: 0 }, "c1", []);
      expect(await results.extractedTrades(batchId, "c1")).toEqual([]);

      const answer = {
        questionId: "recorded-line",
        answer: "NO",
        confidence: 1,
        evidence: spoken.evidence,
        rationale: null,
      };
      await results.saveAnswers({ batchId, run: 0 }, "c1", [{ ...answer, answer: "YES" }]);
      await results.saveAnswers({ batchId, run: 0 }, "c1", [answer, { ...answer, questionId: "advice", evidence: [] }]);
      expect(await results.answers(batchId)).toEqual([
        { callId: "c1", ...answer },
        { callId: "c1", ...answer, questionId: "advice", evidence: [] },
      ]);
    });

    it("stores many calls at once without a deadlock", async () => {
      const ids = Array.from({ length: 40 }, (_, index) => `c${index}`);
      await Promise.all(
        ids.flatMap((id) => [
          results.saveExtraction({ batchId, run: 0 }, id, [spoken, spoken]),
          results.saveAnswers({ batchId, run: 0 }, id, [
            { questionId: "q", answer: "NA", confidence: null, evidence: [], rationale: null },
          ]),
        ]),
      );
      expect(await results.extractedTrades(batchId)).toHaveLength(80);
      expect(await results.answers(batchId)).toHaveLength(40);
    });

    it("stores thousands of rows, and nothing of a set that does not fit", async () => {
      const ids = Array.from({ length: 5000 }, (_, index) => `T${index}`);
      await results.replaceTrades(
        { batchId, run: 0 },
        ids.map((id) => trade(id)),
      );
      await results.saveTriage(
        { batchId, run: 0 },
        ids.map((id) => triaged(id, ["c1", "c2"], { reason: id })),
      );
      const stored = await results.trades(batchId);
      expect(stored).toHaveLength(5000);
      expect(stored.every((one) => one.triageReason === one.tradeId)).toBe(true);
      expect(await results.tradeCalls(batchId)).toHaveLength(10_000);
      await expect(
        results.replaceTrades({ batchId, run: 0 }, [trade("new"), trade("twice"), trade("twice")]),
      ).rejects.toThrow();
      expect(await results.trades(batchId)).toHaveLength(5000);
      expect(await results.tradeCalls(batchId)).toHaveLength(10_000);
    });
  });
}

it("says that the database is unavailable while its server is down, and works again when it is back", async () => {
  const server = await startServer();
  const database = await openDatabase(await server.createDatabase());
  try {
    await migrate(database);
    const { id } = await new Store(database).createBatch({ name: "results", folder: null });
    const results = new Results(database);
    await server.kill();
    await expect(results.calls(id)).rejects.toThrow(DatabaseUnavailableError);
    await expect(results.replaceCalls({ batchId: id, run: 0 }, [call("c1")])).rejects.toThrow(DatabaseUnavailableError);
    await server.restart();
    await results.replaceCalls({ batchId: id, run: 0 }, [call("c1")]);
    expect(await results.calls(id)).toHaveLength(1);
  } finally {
    await database.close();
    await server.stop();
  }
});
