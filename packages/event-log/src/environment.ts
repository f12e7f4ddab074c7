/** Reads settings from environment variables. Every value is checked, and every variable that is wrong is named. */

/** A setting is missing or wrong. The message names the variable, what was found and what is expected. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
}

/** A variable that is empty or blank counts as not set. Problems are collected until {@link check}. */
export class Environment {
  readonly #variables: NodeJS.ProcessEnv;
  readonly #problems: string[] = [];

  constructor(variables: NodeJS.ProcessEnv) {
    this.#variables = variables;
  }

  /** The trimmed text of a variable; undefined when it is not set. */
  text(name: string): string | undefined {
    return this.#variables[name]?.trim() || undefined;
  }

  wholeNumber(name: string, fallback: number, least: number, most: number): number {
    const text = this.text(name);
    if (text === undefined) return fallback;
    const value = wholeNumber(text, least, most);
    if (value === null) this.wrong(name, `a whole number from ${least} to ${most}`);
    return value ?? fallback;
  }

  choice<T extends string>(name: string, fallback: T, choices: readonly T[]): T {
    const text = this.text(name);
    if (text === undefined) return fallback;
    const found = choices.find((choice) => choice === text);
    if (found === undefined) this.wrong(name, choices.join(" or "));
    return found ?? fallback;
  }

  /** `1` or `true` is yes; not set is no. */
  flag(name: string): boolean {
    return ["1", "true"].includes(this.choice(name, "0", ["1", "0", "true", "false"]));
  }

  /** Entries between commas, in lower case. */
  list(name: string): string[] {
    const entries = (this.text(name) ?? "").split(",");
    return entries.map((entry) => entry.trim().toLowerCase()).filter(Boolean);
  }

  /** Reports a value that is not usable. `found` replaces the value in the message where it is a secret. */
  wrong(name: string, expected: string, found = JSON.stringify(this.#variables[name])): void {
    this.#problems.push(`${name} is ${found}; expected ${expected}.`);
  }

  /** @throws SettingsError with a line for each variable that is wrong */
  check(): void {
    if (this.#problems.length > 0) throw new SettingsError(this.#problems.join("\n"));
  }
}

/** null when the text is not a whole number from `least` to `most`. */
export function wholeNumber(text: string, least: number, most: number): number | null {
  const value = /^\d{1,15}$/.test(text.trim()) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : null;
}
