/** What was heard of a conversation. */
export interface Evidence {
  /** Speech that was listened to, in seconds. */
  speechS: number;
  /**
   * How well English words fit, less how well a free sequence of phones fits: score per frame, in the recogniser's unit, with
   * the words of dealing-desk calls and with those of general English. `undefined` when nothing could be decoded.
   */
  domainGap: number | undefined;
  generalGap: number | undefined;
  phones: number;
  /** Mean log-likelihood ratio of a phone in each language against all of them together, in nats. */
  phoneScores: ReadonlyMap<string, number>;
}

export interface Identification {
  /** ISO 639-1, or `und`. */
  language: string;
  /** The probability of the likeliest language. */
  confidence: number;
  /** By how much it is likelier than the next one. */
  margin: number;
  speech_s: number;
  /** Probabilities; what they lack to 1 is the probability that it is none of these. */
  scores: Record<string, number>;
}

/** Below this difference between the first and the second language the answer is `und`. */
const MIN_MARGIN = 0.3;
/** Less speech than this, in seconds, says nothing certain. */
const MIN_SPEECH_S = 2;

/** From these gaps on the words fit as well as they do where English is spoken. */
const ENGLISH_DOMAIN_GAP = -29;
const ENGLISH_GENERAL_GAP = -29.8;
/** Gap beyond the limit that makes the odds e to 1. */
const GAP_SCALE = 1.5;

/** Phone scores below this are no better than chance; they grow into odds with the number of phones heard. */
const MIN_PHONE_SCORE = 0.1;
const PHONES_PER_NAT = 20;

/** Weighs the evidence into one answer. */
export function identifyLanguage(evidence: Evidence): Identification {
  const { speechS, phoneScores } = evidence;
  const scores = speechS < MIN_SPEECH_S ? new Map<string, number>() : probabilities(evidence);
  const ranked = [...scores].toSorted(([, a], [, b]) => b - a);
  const [first = ["und", 0] as const, second = ["und", 0] as const] = ranked;
  const margin = first[1] - second[1];
  return {
    language: margin >= MIN_MARGIN ? first[0] : "und",
    confidence: rounded(first[1]),
    margin: rounded(margin),
    speech_s: rounded(speechS),
    scores: Object.fromEntries(
      [...phoneScores.keys()].map((language) => [language, rounded(scores.get(language) ?? 0)]),
    ),
  };
}

/**
 * English is judged by its words alone; the other languages share what it leaves, by their phones. There English competes
 * again, and so does "none of these": speech in noise, or in a language that was not learnt, is no evidence for any.
 */
function probabilities({ domainGap, generalGap, phones, phoneScores }: Evidence): Map<string, number> {
  const beyond = Math.max(
    (domainGap ?? Number.NEGATIVE_INFINITY) - ENGLISH_DOMAIN_GAP,
    (generalGap ?? Number.NEGATIVE_INFINITY) - ENGLISH_GENERAL_GAP,
  );
  const english = 1 / (1 + Math.exp(-beyond / GAP_SCALE));
  const odds = [...phoneScores].map(([language, score]): [string, number] => [
    language,
    Math.exp(((score - MIN_PHONE_SCORE) * phones) / PHONES_PER_NAT),
  ]);
  const total = odds.reduce((sum, [, odd]) => sum + odd, 1);
  const result = new Map(odds.map(([language, odd]) => [language, ((1 - english) * odd) / total]));
  result.set("en", english);
  return result;
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
