/** Results may be larger than what a server sorts in: MySQL refuses to sort rows that do not fit, so no query may make it. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Results } from "@cofi/evidence/results";
import { Store } from "@cofi/event-log/store";
import { DIALECTS, freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";
import { plainTrade } from "../../../test/support/plain-records.js";

/** More than the 256 KB of a server without configuration. */
const LARGE = "x".repeat(400_000);
const RUN = { batchId: 1, run: 0 };
const IDS = ["b", "c", "a"];
const SORTED = IDS.toSorted();

describe.each(DIALECTS)("results of 400 KB on %s", (dialect) => {
  let fresh: FreshDatabase;
  let results: Results;
  beforeEach(async () => {
    fresh = await freshDatabase(dialect);
    results = new Results(fresh.database);
    const { id: batchId } = await new Store(fresh.database).createBatch({ name: "night", folder: null });
    expect(batchId).toBe(RUN.batchId);
  });
  afterEach(() => fresh.close());

  test("trades in the order of their file, their calls by trade and rank", async () => {
    await results.replaceTrades(
      RUN,
      IDS.map((tradeId) => plainTrade({ tradeId })),
    );
    const components = { phone: 1, clientCode: 1, dealer: 1, time: 1 };
    await results.saveTriage(
      RUN,
      IDS.map((tradeId) => ({
        tradeId,
        result: "MATCHED",
        reason: "r",
        steps: [{ rule: "SCOPE", outcome: "pass", detail: LARGE }],
        candidates: [2, 1].map((rank) => ({
          callId: `call ${rank}`,
          rank,
          score: 1,
          components,
          selected: true,
          reason: "r",
          flags: [LARGE],
        })),
      })),
    );
    await results.saveVerdicts(
      RUN,
      IDS.map((tradeId) => ({ tradeId, verdict: "CONFIRMED", callId: null, reason: "r", detail: LARGE })),
    );
    expect((await results.trades(1)).map(({ tradeId }) => tradeId)).toEqual(IDS);
    const calls = (await results.tradeCalls(1)).map(({ tradeId, ranking }) => [tradeId, ranking]);
    expect(calls).toEqual(SORTED.flatMap((tradeId) => [1, 2].map((ranking) => [tradeId, ranking])));
  });

  test("what was said, by call and in the order of the call", async () => {
    const evidence = [{ segment: 0, start_s: 0, end_s: 1, quote: LARGE }];
    const spoken = {
      action: "NEW",
      side: null,
      symbol: null,
      symbolSpoken: null,
      instrument: null,
      unit: null,
      priceType: null,
      price: null,
      triggerPrice: null,
      strike: null,
      optionType: null,
      expiry: null,
      readBack: null,
      clientConfirmed: null,
      confidence: null,
      evidence,
    };
    const answer = { answer: "YES", confidence: 1, evidence, rationale: "r".repeat(60_000) };
    for (const callId of IDS) {
      await results.saveExtraction(
        RUN,
        callId,
        [1, 2].map((quantity) => ({ ...spoken, quantity })),
      );
      await results.saveAnswers(
        RUN,
        callId,
        ["q2", "q1"].map((questionId) => ({ ...answer, questionId })),
      );
    }
    const trades = (await results.extractedTrades(1)).map(({ callId, quantity }) => [callId, quantity]);
    expect(trades).toEqual(SORTED.flatMap((callId) => [1, 2].map((quantity) => [callId, quantity])));
    const answers = (await results.answers(1)).map(({ callId, questionId }) => [callId, questionId]);
    expect(answers).toEqual(SORTED.flatMap((callId) => ["q2", "q1"].map((questionId) => [callId, questionId])));
  });

  test("verdicts in the log, oldest first", async () => {
    for (const tradeId of IDS)
      await fresh.insertForeign({
        batchId: 1,
        stage: "verdicts",
        eventType: "file_complete",
        fileName: tradeId,
        response: JSON.stringify({
          tradeId,
          verdict: null,
          reason: LARGE,
          callId: null,
          mismatches: [],
          lines: [],
          restsOn: { run: 1, configurationSha256: "", orderSha256: null, triaging: null, calls: [] },
        }),
      });
    expect([...(await results.verdictsInForce(1)).keys()]).toEqual(IDS);
  });
});
