/** Metadata, payloads and responses for those who may not see contents. */
import type { Json } from "@cofi/event-log/events";
import { parseJson } from "@cofi/event-log/json";
import { isHarmlessWord, maskedText, type Subject } from "./free-text.js";

type Hide = (content: string) => string;

/** A number is shown under a key that ends so: it counts or measures. Others are shown when they have three digits at most. */
const MEASURES =
  /(?:seconds|ms|bytes|lines?|rows?|files?|events?|runs?|attempts?|counts?|total|done|failed|calls|trades|accepted|refused|hosts|engines|slots|port|status|code|version|size|length|limit|threads|workers|from|to)$/i;
const LEAST_HIDDEN = 1_000;
/** Where an engine is asked. */
const HOST_KEYS: ReadonlySet<string> = new Set(["url", "engine"]);
const HOST_URL = /^https?:\/\/[\w.-]{1,100}(?::\d{1,5})?\/?$/i;
/** Texts of more characters are hidden as a whole. */
const LONGEST = 4_000_000;
/** Levels; what is below is hidden as one. */
const DEEPEST = 200;

/** Metadata with what its harmless keys count or measure, and with its notes as {@link maskedText} shows them. */
export function maskedMetadata(metadata: Json, subject: Subject, hide: Hide): Json {
  return mapped(metadata, { key: "", depth: 0 }, hide, (value, key) => {
    if (typeof value === "number") {
      const isShown = Math.abs(value) < LEAST_HIDDEN || (MEASURES.test(key) && Number.isFinite(value));
      return isShown ? value : hide(String(value));
    }
    if (HOST_KEYS.has(key) && HOST_URL.test(value)) return value;
    return maskedText(value, subject, hide);
  });
}

/** A payload or response with a pseudonym in the place of each value; its form is shown, and its known keys. */
export function maskedBody(text: string, hide: Hide): string {
  const body = text.length > LONGEST ? undefined : parseJson(text);
  if (body === undefined || body === null || typeof body !== "object") return JSON.stringify(hide(text));
  return JSON.stringify(mapped(body, { key: "", depth: 0 }, hide, (value) => hide(String(value))));
}

function mapped(
  value: Json,
  { key, depth }: { key: string; depth: number },
  hide: Hide,
  scalar: (value: string | number, key: string) => Json,
): Json {
  if (value === null || typeof value === "boolean") return value;
  if (typeof value !== "object") return scalar(value, key);
  if (depth >= DEEPEST) return hide("");
  if (Array.isArray(value)) return value.map((item) => mapped(item, { key, depth: depth + 1 }, hide, scalar));
  const entries = Object.entries(value).map(([name, inner]): [string, Json] => [
    isHarmlessKey(name) ? name : hide(name),
    mapped(inner, { key: name, depth: depth + 1 }, hide, scalar),
  ]);
  return Object.fromEntries(entries);
}

/** A key is a word of programs like any other; some services use names and numbers as keys. */
function isHarmlessKey(key: string): boolean {
  return key.length <= 64 && isHarmlessWord(key);
}
