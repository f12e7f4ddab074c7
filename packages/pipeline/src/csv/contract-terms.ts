/** The terms of a contract, by their columns in trades.csv. */
import type { RowOf } from "./csv-rows.js";
import { TRADE_COLUMNS } from "./trades-columns.js";

const { instrument, expiry, strike, optionType } = TRADE_COLUMNS;

/** Columns in which contracts of one symbol differ. */
export const CONTRACT_COLUMNS: ReadonlySet<string> = new Set(
  [instrument, expiry, strike, optionType].map(({ name }) => name),
);

/** The symbol of one contract, such as NIFTY26NOV24500CE: it holds all terms. */
const SYMBOL_OF_CONTRACT = /\d[- ]?(?:[A-Z]{3}[- ]?)?(?:CE|PE|FUT)$/;

/** The terms that an option or a future lacks: without them it may be any of several contracts. */
export function missingTerms(
  contract: Pick<RowOf<typeof TRADE_COLUMNS>, "symbol" | "instrument" | "expiry" | "strike" | "optionType">,
): string[] {
  if (SYMBOL_OF_CONTRACT.test(contract.symbol)) return [];
  const isOption = contract.instrument === "OPT" || contract.strike !== null || contract.optionType !== null;
  if (!isOption && contract.instrument !== "FUT") return [];
  return [
    ...(contract.expiry === null ? [expiry.name] : []),
    ...(isOption && contract.strike === null ? [strike.name] : []),
    ...(isOption && contract.optionType === null ? [optionType.name] : []),
  ];
}
