/** The words that a batch has of its own, which recognisers and readers are given: its symbols, with the names by which they are spoken of. */
import { createHash } from "node:crypto";
import type { Json } from "@cofi/event-log/events";
import { dayIn } from "../csv/zoned-time.js";
import { spokenNames } from "./spoken-names.js";
import type { SymbolMaster } from "./symbol-master.js";
import { readTradingSymbol } from "./trading-symbol.js";

interface Vocabulary {
  /** Sorted by symbol. */
  symbols: readonly { symbol: string; names: readonly string[] }[];
}

/**
 * The vocabulary of a batch that holds these symbols. Names are made from the company in `master`, or from the symbol where that is
 * a company's name already; a symbol without either has none. A short name that belongs to two of the companies belongs to neither.
 */
export function vocabularyOf(symbols: Iterable<string>, master: SymbolMaster): Vocabulary {
  const unique = [...new Set(symbols)].toSorted();
  const companies = new Map([...master].map(([symbol, company]) => [symbol, spokenNames(company)]));
  const owners = new Map<string, Set<string>>();
  for (const [symbol, names] of companies)
    for (const name of names) owners.set(name, (owners.get(name) ?? new Set()).add(symbol));
  return {
    symbols: unique.map((symbol) => {
      const names = companies.get(symbol) ?? (symbol.includes(" ") ? spokenNames(symbol) : []);
      return { symbol, names: names.filter((name, index) => index === 0 || (owners.get(name)?.size ?? 1) === 1) };
    }),
  };
}

/** The vocabulary of the symbols in trades.csv, as it is sent. */
export function batchVocabulary(
  trades: readonly { symbol: string; orderTime: Date }[],
  timeZone: string,
  master: SymbolMaster,
): Json {
  const symbols = trades.map(({ symbol, orderTime }) => readTradingSymbol(symbol, dayIn(orderTime, timeZone)).symbol);
  return JSON.parse(JSON.stringify(vocabularyOf(symbols, master))) as Json;
}

/** Lower-case hex: whether an engine was given the same vocabulary. */
export function vocabularySha256(vocabulary: Json): string {
  return createHash("sha256").update(JSON.stringify(vocabulary)).digest("hex");
}
