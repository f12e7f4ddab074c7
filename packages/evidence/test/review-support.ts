/** A batch with trades and their verdicts in the log, as a run leaves them. */
import type { Database } from "@cofi/event-log/database";
import type { Store } from "@cofi/event-log/store";

export interface Judged {
  tradeId: string;
  verdict: string;
  /** How the answers of stt and llm1 name their models. */
  model?: string;
}

/** Stores the trades and what the run says of each; a trade that is there gets another verdict, as by a later run. */
export async function judge(
  { kysely }: Database,
  batchId: number,
  trades: readonly Judged[],
  run: number | null = null,
): Promise<void> {
  for (const { tradeId, verdict, model = "m1" } of trades) {
    const callId = `C-${tradeId}`;
    const event = { batchId, run, eventType: "file_complete" as const, status: "success" as const };
    const ids: Record<string, number> = {};
    for (const stage of ["stt", "llm1"]) {
      const response = JSON.stringify({ engine: { name: stage, version: "1", model } });
      const { insertId } = await kysely
        .insertInto("batchExecutionLog")
        .values({ ...event, stage, fileName: `${callId}.wav`, response })
        .executeTakeFirstOrThrow();
      ids[stage] = Number(insertId);
    }
    const call = { callId, fileName: `${callId}.wav`, recordingSha256: null, fileDistribution: null, ivr: null };
    const restsOn = {
      run: run ?? 1,
      configurationSha256: "",
      orderSha256: null,
      triaging: null,
      calls: [{ ...call, stt: ids["stt"], llm1: ids["llm1"], llm2: null }],
    };
    const statement = { tradeId, verdict, reason: "because", callId, mismatches: [], lines: [], restsOn };
    await kysely
      .insertInto("batchExecutionLog")
      .values({ ...event, stage: "verdicts", fileName: tradeId, response: JSON.stringify(statement) })
      .execute();
    await kysely.deleteFrom("trade").where("batchId", "=", batchId).where("tradeId", "=", tradeId).execute();
    await kysely
      .insertInto("trade")
      .values({
        batchId,
        tradeId,
        orderTime: "2026-01-05 10:00:00.000",
        clientCode: "MN1",
        dealerId: "D1",
        symbol: "INFY",
        side: "BUY",
        quantity: 50,
        price: 1_500,
        verdict,
        verdictCallId: callId,
      })
      .execute();
  }
}

export async function judgedBatch(store: Store, trades: readonly Judged[], run: number | null = null): Promise<number> {
  const { id } = await store.createBatch({ name: "night", folder: null });
  await judge(store.database, id, trades, run);
  return id;
}
