/** The lines of verdicts as the page takes them apart; as the sample batch has them. */
import { expect, test } from "vitest";
import { comparedLine } from "@cofi/evidence/compared-lines";

test.each([
  ["SIDE: same. spoken BUY, executed BUY", "SIDE", "same", "BUY"],
  [
    "SYMBOL: different. spoken NIFTY 25000 CE december, executed NIFTY 25000 CE 2026-11-26",
    "SYMBOL",
    "different",
    "NIFTY 25000 CE december",
  ],
  ["QTY: different. spoken 2 lots of 50, executed 300 in 2 fills", "QTY", "different", "2 lots of 50"],
  [
    "QTY: open. spoken 250 shares, executed 300; heard as 250 and as 300",
    "QTY",
    "open",
    "250 shares; heard as 250 and as 300",
  ],
  ["PRICE: same. spoken limit 1650, executed SELL at 1650.5", "PRICE", "same", "limit 1650"],
  ["PRICE: same. spoken at market", "PRICE", "same", "at market"],
  ["PRICE: open. no price spoken", "PRICE", "open", "no price spoken"],
  [
    "PRICE: open. spoken limit 2, which is far from every price of WIPRO in the batch, executed BUY at 410",
    "PRICE",
    "open",
    "limit 2, which is far from every price of WIPRO in the batch",
  ],
  [
    "CLIENT: open. heard client AV1234, executed for AB1234; the code may be misheard",
    "CLIENT",
    "open",
    "AV1234; the code may be misheard",
  ],
  ["CLIENT: open. no client code heard", "CLIENT", "open", "no client code heard"],
])("%s", (line, field, outcome, spoken) => {
  expect(comparedLine(line)).toEqual({ field, outcome, spoken });
});

test("a line that compares no field is none", () => {
  expect(comparedLine("USED: 250 of 250 spoken, by T011")).toBeNull();
});
