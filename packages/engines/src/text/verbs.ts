/** Finds the verbs of buying and selling in a segment, and what each does: instruct, propose, refuse, or speak of something else. */
import type { Speaker } from "./transcript.js";
import { BOUGHT, BUYS, CLOSES, MAY_BUY, MAY_SELL, MISHEARD_VERB, SELLS, SOLD } from "./order-phrases.js";
import { isNumberWord } from "./number-words.js";
import {
  ADVISES,
  EARLIER_ORDER,
  HEARSAY,
  HYPOTHETICAL,
  NEGATED,
  ORDER_OF,
  OWNER,
  PROPOSES,
  SHALL_I,
  SHALL_I_BEHIND,
} from "./verb-contexts.js";
import type { SpokenSegment, Span } from "./words.js";

export type Side = "BUY" | "SELL";

export interface Verb extends Span {
  side: Side;
  /** Closes a position: selling is assumed. */
  closes: boolean;
  /** It has other meanings: an order only beside a share and a quantity. */
  isWeak: boolean;
  /** Past: speaks of something that is done. */
  isPast: boolean;
  quality: number;
}

const KINDS: readonly (readonly [RegExp, Side, { closes?: boolean; isWeak?: boolean }])[] = [
  [CLOSES, "SELL", { closes: true }],
  [BUYS, "BUY", {}],
  [SELLS, "SELL", {}],
  [MAY_BUY, "BUY", { isWeak: true }],
  [MAY_SELL, "SELL", { isWeak: true }],
];
/** Verbs of closing that have other meanings, too. */
const MAY_CLOSE = /^(close|closing|close out|get out of)$/;

export function verbsOf(segment: SpokenSegment): Verb[] {
  const verbs: Verb[] = [];
  const add = (verb: Verb): void => {
    if (verbs.every(({ from, to }) => verb.to <= from || verb.from >= to)) verbs.push(verb);
  };
  for (const [pattern, side, { closes = false, isWeak = false }] of KINDS)
    for (const span of segment.find(pattern)) {
      const isShort = closes && /(?:^| )short(?= |$)/.test(segment.phrase);
      const mayClose = MAY_CLOSE.test(segment.part(span));
      const isNoun =
        side === "SELL" &&
        /(?:^| )(?:my|your|the)(?: \w+)?$/.test(segment.part({ from: span.from - 2, to: span.from }));
      if (isWeak && isNoun) continue;
      const verb = { ...span, side: isShort ? ("BUY" as const) : side, closes: closes && !isShort };
      add({ ...verb, isWeak: isWeak || mayClose, isPast: false, quality: 1 });
    }
  for (const [at, { text }] of segment.words.entries()) {
    const next = segment.words[at + 1]?.text ?? "";
    const span = { from: at, to: at + 1, closes: false, isWeak: false };
    if (BOUGHT.test(text)) add({ ...span, side: "BUY", isPast: true, quality: 1 });
    if (SOLD.test(text)) add({ ...span, side: "SELL", isPast: true, quality: 1 });
    // "by" and "cell" are how recognisers hear "buy" and "sell" before a quantity.
    if (MISHEARD_VERB.test(text) && (isNumberWord(next) || next === "another"))
      add({ ...span, side: text === "by" ? "BUY" : "SELL", isPast: false, quality: 0.8 });
  }
  return verbs.toSorted((a, b) => a.from - b.from);
}

/** What a verb does, by the words before it in its clause and by who speaks. */
export function intentOf(
  verb: Verb,
  { lead, itself, next, speaker }: { lead: string; itself: string; next: string; speaker: Speaker | null },
): "order" | "proposal" | "suggestion" | "question" | "report" | "refuse" {
  if (NEGATED.test(lead)) return "refuse";
  if (verb.isPast || EARLIER_ORDER.test(lead)) return "report";
  if (ORDER_OF.test(lead) || (/^orders?$/.test(next) && OWNER.test(lead))) return "report";
  if (HEARSAY.test(lead) || HYPOTHETICAL.test(lead) || /(?:^| )if (?:i|we)$/.test(lead)) return "question";
  const isAsked = SHALL_I.test(lead) || SHALL_I_BEHIND.test(`${itself} ${next}`);
  // "should I buy" asks for advice, "should I place" is the dealer's.
  if (isAsked && (speaker === "client" || (speaker === null && /(?:^| )should (?:i|we)(?: be)?$/.test(lead))))
    return "question";
  if (ADVISES.test(lead)) return "suggestion";
  if (isAsked || (PROPOSES.test(lead) && speaker !== "client")) return "proposal";
  return "order";
}
