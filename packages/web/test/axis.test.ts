import fc from "fast-check";
import { expect, test } from "vitest";
import { lonePoints, topOf, valueLabels, valueText } from "../src/views/metrics/axis.js";

test("labels of an axis differ, however small its steps", () => {
  expect(valueLabels([0, 0.001, 0.002], 0.001)).toEqual(["0.000", "0.001", "0.002"]);
  expect(valueLabels([0, 2_000], 2_000)).toEqual(["0", "2,000"]);
  expect(valueLabels([0, 0.25, 0.5], 0.25)).toEqual(["0.00", "0.25", "0.50"]);
  fc.assert(
    fc.property(fc.constantFrom(1, 2, 2.5, 5), fc.integer({ min: -9, max: 9 }), (digit, power) => {
      const step = digit * 10 ** power;
      const labels = valueLabels(
        [0, 1, 2, 3].map((n) => n * step),
        step,
      );
      expect(new Set(labels).size).toBe(4);
    }),
  );
});

test.each([
  [null, ""],
  [0, "0"],
  [0.000_412_3, "0.000412"],
  [4.56789, "4.57"],
  [999.6, "1,000"],
  [123_456.7, "123,457"],
])("%s reads %j", (value, text) => expect(valueText(value)).toBe(text));

test("an axis without values, or with zeros alone, has a top", () => {
  expect([topOf(null), topOf(0), topOf(10)]).toEqual([1, 1, 11]);
});

test("a point is a point: alone, at an end, or between gaps", () => {
  expect(lonePoints([7])).toEqual([0]);
  expect(lonePoints([1, null, 2, 3, null, null, 4])).toEqual([0, 6]);
  expect(lonePoints([null, undefined])).toEqual([]);
});
