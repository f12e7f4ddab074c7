import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

/** The counts that are shipped, made by tools/train-language-phones.mjs. */
export const PHONE_COUNTS_FILE = fileURLToPath(new URL("../../data/lid/phone-ngrams.json", import.meta.url));

const ORDERS = [1, 2, 3] as const;
/** Weight of the languages' common distribution in each one's own, in occurrences: trigrams are spread thinner. */
const PRIOR: Record<number, number> = { 1: 40, 2: 40, 3: 20 };
/** N-grams that are rarer than this over all languages say little, and would double the file. */
const MIN_COUNT = 3;

/** How often each n-gram of phones was heard in each language; the numbers stand in the order of `languages`. */
export interface PhoneCounts {
  languages: string[];
  /** N-grams of each order, also those too rare to be listed. */
  totals: Record<string, number[]>;
  counts: Record<string, number[]>;
}

export async function readPhoneCounts(): Promise<PhoneCounts> {
  return JSON.parse(await readFile(PHONE_COUNTS_FILE, "utf8")) as PhoneCounts;
}

/** Counts n-grams in what the phone recogniser heard: for each language its utterances, each a list of phones. */
export function countPhones(heard: ReadonlyMap<string, readonly (readonly string[])[]>): PhoneCounts {
  const languages = [...heard.keys()].toSorted();
  const totals: Record<string, number[]> = {};
  const counts: Record<string, number[]> = {};
  for (const order of ORDERS) totals[order] = languages.map(() => 0);
  for (const [index, language] of languages.entries()) {
    for (const phones of heard.get(language) ?? []) {
      for (const { order, key } of ngrams(phones)) {
        const total = totals[order] as number[];
        total[index] = (total[index] ?? 0) + 1;
        const count = (counts[key] ??= languages.map(() => 0));
        count[index] = (count[index] ?? 0) + 1;
      }
    }
  }
  const frequent = Object.entries(counts).filter(([, numbers]) => sum(numbers) >= MIN_COUNT);
  return { languages, totals, counts: Object.fromEntries(frequent.toSorted(([a], [b]) => (a < b ? -1 : 1))) };
}

/**
 * Phone recognition followed by language modelling (Zissman, "Comparison of four approaches to automatic language
 * identification of telephone speech", IEEE Trans. Speech and Audio Processing 4(1), 1996): for each language the mean
 * log-likelihood ratio of a phone against all languages together, in nats. The phones are those of English, whatever is spoken.
 */
export function languageScores(model: PhoneCounts, utterances: readonly (readonly string[])[]): Map<string, number> {
  const scores = model.languages.map(() => 0);
  let phoneCount = 0;
  for (const phones of utterances) {
    phoneCount += phones.length;
    for (const { order, key } of ngrams(phones)) {
      const counts = model.counts[key];
      if (counts === undefined) continue;
      const totals = model.totals[order] as number[];
      const prior = PRIOR[order] as number;
      const common = sum(counts) / sum(totals);
      for (const [i, count] of counts.entries()) {
        const own = (count + prior * common) / ((totals[i] as number) + prior);
        scores[i] = (scores[i] as number) + Math.log(own / common);
      }
    }
  }
  return new Map(model.languages.map((language, i) => [language, (scores[i] as number) / Math.max(1, phoneCount)]));
}

function ngrams(phones: readonly string[]): { order: number; key: string }[] {
  const sequence = ["<", ...phones, ">"];
  return ORDERS.flatMap((order) =>
    Array.from({ length: Math.max(0, sequence.length - order + 1) }, (_, i) => ({
      order,
      key: sequence.slice(i, i + order).join(" "),
    })),
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
