import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Holes } from "@cofi/views/holes";

test("whatever is opened and filled, the missing ids are exactly those not filled, in ascending ranges", () => {
  const opened = fc.array(fc.record({ gap: fc.integer({ min: 1, max: 9 }), length: fc.integer({ min: 1, max: 40 }) }), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(opened, fc.array(fc.nat(300)), fc.array(fc.tuple(fc.nat(300), fc.nat(60))), (holes, fills, asks) => {
      const subject = new Holes();
      const missing = new Set<number>();
      let next = 1;
      for (const { gap, length } of holes) {
        const from = next + gap;
        next = from + length;
        subject.open(from, next - 1, 0);
        for (let id = from; id < next; id++) missing.add(id);
      }
      for (const [from, length] of asks) subject.asked({ from, to: from + length }, 5);
      for (const id of fills) expect(subject.fill(id)).toBe(missing.delete(id));
      const ranges = subject.ranges();
      const ids = ranges.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, n) => from + n));
      expect(ids).toEqual([...missing].toSorted((a, b) => a - b));
      expect(subject.lowest).toBe(ids[0]);
      // What was asked at an age of 5 is given up at that age, what was not is kept until it has been asked.
      subject.expire(5);
      const kept = new Set(
        subject.ranges().flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, n) => from + n)),
      );
      const wasAsked = (id: number): boolean => asks.some(([from, length]) => id >= from && id <= from + length);
      expect(kept).toEqual(new Set(ids.filter((id) => !wasAsked(id))));
    }),
  );
});

test("a hole is asked for at once, then ever less often, and all take turns", () => {
  const holes = new Holes();
  holes.open(10, 12, 0);
  expect(holes.due(0, 100)).toEqual([{ from: 10, to: 12 }]);
  holes.asked({ from: 10, to: 12 }, 0);
  holes.open(20, 20, 1_000);
  holes.asked({ from: 10, to: 12 }, 1_000);
  expect(holes.due(1_010, 100)).toEqual([{ from: 20, to: 20 }]);
  expect(holes.due(1_500, 100)).toHaveLength(2);
  const turns = [...holes.due(1_500, 1), ...holes.due(1_500, 1)];
  expect(turns.toSorted((a, b) => a.from - b.from)).toEqual([
    { from: 10, to: 12 },
    { from: 20, to: 20 },
  ]);
});

test("a million burnt ids are one range, and too many ranges give up the oldest", () => {
  const holes = new Holes();
  holes.open(1, 1_000_000, 0);
  expect(holes.size).toBe(1);
  for (let n = 0; n < 50_010; n++) holes.open(2_000_000 + 2 * n, 2_000_000 + 2 * n, 0);
  expect(holes.expire(60_000)).toBe(1_000_000 + 10);
  expect(holes.size).toBe(50_000);
});
