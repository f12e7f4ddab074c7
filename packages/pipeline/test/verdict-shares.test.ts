/** One spoken order proves what was spoken, once: quantities are used up, by the orders that fit best, in whatever order they come. */
import { assign, type Claim } from "@cofi/pipeline/assignment";
import type { ExtractedTrade } from "@cofi/pipeline/engine-contract";
import { NOTHING_KNOWN, type ExecutedOrder } from "@cofi/pipeline/executed-order";
import { verdict } from "@cofi/pipeline/verdict";
import type { VerdictCall } from "@cofi/pipeline/verdict-call";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { call, input, order, spoken, type Fields } from "./verdict-builders.js";

/** An order a minute after the one before, unless it says when. */
const orders = (...all: Fields[]): ExecutedOrder[] =>
  all.map((fields, index) =>
    order({ tradeId: `T${index + 1}`, orderTime: new Date(Date.UTC(2026, 2, 2, 9, 32 + index)), ...fields }),
  );

/** The verdict of each order, as `T1 CONFIRMED`; all of them are judged together, each beside the others. */
function together(executed: readonly ExecutedOrder[], calls: readonly VerdictCall[]): string[] {
  return executed.map((one) => {
    const others = executed
      .filter((other) => other !== one)
      .map((other) => ({ order: other, calls, known: NOTHING_KNOWN }));
    const { verdict: kind, mismatches } = verdict(input({ order: one, calls }), undefined, others);
    return [one.fills[0]?.tradeId, kind, ...mismatches].join(" ");
  });
}

const said = (...trades: Partial<ExtractedTrade>[]) => call({ trades: trades.map((one) => spoken(one)) });

describe("the quantity of a spoken order", () => {
  it("is used up once", () => {
    expect(together(orders({ quantity: 200 }, { quantity: 200 }), [said({})])).toEqual([
      "T1 CONFIRMED",
      "T2 MISMATCH QTY",
    ]);
    const found = verdict(input({ order: orders({}, {})[1]!, calls: [said({})] }), undefined, [
      { order: orders({})[0]!, calls: [said({})], known: NOTHING_KNOWN },
    ]);
    expect(found.reason).toContain("200 of 200 spoken are used up by T1, 200 more executed");
  });

  it("may be executed in several orders, and in part, which the reason says", () => {
    expect(together(orders({ quantity: 120 }, { quantity: 80 }), [said({})])).toEqual(["T1 CONFIRMED", "T2 CONFIRMED"]);
    expect(verdict(input({ order: order({ quantity: 150 }), calls: [said({})] })).reason).toContain(
      "(150 of 200 spoken)",
    );
    expect(together(orders({ quantity: 120 }, { quantity: 80 }, { quantity: 1 }), [said({})])).toEqual([
      "T1 CONFIRMED",
      "T2 CONFIRMED",
      "T3 MISMATCH QTY",
    ]);
  });

  it("belongs to the order that fits it, not to the first", () => {
    const executed = orders({ quantity: 150 }, { quantity: 200 });
    expect(together(executed, [said({})])).toEqual(["T1 MISMATCH QTY", "T2 CONFIRMED"]);
  });

  it("of two spoken orders is shared out as a whole", () => {
    const two = said({ quantity: 100, price: 1500 }, { quantity: 200, price: 1490 });
    const executed = orders({ quantity: 200, price: 1490 }, { quantity: 100, price: 1500 });
    expect(together(executed, [two])).toEqual(["T1 CONFIRMED", "T2 CONFIRMED"]);
  });

  it("of two spoken orders in one call may be executed as one; in two calls a person says whether they are two", () => {
    const parts = [{ quantity: 120 }, { quantity: 80 }];
    expect(together(orders({}), [said(...parts)])).toEqual(["T1 CONFIRMED"]);
    const calls = [said(parts[0]!), call({ callId: "C2", trades: [spoken(parts[1])] })];
    expect(together(orders({}), calls)).toEqual(["T1 LOW_CONFIDENCE"]);
  });

  it("is not used up by what differs from it", () => {
    const executed = orders({ side: "SELL" }, { quantity: 200 });
    expect(together(executed, [said({})])).toEqual(["T1 ORDER_NOT_IN_CALL", "T2 CONFIRMED"]);
  });

  it("is not taken by an order that was placed before it was spoken", () => {
    const early = new Date("2026-03-02T09:00:00Z");
    expect(together(orders({ orderTime: early }, {}), [said({})])).toEqual(["T1 MISMATCH QTY", "T2 CONFIRMED"]);
  });
});

describe("a cancellation", () => {
  const cancel = spoken({ action: "CANCEL", quantity: null, price: null, price_type: null });

  it("in a later call ends what was ordered in an earlier one, if the order was placed after it", () => {
    const later = call({ callId: "C2", startTime: new Date("2026-03-02T10:00:00Z"), trades: [cancel] });
    const placed = (time: string) =>
      verdict(input({ order: order({ orderTime: new Date(time) }), calls: [call(), later] }));
    expect(placed("2026-03-02T10:30:00Z")).toMatchObject({ verdict: "CANCELLED_IN_CALL" });
    expect(placed("2026-03-02T09:40:00Z")).toMatchObject({ verdict: "CONFIRMED" });
  });

  it("without an order in the call ends a pending one", () => {
    const found = verdict(input({ calls: [call({ trades: [cancel] })] }));
    expect(found).toMatchObject({ verdict: "CANCELLED_IN_CALL", callId: "C1" });
    expect(verdict(input({ calls: [call({ trades: [{ ...cancel, symbol: "TCS" }] })] })).verdict).toBe(
      "ORDER_NOT_IN_CALL",
    );
  });
});

describe("whatever is executed and spoken", () => {
  const someOrders = fc.array(
    fc.record({
      quantity: fc.constantFrom(50, 100, 200),
      side: fc.constantFrom("BUY" as const, "BUY" as const, "SELL" as const),
      symbol: fc.constantFrom("INFY", "INFY", "TCS"),
      price: fc.constantFrom(1490, 1500, 1510),
      clientCode: fc.constantFrom("AB1234", "ZR5520"),
    }),
    { minLength: 1, maxLength: 6 },
  );
  const someSpoken = fc.array(
    fc.record({
      action: fc.constantFrom("NEW" as const, "NEW" as const, "PROPOSAL" as const, "CANCEL" as const),
      quantity: fc.constantFrom(50, 100, 200, 300),
      side: fc.constantFrom("BUY" as const, "SELL" as const),
      symbol: fc.constantFrom("INFY", "TCS"),
      client_confirmed: fc.boolean(),
      confidence: fc.constantFrom(0.4, 0.9),
    }),
    { maxLength: 4 },
  );
  const someCalls = fc
    .array(someSpoken, { minLength: 1, maxLength: 3 })
    .map((all) => all.map((trades, n) => call({ callId: `C${n}`, trades: trades.map((one) => spoken(one)) })));

  it("the verdicts do not depend on the order of the orders", () => {
    fc.assert(
      fc.property(someOrders, someCalls, fc.infiniteStream(fc.nat()), (fields, calls, random) => {
        const executed = orders(...fields.map((one) => ({ ...one, orderTime: new Date("2026-03-02T09:33:00Z") })));
        const shuffled = executed
          .map((one) => ({ one, key: random.next().value as number }))
          .toSorted((a, b) => a.key - b.key)
          .map(({ one }) => one);
        expect(together(shuffled, calls).toSorted()).toEqual(together(executed, calls).toSorted());
      }),
      { numRuns: 500 },
    );
  });

  it("no more is confirmed than was spoken and agreed to", () => {
    fc.assert(
      fc.property(someOrders, someCalls, (fields, calls) => {
        const executed = orders(...fields);
        const kinds = together(executed, calls);
        for (const side of ["BUY", "SELL"] as const)
          for (const symbol of ["INFY", "TCS"]) {
            const confirmed = executed.filter(
              (one, n) => one.side === side && one.symbol === symbol && kinds[n]?.endsWith(" CONFIRMED"),
            );
            const sum = confirmed.reduce((total, { fills }) => total + (fills[0]?.quantity ?? 0), 0);
            const agreed = calls
              .flatMap(({ trades }) => trades ?? [])
              .filter(
                (one) =>
                  one.action === "NEW" && one.client_confirmed === true && one.side === side && one.symbol === symbol,
              )
              .reduce((total, { quantity }) => total + (quantity ?? 0), 0);
            expect(sum).toBeLessThanOrEqual(agreed);
          }
      }),
      { numRuns: 500 },
    );
  });
});

describe("the assignment", () => {
  /** The greatest sum, by trying all. */
  function best(claims: readonly Claim[], capacities: number[], claimant = 0): number {
    if (!claims.some((one) => one.claimant >= claimant)) return 0;
    let most = best(claims, capacities, claimant + 1);
    for (const { place, weight } of claims.filter((one) => one.claimant === claimant)) {
      if ((capacities[place] ?? 0) === 0) continue;
      const left = capacities.map((capacity, index) => (index === place ? capacity - 1 : capacity));
      most = Math.max(most, weight + best(claims, left, claimant + 1));
    }
    return most;
  }

  it("has the greatest weight of all", () => {
    const weights = fc.array(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 3, maxLength: 3 }), {
      maxLength: 5,
    });
    fc.assert(
      fc.property(
        weights,
        fc.array(fc.integer({ min: 1, max: 2 }), { minLength: 3, maxLength: 3 }),
        (rows, capacities) => {
          const claims = rows.flatMap((row, claimant) =>
            row.flatMap((weight, place) => (weight === 0 ? [] : [{ claimant, place, weight }])),
          );
          const places = assign(claims, capacities, 0);
          const sum = claims.reduce(
            (total, one) => total + (places.get(one.claimant) === one.place ? one.weight : 0),
            0,
          );
          expect(sum).toBe(best(claims, capacities));
          for (const [place, capacity] of capacities.entries())
            expect([...places.values()].filter((one) => one === place).length).toBeLessThanOrEqual(capacity);
        },
      ),
      { numRuns: 500 },
    );
  });
});
