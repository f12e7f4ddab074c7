import { parseNumber } from "@cofi/engines/text/numbers";
import { splitWords } from "@cofi/engines/text/words";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

function parse(text: string): { value: number; rest: number } | null {
  const words = splitWords(text).map((word) => word.text);
  const number = parseNumber(words, 0);
  return number && { value: number.value, rest: words.length - number.end };
}

const SPOKEN: readonly (readonly [string, number])[] = [
  ["two hundred", 200],
  ["fifteen hundred", 1500],
  ["one thousand five hundred", 1500],
  ["one fifty", 150],
  ["six forty two", 642],
  ["sixteen fifty", 1650],
  ["sixteen hundred and fifty", 1650],
  ["one lakh twenty thousand", 120000],
  ["four hundred and ten rupees fifty paise", 410.5],
  ["four ten point five", 410.5],
  ["twelve thirty five point two five", 1235.25],
  ["two thousand three hundred forty", 2340],
  ["nine ninety nine", 999],
  ["twenty two thousand", 22000],
  ["three point seven five", 3.75],
  ["one oh five", 105],
  ["two and a half thousand", 2500],
  ["one point five lakh", 150000],
  ["double five zero", 550],
  ["six hundred forty two fifty", 642.5],
  ["hundred", 100],
  ["four one zero", 410],
  ["sixteen oh five", 1605],
  ["one crore five lakh", 10500000],
  ["ten rupees and five paise", 10.05],
  ["fifty paise", 0.5],
  ["1,50,000", 150000],
  ["410.50", 410.5],
  ["5k", 5000],
  ["410 rupees 50 paise", 410.5],
  ["twenty-five", 25],
  ["ek sau chalis", 140],
  ["do hazaar teen sau", 2300],
  ["pandrah sau", 1500],
  ["dedh sau", 150],
  ["dhai lakh", 250000],
  ["saade teen hazaar", 3500],
];

const ONES =
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(
    " ",
  );
const TENS = "- - twenty thirty forty fifty sixty seventy eighty ninety".split(" ");

function below100(n: number): string {
  return n < 20 ? (ONES[n] ?? "") : [TENS[Math.floor(n / 10)], n % 10 ? ONES[n % 10] : ""].filter(Boolean).join(" ");
}

/** Indian style, "and" after the hundred when asked for. */
function inFull(n: number, and: boolean): string {
  const parts: string[] = [];
  let rest = n;
  for (const [scale, word] of [
    [1e7, "crore"],
    [1e5, "lakh"],
    [1e3, "thousand"],
  ] as const) {
    if (rest >= scale) parts.push(`${below100(Math.floor(rest / scale))} ${word}`);
    rest %= scale;
  }
  if (rest >= 100) parts.push(`${ONES[Math.floor(rest / 100)]} hundred${and && rest % 100 ? " and" : ""}`);
  if (rest % 100) parts.push(below100(rest % 100));
  return parts.join(" ");
}

/** "sixteen fifty", "six oh five". */
function inPairs(n: number): string {
  const low = n % 100;
  return `${below100(Math.floor(n / 100))} ${low < 10 ? `oh ${ONES[low]}` : below100(low)}`;
}

function inHundreds(n: number): string {
  return `${below100(Math.floor(n / 100))} hundred${n % 100 ? ` and ${below100(n % 100)}` : ""}`;
}

function digitByDigit(n: number, doubles: boolean): string {
  const digits = [...String(n)].map((digit) => ONES[Number(digit)]).join(" ");
  return doubles ? digits.replaceAll(/\b(\w+) \1\b/g, "double $1") : digits;
}

describe("spoken numbers", () => {
  it.each(SPOKEN)("%s is %d", (text, value) => {
    expect(parse(text)).toEqual({ value, rest: 0 });
  });

  it("come back when spoken in full, with and without 'and'", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 99_99_99_999 }), fc.boolean(), (n, and) => {
        expect(parse(inFull(n, and))).toEqual({ value: n, rest: 0 });
      }),
    );
  });

  it("come back when spoken in pairs and in hundreds", () => {
    const hundreds = fc.integer({ min: 100, max: 9999 }).filter((n) => n % 100 !== 0 && Math.floor(n / 100) % 10 !== 0);
    fc.assert(
      fc.property(hundreds, (n) => {
        expect(parse(inPairs(n))).toEqual({ value: n, rest: 0 });
        expect(parse(inHundreds(n))).toEqual({ value: n, rest: 0 });
      }),
    );
  });

  it("come back when spoken digit by digit", () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 999_999 }), fc.boolean(), (n, doubles) => {
        expect(parse(digitByDigit(n, doubles))).toEqual({ value: n, rest: 0 });
      }),
    );
  });

  it("come back with decimals and with rupees and paise", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 99_999 }), fc.integer({ min: 1, max: 99 }), (n, paise) => {
        const value = Math.round(n * 100 + paise) / 100;
        const decimals = [...String(paise).padStart(2, "0")].map((digit) => ONES[Number(digit)]).join(" ");
        expect(parse(`${inFull(n, true)} point ${decimals}`)).toEqual({ value, rest: 0 });
        expect(parse(`${inFull(n, false)} rupees ${below100(paise)} paise`)).toEqual({ value, rest: 0 });
      }),
    );
    expect(parse("seven thousand point zero one")).toEqual({ value: 7000.01, rest: 0 });
    expect(parse("two lakh point five")).toEqual({ value: 200_000.5, rest: 0 });
  });

  it("have all readings of their words", () => {
    const readings = (text: string) => parseNumber(text.split(" "), 0)?.readings;
    expect(readings("seven eighty five")).toEqual([785, 7.85]);
    expect(readings("twenty one fifty")).toEqual([2150, 21.5]);
    expect(readings("seven hundred eighty five")).toEqual([785]);
    expect(readings("seven eighty five rupees")).toEqual([785]);
  });

  it("end where the next number begins", () => {
    expect(parse("seventeen twenty one hundred and ten")).toEqual({ value: 1720, rest: 4 });
    expect(parse("two hundred two hundred and fifty")).toEqual({ value: 200, rest: 4 });
    expect(parse("one thousand two thousand")).toEqual({ value: 1000, rest: 2 });
    expect(parse("eight fifteen hundred")).toEqual({ value: 8, rest: 2 });
    expect(parse("three hundred at sixteen fifty")).toEqual({ value: 300, rest: 3 });
    expect(parse("two hundred and sell")).toEqual({ value: 200, rest: 2 });
  });

  it("are not found in other words, and never break", () => {
    expect(parse("oh buy")).toBeNull();
    expect(parse("point five")).toBeNull();
    expect(parse("")).toBeNull();
    const words = fc.constantFrom(
      ...ONES,
      ...TENS.slice(2),
      ..."hundred thousand lakh crore point oh and a half double triple rupees paise k 12 3.5 1,200".split(" "),
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 12 }), (list) => {
        const found = parse(list.join(" "));
        if (found) expect(found.value).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
