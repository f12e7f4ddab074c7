/** Finds a text in a JSON value, and divides long lists into ranges. Pure; the JSON tree draws the result. */
import { isBranch, type JsonNode } from "../shared/json-text.js";

/** Children drawn together; more are divided into ranges of this many, which open on their own. */
export const CHUNK = 100;
const MOST_RANGES = 1_000;
/** Matches counted at most, because a larger exact number does not help anyone. */
export const MOST_MATCHES = 5_000;

/** A place in the value: the index of the child on each level, as `/0/12`; the value itself is the empty string. */
export type Place = string;

export interface Child {
  key: string;
  value: JsonNode;
  place: Place;
}

export function childCount(value: JsonNode): number {
  return isBranch(value) ? value.values.length : 0;
}

/** The children from `start` to before `end`, in the order in which they are written. */
export function children(value: JsonNode, place: Place, start = 0, end = Infinity): Child[] {
  if (!isBranch(value)) return [];
  const keys = value.kind === "object" ? value.keys : null;
  return value.values.slice(start, end).map((child, index) => ({
    key: keys?.[start + index] ?? String(start + index),
    value: child,
    place: `${place}/${start + index}`,
  }));
}

/** Whether `place` is `branch` or lies within it, among the children from `start` to before `end`. */
export function leadsTo(branch: Place, place: Place | null, start = 0, end = Infinity): boolean {
  if (place === null || !place.startsWith(`${branch}/`)) return false;
  const index = Number(place.slice(branch.length + 1).split("/", 1)[0]);
  return index >= start && index < end;
}

/** The size of the ranges into which so many children are divided: 100, 10,000, …, so that no level has over 1,000. */
export function rangeSize(count: number): number {
  let size = CHUNK;
  while (count / size > MOST_RANGES) size *= CHUNK;
  return size;
}

/** Places whose key or value holds the text, whatever its case, in reading order; at most {@link MOST_MATCHES}. */
export function findPlaces(root: JsonNode, query: string): Place[] {
  const wanted = query.toLowerCase();
  if (wanted === "") return [];
  const found: Place[] = [];
  // An explicit stack, because JSON can nest deeper than the call stack allows.
  const open: { child: Child; keyCounts: boolean }[] = [
    { child: { key: "", value: root, place: "" }, keyCounts: false },
  ];
  for (let next = open.pop(); next && found.length < MOST_MATCHES; next = open.pop()) {
    const { key, value, place } = next.child;
    const hasKey = next.keyCounts && key.toLowerCase().includes(wanted);
    if (hasKey || (!isBranch(value) && value.text.toLowerCase().includes(wanted))) found.push(place);
    const keyCounts = value.kind === "object";
    for (const child of children(value, place).toReversed()) open.push({ child, keyCounts });
  }
  return found;
}

/** The text cut into parts, each a match or what lies between; joined they give the text. */
export function splitMatches(text: string, query: string): { text: string; isMatch: boolean }[] {
  const wanted = query.toLowerCase();
  const lower = text.toLowerCase();
  // Some letters change their length in lower case, which would shift the positions.
  if (wanted === "" || lower.length !== text.length) return [{ text, isMatch: false }];
  const parts: { text: string; isMatch: boolean }[] = [];
  let from = 0;
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, from)) {
    if (at > from) parts.push({ text: text.slice(from, at), isMatch: false });
    parts.push({ text: text.slice(at, at + wanted.length), isMatch: true });
    from = at + wanted.length;
  }
  if (from < text.length) parts.push({ text: text.slice(from), isMatch: false });
  return parts;
}
