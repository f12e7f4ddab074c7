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

/** The batch's own symbols, and the names by which they are spoken of. */
export const Vocabulary = z.object({
  symbols: z.array(z.object({ symbol: z.string().min(1), names: z.array(z.string()) })),
});
export type Vocabulary = z.infer<typeof Vocabulary>;

interface Alias {
  symbol: string;
  /** Without spaces: "h d f c bank", "hdfc bank" and "HDFC Bank" are the same name. */
  joined: string;
  wordCount: number;
  sound: string;
  /** No name is known but the symbol itself, which begins like the company's name. */
  isCode: boolean;
}

/** A name that sounds alike may differ by this share of its letters; one that only looks alike by less. */
const SOUND_DISTANCE = 0.4;
const SPELLING_DISTANCE = 0.25;
const SHORTEST_FUZZY = 5;
const SHORTEST_COUNTED = 4;
/** A symbol that stands for an unknown name begins with so many letters of it, and with this share of them. */
const SHORTEST_BEGINNING = 5;
const BEGINNING_SHARE = 0.6;
const BEGINNING_QUALITY = 0.75;
/** Words that were compared with all names: those of many calls are the same, and no more are kept than these. */
const REMEMBERED = 10_000;
/** Shorter symbols are other words, and letters that are spelt. */
const SHORTEST_CODE = 3;

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

type Names = Readonly<Record<string, readonly string[]>>;

/** Finds traded symbols by their spoken names (data/symbols.json, and the batch's own), misheard ones by spelling and sound. */
export class SymbolMatcher {
  /** Symbols of the batch without any name: it cannot be told whether they were spoken of. */
  readonly unknown: readonly string[];
  private readonly aliases: readonly Alias[];
  private readonly exact: ReadonlyMap<string, string>;
  private readonly symbols: ReadonlySet<string>;
  private readonly longest: number;
  private readonly fuzzy = new Map<string, { alias: Alias; quality: number } | null>();

  constructor(
    private readonly names: Names,
    private readonly commonWords: ReadonlySet<string>,
    codes: readonly string[] = [],
  ) {
    const named = Object.entries(names).flatMap(([symbol, spoken]) => spoken.map((name) => aliasOf(symbol, name)));
    const exact = new Map(named.map(({ joined, symbol }) => [joined, symbol]));
    const written = [...Object.keys(names), ...codes].flatMap((symbol) => {
      const alias = aliasOf(symbol, symbol, codes.includes(symbol));
      const isName =
        alias.joined.length >= SHORTEST_CODE && /[a-z]/.test(alias.joined) && !commonWords.has(alias.joined);
      return isName && !exact.has(alias.joined) ? [alias] : [];
    });
    for (const { joined, symbol } of written) exact.set(joined, symbol);
    this.aliases = [...named, ...written];
    this.exact = exact;
    this.unknown = codes;
    this.symbols = new Set([...Object.keys(names), ...codes]);
    this.longest = Math.max(1, ...this.aliases.map(({ wordCount }) => wordCount));
  }

  /** Knows the batch's own symbols, too. One that this table has under another spelling goes by the batch's. */
  with({ symbols }: Vocabulary): SymbolMatcher {
    const names: Record<string, readonly string[]> = { ...this.names };
    const codes: string[] = [];
    for (const { symbol, names: own } of symbols) {
      const known = this.knownAs(symbol, own);
      const spoken = [...new Set([...(known === null ? [] : (names[known] ?? [])), ...own])];
      if (known !== null) delete names[known];
      if (spoken.length === 0) codes.push(symbol);
      else names[symbol] = spoken;
    }
    return new SymbolMatcher(names, this.commonWords, codes);
  }

  private knownAs(symbol: string, names: readonly string[]): string | null {
    const key = joinedName(symbol);
    const bySymbol = Object.keys(this.names).find((one) => joinedName(one) === key);
    if (bySymbol !== undefined) return bySymbol;
    for (const name of names) {
      const byName = this.exact.get(joinedName(name));
      if (byName !== undefined && Object.hasOwn(this.names, byName)) return byName;
    }
    return null;
  }

  /** The symbol named from word `from` on; the longest name wins ("bank nifty" over "nifty"). */
  matchAt(words: readonly Word[], from: number): SymbolMatch | null {
    return this.exactAt(words, from) ?? this.fuzzyAt(words, from);
  }

  private exactAt(words: readonly Word[], from: number): SymbolMatch | null {
    let joined = "";
    let found: SymbolMatch | null = null;
    for (let count = 1; count <= this.longest + 1; count++) {
      const word = words[from + count - 1];
      if (!word) break;
      joined += word.text;
      const alone = count === 1 ? (this.writtenSymbol(word) ?? this.countedSymbol(words, from)) : undefined;
      const symbol = this.exact.get(joined) ?? alone;
      if (symbol !== undefined) found = { symbol, count, quality: 1 };
    }
    return found;
  }

  /** "INFY" in capitals is the symbol itself; "idea" in small letters is a word. */
  private writtenSymbol(word: Word): string | undefined {
    return word.raw.length > 1 && this.symbols.has(word.raw) ? word.raw : undefined;
  }

  /** "five hundred idea at eight": a symbol that is a common word is meant where it is counted. */
  private countedSymbol(words: readonly Word[], at: number): string | undefined {
    const [before, word, behind] = [words[at - 1]?.text, words[at]?.text ?? "", words[at + 1]?.text ?? "at"];
    const isCounted =
      before !== undefined && isNumberWord(before) && /^(?:at|shares?|for|limit|market|buy|sell|only)$/.test(behind);
    const symbol = word.toUpperCase();
    return isCounted && word.length >= SHORTEST_COUNTED && this.symbols.has(symbol) ? symbol : undefined;
  }

  private fuzzyAt(words: readonly Word[], from: number): SymbolMatch | null {
    let best: SymbolMatch | null = null;
    let joined = "";
    for (let count = 1; count <= 3; count++) {
      const word = words[from + count - 1]?.text;
      if (word === undefined || isNumberWord(word) || NEVER_FUZZY.has(word)) break;
      // "of infosys" is not a misheard name: a known one begins behind its first word.
      if (count > 1 && this.exactAt(words, from + count - 1)) break;
      joined += word;
      if (joined.length < SHORTEST_FUZZY) continue;
      const like = this.likest(joined, count);
      if (like && like.quality > (best?.quality ?? 0))
        best = { symbol: like.alias.symbol, count, quality: like.quality };
    }
    return best;
  }

  private likest(joined: string, count: number): { alias: Alias; quality: number } | null {
    const key = `${count} ${joined}`;
    const known = this.fuzzy.get(key);
    if (known !== undefined) return known;
    let best: { alias: Alias; quality: number } | null = null;
    const sound = doubleMetaphone(joined)[0];
    for (const alias of this.aliases) {
      if (alias.joined.length < SHORTEST_FUZZY || (alias.wordCount === 1 && count > 2)) continue;
      const quality = likeness(joined, sound, alias, this.commonWords.has(joined));
      if (quality > (best?.quality ?? 0)) best = { alias, quality };
    }
    if (this.fuzzy.size >= REMEMBERED) this.fuzzy.clear();
    this.fuzzy.set(key, best);
    return best;
  }
}

/** 0 where the words cannot be the name. */
function likeness(joined: string, sound: string, alias: Alias, isCommon: boolean): number {
  const longer = Math.max(joined.length, alias.joined.length);
  if (Math.abs(joined.length - alias.joined.length) <= SOUND_DISTANCE * longer) {
    const share = distance(joined, alias.joined) / longer;
    if (share <= SPELLING_DISTANCE || (sound === alias.sound && share <= SOUND_DISTANCE))
      return Math.round((1 - share) * 100) / 100;
  }
  if (!alias.isCode || isCommon) return 0;
  let same = 0;
  while (same < joined.length && joined[same] === alias.joined[same]) same++;
  return same >= SHORTEST_BEGINNING && same >= BEGINNING_SHARE * longer ? BEGINNING_QUALITY : 0;
}

function aliasOf(symbol: string, name: string, isCode = false): Alias {
  const joined = joinedName(name);
  return { symbol, joined, wordCount: wordsOf(name).length, sound: doubleMetaphone(joined)[0], isCode };
}

function wordsOf(name: string): string[] {
  return name
    .toLowerCase()
    .replaceAll(/['’]/g, "")
    .replaceAll("&", "and")
    .split(/[^a-z0-9]+/)
    .filter(Boolean);
}

function joinedName(name: string): string {
  return wordsOf(name).join("");
}

const Table = z.record(z.string(), z.array(z.string().min(1)));

/** Reads the table of symbols that ships with the engine. */
export function loadSymbols(): SymbolMatcher {
  const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");
  const names = Table.parse(JSON.parse(read("../../data/symbols.json")));
  const common = read("../../data/stt/common-words.tsv").split("\n");
  return new SymbolMatcher(names, new Set(common.map((line) => line.split("\t")[0] ?? "")));
}

/** The matchers of the batches that were asked about last: every request of a batch brings the same vocabulary. */
export class SymbolTables {
  private readonly table = loadSymbols();
  private latest: { key: string; matcher: SymbolMatcher } | null = null;

  of(vocabulary: Vocabulary): SymbolMatcher {
    if (vocabulary.symbols.length === 0) return this.table;
    const key = JSON.stringify(vocabulary);
    if (this.latest?.key !== key) this.latest = { key, matcher: this.table.with(vocabulary) };
    return this.latest.matcher;
  }
}
