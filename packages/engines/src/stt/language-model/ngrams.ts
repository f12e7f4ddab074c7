/** The share of probability that words of general English get beside those of the domain. */
const GENERAL_SHARE = 0.02;
const START = "<s>";
const END = "</s>";

interface Order {
  /** Probability of each n-gram, keyed by its words with a space between them. */
  probability: Map<string, number>;
  /** Weight of the lower order after a history that was seen. */
  backoff: Map<string, number>;
}

/**
 * A trigram language model in ARPA format: Witten-Bell smoothing (Witten and Bell, "The zero-frequency problem", IEEE Trans.
 * Information Theory 37(4), 1991), interpolated; the unigrams are mixed with `general` (word to probability, any scale),
 * so that words outside the domain can be recognised instead of being bent into it.
 */
export function trigramArpa(sentences: readonly string[], general: ReadonlyMap<string, number>): string {
  const [unigrams, bigrams, trigrams] = countNgrams(sentences);
  const base = mixedUnigrams(unigrams, general);
  const second = wittenBell(bigrams, (_, word) => base.get(word) ?? 0);
  const third = wittenBell(trigrams, (history, word) => {
    const last = history.slice(history.lastIndexOf(" ") + 1);
    return second.probability.get(`${last} ${word}`) ?? (second.backoff.get(last) ?? 1) * (base.get(word) ?? 0);
  });

  const lines = ["\\data\\", `ngram 1=${base.size + 1}`, `ngram 2=${bigrams.size}`, `ngram 3=${trigrams.size}`, ""];
  lines.push("\\1-grams:", `-99.0000\t${START}\t${log10(second.backoff.get(START) ?? 1)}`);
  for (const [word, p] of base) lines.push(`${log10(p)}\t${word}\t${log10(second.backoff.get(word) ?? 1)}`);
  lines.push("", "\\2-grams:");
  for (const [words, p] of second.probability)
    lines.push(`${log10(p)}\t${words}\t${log10(third.backoff.get(words) ?? 1)}`);
  lines.push("", "\\3-grams:");
  for (const [words, p] of third.probability) lines.push(`${log10(p)}\t${words}`);
  lines.push("", "\\end\\", "");
  return lines.join("\n");
}

function countNgrams(sentences: readonly string[]): [Map<string, number>, Map<string, number>, Map<string, number>] {
  const unigrams = new Map<string, number>();
  const bigrams = new Map<string, number>();
  const trigrams = new Map<string, number>();
  for (const sentence of sentences) {
    let previous = START;
    let beforePrevious: string | undefined;
    for (const word of [...sentence.split(" "), END]) {
      add(unigrams, word, 1);
      add(bigrams, `${previous} ${word}`, 1);
      if (beforePrevious !== undefined) add(trigrams, `${beforePrevious} ${previous} ${word}`, 1);
      beforePrevious = previous;
      previous = word;
    }
  }
  return [unigrams, bigrams, trigrams];
}

function mixedUnigrams(counts: ReadonlyMap<string, number>, general: ReadonlyMap<string, number>): Map<string, number> {
  const total = sum(counts.values());
  const generalTotal = sum(general.values());
  const words = [...new Set([...counts.keys(), ...general.keys()])].toSorted();
  return new Map(
    words.map((word) => [
      word,
      (1 - GENERAL_SHARE) * ((counts.get(word) ?? 0) / total) +
        GENERAL_SHARE * ((general.get(word) ?? 0) / generalTotal),
    ]),
  );
}

function wittenBell(counts: ReadonlyMap<string, number>, lower: (history: string, word: string) => number): Order {
  const followers = new Map<string, number>();
  const occurrences = new Map<string, number>();
  for (const [words, count] of counts) {
    const [history] = split(words);
    add(followers, history, 1);
    add(occurrences, history, count);
  }
  const probability = new Map<string, number>();
  const seen = new Map<string, number>();
  const seenLower = new Map<string, number>();
  for (const [words, count] of counts) {
    const [history, word] = split(words);
    const n = occurrences.get(history) ?? 0;
    const weight = n / (n + (followers.get(history) ?? 0));
    const lowerProbability = lower(history, word);
    const p = (weight * count) / n + (1 - weight) * lowerProbability;
    probability.set(words, p);
    add(seen, history, p);
    add(seenLower, history, lowerProbability);
  }
  const backoff = new Map<string, number>();
  for (const [history, p] of seen) {
    backoff.set(history, Math.max(1e-7, 1 - p) / Math.max(1e-7, 1 - (seenLower.get(history) ?? 0)));
  }
  return { probability, backoff };
}

function split(words: string): [history: string, word: string] {
  const at = words.lastIndexOf(" ");
  return [words.slice(0, at), words.slice(at + 1)];
}

function add(counts: Map<string, number>, key: string, amount: number): void {
  counts.set(key, (counts.get(key) ?? 0) + amount);
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

function log10(value: number): string {
  return Math.log10(Math.max(value, 1e-30)).toFixed(4);
}
