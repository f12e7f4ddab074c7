/** What became of a trade, in words, with a glyph and a tone. */

interface OutcomeLook {
  glyph: string;
  /** In a table and on a bar. */
  word: string;
  /** What it means, as a sentence; in the place of a reason that is masked. */
  meaning: string;
  tone: "good" | "warn" | "bad" | "idle";
}

const LOOKS: Readonly<Record<string, OutcomeLook>> = {
  MISMATCH: {
    glyph: "≠",
    word: "Differs",
    tone: "bad",
    meaning: "The call speaks of this order, and something of it differs.",
  },
  ORDER_NOT_IN_CALL: {
    glyph: "✕",
    word: "Not in its call",
    tone: "bad",
    meaning: "The calls were understood, and nobody orders this in them.",
  },
  CANCELLED_IN_CALL: { glyph: "↶", word: "Cancelled", tone: "bad", meaning: "The order was taken back in a call." },
  NOT_CONFIRMED: {
    glyph: "?",
    word: "Not confirmed",
    tone: "bad",
    meaning: "The order was spoken of, and the client is not heard to agree.",
  },
  CONFIRMED_AFTER_ORDER: {
    glyph: "◷",
    word: "Confirmed late",
    tone: "warn",
    meaning: "The client agrees in a call after the order.",
  },
  LOW_CONFIDENCE: {
    glyph: "◔",
    word: "To be heard",
    tone: "warn",
    meaning: "What was heard is not certain enough: a person has to listen.",
  },
  NO_VOICE_EVIDENCE: {
    glyph: "∅",
    word: "No call",
    tone: "warn",
    meaning: "No call could prove it. This is no violation: there may be other evidence.",
  },
  UNJUDGED: { glyph: "○", word: "Not judged yet", tone: "idle", meaning: "The batch has not come to it." },
  REFUSED: {
    glyph: "!",
    word: "Row refused",
    tone: "warn",
    meaning: "The row of trades.csv has an error and was set aside.",
  },
  OUT_OF_SCOPE: {
    glyph: "–",
    word: "Out of scope",
    tone: "idle",
    meaning: "It was not ordered by phone, so no call is expected.",
  },
  CONFIRMED: { glyph: "✓", word: "Confirmed", tone: "good", meaning: "The client ordered it in a call." },
};

/** A verdict of another service has its own name. */
export function outcomeLook(outcome: string): OutcomeLook {
  return (
    LOOKS[outcome] ?? {
      glyph: "•",
      word: outcome,
      tone: "warn",
      meaning: `The verdict of another service: ${outcome}.`,
    }
  );
}

const FIELDS: Readonly<Record<string, string>> = {
  SIDE: "side",
  SYMBOL: "contract",
  QTY: "quantity",
  PRICE: "price",
  CLIENT: "client",
};

/** `quantity and price` */
export function fieldsInWords(fields: readonly string[]): string {
  const words = fields.map((field) => FIELDS[field] ?? field);
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
