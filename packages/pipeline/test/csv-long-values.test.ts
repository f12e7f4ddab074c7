/** Values and rows that are as long as they may be: work in proportion to them, or a test here takes hours. */
import { expect, it } from "vitest";
import { CALLS_HEADER, TRADES_HEADER } from "./batch-files.js";
import { callsOf, tradesOf } from "./read-csv.js";

const MUCH = 500_000;
const TRADE = ["t1", "", "2026-11-20T09:17:00Z", "", "C1", "", "D07", "X", "BUY", "10", "1.5", "DEALER"];
const CALL = ["c1", "a.wav", "2026-11-20T09:15:00Z", "60", "IN", "", "", "2104", "D07", "C1", "1"];

const LONG = {
  "one bracket and digits": `(${"1".repeat(MUCH)}`,
  "a sign and signs": `-${"-1".repeat(MUCH / 2)}-x`,
  "blanks between digits": `1${" ".repeat(MUCH)}1`,
  "blanks and extensions": `1${" x".repeat(MUCH / 2)}`,
  "digits with points": `1${".111".repeat(MUCH / 4)}x`,
  "digits with blanks": `1${" 111".repeat(MUCH / 4)}x`,
  "a month and blanks": `20 Nov${" ".repeat(MUCH)}x`,
  "brackets of addresses": `${"<1> ".repeat(MUCH / 4)}x`,
  "marks of a spreadsheet": `'${"'".repeat(MUCH)}x`,
  "separators of numbers": `${"; a".repeat(MUCH / 3)}=`,
};

const row = (values: readonly string[], header: string, column: string, value: string): string =>
  [
    header,
    header
      .split(",")
      .map((name, at) => (name === column ? value : values[at]))
      .join(","),
    "",
  ].join("\n");

it.each(Object.entries(LONG))("%s, in each column", async (_what, value) => {
  for (const column of TRADES_HEADER.split(",")) await tradesOf(row(TRADE, TRADES_HEADER, column, value));
  for (const column of CALLS_HEADER.split(",")) await callsOf(row(CALL, CALLS_HEADER, column, value));
});

it("a row of hundreds of thousands of values", async () => {
  const values = `${TRADE.join(",")}${",11".repeat(MUCH / 3)}`;
  const wide = `${TRADES_HEADER}${",x".repeat(MUCH / 3)}`;
  const rows = (header: string) => tradesOf([header, values, `${values},`, ""].join("\n"));
  expect((await rows(TRADES_HEADER)).refused).toBe(2);
  expect((await rows(wide)).trades).toHaveLength(1);
});
