/** Finds trades, calls and clients by what people know of them: an id, a client code, a telephone number, the name of a file. */
import type { ExpressionBuilder, Expression, SqlBool } from "kysely";
import type { Tables } from "@cofi/event-log/tables";
import { toApiTime } from "@cofi/event-log/time";
import { ResultStore } from "../result-store.js";

export interface Lookup {
  /** Ids, codes and names that begin so, in this case or all lower or upper case. */
  text: string;
  /** E.164: numbers that the text may mean. */
  phones: readonly string[];
  batchId?: number | undefined;
  /** Of trades, and of calls. */
  limit: number;
}

export interface FoundTrade {
  batchId: number;
  tradeId: string;
  orderId: string | null;
  clientCode: string;
  side: string;
  quantity: number;
  symbol: string;
  /** ISO 8601. */
  orderTime: string;
  verdict: string | null;
}

export interface FoundRecording {
  batchId: number;
  callId: string;
  fileName: string;
  /** ISO 8601. */
  startTime: string;
  clientCode: string | null;
  callerNumber: string | null;
  calleeNumber: string | null;
}

/** Above every character. */
const LAST = "\u{10ffff}";

export class Lookups extends ResultStore {
  /** Those of the newest batch first. @throws DatabaseUnavailableError */
  async trades({ text, batchId, limit }: Lookup, columns: readonly ("tradeId" | "orderId" | "clientCode")[]) {
    if (text === "") return [];
    let select = this.database.kysely
      .selectFrom("trade")
      .select(["batchId", "tradeId", "orderId", "clientCode", "side", "quantity", "symbol", "orderTime", "verdict"])
      .where((eb) => eb.or(columns.flatMap((column) => beginsSo(eb, column, text))))
      .orderBy("batchId", "desc")
      .orderBy("id")
      .limit(limit);
    if (batchId !== undefined) select = select.where("batchId", "=", batchId);
    const rows = await this.query(() => select.execute());
    return rows.map((row): FoundTrade => ({ ...row, orderTime: toApiTime(row.orderTime) }));
  }

  /** Those of the newest batch first. @throws DatabaseUnavailableError */
  async calls({ text, phones, batchId, limit }: Lookup): Promise<FoundRecording[]> {
    if (text === "") return [];
    let select = this.database.kysely
      .selectFrom("callRecord")
      .select(["batchId", "callId", "fileName", "startTime", "clientCode", "callerNumber", "calleeNumber"])
      .where((eb) =>
        eb.or([
          ...(["callId", "fileName", "clientCode"] as const).flatMap((column) => beginsSo(eb, column, text)),
          ...(phones.length === 0 ? [] : [eb("callerNumber", "in", phones), eb("calleeNumber", "in", phones)]),
        ]),
      )
      .orderBy("batchId", "desc")
      .orderBy("id")
      .limit(limit);
    if (batchId !== undefined) select = select.where("batchId", "=", batchId);
    const rows = await this.query(() => select.execute());
    return rows.map((row) => ({ ...row, startTime: toApiTime(row.startTime) }));
  }

  /** For each of these calls the trade with which it is looked at: one whose verdict rests on it, or one for which it was considered. By {@link keyOfCall}. */
  async tradesOf(calls: readonly { batchId: number; callId: string }[]): Promise<Map<string, string>> {
    const trades = new Map<string, string>();
    for (const batchId of new Set(calls.map((call) => call.batchId))) {
      const callIds = calls.flatMap((call) => (call.batchId === batchId ? [call.callId] : []));
      const select = this.database.kysely
        .selectFrom("tradeCall")
        .innerJoin("trade", (join) =>
          join.onRef("trade.batchId", "=", "tradeCall.batchId").onRef("trade.tradeId", "=", "tradeCall.tradeId"),
        )
        .select(["tradeCall.callId", "tradeCall.tradeId", "tradeCall.ranking", "trade.verdictCallId"])
        .where("tradeCall.batchId", "=", batchId)
        .where("tradeCall.callId", "in", callIds)
        .orderBy("tradeCall.ranking")
        .orderBy("tradeCall.id");
      const rows = await this.query(() => select.execute());
      const decided = rows.filter((row) => row.verdictCallId === row.callId);
      for (const { callId, tradeId } of [...decided, ...rows]) {
        const key = keyOfCall({ batchId, callId });
        if (!trades.has(key)) trades.set(key, tradeId);
      }
    }
    return trades;
  }
}

/** A call in a batch. */
export function keyOfCall({ batchId, callId }: { batchId: number; callId: string }): string {
  return `${batchId} ${callId}`;
}

function beginsSo<Table extends "trade" | "callRecord", Column extends keyof Tables[Table] & string>(
  eb: ExpressionBuilder<Tables, Table>,
  column: Column,
  text: string,
): Expression<SqlBool>[] {
  const spellings = new Set([text, text.toUpperCase(), text.toLowerCase()]);
  const name = eb.ref(column as never);
  // Not LIKE, for which neither database uses the index.
  return [...spellings].map((one) => eb.between(name, one as never, `${one}${LAST}` as never));
}
