/**
 * Reads JSON without changing it: numbers stay as they were written (19 digits, `1e400`, trailing zeros), repeated keys are all
 * kept, and keys stay in their order, none of which `JSON.parse` does. Pure.
 */

/** A value as it was written. `at`: its place among all values in reading order, from 0. */
export type JsonNode = { readonly at: number } & (
  | { readonly kind: "object"; readonly keys: readonly string[]; readonly values: readonly JsonNode[] }
  | { readonly kind: "array"; readonly values: readonly JsonNode[] }
  | { readonly kind: "string"; readonly text: string }
  /** `text` as it was written. */
  | { readonly kind: "number" | "boolean" | "null"; readonly text: string }
);
export type JsonBranch = Extract<JsonNode, { kind: "object" | "array" }>;

export interface JsonText {
  root: JsonNode;
  /** Values in it, branches included. */
  count: number;
}

/** A branch whose end has not been read. */
type Open = { kind: "object" | "array"; at: number; keys: string[]; values: JsonNode[] };

const SPACE = /[ \t\n\r]*/y;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/** Returns null for a text that is not JSON. */
export function readJson(text: string): JsonText | null {
  try {
    return new Reader(text).read();
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Without recursion, because JSON can nest deeper than the call stack allows. */
class Reader {
  readonly #text: string;
  #position = 0;
  #count = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): JsonText {
    const open: Open[] = [];
    for (;;) {
      let node = this.#value(open);
      // An empty branch was closed at once; any other value may be the last of its branch, and that of the next.
      while (node) {
        const branch = open.at(-1);
        if (!branch) {
          this.#skip(SPACE);
          if (this.#position < this.#text.length) throw new SyntaxError("There is text after the value.");
          return { root: node, count: this.#count };
        }
        branch.values.push(node);
        if (this.#take(",")) {
          if (branch.kind === "object") branch.keys.push(this.#key());
          break;
        }
        node = this.#close(open);
      }
    }
  }

  /** Reads a value; null for a branch that has content, which is now the last of `open`. */
  #value(open: Open[]): JsonNode | null {
    this.#skip(SPACE);
    const at = this.#count++;
    if (this.#take("{")) {
      if (this.#take("}")) return { at, kind: "object", keys: [], values: [] };
      open.push({ kind: "object", at, keys: [this.#key()], values: [] });
      return null;
    }
    if (this.#take("[")) {
      if (this.#take("]")) return { at, kind: "array", values: [] };
      open.push({ kind: "array", at, keys: [], values: [] });
      return null;
    }
    if (this.#text[this.#position] === '"') return { at, kind: "string", text: this.#string() };
    const text = this.#skip(SCALAR);
    if (text === "") throw new SyntaxError("A value is missing.");
    return { at, kind: text === "null" ? "null" : text === "true" || text === "false" ? "boolean" : "number", text };
  }

  #close(open: Open[]): JsonNode {
    const branch = open.pop()!;
    if (!this.#take(branch.kind === "object" ? "}" : "]")) throw new SyntaxError("A branch does not end.");
    const { at, kind, keys, values } = branch;
    return kind === "object" ? { at, kind, keys, values } : { at, kind, values };
  }

  #key(): string {
    this.#skip(SPACE);
    const key = this.#string();
    if (!this.#take(":")) throw new SyntaxError("A key has no value.");
    return key;
  }

  #string(): string {
    const start = this.#position;
    if (this.#text[start] !== '"') throw new SyntaxError("A text does not begin.");
    let end = start;
    do {
      end = this.#text.indexOf('"', end + 1);
      if (end === -1) throw new SyntaxError("A text does not end.");
    } while (this.#isEscaped(end));
    this.#position = end + 1;
    return JSON.parse(this.#text.slice(start, end + 1)) as string;
  }

  #isEscaped(quote: number): boolean {
    let before = quote;
    while (this.#text[before - 1] === "\\") before--;
    return (quote - before) % 2 === 1;
  }

  /** Takes this character, after spaces, if it is the next one. */
  #take(character: string): boolean {
    this.#skip(SPACE);
    if (this.#text[this.#position] !== character) return false;
    this.#position++;
    return true;
  }

  /** Takes what the pattern matches here; the empty text if nothing. */
  #skip(pattern: RegExp): string {
    pattern.lastIndex = this.#position;
    const [found = ""] = pattern.exec(this.#text) ?? [];
    this.#position += found.length;
    return found;
  }
}

type Step = { text: string } | { node: JsonNode; depth: number };

/** The value as JSON, indented by two spaces, with its numbers as they were written. */
export function writeJson(node: JsonNode): string {
  const parts: string[] = [];
  const left: Step[] = [{ node, depth: 0 }];
  for (let next = left.pop(); next; next = left.pop()) {
    if ("text" in next) parts.push(next.text);
    else for (const step of stepsOf(next.node, next.depth).toReversed()) left.push(step);
  }
  return parts.join("");
}

function stepsOf(node: JsonNode, depth: number): Step[] {
  if (!isBranch(node)) return [{ text: node.kind === "string" ? JSON.stringify(node.text) : node.text }];
  const [start, end] = node.kind === "object" ? ["{", "}"] : ["[", "]"];
  if (node.values.length === 0) return [{ text: start + end }];
  const line = `\n${indent(depth + 1)}`;
  return [
    { text: start },
    ...node.values.flatMap((value, index): Step[] => [
      {
        text: `${index === 0 ? "" : ","}${line}${node.kind === "object" ? `${JSON.stringify(node.keys[index])}: ` : ""}`,
      },
      { node: value, depth: depth + 1 },
    ]),
    { text: `\n${indent(depth)}${end}` },
  ];
}

const DEEPEST_INDENT = 100;

function indent(depth: number): string {
  return "  ".repeat(Math.min(depth, DEEPEST_INDENT));
}

export function isBranch(node: JsonNode): node is JsonBranch {
  return node.kind === "object" || node.kind === "array";
}
