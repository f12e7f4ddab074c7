/** A copy of any value that JSON can say whole: the slow way, for values in which something is wrong. */
import { createHash } from "node:crypto";
import { types } from "node:util";
import { errorText } from "./error-text.js";
import { wellFormed } from "./well-formed.js";

export interface JsonLimits {
  /** Levels of arrays and objects; deeper ones are replaced. */
  depth: number;
  /** Values in all arrays and objects together; what comes after them is replaced. */
  values: number;
}

/** Characters in all texts of a value: with every one of them escaped, the engine still has room for it in one string. */
const MAX_CHARACTERS = 64 * 1024 * 1024;
/** How much of an array that is too long is kept. */
const KEPT_ITEMS = 100;

type Plain = string | number | boolean | null | undefined | Plain[] | { [key: string]: Plain };

/** Never throws, and never goes deeper or further than the limits, whatever the value is. */
export function plainValue(value: unknown, limits: JsonLimits): Plain {
  return new Copy(limits).of(value);
}

class Copy {
  readonly #limits: JsonLimits;
  readonly #ancestors = new Set<object>();
  #valuesLeft: number;
  #charactersLeft = MAX_CHARACTERS;

  constructor(limits: JsonLimits) {
    this.#limits = limits;
    this.#valuesLeft = limits.values;
  }

  of(value: unknown): Plain {
    switch (typeof value) {
      case "string":
        return this.#text(value);
      case "number":
        return Number.isFinite(value) ? value : String(value);
      case "bigint":
        return this.#text(String(value));
      case "symbol":
        return this.#text(`[${String(value)}]`);
      case "object":
      case "function":
        return value === null ? null : this.#object(value);
      default:
        return value as boolean | undefined;
    }
  }

  #text(text: string): string {
    if (text.length > this.#charactersLeft) return `[a text of ${text.length} characters, left out]`;
    this.#charactersLeft -= text.length;
    return wellFormed(text);
  }

  /** `isSaid`: another object said by its `toJSON` that this one stands for it. */
  #object(value: object, isSaid = false): Plain {
    if (this.#ancestors.has(value)) return "[circular]";
    this.#ancestors.add(value);
    try {
      return this.#converted(value, isSaid);
    } catch (error) {
      return this.#text(`[cannot be read: ${errorText(error)}]`);
    } finally {
      this.#ancestors.delete(value);
    }
  }

  #converted(value: object, isSaid: boolean): Plain {
    const special = this.#special(value);
    if (special !== undefined) return special.plain;
    // What an object says of itself counts, as in JSON.stringify, which asks once.
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON === "function" && !isSaid) {
      const said: unknown = Reflect.apply(toJSON, value, [""]);
      if (said !== value) return isObject(said) ? this.#object(said, true) : this.of(said);
    }
    if (typeof value === "function") return this.#text(`[function ${value.name || "without a name"}]`);
    if (this.#ancestors.size > this.#limits.depth) return `[nested deeper than ${this.#limits.depth} levels]`;
    if (Array.isArray(value)) return this.#items(value.length, (index) => value[index] as unknown);
    if (value instanceof Set) return this.#items(value.size, next(value.values()));
    if (value instanceof Map) return this.#map(value);
    const keys = Object.keys(value);
    if (keys.length === 0 && !isPlainObject(value)) return this.#text(inOneWord(value));
    return this.#fields(keys, (key) => (value as Record<string, unknown>)[key]);
  }

  /** What stands for values that have a meaning other than their fields; undefined for all others. */
  #special(value: object): { plain: Plain } | undefined {
    if (types.isDate(value)) {
      const time = value.getTime();
      return { plain: Number.isNaN(time) ? "[invalid date]" : new Date(time).toISOString() };
    }
    if (types.isNativeError(value) || value instanceof Error) return { plain: this.#text(errorText(value)) };
    if (types.isRegExp(value) || value instanceof URL || value instanceof URLSearchParams)
      return { plain: this.#text(String(value)) };
    if (types.isBoxedPrimitive(value)) return { plain: this.of(value.valueOf()) };
    if (types.isAnyArrayBuffer(value)) return { plain: bytes(new Uint8Array(value)) };
    if (!ArrayBuffer.isView(value)) return undefined;
    if (types.isTypedArray(value) && !(value instanceof Uint8Array))
      return { plain: this.#items(value.length, (index) => value[index]) };
    return { plain: bytes(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)) };
  }

  #items(length: number, read: (index: number) => unknown): Plain[] {
    const isTooLong = length > this.#valuesLeft;
    const kept = isTooLong ? Math.min(KEPT_ITEMS, Math.max(0, this.#valuesLeft)) : length;
    if (!isTooLong) this.#valuesLeft -= length;
    const plain: Plain[] = [];
    for (let index = 0; index < kept; index++) plain.push(this.#field(read, index) ?? null);
    if (isTooLong) plain.push(`[${length - kept} more of ${length} items, left out]`);
    return plain;
  }

  #map(map: Map<unknown, unknown>): Plain {
    const keys = [...map.keys()];
    if (!keys.every((key) => typeof key === "string")) return this.#items(map.size, next(map.entries()));
    return this.#fields(keys, (key) => map.get(key));
  }

  #fields(keys: readonly string[], read: (key: string) => unknown): Plain {
    // Without a prototype `__proto__` is a name like any other.
    const plain = Object.create(null) as { [key: string]: Plain };
    for (const [index, key] of keys.entries()) {
      if (--this.#valuesLeft < 0) {
        plain["…"] = `[${keys.length - index} more of ${keys.length} fields, left out]`;
        break;
      }
      let name = this.#text(key);
      while (Object.hasOwn(plain, name)) name += "'";
      plain[name] = this.#field(read, key);
    }
    return plain;
  }

  #field<Key>(read: (key: Key) => unknown, key: Key): Plain {
    try {
      return this.of(read(key));
    } catch (error) {
      return this.#text(`[cannot be read: ${errorText(error)}]`);
    }
  }
}

function next(items: Iterator<unknown>): () => unknown {
  return () => items.next().value as unknown;
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function inOneWord(value: object): string {
  // Whatever it is, its own text is wanted here.
  // oxlint-disable-next-line typescript/no-base-to-string
  const text = String(value);
  if (text !== "" && !text.startsWith("[object ")) return text;
  return `[${value.constructor?.name || "an object without fields"}]`;
}

function bytes(content: Uint8Array): string {
  return `[${content.length} bytes, SHA-256 ${createHash("sha256").update(content).digest("hex")}]`;
}
