/** The words that spoken numbers are made of. */
const UNITS =
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(
    " ",
  );
const TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split(" ");
export const WORDS: ReadonlyMap<string, number> = new Map([
  ...UNITS.map((word, index): [string, number] => [word, index]),
  ...TENS.map((word, index): [string, number] => [word, 20 + 10 * index]),
]);
export const SCALES: ReadonlyMap<string, number> = new Map([
  ["thousand", 1e3],
  ["k", 1e3],
  ["lakh", 1e5],
  ["lakhs", 1e5],
  ["lac", 1e5],
  ["lacs", 1e5],
  ["million", 1e6],
  ["crore", 1e7],
  ["crores", 1e7],
]);
export const RUPEES = new Set(["rupees", "rupee", "rs"]);
export const PAISE = new Set(["paise", "paisa"]);
/** "dedh sau" is one and a half hundred. */
export const HALVES: ReadonlyMap<string, number> = new Map([
  ["dedh", 1.5],
  ["dhai", 2.5],
  ["adhai", 2.5],
  ["sawa", 1.25],
  ["pauna", 0.75],
  ["paune", 0.75],
]);
/** "saade teen sau" is three and a half hundred, "sawa do sau" two and a quarter, "paune do sau" a quarter less than two. */
export const AND_A_PART: ReadonlyMap<string, number> = new Map([
  ["saade", 0.5],
  ["sadhe", 0.5],
  ["saadhe", 0.5],
  ["sawa", 0.25],
  ["paune", -0.25],
]);
export const DIGITS = /^\d+(\.\d+)?$/;

/** True for a word that can stand in a spoken number. */
export function isNumberWord(word: string): boolean {
  return (
    WORDS.has(word) ||
    SCALES.has(word) ||
    HALVES.has(word) ||
    AND_A_PART.has(word) ||
    word === "hundred" ||
    DIGITS.test(word)
  );
}

/** The value of a word from zero to nine, "oh" included; null for any other. */
export function digitOf(word: string | undefined): number | null {
  if (word === "oh") return 0;
  const value = word === undefined ? undefined : WORDS.get(word);
  return value !== undefined && value < 10 ? value : null;
}
