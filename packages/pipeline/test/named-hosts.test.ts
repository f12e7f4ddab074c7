/** Which host a file is given while nothing says where it lies. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { preferredOf } from "@cofi/pipeline/named-hosts";

const hosts = (count: number) => Array.from({ length: count }, (_, n) => ({ key: `http://10.0.0.${n}:8084` }));
const files = (count: number) =>
  Array.from({ length: count }, (_, n) => `call-2026-11-20-${String(n).padStart(6, "0")}.wav`);

test("files are shared out evenly, also over hosts whose keys differ by one digit", () => {
  for (const count of [2, 3, 8, 40]) {
    const given = Array.from({ length: count }, () => 0);
    for (const file of files(500 * count)) given[preferredOf(file, hosts(count))]! += 1;
    expect(Math.min(...given)).toBeGreaterThan(400);
    expect(Math.max(...given)).toBeLessThan(600);
  }
});

test("a host that is gone moves only its own files", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 12 }),
      fc.nat(),
      fc.array(fc.string(), { minLength: 1 }),
      (count, nth, names) => {
        const all = hosts(count);
        const gone = nth % count;
        const left = all.filter((_, place) => place !== gone);
        for (const name of names) {
          const before = preferredOf(name, all);
          if (before !== gone) expect(left[preferredOf(name, left)]).toBe(all[before]);
        }
      },
    ),
  );
});
