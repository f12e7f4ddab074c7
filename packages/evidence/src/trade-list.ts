/**
 * Lists of the trades of a batch: filtered, counted, sorted and paged by the database. Everything but the shown rows is read from one index
 * that holds all that a list is filtered and sorted by.
 */
import { sql, type Expression, type ExpressionBuilder, type SqlBool } from "kysely";
import type { Tables } from "@cofi/event-log/tables";
import { toDatabaseTime } from "@cofi/event-log/time";
import { byOutcome, type TradeSort } from "./outcomes.js";
import { storedJson, storedTime } from "./result-store.js";
import { VerdictResults } from "./verdict-history.js";

/** What is left out lets everything pass. */
export interface TradeFilter {
  /** Any of these outcomes. */
  outcomes?: readonly string[] | undefined;
  /** A trade, order, call, symbol or dealer of this name, in full. */
  text?: string | undefined;
  tradeId?: string | undefined;
  orderId?: string | undefined;
  client?: string | undefined;
  dealerId?: string | undefined;
  side?: string | undefined;
  symbol?: string | undefined;
  /** The call that decided. */
  callId?: string | undefined;
  /** Of the order's time; the second one is left out. */
  from?: Date | undefined;
  to?: Date | undefined;
  minQuantity?: number | undefined;
  maxQuantity?: number | undefined;
  minPrice?: number | undefined;
  maxPrice?: number | undefined;
}

export interface OutcomeCount {
  outcome: string;
  count: number;
}

/** A trade in a list. */
export interface ListedTrade {
  tradeId: string;
  orderId: string | null;
  /** Trades of the same order in the batch; 1 without an order id. */
  fills: number;
  orderTime: Date;
  tradeTime: Date | null;
  clientCode: string;
  dealerId: string;
  side: string;
  quantity: number;
  symbol: string;
  price: number;
  outcome: string;
  /** The fields that differ. */
  mismatches: readonly string[];
  /** The call that decided. */
  callId: string | null;
  reason: string | null;
}

export interface TradeWindow {
  sort: TradeSort;
  descending: boolean;
  offset: number;
  limit: number;
}

type Where = ExpressionBuilder<Tables, "trade">;

const OUT_OF_SCOPE = "OUT_OF_SCOPE";
const COLUMNS = {
  trade: "tradeId",
  order: "orderId",
  time: "orderTime",
  dealer: "dealerId",
  side: "side",
  quantity: "quantity",
  symbol: "symbol",
  price: "price",
  call: "verdictCallId",
} as const satisfies Record<Exclude<TradeSort, "verdict">, keyof Tables["trade"]>;

const NAMED = [
  ["tradeId", "tradeId"],
  ["orderId", "orderId"],
  ["client", "clientCode"],
  ["dealerId", "dealerId"],
  ["side", "side"],
  ["symbol", "symbol"],
  ["callId", "verdictCallId"],
] as const satisfies readonly (readonly [keyof TradeFilter, keyof Tables["trade"]])[];
/** By which a text finds trades. */
const FOUND = ["tradeId", "orderId", "verdictCallId", "symbol", "dealerId"] as const;
type Found = (typeof FOUND)[number];

export class TradeListResults extends VerdictResults {
  /** How many trades pass, by outcome, the unproven first. */
  async outcomeCounts(batchId: number, filter: TradeFilter = {}): Promise<OutcomeCount[]> {
    const found = await this.#columnsWith(batchId, filter.text);
    const select = this.database.kysely
      .selectFrom("trade")
      .select(({ fn }) => ["verdict", "triage", fn.countAll<number | string>().as("count")])
      .where((eb) => passes(eb, batchId, filter, found))
      .groupBy(["verdict", "triage"]);
    const counts = new Map<string, number>();
    for (const { count, ...row } of await this.query(() => select.execute())) {
      const outcome = outcomeOf(row);
      counts.set(outcome, (counts.get(outcome) ?? 0) + Number(count));
    }
    return [...counts]
      .map(([outcome, count]) => ({ outcome, count }))
      .toSorted((a, b) => byOutcome(a.outcome, b.outcome));
  }

  /** A part of the trades that pass. @param counts of those that pass, as {@link outcomeCounts} has them */
  async listedTrades(
    batchId: number,
    filter: TradeFilter,
    counts: readonly OutcomeCount[],
    { sort, descending, offset, limit }: TradeWindow,
  ): Promise<ListedTrade[]> {
    const ids: number[] = [];
    const found = await this.#columnsWith(batchId, filter.text);
    // By verdict each outcome is a list of its own, one after the other: no order has to be made of all.
    const parts = sort === "verdict" ? (descending ? counts.toReversed() : counts) : [null];
    let skip = offset;
    for (const part of parts) {
      if (ids.length >= limit) break;
      if (part && skip >= part.count) {
        skip -= part.count;
        continue;
      }
      const wanted = part ? { ...filter, outcomes: [part.outcome] } : filter;
      const column = sort === "verdict" ? "orderTime" : COLUMNS[sort];
      const select = this.database.kysely
        .selectFrom("trade")
        .select("id")
        .where((eb) => passes(eb, batchId, wanted, found))
        .orderBy(column, descending ? "desc" : "asc")
        .orderBy("tradeId", descending ? "desc" : "asc")
        .offset(skip)
        .limit(limit - ids.length);
      ids.push(...(await this.query(() => select.execute())).map(({ id }) => id));
      skip = 0;
    }
    return this.#rows(batchId, ids);
  }

  /** The clients of the batch, each once. */
  async clientCodes(batchId: number): Promise<string[]> {
    const select = this.database.kysely
      .selectFrom("trade")
      .select("clientCode")
      .distinct()
      .where("batchId", "=", batchId);
    return (await this.query(() => select.execute())).map(({ clientCode }) => clientCode);
  }

  /** In which columns a text stands: a server finds rows by one of them far sooner than by any of five. */
  async #columnsWith(batchId: number, text: string | undefined): Promise<Found[]> {
    if (text === undefined) return [];
    const found: Found[] = [];
    for (const column of FOUND) {
      const select = this.database.kysely.selectFrom("trade").select("id").where("batchId", "=", batchId);
      const one = select.where(column, "=", text).limit(1);
      if (await this.query(() => one.executeTakeFirst())) found.push(column);
    }
    return found;
  }

  /** In the order of the ids. */
  async #rows(batchId: number, ids: readonly number[]): Promise<ListedTrade[]> {
    if (ids.length === 0) return [];
    const select = this.database.kysely
      .selectFrom("trade")
      .select([
        "id",
        "tradeId",
        "orderId",
        "orderTime",
        "tradeTime",
        "clientCode",
        "dealerId",
        "side",
        "quantity",
        "symbol",
        "price",
        "triage",
        "triageReason",
        "verdict",
        "verdictCallId",
        "verdictReason",
        "verdictDetail",
      ])
      .where("id", "in", ids);
    const rows = new Map((await this.query(() => select.execute())).map((row) => [row.id, row]));
    const found = ids.flatMap((id) => rows.get(id) ?? []);
    const fills = await this.#fills(batchId, found);
    return found.map((row) => ({
      tradeId: row.tradeId,
      orderId: row.orderId,
      fills: (row.orderId === null ? undefined : fills.get(row.orderId)) ?? 1,
      orderTime: storedTime(row.orderTime),
      tradeTime: row.tradeTime === null ? null : storedTime(row.tradeTime),
      clientCode: row.clientCode,
      dealerId: row.dealerId,
      side: row.side,
      quantity: row.quantity,
      symbol: row.symbol,
      price: row.price,
      outcome: outcomeOf(row),
      mismatches: detailOf(row.verdictDetail).mismatches,
      callId: row.verdictCallId,
      reason: row.verdictReason ?? row.triageReason,
    }));
  }

  async #fills(batchId: number, rows: readonly { orderId: string | null }[]): Promise<Map<string, number>> {
    const orders = [...new Set(rows.flatMap(({ orderId }) => orderId ?? []))];
    if (orders.length === 0) return new Map();
    const select = this.database.kysely
      .selectFrom("trade")
      .select(({ fn }) => ["orderId", fn.countAll<number | string>().as("count")])
      .where("batchId", "=", batchId)
      .where("orderId", "in", orders)
      .groupBy("orderId");
    const counts = await this.query(() => select.execute());
    return new Map(counts.map(({ orderId, count }) => [orderId ?? "", Number(count)]));
  }
}

export function outcomeOf({ verdict, triage }: { verdict: string | null; triage: string | null }): string {
  return verdict ?? (triage === OUT_OF_SCOPE ? OUT_OF_SCOPE : "UNJUDGED");
}

/** What a stored verdict says beside its reason: empty lists where another service stored something else. */
export function detailOf(stored: string | null): { mismatches: readonly string[]; lines: readonly string[] } {
  const detail = storedJson<{ mismatches?: unknown; lines?: unknown } | null>(stored);
  return { mismatches: texts(detail?.mismatches), lines: texts(detail?.lines) };
}

function texts(list: unknown): string[] {
  return Array.isArray(list) ? list.filter((item) => typeof item === "string") : [];
}

/** @param found the columns in which the text of the filter stands */
function passes(eb: Where, batchId: number, filter: TradeFilter, found: readonly Found[]): Expression<SqlBool> {
  const { outcomes, text, from, to, minQuantity, maxQuantity, minPrice, maxPrice } = filter;
  const named = NAMED.flatMap(([name, column]) => {
    const value = filter[name];
    return value === undefined ? [] : [eb(column, "=", value)];
  });
  return eb.and([
    eb("batchId", "=", batchId),
    ...named,
    ...(outcomes === undefined ? [] : [eb.or(outcomes.map((outcome) => isOutcome(eb, outcome)))]),
    ...(text === undefined
      ? []
      : [found.length === 0 ? sql<SqlBool>`1 = 0` : eb.or(found.map((column) => eb(column, "=", text)))]),
    ...(from === undefined ? [] : [eb("orderTime", ">=", toDatabaseTime(from))]),
    ...(to === undefined ? [] : [eb("orderTime", "<", toDatabaseTime(to))]),
    ...(minQuantity === undefined ? [] : [eb("quantity", ">=", minQuantity)]),
    ...(maxQuantity === undefined ? [] : [eb("quantity", "<=", maxQuantity)]),
    ...(minPrice === undefined ? [] : [eb("price", ">=", minPrice)]),
    ...(maxPrice === undefined ? [] : [eb("price", "<=", maxPrice)]),
  ]);
}

function isOutcome(eb: Where, outcome: string): Expression<SqlBool> {
  const isSilent = eb("verdict", "is", null);
  if (outcome === OUT_OF_SCOPE) return eb.and([isSilent, eb("triage", "=", OUT_OF_SCOPE)]);
  if (outcome === "UNJUDGED")
    return eb.and([isSilent, eb.or([eb("triage", "is", null), eb("triage", "!=", OUT_OF_SCOPE)])]);
  return eb("verdict", "=", outcome);
}
