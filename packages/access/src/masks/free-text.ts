/**
 * Texts that say what happened, for those who may not see contents: errors of engines, notes of services. They may echo whatever was sent to
 * an engine, so each word is hidden unless it is known to be harmless.
 */
import { WORDS } from "./words.js";

/** What a text is about may be named in it. */
export interface Subject {
  /** Stored and shown name of the file. */
  file: readonly [stored: string, shown: string] | null;
  host: string | null;
}

/** Characters of a text that are looked at; the rest is hidden as a whole. */
const LONGEST = 65_536;

/** An address, a day with its time, digits with what stands between them, or a word. */
const PART =
  /(?<address>(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?(?![\d.]))|(?<time>\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?Z?(?![\p{L}\p{N}]))|(?<digits>\+?\(?\d+(?:[-.,() :/]{1,2}\d+)*(?![\p{L}\p{M}\p{N}_]))|(?<word>[\p{L}\p{M}\p{N}_]+)/gu;
/** Names of formats, codecs, cards and types; numbers with a unit. */
const MIXED =
  /^(?:utf_?(?:8|16)|sha_?(?:1|256|512)|md5|x86|x64|arm64|amd64|ipv[46]|http2|h2|mp[34]|m4a|3gp|g7\d\d|fp(?:8|16|32|64)|bf16|int(?:4|8|16|32|64)|float(?:16|32|64)|cuda\d{0,2}|gpu\d{0,2}|cpu\d{0,3}|llm[12]|[alhvt]\d{1,3}|0x[0-9a-f]{1,4}|e\d{3}|\d{1,7}(?:ms|s|us|b|kb|mb|gb|kib|mib|gib|hz|khz))$/i;
const UNITS =
  /^(?:ms|s|seconds?|minutes?|bytes?|[kmg]i?b|k?hz|files?|rows?|lines?|events?|times?|attempts?|tokens?|characters?|frames?|hosts?|slots?|workers?|threads?|percent)$/i;
const NUMBERED =
  /^(?:line|row|port|run|batch|event|attempt|status|code|exit|http|errno|error|version|gpu|worker|stage)$/i;

/** Codes of Cofi whose parts may stand for an order elsewhere. */
const CODES: ReadonlySet<string> = new Set([
  "NO_OPTION",
  "INCOMPLETE_CONTRACT",
  "TRADE_BEFORE_ORDER",
  "ORDER_NOT_IN_CALL",
]);

/** Digits that say nothing of anybody, and digits that do so with a unit or what they number. */
const FREE_DIGITS = 3;
const MEASURED_DIGITS = 7;

/** @param hide the pseudonym of what is hidden; words that are hidden side by side are hidden as one */
export function maskedText(text: string, { file, host }: Subject, hide: (content: string) => string): string {
  const known = new Map([file, host === null ? null : ([host, host] as const)].filter((one) => one !== null));
  const looked = text.length > LONGEST ? text.slice(0, LONGEST) : text;
  const rest = text.slice(looked.length);
  const parts = [...known.keys()].filter((name) => name.length > 2).toSorted((a, b) => b.length - a.length);
  let masked = "";
  for (const piece of parts.length === 0 ? [looked] : splitAt(looked, parts))
    masked += known.get(piece) ?? maskedWords(piece, hide);
  return rest === "" ? masked : masked + hide(rest);
}

const LETTER = /[\p{L}\p{M}\p{N}_]/u;

/** The text in pieces, the names as pieces of their own. By hand: an expression made of each name would have to be compiled for each event. */
function splitAt(text: string, names: readonly string[]): string[] {
  const pieces: string[] = [];
  let from = 0;
  for (let at = nextName(text, names, 0); at !== null; at = nextName(text, names, from)) {
    pieces.push(text.slice(from, at.index), at.name);
    from = at.index + at.name.length;
  }
  pieces.push(text.slice(from));
  return pieces;
}

/** The first place where one of the names stands as a whole. */
function nextName(text: string, names: readonly string[], from: number): { index: number; name: string } | null {
  let first: { index: number; name: string } | null = null;
  for (const name of names) {
    let index = text.indexOf(name, from);
    while (index >= 0 && !isWhole(text, index, name)) index = text.indexOf(name, index + 1);
    if (index >= 0 && (first === null || index < first.index)) first = { index, name };
  }
  return first;
}

function isWhole(text: string, index: number, name: string): boolean {
  return !LETTER.test(text[index - 1] ?? "") && !LETTER.test(text[index + name.length] ?? "");
}

function maskedWords(text: string, hide: (content: string) => string): string {
  const found = [...text.matchAll(PART)];
  let masked = "";
  /** Up to where the text is in `masked`, and where what is to be hidden begins. */
  let done = 0;
  let hiddenFrom: number | null = null;
  const show = (to: number): void => {
    masked += text.slice(done, to);
    done = to;
  };
  for (const [n, part] of found.entries()) {
    const { index } = part;
    const end = index + part[0].length;
    if (isHarmless(part, found[n - 1], found[n + 1], text)) {
      hiddenFrom = null;
      show(end);
      continue;
    }
    if (hiddenFrom === null) {
      show(index);
      hiddenFrom = index;
    }
    const next = found[n + 1];
    if (next && !isHarmless(next, part, found[n + 2], text)) continue;
    masked += hide(text.slice(hiddenFrom, end));
    done = end;
    hiddenFrom = null;
  }
  show(text.length);
  return masked;
}

function isHarmless(
  { groups = {}, index, 0: whole }: RegExpExecArray,
  before: RegExpExecArray | undefined,
  after: RegExpExecArray | undefined,
  text: string,
): boolean {
  const { address, time, digits } = groups;
  if (address !== undefined) return address.split(/[.:]/, 4).every((part) => Number(part) < 256);
  if (time !== undefined) return true;
  if (digits !== undefined) {
    const count = digits.replaceAll(/\D/g, "").length;
    if (digits.startsWith("+")) return false;
    if (count <= FREE_DIGITS) return true;
    if (count > MEASURED_DIGITS) return false;
    const end = index + whole.length;
    const isMeasured = after !== undefined && after.index - end <= 1 && UNITS.test(after[0]);
    const isNumbered =
      before !== undefined &&
      NUMBERED.test(before[0]) &&
      /^\W{1,2}$/.test(text.slice(before.index + before[0].length, index));
    return isMeasured || isNumbered;
  }
  return isHarmlessWord(whole);
}

/** Every part of `NO_SUCH_FILE`, `RuntimeError`, `caller_number`. */
export function isHarmlessWord(word: string): boolean {
  if (MIXED.test(word)) return true;
  if (!/^[A-Za-z_]+$/.test(word)) return /^[A-Za-z_]+_\d{1,3}$/.test(word) && isHarmlessWord(word.replace(/_\d+$/, ""));
  const lower = word.toLowerCase();
  if (WORDS.has(lower) || lower === "a" || lower === "i") return true;
  const parts = word.split(/_+|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/).filter(Boolean);
  return CODES.has(word) || (parts.length > 1 && parts.every((part) => part === "NO" || WORDS.has(part.toLowerCase())));
}
