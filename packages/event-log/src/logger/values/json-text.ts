/** Any value that a caller hands over, as JSON text. What JSON cannot say costs only itself. */
import { plainValue, type JsonLimits } from "./plain-value.js";
import { isWellFormed } from "./well-formed.js";

/** Nobody else can say that a text is known to be JSON. */
const CHECKED = Symbol("checked");

/** A text that is JSON already: stored as it is, byte for byte, such as a body that came over the wire. */
export class JsonText {
  readonly #text: string;

  /** Unlike `instanceof`, it asks the value nothing: a proxy may throw at every question. */
  static is(value: unknown): value is JsonText {
    return typeof value === "object" && value !== null && #text in value;
  }

  /** A text with what it says; null when it is not JSON. */
  static parse(text: string): { json: unknown; body: JsonText } | null {
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      return null;
    }
    return { json, body: new JsonText(text, CHECKED) };
  }

  /** @throws TypeError when the text is not JSON */
  constructor(text: string, checked?: typeof CHECKED) {
    try {
      if (checked !== CHECKED) JSON.parse(text);
    } catch (error) {
      throw new TypeError(`JsonText takes a text that is JSON; this one is not: ${(error as Error).message}`, {
        cause: error,
      });
    }
    this.#text = text;
  }

  get text(): string {
    return this.#text;
  }

  /** Inside of another value it is what it says. */
  toJSON(): unknown {
    return JSON.parse(this.text);
  }
}

/**
 * The value as JSON. Never throws. Clean values are what `JSON.stringify` makes of them; in all others that which JSON cannot
 * say is made text, or replaced by a text in brackets, where it stands.
 */
export function toJsonText(value: unknown, limits: JsonLimits): string {
  if (JsonText.is(value)) return value.text;
  try {
    if (new CleanValue(limits).holds(value, 0)) return JSON.stringify(value) ?? "null";
  } catch {
    // A getter or a proxy that throws, or a text longer than the engine allows: taken apart below.
  }
  return JSON.stringify(plainValue(value, limits)) ?? "null";
}

/** Whether JSON says all of a value, as most values are: this costs less than a copy of them. */
class CleanValue {
  readonly #depth: number;
  #left: number;

  constructor({ depth, values }: JsonLimits) {
    this.#depth = depth;
    this.#left = values;
  }

  holds(value: unknown, depth: number): boolean {
    if (typeof value === "string") return isWellFormed(value);
    if (typeof value === "number") return Number.isFinite(value);
    if (typeof value !== "object") return typeof value === "boolean" || value === undefined;
    if (value === null) return true;
    if (depth >= this.#depth) return false;
    const prototype: unknown = Object.getPrototypeOf(value);
    if (Array.isArray(value)) {
      this.#left -= value.length;
      if (this.#left < 0 || prototype !== Array.prototype || Object.hasOwn(value, "toJSON")) return false;
      for (const item of value) if (!this.holds(item, depth + 1)) return false;
      return true;
    }
    if (prototype !== Object.prototype && prototype !== null) return false;
    for (const key of Object.keys(value)) {
      if (--this.#left < 0 || !isWellFormed(key)) return false;
      if (!this.holds((value as Record<string, unknown>)[key], depth + 1)) return false;
    }
    return true;
  }
}
