/** Properties of triage for any calls and trades. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { triage } from "@cofi/pipeline/triage";
import type { TriageCall } from "@cofi/pipeline/triage-calls";
import { DEFAULT_TRIAGE } from "@cofi/pipeline/triage-config";
import { CLIENT, at, byId, call, number, selected, spread, trade } from "./triage-builders.js";

describe("whatever the input", () => {
  const phones = [CLIENT, "+442071234567", "+12125550100"];
  const when = fc.integer({ min: -2000, max: 2000 }).map((minutes) => at(minutes));
  const anyCall = fc
    .record({
      startTime: when,
      seconds: fc.integer({ min: 1, max: 4000 }),
      callerNumber: fc.constantFrom(null, ...phones),
      dealerId: fc.constantFrom(null, "D07", "D08"),
      extension: fc.constantFrom(null, "1", "2"),
      clientCode: fc.constantFrom(null, "C1", "C2"),
      speechS: fc.constantFrom(null, 1, 10, 20),
      audioUsable: fc.boolean(),
    })
    .map(
      ({ seconds, startTime, ...rest }) =>
        (id: number) =>
          call(`c${id}`, startTime, { ...rest, endTime: new Date(startTime.getTime() + seconds * 1000) }),
    );
  const anyTrade = fc
    .record({
      orderTime: when,
      orderId: fc.constantFrom(null, "o1", "o2"),
      clientCode: fc.constantFrom("C1", "C2", "C3"),
      clientPhones: fc.subarray(phones),
      dealerId: fc.constantFrom("D07", "D08"),
      orderSource: fc.constantFrom(null, "DEALER", "ONLINE"),
    })
    .map((rest) => (id: number) => trade({ tradeId: `t${id}`, ...rest }));
  const batch = fc.record({
    calls: fc.array(anyCall, { maxLength: 12 }).map((makers) => makers.map((make, id) => make(id))),
    trades: fc.array(anyTrade, { maxLength: 8 }).map((makers) => makers.map((make, id) => make(id))),
  });

  it("gives the same result in any order of calls and trades", () => {
    fc.assert(
      fc.property(batch, fc.infiniteStream(fc.nat()), ({ calls, trades }, random) => {
        const shuffled = <T>(items: T[]): T[] =>
          items
            .map((item) => ({ item, key: random.next().value as number }))
            .toSorted((a, b) => a.key - b.key)
            .map(({ item }) => item);
        const result = byId(triage(trades, calls, DEFAULT_TRIAGE));
        expect(byId(triage(shuffled(trades), shuffled(calls), DEFAULT_TRIAGE))).toEqual(result);
      }),
    );
  });

  it("keeps scores in bounds, ranks in order, and selects only what may be selected", () => {
    fc.assert(
      fc.property(batch, ({ calls, trades }) => {
        for (const { result, candidates, steps, reason } of triage(trades, calls, DEFAULT_TRIAGE)) {
          expect(reason).toMatch(/\.$/);
          expect(steps.at(-1)).toMatchObject({ outcome: "stop", detail: reason });
          expect(new Set(candidates.map(({ callId }) => callId)).size).toBe(candidates.length);
          const chosen = candidates.filter((each) => each.selected);
          expect(chosen.length > 0).toBe(["MATCHED", "AMBIGUOUS", "WEAK_MATCH"].includes(result));
          if (result === "MATCHED") expect(chosen).toHaveLength(1);
          expect(chosen.length).toBeLessThanOrEqual(3);
          for (const [position, { rank, score, components, flags, selected: taken }] of candidates.entries()) {
            expect(rank).toBe(position + 1);
            expect(score).toBeGreaterThanOrEqual(0);
            expect(score).toBeLessThanOrEqual(flags.includes("CLIENT_PHONE_UNKNOWN") ? 60 : 100);
            expect(score).toBeLessThanOrEqual(
              components.phone + components.clientCode + components.dealer + components.time + 0.005,
            );
            if (taken) expect(score).toBeGreaterThanOrEqual(40);
            if (taken) expect(flags).not.toContain("CALL_AFTER_ORDER");
          }
        }
      }),
    );
  });

  it("lets one call serve many trades", () => {
    const trades = Array.from({ length: 5 }, (_, id) => trade({ tradeId: `t${id}`, orderId: `o${id}` }));
    const results = triage(trades, [call("c1", at(-1))], DEFAULT_TRIAGE);
    expect(results.map(selected)).toEqual(trades.map(() => ["c1"]));
  });

  it("triages ten thousand trades against ten thousand calls without a cross product", () => {
    let reads = 0;
    const counted = (one: TriageCall): TriageCall =>
      new Proxy(one, {
        get(target, name, receiver) {
          reads += 1;
          return Reflect.get(target, name, receiver) as unknown;
        },
      });
    const calls = Array.from({ length: 10_000 }, (_, id) =>
      counted(call(`c${id}`, spread(id), { callerNumber: number(id % 3000), dealerId: `D${id % 40}` })),
    );
    const trades = Array.from({ length: 10_000 }, (_, id) =>
      trade({
        tradeId: `t${id}`,
        orderId: `o${id}`,
        orderTime: spread(id),
        clientPhones: id % 10 ? [number(id % 3000)] : [],
        dealerId: `D${id % 40}`,
      }),
    );
    expect(triage(trades, calls, DEFAULT_TRIAGE)).toHaveLength(10_000);
    // A cross product reads each of the calls for each of the trades.
    expect(reads).toBeLessThan((calls.length * trades.length) / 10);
  });
});
