/**
 * Phone numbers in E.164 (ITU-T E.164: a country code and up to 15 digits in all), by the numbering plans of libphonenumber. Two numbers
 * that are compared must be the same number, so a text with two readings is refused.
 */
import {
  getCountryCallingCode,
  isSupportedCountry,
  Metadata,
  parsePhoneNumberFromString,
  type CountryCode,
} from "libphonenumber-js/max";
import type { Environment } from "@cofi/event-log/environment";
import { detached } from "./detached.js";
import { knownNumber } from "./numbering-plan.js";

/** Of which a number without a country code is; ISO 3166. */
export type PhoneCountry = CountryCode;

/** null when the text is no country with a numbering plan. */
export function phoneCountry(text: string): PhoneCountry | null {
  const code = text.toUpperCase();
  return isSupportedCountry(code) ? code : null;
}

/** `COFI_PHONE_COUNTRY`. */
export function phoneCountrySetting(env: Environment): PhoneCountry | null {
  const code = env.text("COFI_PHONE_COUNTRY");
  const country = code === undefined ? null : phoneCountry(code);
  if (code !== undefined && country === null)
    env.wrong("COFI_PHONE_COUNTRY", "a country of ISO 3166 in two letters, such as IN");
  return country;
}

export type ReadPhone =
  /** `note` continues a sentence that starts with the column's name. */
  { number: string; note: string | null } | { problem: string; isWithheld: boolean };

/** Numbers that are remembered: the same ones come again and again, and the library takes 20 µs for one. */
const REMEMBERED = 10_000;
/** With a name in front and an address around it; characters. */
const LONGEST = 500;
const LETTERS = /\p{L}/u;
/** The signs that people and exports write between the digits. A slash is not among them: it stands between two numbers. */
const PUNCTUATED = /^\+?[\d\s().\u00a0\-\u2010-\u2015\u2212]+$/;
const EXTENSION = /(?:(?<![\s,;])[\s,;]*(?:ext(?:ension|n)?|x|#)[.:=]?\s*|;ext=)\d{1,8}$/i;
/** A spreadsheet, or a program that took it for a number, has added them. */
const DECIMALS = /^(\+?\d{7,})\.0+$/;
const CODE_IN_BRACKETS = /^\(\s*(\+\s*\d{1,3})\s*\)/;
/** A spreadsheet has shortened it. */
const SCIENTIFIC = /^\d(?:[.,]\d+)?E\+?\d+$/i;

/** Reads numbers of one country, or of none: then every number has to begin with its country code. */
export class PhoneReader {
  readonly #country: PhoneCountry | null;
  /** How numbers begin that are dialled from there into another country. */
  readonly #abroad: RegExp;
  readonly #known = new Map<string, ReadPhone>();

  constructor(country: PhoneCountry | null) {
    this.#country = country;
    const metadata = new Metadata();
    if (country !== null) metadata.selectNumberingPlan(country);
    this.#abroad = new RegExp(`^(?:${metadata.numberingPlan?.IDDPrefix() ?? "00"})`);
  }

  read(text: string): ReadPhone {
    if (text.length > LONGEST) return refused("is longer than a phone number and a name are");
    let found = this.#known.get(text);
    if (!found) {
      if (this.#known.size >= REMEMBERED) this.#known.clear();
      this.#known.set(detached(text), (found = this.#readAnew(text)));
    }
    return found;
  }

  #readAnew(given: string): ReadPhone {
    // An address of SIP or a tel: URI, and a name in front, as telephone systems write them.
    const inner = /<([^<>]*)>\s*$/.exec(given)?.[1] ?? given;
    const address = inner.normalize("NFKC").trim();
    const isUri = /^(?:sips?|tel|callto):/i.test(address);
    const text = isUri ? address.replace(/^\w+:/, "").replace(/[@?;].*$/s, "") : address;
    if (SCIENTIFIC.test(text)) return this.#scientific(text);
    const whole = text.replace(DECIMALS, "$1");
    const bare = whole.replace(EXTENSION, "").replace(CODE_IN_BRACKETS, "$1 ").trim();
    if (!/\d/.test(bare)) return refused("names no number", true);
    if (!PUNCTUATED.test(bare))
      return refused(LETTERS.test(bare) ? "is not a phone number" : "is not one phone number");
    const notes = [
      ...(text !== given.trim() ? ["holds more than the number, which alone is taken"] : []),
      ...(whole !== text ? ["has decimals, as a spreadsheet adds them, which are left out"] : []),
      ...(EXTENSION.test(whole) ? ["has an extension, which is left out"] : []),
    ];
    const read = bare.startsWith("+") ? international(bare) : this.#national(bare);
    if ("problem" in read || notes.length === 0) return read;
    return { ...read, note: [...notes, ...(read.note === null ? [] : [read.note])].join("; ") };
  }

  /** All digits of 9.19810000001E+11 are there; those of 9.19E+11 are not. */
  #scientific(text: string): ReadPhone {
    const [mantissa = "", exponent = "0"] = text.toUpperCase().split(/E\+?/);
    const digits = mantissa.replace(/[.,]/, "");
    if (digits.length !== Number(exponent) + 1)
      return refused(
        "is in scientific notation, so digits of the number are lost: format the column as text, and export it again",
      );
    const read = this.#national(digits);
    return "problem" in read ? read : { ...read, note: "is in scientific notation with all its digits" };
  }

  #national(text: string): ReadPhone {
    const digits = text.replaceAll(/\D/g, "");
    if (digits.length < 7) return refused("is too short for a phone number, as an extension is");
    const country = this.#country;
    if (country === null) {
      if (digits.startsWith("00")) return international(`+${digits.slice(2)}`);
      return refused("has no country code: write it with + and the country code, or set COFI_PHONE_COUNTRY");
    }
    const own = `+${getCountryCallingCode(country)}`;
    const readings = [
      // As it is dialled there, with or without the prefix of the trunk.
      valid(`${own}${digits}`, own),
      // With the country code, but without the +.
      `+${digits}`.startsWith(own) ? valid(`+${digits}`, own) : null,
      // As it is dialled from there into another country.
      digits.startsWith("00") ? valid(`+${digits.slice(2)}`) : null,
      this.#abroad.test(digits) ? valid(digits, "+", country) : null,
    ];
    const numbers = new Set(readings.filter((number) => number !== null));
    const [number] = numbers;
    if (number === undefined) return refused(`is no number of ${country}, and has no + with another country code`);
    if (numbers.size > 1)
      return refused(
        `can be read as two numbers, with and without the country code ${own.slice(1)}: write it with + and the country code`,
      );
    return { number, note: null };
  }
}

function refused(problem: string, isWithheld = false): ReadPhone {
  return { problem, isWithheld };
}

const UNKNOWN_RANGE = "is in no range of numbers that its country is known to use, and is taken as it is";

/** It begins with + and the country code, so there is one reading. A number of a range that was given out lately is one too. */
function international(text: string): ReadPhone {
  const known = knownNumber(`+${text.replaceAll(/\D/g, "")}`);
  if (known) return { number: known.number, note: known.isValid ? null : UNKNOWN_RANGE };
  const number = parsePhoneNumberFromString(text, { extract: false });
  if (!number || !number.isPossible())
    return refused("is no phone number of any country: it has too few or too many digits for its country code");
  return { number: number.number, note: number.isValid() ? null : UNKNOWN_RANGE };
}

/** null when it is no number in use that begins with `start`. `country`: where it is dialled. */
function valid(text: string, start = "+", country?: PhoneCountry): string | null {
  const known = knownNumber(text);
  if (known) return known.isValid && text.startsWith(start) ? text : null;
  const number = parsePhoneNumberFromString(text, { extract: false, ...(country && { defaultCountry: country }) });
  return number?.isValid() && number.number.startsWith(start) ? number.number : null;
}

/** For logs and messages: every digit but the last two is hidden. */
export function redactPhone(text: string): string {
  const digits = text.replaceAll(/\D/g, "").length;
  let seen = 0;
  return text.replaceAll(/\d/g, (digit) => (++seen > digits - 2 && digits > 4 ? digit : "•"));
}
