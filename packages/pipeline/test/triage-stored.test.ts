/** From a batch's files to the rows of triage, the same on both databases. */
import { afterEach, expect, it } from "vitest";
import { Results } from "@cofi/evidence/results";
import { Store } from "@cofi/event-log/store";
import { readBatchFolder } from "@cofi/pipeline/batch-folder";
import { readCalls } from "@cofi/pipeline/calls-csv";
import { readTrades } from "@cofi/pipeline/trades-csv";
import { triage } from "@cofi/pipeline/triage";
import { DEFAULT_TRIAGE } from "@cofi/pipeline/triage-config";
import { DIALECTS, freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";
import { batchWith } from "./batch-files.js";

let fresh: FreshDatabase;

afterEach(() => fresh.close());

for (const dialect of DIALECTS) {
  it(`stores calls, trades and their triage on ${dialect}`, async () => {
    fresh = await freshDatabase(dialect);
    const results = new Results(fresh.database);
    const { id } = await new Store(fresh.database).createBatch({ name: "triage", folder: null });
    const folder = await readBatchFolder(await batchWith());
    const calls = await readCalls(folder, { timeZone: "UTC" });
    const trades = await readTrades(folder, { timeZone: "UTC" });
    await results.replaceCalls({ batchId: id, run: 0 }, calls);
    await results.replaceTrades({ batchId: id, run: 0 }, trades);

    const heard = <T extends { startTime: Date; durationS: number }>(call: T) => ({
      ...call,
      speechS: 40,
      audioUsable: true,
      endTime: new Date(call.startTime.getTime() + call.durationS * 1000),
    });
    const found = triage(trades, calls.map(heard), DEFAULT_TRIAGE);
    await results.saveTriage({ batchId: id, run: 0 }, found);
    expect(await results.trades(id)).toMatchObject([
      { tradeId: "t1", clientPhones: ["+919812345678"], triage: "MATCHED", triageSteps: found[0]?.steps },
    ]);
    expect(await results.tradeCalls(id)).toEqual([
      {
        tradeId: "t1",
        callId: "c1",
        ranking: 1,
        score: 99.18,
        phoneScore: 40,
        clientCodeScore: 15,
        dealerScore: 20,
        timeScore: 24.18,
        flags: [],
        selected: true,
        reason: "client's phone (40), client code (15), dealer D07 (20), ended 1 min before the order (24.18).",
      },
    ]);
  });
}
