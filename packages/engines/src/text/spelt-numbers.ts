/** Numbers that are said, and then spelt digit by digit. */
import { digitOf, SCALES, type SpokenNumber, WORDS } from "./number-words.js";

/** The words of a number that is spelt behind them. */
const LONGEST_SAID = 4;

/** "one sixty one six zero", "fifty five zero": a number, and then its digits, or the last two of them. */
export function saidAndSpelt(
  words: readonly string[],
  from: number,
  read: (said: readonly string[]) => SpokenNumber | null,
): SpokenNumber | null {
  for (let middle = from + 1; middle <= from + LONGEST_SAID && digitOf(words[from]) !== 0; middle++) {
    const said = read(words.slice(0, middle));
    if (said?.end !== middle || said.rupees || !Number.isInteger(said.value)) continue;
    for (const digits of [String(said.value), String(said.value).slice(-2)]) {
      const end = middle + digits.length;
      const isSpelt = [...digits].every((digit, at) => digitOf(words[middle + at]) === Number(digit));
      if (digits.length < 2 || !isSpelt || continues(words[end])) continue;
      return { ...said, end };
    }
  }
  return null;
}

/** Whether a word after digits makes another number of them. */
function continues(word: string | undefined): boolean {
  return word !== undefined && (WORDS.has(word) || word === "hundred" || SCALES.has(word));
}
