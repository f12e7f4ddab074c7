/** Phone numbers as people write them, with a country and without. */
import * as fc from "fast-check";
import { getCountries, getCountryCallingCode, parsePhoneNumberFromString } from "libphonenumber-js/max";
import examples from "libphonenumber-js/examples.mobile.json" with { type: "json" };
import { describe, expect, it } from "vitest";
import { phoneCountry, PhoneReader, redactPhone } from "@cofi/evidence/phone-number";

const read = (text: string, country: string | null = null): string => {
  const found = new PhoneReader(country === null ? null : phoneCountry(country)).read(text);
  return "problem" in found ? `${found.isWithheld ? "withheld" : "refused"}: ${found.problem}` : found.number;
};

describe("a number with its country code", () => {
  it.each([
    ["+919810000001", "+919810000001"],
    ["+91 98100-00001", "+919810000001"],
    ["00 91 98100 00001", "+919810000001"],
    ["+44 (0)20 7123 4567", "+442071234567"],
    ["tel:+919810000001", "+919810000001"],
    ["sip:+919810000001@pbx.example.org;user=phone", "+919810000001"],
    ['"Asha" <+919810000001>', "+919810000001"],
    ["+91 22 4000 0000 ext. 4711", "+912240000000"],
    ["+912240000000;ext=4711", "+912240000000"],
    ["＋９１９８１００００００１", "+919810000001"],
    ["(+91) 98100 00001", "+919810000001"],
    ["+919810000001.0", "+919810000001"],
  ])("%s is the same with and without a country", (text, number) => {
    expect([read(text), read(text, "IN"), read(text, "DE")]).toEqual([number, number, number]);
  });

  it.each(["+9112345", "+999123456789", "+91981000000123456", "+"])("%s is refused", (text) => {
    expect(read(text)).toMatch(/^(?:refused|withheld)/);
  });

  it("of a range that nobody knows is taken, with a word", () => {
    expect(new PhoneReader(null).read("+91981234567")).toEqual({
      number: "+91981234567",
      note: expect.stringMatching(/in no range of numbers/),
    });
  });
});

describe("a national number", () => {
  it.each([
    ["9810000001", "IN", "+919810000001"],
    ["09810000001", "IN", "+919810000001"],
    ["022 4000 0000", "IN", "+912240000000"],
    ["919810000001", "IN", "+919810000001"],
    ["020 7123 4567", "GB", "+442071234567"],
    ["(212) 555-2368", "us", "+12125552368"],
    ["1 212 555 2368", "US", "+12125552368"],
    ["011 91 98100 00001", "US", "+919810000001"],
    ["9.810000001E+09", "IN", "+919810000001"],
    ["9810000001.00", "IN", "+919810000001"],
  ])("%s is understood in %s", (text, country, number) => {
    expect(read(text, country)).toBe(number);
  });

  it("is refused without a country, and never taken for another country's", () => {
    expect(read("9810000001")).toMatch(/^refused: has no country code.*COFI_PHONE_COUNTRY/);
    expect(read("919810000001")).toMatch(/^refused: has no country code/);
    expect(read("442071234567", "IN")).toMatch(/^refused: is no number of IN/);
  });

  it("that is two numbers, with and without the country code, is refused", () => {
    expect(read("4915112345678", "DE")).toMatch(/^refused: can be read as two numbers/);
  });
});

describe("what is no number", () => {
  it.each(["anonymous", "Restricted", "sip:anonymous@anonymous.invalid", "No Caller ID"])("%s is withheld", (text) => {
    expect(read(text, "IN")).toBe("withheld: names no number");
  });

  it.each([
    ["2104", /too short/],
    ["9.19E+11", /digits of the number are lost/],
    ["9810000001 / 2", /not one phone number/],
    ["9810000001x", /./],
    ["12ab", /not a phone number/],
  ])("%s is refused", (text, why) => {
    expect(read(text, "IN")).toMatch(why);
  });
});

it("reads its own numbers again, in every country, and says nothing of them", () => {
  const countries = fc.constantFrom(null, "IN", "US", "DE", "GB", "IT", "AR");
  fc.assert(
    fc.property(fc.integer({ min: 6_000_000_000, max: 9_999_999_999 }), countries, (digits, country) => {
      const number = read(`+91${digits}`, country);
      expect(read(number, country)).toBe(number);
    }),
  );
});

it("hides all digits but the last two", () => {
  expect(redactPhone("+91 98100-00001")).toBe("+•• •••••-•••01");
  expect(redactPhone("2104")).toBe("••••");
});

describe("a number that is read by the compiled plans", () => {
  const codes = [...new Set(getCountries().map((country) => getCountryCallingCode(country)))];
  const expected = (text: string) => {
    const number = parsePhoneNumberFromString(text, { extract: false });
    return number?.isPossible() ? { number: number.number, isKnown: number.isValid() } : null;
  };
  const found = (text: string) => {
    const number = new PhoneReader(null).read(text);
    return "problem" in number ? null : { number: number.number, isKnown: number.note === null };
  };

  it("is read as the library reads it, whatever its digits are", () => {
    const digits = fc.string({ unit: fc.constantFrom(..."0123456789"), minLength: 4, maxLength: 13 });
    fc.assert(
      fc.property(fc.constantFrom(...codes), digits, (code, rest) => {
        expect(found(`+${code}${rest}`)).toEqual(expected(`+${code}${rest}`));
      }),
      { numRuns: 5_000 },
    );
  });

  it("is read as the library reads it: the examples of all countries", () => {
    for (const country of getCountries()) {
      const [code, example] = [getCountryCallingCode(country), examples[country as keyof typeof examples]];
      // The second has the prefix of the trunk after the calling code, which belongs to no number.
      for (const text of [`+${code}${example}`, `+${code}0${example}`]) expect(found(text)).toEqual(expected(text));
      const national = new PhoneReader(country).read(example);
      if (!("problem" in national)) expect(national.number).toBe(`+${code}${example}`);
    }
  });
});
