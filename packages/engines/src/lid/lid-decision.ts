/** The evidence heard in a conversation. */
export interface Evidence {
  /** Speech that was listened to, in seconds. */
  speechS: number;
  /**
   * How well English words fit, less how well a free sequence of phones fits: score per frame, in the recogniser's unit, with
   * the words of dealing-desk calls and with those of general English. `undefined` when nothing could be decoded, the general
   * one also when it was not needed.
   */
  domainGap: number | undefined;
  generalGap: number | undefined;
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

/**
 * From these gaps on the words fit as English does. Measured with the words of the domain: English calls -5 (clean) to -20
 * (babble at 10 dB), other English -26, other languages -25 to -39. With general words: English calls -25 to -28, and -32 in
 * babble at 10 dB; other languages -30 to -39.
 */
const ENGLISH_DOMAIN_GAP = -22;
const ENGLISH_GENERAL_GAP = -29;
/** From here on nothing else could tell against English. */
export const CLEARLY_ENGLISH_GAP = -18;
/** How far beyond the limit a gap multiplies the odds by e. */
const DOMAIN_GAP_SCALE = 1.5;
const GENERAL_GAP_SCALE = 0.8;
/** Weight of what the phones say about English: their lead over the best other language, in nats. */
const PHONE_WEIGHT = 1.5;

/**
 * A language spoken by a voice that was learnt has a phone score of -0.05 to -0.45. By a voice that was not it has -0.9 and
 * less, no more than languages that are not spoken at all (up to -0.74): such a voice is answered with `und`. At the limit "none
 * of these" is as likely.
 */
const PHONE_SCORE_LIMIT = -0.6;
const PHONE_SCORE_SCALE = 0.08;

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
 * English is judged by its words, and by its phones where the words leave doubt; the other languages share what it leaves, by
 * their phones. "None of these" competes with them: speech in noise, or in a language that was not learnt, is not evidence for any.
 */
function probabilities({ domainGap, generalGap, phoneScores }: Evidence): Map<string, number> {
  const words = Math.max(
    ((domainGap ?? Number.NEGATIVE_INFINITY) - ENGLISH_DOMAIN_GAP) / DOMAIN_GAP_SCALE,
    ((generalGap ?? Number.NEGATIVE_INFINITY) - ENGLISH_GENERAL_GAP) / GENERAL_GAP_SCALE,
  );
  const others = [...phoneScores].filter(([language]) => language !== "en");
  const lead = (phoneScores.get("en") ?? 0) - Math.max(...others.map(([, score]) => score));
  const english = 1 / (1 + Math.exp(-words - lead * PHONE_WEIGHT));

  const odds = others.map(([, score]) => Math.exp((score - PHONE_SCORE_LIMIT) / PHONE_SCORE_SCALE));
  const total = odds.reduce((sum, odd) => sum + odd, 1);
  const shares = others.map(([language], i): [string, number] => [
    language,
    ((1 - english) * (odds[i] as number)) / total,
  ]);
  return new Map([["en", english], ...shares]);
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
