import fc from "fast-check";
import { expect, it } from "vitest";
import { readJson, type JsonNode } from "../src/shared/json-text.js";
import { children, findPlaces, leadsTo, rangeSize, splitMatches } from "../src/dialog/json-search.js";

const node = (value: unknown): JsonNode => readJson(JSON.stringify(value))!.root;
const VALUE = node({ text: "Buy Tesla", list: [1, "tesla", { tesla: null }], done: true });

it("finds keys and values in reading order, whatever the case", () => {
  expect(findPlaces(VALUE, "TESLA")).toEqual(["/0", "/1/1", "/1/2/0"]);
  expect(findPlaces(VALUE, "true")).toEqual(["/2"]);
  expect(findPlaces(VALUE, "")).toEqual([]);
});

it("does not take the index of a list for a key", () => {
  expect(findPlaces(node(["a", "b"]), "1")).toEqual([]);
});

it("goes deeper than the call stack", () => {
  const deep = readJson(`${"[".repeat(50_000)}"needle"${"]".repeat(50_000)}`);
  expect(findPlaces(deep!.root, "needle")).toHaveLength(1);
});

it("numbers the children of a part as in the whole", () => {
  const list = node(Array.from({ length: 250 }, (_, index) => index));
  expect(children(list, "/3", 200, 202)).toMatchObject([
    { key: "200", value: { text: "200" }, place: "/3/200" },
    { key: "201", value: { text: "201" }, place: "/3/201" },
  ]);
});

it("knows the range that leads to a place", () => {
  expect(leadsTo("/3", "/3/205/1", 200, 300)).toBe(true);
  expect(leadsTo("/3", "/3/205/1", 100, 200)).toBe(false);
  expect(leadsTo("/3", "/30/5")).toBe(false);
  expect(leadsTo("/3", "/3")).toBe(false);
  expect(leadsTo("", null)).toBe(false);
});

it("divides long lists so that no level is long", () => {
  fc.assert(
    fc.property(fc.integer({ min: 101, max: 50_000_000 }), (count) => {
      const size = rangeSize(count);
      expect(size).toBeLessThan(count);
      expect(count / size).toBeLessThanOrEqual(1_000);
    }),
  );
});

it("cuts a text into matches and the rest, and loses nothing", () => {
  expect(splitMatches("Tea for tea", "tea").map(({ isMatch }) => isMatch)).toEqual([true, false, true]);
  fc.assert(
    fc.property(fc.string(), fc.string(), (text, query) => {
      const parts = splitMatches(text, query);
      expect(parts.map((part) => part.text).join("")).toBe(text);
    }),
  );
});
