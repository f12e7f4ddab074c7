/** What errors have in common when all that differs from file to file is folded out of their messages. */
import { headline } from "../cause-name.js";

const FOLDS: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, "<id>"],
  [/\bhttps?:\/\/[^\s"'<>)\]]+/gi, "<url>"],
  [/\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b/g, "<host>"],
  [/"[^"]{1,200}"|'[^']{1,200}'|`[^`]{1,200}`/g, "<name>"],
  [/(?<![\w.-])(?:[\w.-]*\/)+[\w.-]+/g, "<path>"],
  [/\b[\w-]{1,255}\.(?:wav|mp3|ogg|flac|opus|csv|json|txt)\b/gi, "<file>"],
  [/\b0x[0-9a-f]+\b/gi, "<n>"],
  [/\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b/gi, "<id>"],
  [/\d+(?:[.,:]\d+)*/g, "<n>"],
  [/\s+/g, " "],
  [/<n>(?:,? <n>)+/g, "<n>"],
];
const LONGEST = 300;
const LONGEST_READ = 2_000;

/**
 * The cause: what the message says, with names, numbers, ids, hosts, paths and addresses replaced by what they are. Two
 * messages have the same cause when they differ in nothing else. It is a key; people read `causeName`.
 */
export function causeOf(message: string | null, fileName: string | null): string {
  // What differs is said at the beginning; an engine may echo a megabyte of what it was sent.
  let cause = headline(message).slice(0, LONGEST_READ);
  if (fileName) cause = cause.replaceAll(fileName, "<file>");
  for (const [pattern, kind] of FOLDS) cause = cause.replace(pattern, kind);
  return cause.length > LONGEST ? `${cause.slice(0, LONGEST)}…` : cause;
}
