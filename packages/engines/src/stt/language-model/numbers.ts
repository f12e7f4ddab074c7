import type { Random } from "../../audio/random.js";

const UNITS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen".split(
  " ",
);
const TEENS = "sixteen seventeen eighteen nineteen".split(" ");
const SMALL = [...UNITS, ...TEENS];
const TENS = " ten twenty thirty forty fifty sixty seventy eighty ninety".split(" ");

const LAKH = 100_000;
const CRORE = 10_000_000;

/** Quantities that clients order: round ones, and the odd ones in between. */
const QUANTITIES = [
  1, 2, 5, 10, 15, 20, 25, 30, 40, 50, 60, 70, 75, 80, 90, 100, 110, 120, 125, 130, 140, 150, 160, 175, 180, 200, 210,
  220, 225, 240, 250, 260, 275, 280, 300, 325, 350, 375, 400, 425, 450, 475, 500, 525, 550, 575, 600, 625, 650, 700,
  725, 750, 800, 850, 900, 950, 1000, 1100, 1200, 1250, 1500, 1600, 1750, 1800, 2000, 2200, 2500, 3000, 3500, 4000,
  4500, 5000, 6000, 7500, 8000, 10_000, 12_000, 15_000, 20_000, 25_000, 50_000, 100_000,
];

/** A quantity as said on the phone: "three hundred and fifty", "three fifty". */
export function spokenQuantity(random: Random): string {
  const quantity = random.pick(QUANTITIES);
  return random.chance(0.35) ? pairwise(quantity, random) : inFull(quantity, random);
}

/** A price in rupees, from 5 to 9,999, said in full or in pairs of digits: "sixteen fifty", "one oh five". */
export function spokenPrice(random: Random): string {
  const price = random.pick([
    () => random.between(5, 100),
    () => random.between(100, 1000),
    () => random.between(10, 100) * 10,
    () => random.between(10, 50) * 50,
    () => random.between(10, 100) * 100,
    () => random.between(1000, 4000),
    () => random.between(100, 1000) * 10,
  ])();
  return random.chance(0.5) ? pairwise(price, random) : inFull(price, random);
}

/** A strike or a level of an index, a multiple of 50 from 10,000 to 59,950. */
export function spokenStrike(random: Random): string {
  return inFull(random.between(200, 1200) * 50, random);
}

/** A digit of a code. */
export function spokenDigit(random: Random): string {
  const digit = random.between(0, 10);
  return digit === 0 && random.chance(0.3) ? "oh" : (UNITS[digit] as string);
}

/** "twelve thirty five", "sixteen hundred", "four ten"; numbers that nobody says so are said in full. */
function pairwise(value: number, random: Random): string {
  const high = Math.floor(value / 100);
  const low = value % 100;
  if (value < 100 || value >= 10_000 || (low === 0 && (high < 11 || high % 10 === 0))) return inFull(value, random);
  if (low === 0) return `${belowHundred(high)} hundred`;
  if (low < 10) return high % 10 === 0 ? inFull(value, random) : `${belowHundred(high)} oh ${belowHundred(low)}`;
  const joint = high >= 11 && high % 10 !== 0 ? random.pick(["", "", " hundred", " hundred and"]) : "";
  return `${belowHundred(high)}${joint} ${belowHundred(low)}`;
}

/** In words with lakh and crore, with or without the "and" after the hundreds. */
function inFull(value: number, random: Random): string {
  const words: string[] = [];
  let rest = value;
  for (const [unit, name] of [
    [CRORE, "crore"],
    [LAKH, "lakh"],
    [1000, "thousand"],
  ] as const) {
    if (rest < unit) continue;
    words.push(belowHundred(Math.floor(rest / unit)), name);
    rest %= unit;
  }
  if (rest >= 100) {
    words.push(belowHundred(Math.floor(rest / 100)), "hundred");
    rest %= 100;
    if (rest > 0 && random.chance(0.5)) words.push("and");
  }
  if (rest > 0 || words.length === 0) words.push(belowHundred(rest));
  return words.join(" ");
}

function belowHundred(value: number): string {
  const small = SMALL[value];
  if (small !== undefined) return small;
  const tens = TENS[Math.floor(value / 10)] as string;
  return value % 10 === 0 ? tens : `${tens} ${SMALL[value % 10] as string}`;
}
