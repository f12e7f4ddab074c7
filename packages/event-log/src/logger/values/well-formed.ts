/** Text that every database stores: without surrogates that stand alone. */

/** Of ES2024; every supported Node has it, and it costs next to nothing for texts of one byte a character. */
interface WellFormedText {
  isWellFormed(): boolean;
  toWellFormed(): string;
}

export function isWellFormed(text: string): boolean {
  return (text as unknown as WellFormedText).isWellFormed();
}

/** Lone surrogates replaced by U+FFFD. */
export function wellFormed(text: string): string {
  return (text as unknown as WellFormedText).toWellFormed();
}
