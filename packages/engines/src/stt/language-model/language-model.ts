import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { trigramArpa } from "./ngrams.js";
import { sampleSentences } from "./phrases.js";
import { Random } from "../../audio/random.js";
import { pronounce } from "./spelling.js";

const DATA = new URL("../../../data/", import.meta.url);
const SENTENCES = 40_000;
const SEED = 20_261_123;
const COMMON_WORDS = 2000;

/** Files of a language model, as `pocketsphinx_batch` takes them. */
export interface LanguageModelFiles {
  /** ARPA trigrams. */
  model: string;
  dictionary: string;
}

/**
 * Writes the language model and the dictionary of dealing-desk calls into `folder`. The same data give the same files.
 * `generalDictionary` is pocketsphinx's cmudict-en-us.dict. Takes about two seconds of computing.
 *
 * The stocks and how they are called come from data/symbols.json, more pronunciations from data/stt/pronunciations.dict:
 * a name that is added there is recognised after the next start.
 */
export async function writeDomainModel(folder: string, generalDictionary: string): Promise<LanguageModelFiles> {
  const [symbols, common, own, cmudict] = await Promise.all([
    readFile(new URL("symbols.json", DATA), "utf8"),
    readFile(new URL("stt/common-words.tsv", DATA), "utf8"),
    readFile(new URL("stt/pronunciations.dict", DATA), "utf8"),
    readFile(generalDictionary, "utf8"),
  ]);
  const aliases = Object.values(JSON.parse(symbols) as Record<string, string[]>).flat();
  const sentences = sampleSentences(SENTENCES, aliases, new Random(SEED));
  const words = new Set(sentences.flatMap((sentence) => sentence.split(" ")));
  const general = commonWords(common);
  for (const word of general.keys()) words.add(word);

  const files = { model: join(folder, "domain.arpa"), dictionary: join(folder, "domain.dict") };
  await writeFile(files.model, trigramArpa(sentences, general));
  await writeFile(files.dictionary, dictionaryOf(words, own, cmudict));
  return files;
}

/** Lines of a word and the logarithm to base 10 of its probability, most frequent first. */
function commonWords(tsv: string): Map<string, number> {
  const entries = tsv.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    entries.slice(0, COMMON_WORDS).map((line) => {
      const [word = "", logProbability = ""] = line.split("\t");
      return [word, 10 ** Number(logProbability)];
    }),
  );
}

/** Our own pronunciations go before those of cmudict; a word that neither has is pronounced as it is spelled. */
function dictionaryOf(words: ReadonlySet<string>, ...sources: string[]): string {
  const pronunciations = new Map<string, Set<string>>();
  for (const line of sources.flatMap((source) => source.split("\n"))) {
    const [, word, phones] = /^([^\s(#]+)(?:\(\d+\))?\s+(.+)$/.exec(line) ?? [];
    if (word === undefined || phones === undefined || !words.has(word)) continue;
    const known = pronunciations.get(word) ?? new Set();
    pronunciations.set(word, known.add(phones.trim()));
  }
  const lines = [...words].toSorted().flatMap((word) => {
    const known = pronunciations.get(word) ?? new Set([pronounce(word)]);
    return [...known].map((phones, i) => `${word}${i === 0 ? "" : `(${i + 1})`} ${phones}`);
  });
  return `${lines.join("\n")}\n`;
}
