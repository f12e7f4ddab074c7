/** The trades of a batch, with what triage and the verdict say of each now. How verdicts came to be is in the log. */
import { sql, type Selectable, type Transaction } from "kysely";
import type { ResultTables } from "@cofi/event-log/result-tables";
import type { Tables } from "@cofi/event-log/tables";
import { toDatabaseTime } from "@cofi/event-log/time";
import { CallResults } from "./calls.js";
import type { NewTrade, NewTriage, NewVerdict, TradeCallRecord, TradeRecord } from "./records.js";
import { chunks, insertRows, ordered, storedJson, storedTime, type Writer } from "./result-store.js";

export class TradeResults extends CallResults {
  /** What triage and verdicts said of the trades goes too: both have to be made again. */
  async replaceTrades(run: Writer, trades: readonly NewTrade[]): Promise<void> {
    const { batchId } = run;
    const rows = trades.map((trade) => ({
      batchId,
      tradeId: trade.tradeId,
      orderId: trade.orderId,
      orderTime: toDatabaseTime(trade.orderTime),
      tradeTime: trade.tradeTime && toDatabaseTime(trade.tradeTime),
      clientCode: trade.clientCode,
      clientPhones: JSON.stringify(trade.clientPhones),
      dealerId: trade.dealerId,
      exchange: trade.exchange,
      symbol: trade.symbol,
      instrument: trade.instrument,
      expiry: trade.expiry,
      strike: trade.strike,
      optionType: trade.optionType,
      side: trade.side,
      quantity: trade.quantity,
      lotSize: trade.lotSize,
      price: trade.price,
      orderType: trade.orderType,
      orderSource: trade.orderSource,
    }));
    await this.write(run, async (db) => {
      await db.deleteFrom("trade").where("batchId", "=", batchId).execute();
      await db.deleteFrom("tradeCall").where("batchId", "=", batchId).execute();
      await insertRows(db, "trade", rows);
    });
  }

  /** In the order they were stored; only those of this id, or of this order. */
  async trades(batchId: number, only: { tradeId?: string; orderId?: string } = {}): Promise<TradeRecord[]> {
    let select = this.database.kysely.selectFrom("trade").selectAll().where("batchId", "=", batchId);
    if (only.tradeId !== undefined) select = select.where("tradeId", "=", only.tradeId);
    if (only.orderId !== undefined) select = select.where("orderId", "=", only.orderId);
    const rows = await this.query(() => select.execute());
    return ordered(rows, "id").map(tradeOf);
  }

  /** null when the batch has no such trade. */
  async trade(batchId: number, tradeId: string): Promise<TradeRecord | null> {
    const select = this.database.kysely.selectFrom("trade").selectAll().where("batchId", "=", batchId);
    const row = await this.query(() => select.where("tradeId", "=", tradeId).executeTakeFirst());
    return row ? tradeOf(row) : null;
  }

  /** The trades of one order, in the order they were stored. */
  async fillsOf(batchId: number, orderId: string): Promise<TradeRecord[]> {
    const select = this.database.kysely.selectFrom("trade").selectAll().where("batchId", "=", batchId);
    const rows = await this.query(() => select.where("orderId", "=", orderId).execute());
    return ordered(rows, "id").map(tradeOf);
  }

  async hasTrade(batchId: number, tradeId: string): Promise<boolean> {
    const select = this.database.kysely.selectFrom("trade").select("id").where("batchId", "=", batchId);
    return (await this.query(() => select.where("tradeId", "=", tradeId).executeTakeFirst())) !== undefined;
  }

  /** Stores the result of triage for the batch's trades; results for trades that are not stored change nothing. */
  async saveTriage(run: Writer, results: readonly NewTriage[]): Promise<void> {
    const { batchId } = run;
    const pairs = results.flatMap(({ tradeId, candidates }) =>
      candidates.map(({ rank, components, flags, selected, ...candidate }) => ({
        batchId,
        tradeId,
        callId: candidate.callId,
        ranking: rank,
        score: candidate.score,
        phoneScore: components.phone,
        clientCodeScore: components.clientCode,
        dealerScore: components.dealer,
        timeScore: components.time,
        flags: JSON.stringify(flags),
        selected: Number(selected),
        reason: candidate.reason,
      })),
    );
    await this.write(run, async (db) => {
      const reset = { triage: null, triageReason: null, triageSteps: null };
      await db.updateTable("trade").set(reset).where("batchId", "=", batchId).execute();
      const values = results.map(({ tradeId, result, reason, steps }) => ({
        tradeId,
        set: { triage: result, triageReason: reason, triageSteps: JSON.stringify(steps) },
      }));
      await updateTrades(db, batchId, values);
      await db.deleteFrom("tradeCall").where("batchId", "=", batchId).execute();
      await insertRows(db, "tradeCall", pairs);
    });
  }

  /** The calls considered for the batch's trades, or for one of them; by trade, best first. */
  async tradeCalls(batchId: number, tradeId?: string): Promise<TradeCallRecord[]> {
    let select = this.database.kysely.selectFrom("tradeCall").selectAll().where("batchId", "=", batchId);
    if (tradeId !== undefined) select = select.where("tradeId", "=", tradeId);
    const rows = await this.query(() => select.execute());
    return ordered(rows, "tradeId", "ranking").map(({ id: _id, batchId: _batchId, flags, selected, ...rest }) => ({
      ...rest,
      flags: storedJson<string[]>(flags) ?? [],
      selected: selected !== 0,
    }));
  }

  /** Stores the verdicts of the batch; verdicts on trades that are not stored change nothing. */
  async saveVerdicts(run: Writer, verdicts: readonly NewVerdict[]): Promise<void> {
    const { batchId } = run;
    await this.write(run, async (db) => {
      const reset = { verdict: null, verdictCallId: null, verdictReason: null, verdictDetail: null };
      await db.updateTable("trade").set(reset).where("batchId", "=", batchId).execute();
      const values = verdicts.map(({ tradeId, verdict, callId, reason, detail }) => ({
        tradeId,
        set: {
          verdict,
          verdictCallId: callId,
          verdictReason: reason,
          verdictDetail: JSON.stringify(detail ?? null),
        },
      }));
      await updateTrades(db, batchId, values);
    });
  }

  /** How many trades got each verdict, most first; trades without one are not counted. */
  async verdictCounts(batchId: number): Promise<Map<string, number>> {
    const rows = await this.query(() =>
      this.database.kysely
        .selectFrom("trade")
        .select(({ fn }) => ["verdict", fn.countAll<number | string>().as("count")])
        .where("batchId", "=", batchId)
        .where("verdict", "is not", null)
        .groupBy("verdict")
        .execute(),
    );
    const counts = rows.map(({ verdict, count }): [string, number] => [verdict ?? "", Number(count)]);
    return new Map(counts.toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)));
  }
}

function tradeOf({ id: _id, batchId: _batchId, ...row }: Selectable<ResultTables["trade"]>): TradeRecord {
  return {
    ...row,
    orderTime: storedTime(row.orderTime),
    tradeTime: row.tradeTime === null ? null : storedTime(row.tradeTime),
    clientPhones: storedJson<string[]>(row.clientPhones) ?? [],
    triageSteps: storedJson<TradeRecord["triageSteps"]>(row.triageSteps),
    verdictDetail: storedJson(row.verdictDetail),
  };
}

type TradeColumn = Exclude<keyof Selectable<ResultTables["trade"]>, "id" | "batchId" | "tradeId">;

/** One statement per chunk instead of one per trade: a server is a round trip away. */
async function updateTrades(
  db: Transaction<Tables>,
  batchId: number,
  updates: readonly { tradeId: string; set: Partial<Record<TradeColumn, string | null>> }[],
): Promise<void> {
  for (const chunk of chunks(updates)) {
    const columns = Object.keys(chunk[0]?.set ?? {}) as TradeColumn[];
    const assignments = columns.map((column) => {
      const cases = chunk.map(({ tradeId, set }) => sql`WHEN ${tradeId} THEN ${set[column] ?? null}`);
      return sql`${sql.ref(column)} = CASE tradeId ${sql.join(cases, sql` `)} END`;
    });
    const ids = chunk.map(({ tradeId }) => tradeId);
    await sql`UPDATE trade SET ${sql.join(assignments)} WHERE batchId = ${batchId} AND tradeId IN (${sql.join(ids)})`.execute(
      db,
    );
  }
}
