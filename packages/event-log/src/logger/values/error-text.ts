/** Anything that was thrown, in words: never empty, never "[object Object]", and never a reason to throw again. */
import { inspect } from "node:util";

/** Of the errors in one, as an AggregateError has them, so many are named. */
const NAMED_ERRORS = 5;
/** What JavaScript makes of an object that is used as a text. */
const NOTHING = /^\s*\[object \w+\]\s*$/;
/** Causes of causes, and errors in errors. */
const MAX_DEPTH = 8;
const MAX_OBJECT_CHARACTERS = 2_000;

/** What went wrong: message, code, and what it rests on. */
export function errorText(thrown: unknown): string {
  try {
    return describe(thrown, new Set(), 0);
  } catch {
    return "an error that cannot be read";
  }
}

function describe(thrown: unknown, seen: Set<unknown>, depth: number): string {
  if (typeof thrown === "string") return scalar(thrown) ?? `an error without a message (${emptyText(thrown)})`;
  if (thrown === null || thrown === undefined) return `an error without a message (${String(thrown)})`;
  // Whatever it is, its own text is wanted here.
  // oxlint-disable-next-line typescript/no-base-to-string
  if (typeof thrown === "function") return `[function ${thrown.name || "without a name"}]`;
  if (typeof thrown === "symbol") return String(thrown);
  if (typeof thrown !== "object") return `${thrown as number | bigint | boolean}`;
  seen.add(thrown);
  const errors = read(thrown, "errors");
  const hasErrors = Array.isArray(errors) && errors.length > 0;
  const message = own(thrown, seen, depth) ?? (hasErrors ? null : objectText(thrown));
  const parts = message === null ? [] : [message];
  if (hasErrors) {
    const named = errors.slice(0, NAMED_ERRORS).flatMap((error: unknown) => within(error, seen, depth));
    const rest = errors.length > NAMED_ERRORS ? [`and ${errors.length - NAMED_ERRORS} more`] : [];
    const text = [...new Set(named), ...rest].join("; ");
    if (text !== "" && !message?.includes(text)) parts.push(text);
  }
  const cause = read(thrown, "cause");
  if (cause !== undefined && cause !== null)
    for (const text of within(cause, seen, depth)) if (!parts.some((part) => part.includes(text))) parts.push(text);
  return parts.join(": ");
}

/** Of an error in an error; nothing when it has been said, or is too deep. */
function within(error: unknown, seen: Set<unknown>, depth: number): string[] {
  if (seen.has(error) || depth >= MAX_DEPTH) return [];
  return [describe(error, seen, depth + 1)];
}

/** What an object says itself, without its causes; null when it says nothing in a way that is known. */
function own(thrown: object, seen: Set<unknown>, depth: number): string | null {
  const message = messageIn(thrown, seen, depth);
  // The numbers of the DOM's errors are history: their names are the codes.
  const code = scalar(read(thrown, thrown instanceof DOMException ? "name" : "code"));
  if (message !== null) return code === null || message.includes(code) ? message : `${message} (${code})`;
  const where = [read(thrown, "syscall"), placeOf(thrown)].map(scalar).filter((part) => part !== null);
  const facts = [code ?? scalar(read(thrown, "errno")), where.join(" ") || null, statusOf(thrown)];
  const said = facts.filter((fact) => fact !== null).join(" ");
  if (said !== "") return said;
  return thrown instanceof Error ? `${nameOf(thrown) ?? "Error"} without a message` : null;
}

/** The fields in which objects that are thrown say what happened: `message` first, then what APIs and services use. */
const MESSAGE_FIELDS = ["message", "error", "error_description", "detail", "reason", "title", "msg"] as const;

function messageIn(thrown: object, seen: Set<unknown>, depth: number): string | null {
  for (const field of MESSAGE_FIELDS) {
    const value = read(thrown, field);
    const text = scalar(value);
    if (text !== null) return text;
    if (typeof value === "object" && value !== null) for (const inner of within(value, seen, depth)) return inner;
  }
  return null;
}

function placeOf(thrown: object): string | null {
  const address = scalar(read(thrown, "address")) ?? scalar(read(thrown, "hostname")) ?? scalar(read(thrown, "path"));
  const port = scalar(read(thrown, "port"));
  return address !== null && port !== null ? `${address}:${port}` : address;
}

/** As an answer over HTTP has it. */
function statusOf(thrown: object): string | null {
  const status = scalar(read(thrown, "status")) ?? scalar(read(thrown, "statusCode"));
  const text = scalar(read(thrown, "statusText"));
  return status === null && text === null ? null : [status, text].filter((part) => part !== null).join(" ");
}

/** An object that says nothing in a way that is known: its fields. */
function objectText(thrown: object): string {
  const text = textOf(thrown);
  if (text !== null) return text;
  const fields = inspect(thrown, {
    depth: 3,
    breakLength: Infinity,
    maxArrayLength: 10,
    maxStringLength: 500,
    getters: false,
  });
  if (Object.keys(thrown).length > 0) return fields.slice(0, MAX_OBJECT_CHARACTERS);
  return `an error without a message (${nameOf(thrown) ?? "an empty object"})`;
}

/** What its own `toString` says. */
function textOf(thrown: object): string | null {
  try {
    if (Array.isArray(thrown)) return null;
    // Whatever it is, its own text is wanted here.
    // oxlint-disable-next-line typescript/no-base-to-string
    return scalar(String(thrown));
  } catch {
    // It has none, or one that throws.
    return null;
  }
}

function nameOf(thrown: object): string | null {
  const name = scalar(read(thrown, "name"));
  if (name !== null && name !== "Error") return name;
  const constructor = read(thrown, "constructor");
  const of = typeof constructor === "function" ? constructor.name : "";
  return of === "" || of === "Object" || of === "Error" ? name : of;
}

/** A field, whatever stands behind it; undefined when it cannot be read. */
function read(thrown: object, field: string): unknown {
  try {
    return (thrown as Record<string, unknown>)[field];
  } catch {
    return undefined;
  }
}

/** A text or number that says something; null for an object, and for a text that an object was turned into carelessly. */
function scalar(value: unknown): string | null {
  if (typeof value === "string") return value.trim() === "" || NOTHING.test(value) ? null : value;
  return typeof value === "number" || typeof value === "bigint" || typeof value === "boolean" ? String(value) : null;
}

function emptyText(text: string): string {
  return text.trim() === "" ? "an empty text" : "an object turned into a text";
}
