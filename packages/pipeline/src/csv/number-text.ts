/** Numbers as people write them: with separators that are known, or that can mean one thing alone. */

/** How the numbers of a file are written; null where nobody says so. */
export interface NumberStyle {
  decimal: "." | "," | null;
  thousands: "." | "," | " " | "'" | null;
  /** The values of the file are separated by semicolons, as where a comma is the decimal sign. */
  isSemicolonSeparated: boolean;
}

type ReadNumber = { value: number; isUnusual: boolean } | { problem: string };

const PLAIN = /^\+?(?:\d+\.?\d*|\.\d+)$/;
/** Of a spreadsheet that has shortened a long number. */
const SCIENTIFIC = /^\d(?:[.,](\d+))?E\+?(\d+)$/i;
/** Before or after a price: a sign of a currency, or rupees as people write them. */
const CURRENCY = /^(?:\p{Sc}|Rs\.?|INR)\s?|\s?(?:\p{Sc}|INR|\/-)$/giu;
const NEGATIVE = /^(?:[-\u2212].*\d|\([^()]*\)$|\d.*-$)/;
const BLANKS = /[\u00a0\u2007\u2009\u202f]/g;
const CURLED = /[\u2019\u02bc]/g;
/** Groups of three, or of two with three at the end, as in lakh and crore. */
const groups = (separator: string, least = 1): string =>
  `\\d{1,3}(?:${separator}\\d{2,3}){${least - 1},}${separator}\\d{3}`;

/** Each with its decimal sign. All of these can be read in one way. */
const UNAMBIGUOUS: readonly (readonly [RegExp, "." | ","])[] = [
  [new RegExp(`^${groups(",")}\\.\\d+$`), "."],
  [new RegExp(`^${groups(",", 2)}$`), "."],
  [new RegExp(`^${groups("\\.")},\\d+$`), ","],
  [new RegExp(`^${groups("\\.", 2)}$`), ","],
  [new RegExp(`^${groups(" ")}(?:\\.\\d+)?$`), "."],
  [new RegExp(`^${groups(" ")},\\d+$`), ","],
  [new RegExp(`^${groups("'")}(?:\\.\\d+)?$`), "."],
  [new RegExp(`^${groups("'")},\\d+$`), ","],
  // What follows the comma, or stands before it, is no group of thousands.
  [/^\d+,(?:\d{1,2}|\d{4,})$/, ","],
  [/^(?:0|\d{4,}),\d{3}$/, ","],
];
const COMMA_OR_GROUP = /^\d{1,3},\d{3}$/;
const POINT_OR_GROUP = /^[1-9]\d{0,2}\.\d{3}$/;

/** Reads one number. `problem` ends a sentence that starts with the column's name. */
export type NumberReader = (text: string) => ReadNumber;

/** Reads the numbers of a file. */
export function numberReader(style: NumberStyle): NumberReader {
  if (style.decimal !== null || style.thousands !== null) return declaredReader(style);
  const { isSemicolonSeparated } = style;
  return (given) => {
    const text = bare(given);
    if (PLAIN.test(text)) {
      if (isSemicolonSeparated && POINT_OR_GROUP.test(text)) return { problem: ambiguous("point") };
      return { value: Number(text), isUnusual: text.length !== given.length };
    }
    const scientific = SCIENTIFIC.exec(text);
    if (scientific) return fromScientific(text, scientific);
    const [, decimal] = UNAMBIGUOUS.find(([pattern]) => pattern.test(text)) ?? [];
    if (decimal !== undefined) return { value: valueOf(text, decimal), isUnusual: true };
    if (COMMA_OR_GROUP.test(text)) return { problem: ambiguous("comma") };
    if (NEGATIVE.test(text)) return { problem: "is below 0" };
    return { problem: "is not a number: it needs digits, with a point for decimals" };
  };
}

/** Without a currency, and with plain blanks and apostrophes. */
function bare(given: string): string {
  if (PLAIN.test(given)) return given;
  return given.replaceAll(BLANKS, " ").replaceAll(CURLED, "'").replaceAll(CURRENCY, "");
}

function ambiguous(sign: string): string {
  return `may have a decimal ${sign} or a thousands ${sign}: give the signs (decimal, thousands) in the mapping of COFI_CSV_MAPPING`;
}

/** Without its separators, and with a point for the decimals. */
function valueOf(text: string, decimal: string): number {
  const [whole, decimals] = text.split(decimal) as [string, string?];
  const digits = whole.replaceAll(/[^\d+]/g, "");
  return Number(decimals === undefined ? digits : `${digits}.${decimals}`);
}

function fromScientific(text: string, [, decimals = "", exponent = "0"]: RegExpExecArray): ReadNumber {
  if (Number(exponent) > decimals.length)
    return {
      problem:
        "is in scientific notation, so digits of it are lost: format the column as text or number, and export it again",
    };
  return { value: Number(text.replace(",", ".")), isUnusual: true };
}

function declaredReader({ decimal, thousands }: NumberStyle): NumberReader {
  const point = decimal ?? (thousands === "." ? "," : ".");
  const whole = thousands === null ? "\\d+" : `(?:\\d+|${groups(`[${thousands}]`)})`;
  const pattern = new RegExp(`^\\+?(?:${whole}(?:[${point}]\\d*)?|[${point}]\\d+)$`);
  const marks = thousands === null ? "" : ` and ${JSON.stringify(thousands)} between thousands`;
  const problem = `is not a number with ${JSON.stringify(point)} for decimals${marks}, as the mapping says`;
  return (given) => {
    const text = bare(given);
    return pattern.test(text) ? { value: valueOf(text, point), isUnusual: false } : { problem };
  };
}
