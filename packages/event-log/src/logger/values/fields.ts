/** The columns of an event, from what a caller hands over: a value that does not fit costs itself, never the event. */
import { createHash } from "node:crypto";
import type { Cut } from "../../events.js";
import { errorText } from "./error-text.js";
import { JsonText, toJsonText } from "./json-text.js";
import { plainValue, type JsonLimits } from "./plain-value.js";
import { wellFormed } from "./well-formed.js";

/** TEXT holds 64 KB of UTF-8. */
const MAX_MESSAGE_CHARACTERS = 16_000;
const MAX_FILE_NAME_CHARACTERS = 255;
export const MAX_HOST_CHARACTERS = 50;
export const MAX_STAGE_CHARACTERS = 50;

/** Far more than any request has, and little enough for every reader of JSON. */
const MAX_BODY_DEPTH = 200;
/** A body with more values than this, or than half the bytes of its limit, does not fit. */
const MIN_BODY_VALUES = 1_000_000;
/** Every list of events holds their metadata. */
const MAX_METADATA_BYTES = 64 * 1024;
/** MariaDB reads JSON of at most 32 levels, MySQL of 100. */
const METADATA_LIMITS: JsonLimits = { depth: 30, values: MAX_METADATA_BYTES };
/** Of a field of metadata that is cut. */
const CUT_FIELD_CHARACTERS = 1_000;

export interface Body {
  text: string | null;
  /** JSON of a `Cut`. */
  cut: string | null;
}

/** A payload or response of at most `maxBytes` of UTF-8; a longer one is cut, with its size and hash. */
export function bodyOf(value: unknown, maxBytes: number): Body {
  if (value === undefined || value === null) return { text: null, cut: null };
  const limits = { depth: MAX_BODY_DEPTH, values: Math.max(MIN_BODY_VALUES, maxBytes / 2) };
  const text = JsonText.is(value) ? wellFormed(value.text) : toJsonText(value, limits);
  // UTF-8 has at most three bytes per UTF-16 unit: short texts need no count.
  if (text.length * 3 <= maxBytes) return { text, cut: null };
  const bytes = Buffer.from(text, "utf8");
  if (bytes.length <= maxBytes) return { text, cut: null };
  return { text: cutUtf8(bytes, maxBytes), cut: JSON.stringify(cutOf(bytes)) };
}

/**
 * Metadata as JSON. Where it is too large, long fields are cut to their first characters and `metadataCut` says the size and
 * the hash of the whole, so that it stays JSON.
 * @param message becomes the field of this name, of an `info`
 */
export function metadataOf(value: unknown, message?: unknown): string | null {
  if (message === undefined) return value === undefined || value === null ? null : limited(value);
  const text = typeof message === "string" ? message : messageOf(message);
  const rest = value === undefined || value === null ? {} : plainValue(value, METADATA_LIMITS);
  if (typeof rest !== "object" || rest === null || Array.isArray(rest))
    return limited({ metadata: rest, message: text });
  return limited({ ...rest, message: text });
}

function limited(value: unknown): string {
  const text = toJsonText(JsonText.is(value) ? value.toJSON() : value, METADATA_LIMITS);
  if (text.length * 3 <= MAX_METADATA_BYTES) return text;
  const bytes = Buffer.from(text, "utf8");
  if (bytes.length <= MAX_METADATA_BYTES) return text;
  const metadataCut = cutOf(bytes);
  const whole: unknown = JSON.parse(text);
  if (typeof whole !== "object" || whole === null || Array.isArray(whole))
    return JSON.stringify({ metadata: beginning(text), metadataCut });
  const parts = Object.entries(whole).map(([name, field]: [string, unknown]) => {
    const json = JSON.stringify(field);
    const part = json.length <= CUT_FIELD_CHARACTERS ? field : beginning(typeof field === "string" ? field : json);
    return { name, part, size: Buffer.byteLength(JSON.stringify([name, part])) };
  });
  let left = MAX_METADATA_BYTES - JSON.stringify({ metadataCut }).length;
  // What the event says comes first, then whatever takes the least room.
  const inOrder = parts.toSorted((a, b) => isMessage(b) - isMessage(a) || a.size - b.size);
  const kept = inOrder.filter(({ size }) => (left -= size) >= 0);
  return JSON.stringify({ ...Object.fromEntries(kept.map(({ name, part }) => [name, part])), metadataCut });
}

function isMessage({ name }: { name: string }): number {
  return Number(name === "message");
}

function beginning(text: string): string {
  return wellFormed(`${text.slice(0, CUT_FIELD_CHARACTERS)}…`);
}

function cutOf(bytes: Buffer): Cut {
  return { bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}

function cutUtf8(bytes: Buffer, limit: number): string {
  let end = limit;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end).toString("utf8");
}

/** An error, or a message given as such; null for none. */
export function messageOf(error: unknown): string {
  return shortText(errorText(error), MAX_MESSAGE_CHARACTERS);
}

/** A name; null for none. */
export function textOf(value: unknown, characters: number): string | null {
  if (value === null || value === undefined) return null;
  return shortText(typeof value === "string" ? value : errorText(value), characters);
}

/** A name that tells files apart: of two long ones that begin alike, too. */
export function fileNameOf(value: unknown): string | null {
  const text = textOf(value, Number.POSITIVE_INFINITY);
  if (text === null || text.length <= MAX_FILE_NAME_CHARACTERS) return text;
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 16);
  return `${shortText(text, MAX_FILE_NAME_CHARACTERS - hash.length - 1)}…${hash}`;
}

/** Cuts; replaces lone surrogates and U+0000, which not every database stores. */
function shortText(text: string, characters: number): string {
  const short = text.length > characters ? text.slice(0, characters) : text;
  return wellFormed(short.includes("\0") ? short.replaceAll("\0", "\ufffd") : short);
}

/** A count, a number of an attempt or milliseconds, as the integer columns hold it; null for what is none. */
export function countOf(value: unknown): number | null {
  const number = typeof value === "bigint" ? Number(value) : value;
  if (typeof number !== "number" || !(number >= 0) || number === Infinity) return null;
  return Math.min(2 ** 31 - 1, Math.round(number));
}
