/**
 * Numbering plans of libphonenumber with their patterns compiled once. The library compiles them for every number, which takes nearly all
 * of the time that it needs; and a batch has a hundred thousand numbers.
 */
import { getCountries, getCountryCallingCode, Metadata, type CountryCode } from "libphonenumber-js/max";

/** A number in digits, and whether it is of a range that is in use. */
export interface KnownNumber {
  number: string;
  isValid: boolean;
}

/** The part of a plan that the library has, and does not declare; a test compares every plan with the library's own answers. */
interface PlanData {
  possibleLengths(): readonly number[];
  nationalNumberPattern(): string;
  nationalPrefixForParsing(): string | undefined;
  type(name: string): { pattern(): string; possibleLengths(): readonly number[] | undefined } | undefined;
}

const TYPES = [
  "FIXED_LINE",
  "MOBILE",
  "PREMIUM_RATE",
  "TOLL_FREE",
  "SHARED_COST",
  "VOIP",
  "PERSONAL_NUMBER",
  "PAGER",
  "UAN",
  "VOICEMAIL",
];

/** Numbers of mobile phones, or of fixed lines, or of another kind. */
interface NumberType {
  /** null: those of the plan. */
  lengths: ReadonlySet<number> | null;
  pattern: RegExp;
}

/** The plan of a calling code that one country has for itself. */
class NumberingPlan {
  readonly #lengths: ReadonlySet<number>;
  readonly #prefix: RegExp | null;
  readonly #pattern: RegExp;
  readonly #types: readonly NumberType[];

  constructor(plan: PlanData) {
    const prefix = plan.nationalPrefixForParsing();
    this.#lengths = new Set(plan.possibleLengths());
    this.#prefix = prefix ? new RegExp(`^(?:${prefix})`) : null;
    this.#pattern = whole(plan.nationalNumberPattern());
    this.#types = TYPES.flatMap((name) => {
      const type = plan.type(name);
      const lengths = type?.possibleLengths();
      return type?.pattern() ? [{ lengths: lengths ? new Set(lengths) : null, pattern: whole(type.pattern()) }] : [];
    });
  }

  /** null for digits with a prefix of the trunk, and for too few or too many of them. */
  read(digits: string): { isValid: boolean } | null {
    if (!this.#lengths.has(digits.length) || this.#prefix?.test(digits)) return null;
    const isOf = ({ lengths, pattern }: NumberType): boolean =>
      (lengths === null || lengths.has(digits.length)) && pattern.test(digits);
    return { isValid: this.#pattern.test(digits) && this.#types.some(isOf) };
  }
}

function whole(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`);
}

/** Countries by their calling code. */
const countriesOf = new Map<string, CountryCode[]>();
for (const country of getCountries()) {
  const code = getCountryCallingCode(country);
  countriesOf.set(code, [...(countriesOf.get(code) ?? []), country]);
}
/** By calling code; null where several countries share it. */
const plans = new Map<string, NumberingPlan | null>();

function planOf(code: string): NumberingPlan | null {
  const known = plans.get(code);
  if (known !== undefined) return known;
  const [country, another] = countriesOf.get(code) ?? [];
  const metadata = new Metadata();
  if (country) metadata.selectNumberingPlan(country);
  const data = metadata.numberingPlan as unknown as PlanData | undefined;
  const plan = data && another === undefined ? new NumberingPlan(data) : null;
  plans.set(code, plan);
  return plan;
}

/** `+`, a calling code and the digits of a number as it is dialled from another country. */
const E164 = /^\+[1-9]\d{6,14}$/;
const LONGEST_CODE = 3;

/**
 * What the library says of a number that is written in E.164.
 * @returns null where the library itself has to be asked: several countries share the code, or the digits are not as they should be
 */
export function knownNumber(text: string): KnownNumber | null {
  if (!E164.test(text)) return null;
  for (let end = 2; end <= 1 + LONGEST_CODE; end += 1) {
    const code = text.slice(1, end);
    // No code is the beginning of another one.
    if (!countriesOf.has(code)) continue;
    const read = planOf(code)?.read(text.slice(end));
    return read ? { number: text, isValid: read.isValid } : null;
  }
  return null;
}
