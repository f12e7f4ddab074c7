/** Lists of trades, on both databases: what the database filters, counts, sorts and pages equals a plain reading of the rows. */
import fc from "fast-check";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Store } from "@cofi/event-log/store";
import { byOutcome, TRADE_SORTS, type TradeSort } from "@cofi/evidence/outcomes";
import type { NewTrade } from "@cofi/evidence/records";
import { Results } from "@cofi/evidence/results";
import type { TradeFilter } from "@cofi/evidence/trade-list";
import { DIALECTS, freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";
import { plainTrade } from "../../../test/support/plain-records.js";

const VERDICTS = ["CONFIRMED", "MISMATCH", "LOW_CONFIDENCE", "ODD_ONE", null] as const;
const START = Date.parse("2026-11-20T03:45:00.000Z");

interface Judged {
  trade: NewTrade;
  verdict: (typeof VERDICTS)[number];
  /** null: triage has not come to it. */
  triage: "MATCHED" | "OUT_OF_SCOPE" | null;
  callId: string | null;
}

const judged: fc.Arbitrary<Omit<Judged, "trade"> & { row: Partial<NewTrade> }> = fc.record({
  verdict: fc.constantFrom(...VERDICTS),
  triage: fc.constantFrom("MATCHED", "OUT_OF_SCOPE", null),
  callId: fc.constantFrom("C1", "C2", null),
  row: fc.record({
    orderId: fc.constantFrom("O1", "O2", "o1", null),
    orderTime: fc.integer({ min: 0, max: 5 }).map((minutes) => new Date(START + minutes * 60_000)),
    clientCode: fc.constantFrom("K1", "K2", "k1"),
    dealerId: fc.constantFrom("D1", "D2"),
    side: fc.constantFrom("BUY", "SELL"),
    symbol: fc.constantFrom("INFY", "M&M", "infy"),
    quantity: fc.integer({ min: 1, max: 4 }),
    price: fc.constantFrom(1.5, 10, 99.05),
  }),
});

function tradesOf(rows: readonly (Omit<Judged, "trade"> & { row: Partial<NewTrade> })[]): Judged[] {
  return rows.map(({ row, ...rest }, n) => ({
    ...rest,
    trade: plainTrade({ tradeId: `T${n}`, orderTime: new Date(START), ...row }),
  }));
}

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 3 });
const minute = fc.integer({ min: 0, max: 6 }).map((minutes) => new Date(START + minutes * 60_000));
const asked: fc.Arbitrary<TradeFilter> = fc.record({
  outcomes: optional(
    fc.uniqueArray(fc.constantFrom("CONFIRMED", "MISMATCH", "ODD_ONE", "UNJUDGED", "OUT_OF_SCOPE"), { minLength: 1 }),
  ),
  text: optional(fc.constantFrom("T1", "O1", "C1", "INFY", "D2", "nothing")),
  tradeId: optional(fc.constantFrom("T0", "T3")),
  orderId: optional(fc.constantFrom("O1", "o1")),
  client: optional(fc.constantFrom("K1", "k1")),
  dealerId: optional(fc.constant("D1")),
  side: optional(fc.constantFrom("BUY", "SELL")),
  symbol: optional(fc.constantFrom("INFY", "M&M")),
  callId: optional(fc.constantFrom("C1", "C2")),
  from: optional(minute),
  to: optional(minute),
  minQuantity: optional(fc.integer({ min: 1, max: 4 })),
  maxQuantity: optional(fc.integer({ min: 1, max: 4 })),
  minPrice: optional(fc.constantFrom(1.5, 10)),
  maxPrice: optional(fc.constantFrom(10, 99.05)),
});

const outcomeOf = ({ verdict, triage }: Judged): string =>
  verdict ?? (triage === "OUT_OF_SCOPE" ? "OUT_OF_SCOPE" : "UNJUDGED");

/** The call stands beside a verdict alone. */
const callOf = ({ verdict, callId }: Judged): string | null => (verdict === null ? null : callId);

function passes(one: Judged, filter: TradeFilter): boolean {
  const { trade } = one;
  const is = <T>(wanted: T | undefined, value: T): boolean => wanted === undefined || wanted === value;
  const names = [trade.tradeId, trade.orderId, callOf(one), trade.symbol, trade.dealerId];
  return (
    (filter.outcomes === undefined || filter.outcomes.includes(outcomeOf(one))) &&
    (filter.text === undefined || names.includes(filter.text)) &&
    is(filter.tradeId, trade.tradeId) &&
    is<string | null>(filter.orderId, trade.orderId) &&
    is(filter.client, trade.clientCode) &&
    is(filter.dealerId, trade.dealerId) &&
    is(filter.side, trade.side) &&
    is(filter.symbol, trade.symbol) &&
    is<string | null>(filter.callId, callOf(one)) &&
    (filter.from === undefined || trade.orderTime >= filter.from) &&
    (filter.to === undefined || trade.orderTime < filter.to) &&
    trade.quantity >= (filter.minQuantity ?? 0) &&
    trade.quantity <= (filter.maxQuantity ?? Infinity) &&
    trade.price >= (filter.minPrice ?? 0) &&
    trade.price <= (filter.maxPrice ?? Infinity)
  );
}

const KEYS: Readonly<Record<Exclude<TradeSort, "verdict">, (one: Judged) => string | number | null>> = {
  trade: ({ trade }) => trade.tradeId,
  order: ({ trade }) => trade.orderId,
  time: ({ trade }) => trade.orderTime.getTime(),
  dealer: ({ trade }) => trade.dealerId,
  side: ({ trade }) => trade.side,
  quantity: ({ trade }) => trade.quantity,
  symbol: ({ trade }) => trade.symbol,
  price: ({ trade }) => trade.price,
  call: callOf,
};

function compare(a: string | number | null, b: string | number | null): number {
  if (a === b) return 0;
  if (a === null || b === null) return a === null ? -1 : 1;
  return a < b ? -1 : 1;
}

function sorted(all: readonly Judged[], sort: TradeSort, descending: boolean): string[] {
  const up = (a: Judged, b: Judged): number =>
    sort === "verdict"
      ? byOutcome(outcomeOf(a), outcomeOf(b)) || compare(KEYS.time(a), KEYS.time(b))
      : compare(KEYS[sort](a), KEYS[sort](b));
  const order = all.toSorted((a, b) => up(a, b) || compare(a.trade.tradeId, b.trade.tradeId));
  return (descending ? order.toReversed() : order).map(({ trade }) => trade.tradeId);
}

describe.each(DIALECTS)("lists of trades on %s", (dialect) => {
  let fresh: FreshDatabase;
  let results: Results;
  let store: Store;

  beforeEach(async () => {
    fresh = await freshDatabase(dialect);
    results = new Results(fresh.database);
    store = new Store(fresh.database);
  });
  afterEach(() => fresh.close());

  const stored = async (all: readonly Judged[]): Promise<number> => {
    const { id: batchId } = await store.createBatch({ name: "night", folder: null });
    const run = { batchId, run: 0 };
    const trades = all.map(({ trade }) => trade);
    await results.replaceTrades(run, trades);
    await results.saveTriage(
      run,
      all.flatMap(({ trade, triage }) =>
        triage === null ? [] : [{ tradeId: trade.tradeId, result: triage, reason: "r", steps: [], candidates: [] }],
      ),
    );
    await results.saveVerdicts(
      run,
      all.flatMap(({ trade, verdict, callId }) =>
        verdict === null ? [] : [{ tradeId: trade.tradeId, verdict, callId, reason: "r", detail: null }],
      ),
    );
    return batchId;
  };

  test("every filter, order and page equals a plain reading of the rows", async () => {
    const windows = fc.record({
      sort: fc.constantFrom(...TRADE_SORTS),
      descending: fc.boolean(),
      offset: fc.integer({ min: 0, max: 30 }),
      limit: fc.integer({ min: 1, max: 12 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(judged, { maxLength: 25 }),
        fc.array(fc.tuple(asked, windows), { minLength: 1, maxLength: 8 }),
        async (rows, questions) => {
          const all = tradesOf(rows);
          const batchId = await stored(all);
          for (const [filter, window] of questions) {
            const pass = all.filter((one) => passes(one, filter));
            const counts = await results.outcomeCounts(batchId, filter);
            const expected = new Map<string, number>();
            for (const one of pass) expected.set(outcomeOf(one), (expected.get(outcomeOf(one)) ?? 0) + 1);
            expect(new Map(counts.map(({ outcome, count }) => [outcome, count]))).toEqual(expected);
            expect(counts.map(({ outcome }) => outcome)).toEqual([...expected.keys()].toSorted(byOutcome));
            const listed = await results.listedTrades(batchId, filter, counts, window);
            const wanted = sorted(pass, window.sort, window.descending);
            expect(listed.map(({ tradeId }) => tradeId)).toEqual(
              wanted.slice(window.offset, window.offset + window.limit),
            );
            for (const { orderId, fills } of listed)
              expect(fills).toBe(orderId === null ? 1 : all.filter(({ trade }) => trade.orderId === orderId).length);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test("the latest verdict counts, and all of them are kept: two runs, retries, late leftovers, other services", async () => {
    const verdict = fc.constantFrom("CONFIRMED", "MISMATCH", "LOW_CONFIDENCE", null);
    const writes = fc.array(
      fc.record({
        trade: fc.integer({ min: 0, max: 3 }),
        verdict,
        kind: fc.constantFrom("plain", "retried", "late", "foreign"),
      }),
      { maxLength: 10 },
    );
    await fc.assert(
      fc.asyncProperty(writes, writes, async (first, second) => {
        const all = tradesOf(
          Array.from({ length: 4 }, () => ({ verdict: null, triage: "MATCHED", callId: null, row: {} })),
        );
        const batchId = await stored(all);
        const kept = new Map<string, { verdict: string | null; late: boolean }[]>();
        const inForce = new Map<string, string | null>();
        const log = async (run: number, { trade, verdict: said, kind }: (typeof first)[number], isLate: boolean) => {
          const fileName = `T${trade}`;
          const row = { batchId, stage: "verdicts", fileName };
          if (kind === "foreign") {
            const response = JSON.stringify({ verdict: "ODD_ONE", tradeId: fileName });
            return fresh.insertForeign({ ...row, eventType: "file_complete", status: "success", response });
          }
          await fresh.insertForeign({ ...row, run, eventType: "file_start", payload: "{}" });
          if (kind === "retried") {
            await fresh.insertForeign({ ...row, run, eventType: "error", errorMessage: "away", status: "failed" });
            await fresh.insertForeign({ ...row, run, eventType: "file_start", payload: "{}" });
          }
          const response = JSON.stringify(statement(fileName, said, run));
          await fresh.insertForeign({ ...row, run, eventType: "file_complete", status: "success", response });
          kept.set(fileName, [...(kept.get(fileName) ?? []), { verdict: said, late: isLate }]);
          return isLate ? undefined : inForce.set(fileName, said);
        };
        const save = () =>
          results.saveVerdicts(
            { batchId, run: 0 },
            [...inForce].flatMap(([tradeId, said]) =>
              said === null ? [] : [{ tradeId, verdict: said, callId: null, reason: "r", detail: null }],
            ),
          );
        for (const write of first) if (write.kind !== "late") await log(1, write, false);
        await save();
        await fresh.insertForeign({ batchId, run: 2, stage: "verdicts", eventType: "stage_start" });
        for (const write of first) if (write.kind === "late") await log(1, write, true);
        for (const write of second) await log(2, write, false);
        await save();

        const rows = await results.listedTrades(batchId, {}, await results.outcomeCounts(batchId), {
          sort: "trade",
          descending: false,
          offset: 0,
          limit: 10,
        });
        expect(rows.map(({ tradeId, outcome }) => [tradeId, outcome])).toEqual(
          all.map(({ trade: { tradeId } }) => [tradeId, inForce.get(tradeId) ?? "UNJUDGED"]),
        );
        const { rows: counted } = await sql<{ verdict: string | null; count: number | string }>`
          SELECT verdict, count(*) AS count FROM trade WHERE batchId = ${batchId} GROUP BY verdict`.execute(
          fresh.database.kysely,
        );
        expect(new Map((await results.outcomeCounts(batchId)).map(({ outcome, count }) => [outcome, count]))).toEqual(
          new Map(counted.map(({ verdict: said, count }) => [said ?? "UNJUDGED", Number(count)])),
        );
        const logged = await results.verdictsInForce(batchId);
        expect(new Map([...logged].map(([tradeId, one]) => [tradeId, one.verdict]))).toEqual(inForce);
        for (const { tradeId } of rows) {
          const history = await results.verdictHistory(batchId, tradeId);
          expect(history.map((one) => ({ verdict: one.verdict, late: one.history === true }))).toEqual(
            (kept.get(tradeId) ?? []).toReversed(),
          );
        }
      }),
      { numRuns: 30 },
    );
  });
});

function statement(tradeId: string, verdict: string | null, run: number) {
  return {
    tradeId,
    verdict,
    reason: "r",
    callId: null,
    mismatches: [],
    lines: [],
    restsOn: { run, configurationSha256: "ab", orderSha256: null, triaging: null, calls: [] },
  };
}
