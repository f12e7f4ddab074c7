/** A pattern for any of these phrases, over lower-case words with one space between them. */
export function anyOf(alternatives: string): RegExp {
  return new RegExp(`(?<![a-z0-9])(?:${alternatives})(?![a-z0-9])`);
}
