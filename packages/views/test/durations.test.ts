import fc from "fast-check";
import { expect, test } from "vitest";
import { Durations } from "@cofi/views/detail/durations";
import { rankOf } from "./reference/rows.js";

const ms = fc.oneof(
  fc.constantFrom(0, 1, 2, 500),
  fc.integer({ min: 0, max: 100_000 }),
  fc.integer({ min: 0, max: 2 ** 31 - 1 }),
);
const SHARES = [0.01, 0.5, 0.95, 0.99, 1];

function collected(parts: readonly (readonly number[])[], repeats: number): Durations {
  const all = new Durations();
  for (const part of parts) {
    const own = new Durations();
    for (const value of part) own.add(value, repeats);
    all.addAll(own);
  }
  return all;
}

test("percentiles are exact of up to ten thousand, and of more within one percent and between the least and the most", () => {
  const seen = { exact: 0, approximate: 0 };
  fc.assert(
    fc.property(
      fc.array(fc.array(ms, { maxLength: 700, size: "max" }), { maxLength: 8, size: "max" }),
      fc.integer({ min: 1, max: 9 }),
      (parts, repeats) => {
        const durations = collected(parts, repeats);
        const values = parts.flat().flatMap((value) => Array.from({ length: repeats }, () => value));
        expect(durations.isExact).toBe(values.length <= 10_000);
        seen[durations.isExact ? "exact" : "approximate"] += 1;
        for (const share of SHARES) {
          const [exact, said] = [rankOf(values, share), durations.percentile(share)];
          if (exact === null || durations.isExact) expect(said).toBe(exact);
          else {
            expect(Math.abs(said! - exact)).toBeLessThanOrEqual(exact / 100);
            expect(said).toBeGreaterThanOrEqual(Math.min(...values));
            expect(said).toBeLessThanOrEqual(Math.max(...values));
          }
        }
      },
    ),
    { numRuns: 200 },
  );
  expect(Math.min(seen.exact, seen.approximate)).toBeGreaterThan(20);
});

test("they do not depend on the order in which durations come, nor on how they are put together", () => {
  fc.assert(
    fc.property(fc.array(ms, { maxLength: 3_000, size: "max" }), fc.nat(), (values, at) => {
      const cut = at % (values.length + 1);
      const once = collected([values], 7);
      const twice = collected([values.slice(cut).toReversed(), values.slice(0, cut)], 7);
      for (const share of SHARES) expect(twice.percentile(share)).toBe(once.percentile(share));
    }),
    { numRuns: 100 },
  );
});
