/** Phone numbers in E.164 (ITU-T E.164: a country code and up to 15 digits in all). */

/**
 * `+` and the digits: spaces, dashes, dots, brackets and a leading `00` go, so that two spellings of a number compare equal.
 * @returns null when the text is no international number (a national `0…`, an extension, letters)
 */
export function normalisePhone(text: string): string | null {
  const compact = text.replaceAll(/[\s().\-\u2010-\u2015]/g, "");
  const digits = /^(?:\+|00)?([1-9]\d{6,14})$/.exec(compact)?.[1];
  return digits ? `+${digits}` : null;
}

/** For logs and messages: every digit but the last two is hidden. */
export function redactPhone(text: string): string {
  const digits = text.replaceAll(/\D/g, "").length;
  let seen = 0;
  return text.replaceAll(/\d/g, (digit) => (++seen > digits - 2 && digits > 4 ? digit : "•"));
}
