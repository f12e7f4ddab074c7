import fc from "fast-check";
import { expect, it } from "vitest";
import { timeScale } from "../src/views/time-scale.js";

const HOUR = 3_600_000;

it("is plain without pauses, and draws a night between two runs as a gap", () => {
  const plain = timeScale([{ from: 100, to: 300 }], 100, 300);
  expect([100, 150, 300].map(plain.at)).toEqual([0, 0.25, 1]);
  expect(plain.pauses).toEqual([]);
  const runs = [
    { from: 0, to: HOUR },
    { from: 12 * HOUR, to: 13 * HOUR },
  ];
  const { at, pauses } = timeScale(runs, 0, 13 * HOUR);
  expect(pauses).toEqual([{ from: HOUR, to: 12 * HOUR }]);
  expect(at(12 * HOUR) - at(HOUR)).toBeCloseTo(0.12 / 2.12);
  expect(at(13 * HOUR)).toBe(1);
});

it("leaves short pauses as they are, and shows all of it where clocks contradict each other", () => {
  expect(
    timeScale(
      [
        { from: 0, to: 1_000 },
        { from: 1_050, to: 2_000 },
      ],
      0,
      2_000,
    ).pauses,
  ).toEqual([]);
  const back = timeScale(
    [
      { from: 1_000, to: 2_000 },
      { from: 0, to: 500 },
    ],
    0,
    2_000,
  );
  expect(back.at(1_000)).toBe(0.5);
});

it("keeps the order of times, from 0 to 1", () => {
  const steps = fc.array(fc.record({ work: fc.nat(10_000), pause: fc.nat(1_000_000) }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(steps, fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 2 }), (parts, shares) => {
      let time = 0;
      const work = parts.map(({ work: took, pause }) => {
        const from = time + pause;
        time = from + took;
        return { from, to: time };
      });
      const first = work[0]!.from;
      const { at } = timeScale(work, first, time);
      const places = shares.toSorted((a, b) => a - b).map((share) => at(first + share * (time - first)));
      expect(places.every((place, index) => place >= (places[index - 1] ?? 0) && place <= 1)).toBe(true);
    }),
  );
});
