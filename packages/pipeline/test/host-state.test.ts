/** What people are told of a host is what is thought of it. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { inNextStage, NEW_HOST, next, type HostEvent, type HostState } from "@cofi/pipeline/host-state";

const hostEvent: fc.Arbitrary<HostEvent> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<HostEvent>({ is: "answered" }) },
  { weight: 6, arbitrary: fc.constant<HostEvent>({ is: "fault", what: "It broke off." }) },
  fc.constant<HostEvent>({ is: "busy", forMs: 0 }),
  { weight: 3, arbitrary: fc.constant<HostEvent>({ is: "looked", trouble: null }) },
  fc.constant<HostEvent>({ is: "looked", trouble: { why: "It is not there.", isUnfit: false, isUnreached: true } }),
  fc.constant<HostEvent>({ is: "looked", trouble: { why: "It lacks it.", isUnfit: true, isUnreached: false } }),
  fc.constant<HostEvent>({ is: "cut off", what: "It is not there." }),
  fc.constant<HostEvent>({ is: "unfit", what: "It refuses the key." }),
  { weight: 2, arbitrary: fc.constant<HostEvent>({ is: "cleared" }) },
  fc.constant<HostEvent>({ is: "reported", what: "Batch 7 has left it out 3 s ago", forMs: 5_000 }),
);
const happened = fc.record({ event: hostEvent, isLast: fc.boolean(), ms: fc.integer({ min: 1, max: 40_000 }) });

const beginnings: HostState[] = [
  NEW_HOST,
  inNextStage({ ...NEW_HOST, condition: "ejected" }),
  { ...NEW_HOST, said: "joining" },
];

test("whatever happens to a host, the last step that people were told is its condition; one that answers is said to be in use", () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.array(happened, { maxLength: 40 }), fc.constantFrom(...beginnings), (events, beginning) => {
      let state = beginning;
      // A stage says at its beginning which hosts it leaves out, and which hosts join it.
      let told: string = beginning.said;
      let now = 0;
      for (const { event, isLast, ms } of events) {
        now += ms;
        const before = told;
        const step = next(state, event, { now, isLast, firstPauseMs: 1_000 });
        told = step.change?.to ?? told;
        state = step.state;
        seen.add(`${before} ${told}`);
        const { condition } = state;
        if (event.is === "answered") expect([condition, told]).toEqual(["healthy", "healthy"]);
        // One that has failed once or twice is in use, and one that shows whether it answers does so until it has.
        else if (condition === "suspect") expect(["healthy", "suspect", "probing"]).toContain(told);
        else if (condition === "joining") expect(["healthy", "joining"]).toContain(told);
        else expect(told).toBe(condition);
        expect(state.said).toBe(told);
      }
    }),
    { numRuns: 2_000 },
  );
  expect([...seen]).toEqual(
    expect.arrayContaining(["probing healthy", "ejected probing", "suspect healthy", "joining healthy"]),
  );
});

test("a host that does not come back stays so, whatever is said of it later", () => {
  const { state, change } = next(
    NEW_HOST,
    { is: "gone", why: "its engine is given up" },
    { now: 1, isLast: false, firstPauseMs: 1 },
  );
  expect(change).toEqual({ from: "joining", to: "gone", rule: "its engine is given up" });
  expect(next(state, { is: "answered" }, { now: 2, isLast: false, firstPauseMs: 1 })).toEqual({ state, change: null });
});
