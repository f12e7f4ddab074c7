/** What lid makes of evidence, with figures that were measured. */
import { expect, it } from "vitest";
import { identifyLanguage, isCertain } from "@cofi/engines/lid-decision";

const phones = (scores: Record<string, number>) => new Map(Object.entries(scores));

it("knows a voice that was learnt by its phones, without general English", () => {
  const phoneScores = phones({ en: -1.9, es: -1.6, fr: -0.14, it: -1.5, ru: -1.26 });
  const evidence = { speechS: 14.1, domainGap: -35, generalGap: undefined, phoneScores };
  expect(identifyLanguage(evidence).language).toBe("fr");
  expect(isCertain(evidence)).toBe(true);
  expect(isCertain({ ...evidence, speechS: 1 })).toBe(false);
});

it("does not take English in hiss for French, although its phones look like it", () => {
  const phoneScores = phones({ en: -1.2, es: -1.6, fr: 0.16, it: -1.5, ru: -1.04 });
  const evidence = { speechS: 13.7, domainGap: -27.7, generalGap: -24, phoneScores };
  expect(identifyLanguage(evidence)).toMatchObject({ language: "und" });
  expect(isCertain(evidence)).toBe(false);
});
