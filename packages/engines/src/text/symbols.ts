import { readFileSync } from "node:fs";
import { doubleMetaphone } from "double-metaphone";
import { distance } from "fastest-levenshtein";
import { z } from "zod";
import { isNumberWord } from "./number-words.js";
import type { Word } from "./words.js";

export interface SymbolMatch {
  symbol: string;
  /** How many words name it. */
  count: number;
  /** 1 for a known name, less for one that only sounds or looks like it. */
  quality: number;
}

interface Alias {
  symbol: string;
  /** Without spaces: "h d f c bank", "hdfc bank" and "HDFC Bank" are the same name. */
  joined: string;
  wordCount: number;
  sound: string;
}

/** A name that sounds alike may differ by this share of its letters; one that only looks alike by less. */
const SOUND_DISTANCE = 0.4;
const SPELLING_DISTANCE = 0.25;
const SHORTEST_FUZZY = 5;

/** Words of the trade that resemble a company's name and are none. */
const NEVER_FUZZY = new Set(
  `account afternoon alright another buying cancel cancelled changed client confirm confirmed confirming correct current
   dealing evening executed future futures going good great happy hello india indian limit limited little madam maker
   market message minute morning nothing option order orders place placed please point power price problem purchase
   quantity quoting rate really recorded right rupees selling share shares should speaking state still stock target
   tell thank thanks that there these think this today tomorrow trading trigger waiting want what would yesterday`
    .split(/\s+/)
    .filter(Boolean),
);

/** Finds traded symbols by their spoken names (data/symbols.json), misheard ones by spelling and sound. */
export class SymbolMatcher {
  private readonly aliases: readonly Alias[];
  private readonly exact: ReadonlyMap<string, string>;
  private readonly symbols: ReadonlySet<string>;
  private readonly longest: number;

  constructor(names: Readonly<Record<string, readonly string[]>>) {
    this.aliases = Object.entries(names).flatMap(([symbol, spoken]) =>
      spoken.map((alias) => {
        const words = alias.toLowerCase().replaceAll(/['’]/g, "").replaceAll("&", "and").split(/\s+/);
        const joined = words.join("");
        return { symbol, joined, wordCount: words.length, sound: doubleMetaphone(joined)[0] };
      }),
    );
    this.exact = new Map(this.aliases.map(({ joined, symbol }) => [joined, symbol]));
    this.symbols = new Set(Object.keys(names));
    this.longest = Math.max(1, ...this.aliases.map(({ wordCount }) => wordCount));
  }

  /** The symbol named from word `from` on; the longest name wins ("bank nifty" over "nifty"). */
  matchAt(words: readonly Word[], from: number): SymbolMatch | null {
    let joined = "";
    let found: SymbolMatch | null = null;
    for (let count = 1; count <= this.longest + 1; count++) {
      const word = words[from + count - 1];
      if (!word) break;
      joined += word.text;
      const symbol = this.exact.get(joined) ?? (count === 1 ? this.writtenSymbol(word) : undefined);
      if (symbol !== undefined) found = { symbol, count, quality: 1 };
    }
    return found ?? this.fuzzyAt(words, from);
  }

  /** "INFY" in capitals is the symbol itself; "idea" in small letters is a word. */
  private writtenSymbol(word: Word): string | undefined {
    return word.raw.length > 1 && this.symbols.has(word.raw) ? word.raw : undefined;
  }

  private fuzzyAt(words: readonly Word[], from: number): SymbolMatch | null {
    let best: SymbolMatch | null = null;
    let joined = "";
    for (let count = 1; count <= 3; count++) {
      const word = words[from + count - 1]?.text;
      if (word === undefined || isNumberWord(word) || NEVER_FUZZY.has(word)) break;
      joined += word;
      if (joined.length < SHORTEST_FUZZY) continue;
      const sound = doubleMetaphone(joined)[0];
      for (const alias of this.aliases) {
        if (alias.joined.length < SHORTEST_FUZZY || (alias.wordCount === 1 && count > 2)) continue;
        const share = distance(joined, alias.joined) / Math.max(joined.length, alias.joined.length);
        const alike = share <= SPELLING_DISTANCE || (sound === alias.sound && share <= SOUND_DISTANCE);
        const quality = Math.round((1 - share) * 100) / 100;
        if (alike && quality > (best?.quality ?? 0)) best = { symbol: alias.symbol, count, quality };
      }
    }
    return best;
  }
}

const Names = z.record(z.string(), z.array(z.string().min(1)));

/** Reads the table of symbols that ships with the engine. */
export function loadSymbols(): SymbolMatcher {
  const url = new URL("../../data/symbols.json", import.meta.url);
  return new SymbolMatcher(Names.parse(JSON.parse(readFileSync(url, "utf8"))));
}
