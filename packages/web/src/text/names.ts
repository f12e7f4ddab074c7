/**
 * Names and messages as other services wrote them. Characters that a reader cannot see, or that turn the text around them,
 * are escaped as in JavaScript: `call-\u202Egnp.wav`. Pure.
 */

/**
 * Control characters, lone surrogates, bidirectional controls, line separators, and characters without a width. The joiners
 * U+200C and U+200D stay, because names in Indian scripts, Persian and emoji need them.
 */
const UNSEEN =
  /[\p{Cc}\p{Cs}\u00AD\u061C\u115F\u1160\u180E\u200B\u200E\u200F\u2028-\u202E\u2060-\u206F\u3164\uFEFF\uFFA0\uFFF9-\uFFFB\u{E0000}-\u{E0FFF}]|\u034F|\u17B4|\u17B5/u;
const ALL_UNSEEN = new RegExp(UNSEEN, "gu");
const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** A piece of a text; escaped pieces stand for one character. */
export interface Piece {
  text: string;
  isEscape: boolean;
}

interface PieceOptions {
  /** Line breaks and tabs stay, because the text is a message instead of a name. */
  keepsLines?: boolean;
}

/** Returns the pieces of a text, which joined are what {@link visible} returns. */
export function pieces(text: string, { keepsLines = false }: PieceOptions = {}): Piece[] {
  const found: Piece[] = [];
  let from = 0;
  for (const { 0: character, index } of text.matchAll(ALL_UNSEEN)) {
    if (keepsLines && character in SHORT) continue;
    if (index > from) found.push({ text: text.slice(from, index), isEscape: false });
    found.push({ text: escaped(character), isEscape: true });
    from = index + character.length;
  }
  if (from < text.length) found.push({ text: text.slice(from), isEscape: false });
  return found;
}

function escaped(character: string): string {
  const hex = (character.codePointAt(0) ?? 0).toString(16).toUpperCase();
  return SHORT[character] ?? (hex.length > 4 ? `\\u{${hex}}` : `\\u${hex.padStart(4, "0")}`);
}

/** The text for places that hold no elements: titles, labels and notifications. */
export function visible(text: string, options: PieceOptions = {}): string {
  return UNSEEN.test(text)
    ? pieces(text, options)
        .map((piece) => piece.text)
        .join("")
    : text;
}

/** Names of files differ at their end, so this much of it stays when a name is cut. */
const TAIL = 12;
const segmenter = new Intl.Segmenter();

/** Splits a name in two: where there is no room for all of it, the first part may be cut. No letter with its accents is split. */
export function halves(name: string): [head: string, tail: string] {
  if (name.length <= TAIL) return ["", name];
  if (/^[ -~]*$/.test(name)) return [name.slice(0, -TAIL), name.slice(-TAIL)];
  const starts = [...segmenter.segment(name)].map(({ index }) => index);
  const at = starts.at(-TAIL) ?? 0;
  return [name.slice(0, at), name.slice(at)];
}
