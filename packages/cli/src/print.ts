/** What is printed may hold names, values and quotes, and these terminal escapes. */

/** The text without control characters but ends of lines. */
export function printable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n]/gu, "\uFFFD");
}

/** Prints a line or lines. */
export function print(text: string): void {
  console.log(printable(text));
}
