/** Prints a line or lines: names, values and quotes in them may hold terminal escapes. */
export function print(text: string): void {
  console.log(text.replaceAll(/[^\P{Cc}\n]/gu, "\uFFFD"));
}
