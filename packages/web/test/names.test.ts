import { expect, test } from "vitest";
import { halves, pieces, visible } from "../src/text/names.js";

test.each([
  ["call-1.wav", "call-1.wav"],
  ["call-\u202Egnp.wav", "call-\\u202Egnp.wav"],
  ["a\u2066b\u2069\u200Ec\u061C.wav", "a\\u2066b\\u2069\\u200Ec\\u061C.wav"],
  ["tab\tline\nback\u0008\u001B[31m.wav", "tab\\tline\\nback\\u0008\\u001B[31m.wav"],
  ["zero\u200Bwidth\uFEFF\u00AD.wav", "zero\\u200Bwidth\\uFEFF\\u00AD.wav"],
  ["half\uD83D.wav", "half\\uD83D.wav"],
  ["tag\u{E0041}.wav", "tag\\u{E0041}.wav"],
  ["\u2028\u2029\u0085\u007F", "\\u2028\\u2029\\u0085\\u007F"],
])("%j is shown as %s", (name, shown) => {
  expect(visible(name)).toBe(shown);
  expect(
    pieces(name)
      .map(({ text }) => text)
      .join(""),
  ).toBe(shown);
});

test.each(["שיחה.wav", "مكالمة ۱.wav", "क्‍ष-कॉल.wav", "noon 😀👨‍👩‍👧.wav", "می‌خواهم.wav"])("%s stays as it is", (name) => {
  expect(visible(name)).toBe(name);
});

test("line breaks of a message stay, its other controls do not", () => {
  expect(visible("one\r\n\ttwo\u202E\u0000", { keepsLines: true })).toBe("one\r\n\ttwo\\u202E\\u0000");
});

test("what was escaped is told from what was written so", () => {
  expect(pieces("\\u202E\u202E")).toEqual([
    { text: "\\u202E", isEscape: false },
    { text: "\\u202E", isEscape: true },
  ]);
});

test.each([
  ["short.wav", "", "short.wav"],
  ["call-2026-11-23-000001.wav", "call-2026-11-2", "3-000001.wav"],
  ["👨‍👩‍👧".repeat(14), "👨‍👩‍👧".repeat(2), "👨‍👩‍👧".repeat(12)],
])("%s is cut in the middle", (name, head, tail) => {
  expect(halves(name)).toEqual([head, tail]);
});
