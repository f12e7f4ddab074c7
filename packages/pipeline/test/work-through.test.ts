/** How the units of a stage are taken up: in order, few at once, and whatever becomes of one of them. */
import { setImmediate as nextTurn } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { workThrough } from "@cofi/pipeline/work-through";

test("begins each unit once, in the order of its queue, and never more than the slots allow", async () => {
  const queue = fc.record({ units: fc.integer({ min: 0, max: 40 }), slots: fc.integer({ min: 1, max: 5 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(queue, { maxLength: 4 }), fc.infiniteStream(fc.nat(3)), async (queues, turns) => {
      const begun = queues.map((): number[] => []);
      const inProgress = queues.map(() => 0);
      let later = 0;
      await workThrough(
        queues.map(({ units, slots }, at) => ({ units: Array.from({ length: units }, (_, n) => ({ at, n })), slots })),
        async ({ at, n }) => {
          begun[at]!.push(n);
          inProgress[at]! += 1;
          expect(inProgress[at]).toBeLessThanOrEqual(queues[at]!.slots);
          for (let turn = turns.next().value ?? 0; turn > 0; turn--) await nextTurn();
          inProgress[at]! -= 1;
          return n % 3 === 0 ? async () => void (later += 1) : null;
        },
      );
      expect(begun).toEqual(queues.map(({ units }) => Array.from({ length: units }, (_, n) => n)));
      expect(later).toBe(queues.reduce((sum, { units }) => sum + Math.ceil(units / 3), 0));
    }),
    { numRuns: 100 },
  );
});

test("what fails does not keep the others from being done, and the first failure is thrown", async () => {
  const done: number[] = [];
  const work = workThrough([{ units: [1, 2, 3, 4], slots: 2 }], async (unit) => {
    if (unit === 1) throw new Error("the first");
    done.push(unit);
    return unit === 3 ? () => Promise.reject(new Error("a later one")) : null;
  });
  await expect(work).rejects.toThrow("the first");
  expect(done).toEqual([2, 3, 4]);
});
