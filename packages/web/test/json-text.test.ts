import fc from "fast-check";
import { expect, test } from "vitest";
import { isBranch, readJson, writeJson, type JsonNode } from "../src/shared/json-text.js";

const read = (text: string): JsonNode => readJson(text)!.root;

test.each([
  "9007199254740993123",
  "1e400",
  "-0",
  "1.10",
  "0.1000",
  "1E+2",
  "-12.50e-3",
  "true",
  "false",
  "null",
  '"a\\"b"',
])("%s stays as it was written", (text) => expect(writeJson(read(text))).toBe(text));

test("keys stay in their order, and all of them, however often", () => {
  const text = '{"b": 1, "10": 2, "2": 3, "b": 4, "__proto__": 5}';
  expect(writeJson(read(text)).replaceAll(/\n */g, " ").replace("{ ", "{").replace(" }", "}")).toBe(text);
});

test("values are numbered in reading order", () => {
  const numbers: number[] = [];
  const walk = (node: JsonNode): void => {
    numbers.push(node.at);
    if (isBranch(node)) for (const value of node.values) walk(value);
  };
  const { root, count } = readJson('[1, {"a": [], "b": {"c": "d"}}, 2]')!;
  walk(root);
  expect(numbers).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(count).toBe(7);
});

test.each([
  "",
  " ",
  "[1,]",
  "{,}",
  '{"a"}',
  '{"a":1,}',
  "01",
  "1.",
  ".5",
  "+1",
  "NaN",
  "'a'",
  '"\n"',
  '"\\x"',
  "[1",
  '{"a":1',
  "1 2",
  "[1]]",
  '"open',
  '"open\\"',
  "tru",
  "[1}",
  '{"a":1]',
])("%j is not JSON", (text) => expect(readJson(text)).toBeNull());

test("what JSON.parse reads, is read alike; what it refuses, is refused", () => {
  const same = (text: string): void => {
    let expected: unknown;
    try {
      expected = JSON.parse(text);
    } catch {
      expect(readJson(text)).toBeNull();
      return;
    }
    expect(JSON.parse(writeJson(read(text)))).toEqual(expected);
  };
  fc.assert(fc.property(fc.json(), same));
  fc.assert(fc.property(fc.json(), fc.nat(), (text, at) => same(text.slice(0, at % (text.length + 1)))));
  const tokens = fc.constantFrom("{", "}", "[", "]", ",", ":", '"a"', "1", "-", " ", "e5", ".5", "null", '"', "\\");
  fc.assert(
    fc.property(fc.array(tokens), (parts) => same(parts.join(""))),
    { numRuns: 2_000 },
  );
});

test("goes deeper than the call stack, and through long lists", () => {
  const deep = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;
  expect(writeJson(read(deep)).replaceAll(/\s/g, "")).toBe(deep);
  expect(readJson(JSON.stringify(Array.from({ length: 300_000 }, () => "a\\")))?.count).toBe(300_001);
});
