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
  /** By how much it is likelier than the next one, or than none of them. */
  margin: number;
  speech_s: number;
  /** Probabilities. With `none`, they sum to 1. */
  scores: Record<string, number>;
  /** The probability that it is none of these: another language, noise, music, silence. */
  none: number;
}

/** Below this margin the answer is `und`. */
const MIN_MARGIN = 0.3;
/** Less speech than this, in seconds, says nothing certain. */
const MIN_SPEECH_S = 2;

/**
 * From these gaps on the words fit as English does. Measured on 9 to 20 s of speech each. With the words of the domain: orders in
 * English -4 to -15, in car noise or in babble at 20 dB -10 to -22, in babble at 10 dB -22 to -29; other English -26 to -36; other
 * languages -25 to -44, babble without a speaker -29 and less. With general words: English -12 to -20; other languages, and English
 * in babble at 10 dB, -23 and less.
 */
const ENGLISH_DOMAIN_GAP = -23;
const ENGLISH_GENERAL_GAP = -21.5;
/** How far beyond the limit a gap multiplies the odds by e. */
const DOMAIN_GAP_SCALE = 1;
const GENERAL_GAP_SCALE = 0.6;
/** With a smaller gap in the words of the domain no English was seen, about whatever people spoke. */
const NO_ENGLISH_DOMAIN_GAP = -37;
/** What the phones say about English, their lead over the best other language in nats, counts less than words: they know voices. */
const PHONE_WEIGHT = 0.75;
const MAX_LEAD = 1;

/**
 * How much a language stands out by its phones: its score, and half of its lead over the next language. A voice that was learnt
 * reaches 0.12 and more in 25 s of speech; others, in their own language or in another, have 0.04 and less. At the limit "none of
 * these" is as likely.
 */
const LEAD_WEIGHT = 0.5;
const STANDING_OUT = 0.05;
const STANDING_OUT_SCALE = 0.04;
/**
 * Hiss makes French of the phones of English voices (0.76 with a gap of -28): where words of the domain fit better than this, as they
 * do in noise, another language has to stand out by more, by so much for each unit of the gap.
 */
const NOISE_DOMAIN_GAP = -29.5;
const NOISE_WEIGHT = 0.6;

/** From here on more speech, or other words, would not change the answer. */
const CERTAIN = 0.97;

/** Weighs the evidence into one answer. */
export function identifyLanguage(evidence: Evidence): Identification {
  const { speechS, phoneScores } = evidence;
  const scores = speechS < MIN_SPEECH_S ? new Map<string, number>() : probabilities(evidence);
  const ranked = [...scores].toSorted(([, a], [, b]) => b - a);
  const [first = ["und", 0] as const, second = ["und", 0] as const] = ranked;
  const none = Math.max(0, 1 - [...scores.values()].reduce((sum, score) => sum + score, 0));
  const margin = Math.max(0, first[1] - Math.max(second[1], none));
  return {
    language: margin >= MIN_MARGIN ? first[0] : "und",
    confidence: rounded(first[1]),
    margin: rounded(margin),
    speech_s: rounded(speechS),
    scores: Object.fromEntries(
      [...phoneScores.keys()].map((language) => [language, rounded(scores.get(language) ?? 0)]),
    ),
    none: rounded(none),
  };
}

/** Whether it is settled which language is spoken. */
export function isCertain(evidence: Evidence): boolean {
  return evidence.speechS >= MIN_SPEECH_S && Math.max(...probabilities(evidence).values()) > CERTAIN;
}

/** Whether it is settled that English is not spoken. */
export function isNotEnglish(evidence: Evidence): boolean {
  return evidence.speechS >= MIN_SPEECH_S && englishProbability(evidence) < 1 - CERTAIN;
}

/** Whether words of general English may fit where those of the domain do not. */
export function mayBeGeneralEnglish({ domainGap }: Evidence): boolean {
  return domainGap !== undefined && domainGap > NO_ENGLISH_DOMAIN_GAP;
}

/**
 * English is judged by its words, and by its phones where the words leave doubt; the other languages share what it leaves, by
 * their phones. "None of these" competes with them: speech in noise, or in a language that was not learnt, is not evidence for any.
 */
function probabilities(evidence: Evidence): Map<string, number> {
  const english = englishProbability(evidence);
  const { phoneScores, domainGap = Number.NEGATIVE_INFINITY } = evidence;
  const others = [...phoneScores.keys()].filter((language) => language !== "en");
  const limit = STANDING_OUT + NOISE_WEIGHT * Math.max(0, domainGap - NOISE_DOMAIN_GAP);
  const odds = others.map((language) => Math.exp((standingOut(phoneScores, language) - limit) / STANDING_OUT_SCALE));
  const total = odds.reduce((sum, odd) => sum + odd, 1);
  const shares = others.map((language, i): [string, number] => [
    language,
    ((1 - english) * (odds[i] as number)) / total,
  ]);
  return new Map([["en", english], ...shares]);
}

function standingOut(phoneScores: ReadonlyMap<string, number>, language: string): number {
  const own = phoneScores.get(language) ?? Number.NEGATIVE_INFINITY;
  return own + LEAD_WEIGHT * (own - bestOther(phoneScores, language));
}

function bestOther(phoneScores: ReadonlyMap<string, number>, language: string): number {
  return Math.max(...[...phoneScores].filter(([other]) => other !== language).map(([, score]) => score));
}

function englishProbability({ domainGap, generalGap, phoneScores }: Evidence): number {
  const words = Math.max(
    ((domainGap ?? Number.NEGATIVE_INFINITY) - ENGLISH_DOMAIN_GAP) / DOMAIN_GAP_SCALE,
    ((generalGap ?? Number.NEGATIVE_INFINITY) - ENGLISH_GENERAL_GAP) / GENERAL_GAP_SCALE,
  );
  const lead = (phoneScores.get("en") ?? 0) - bestOther(phoneScores, "en");
  const phones = PHONE_WEIGHT * Math.max(-MAX_LEAD, Math.min(MAX_LEAD, lead));
  return 1 / (1 + Math.exp(-words - phones));
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
