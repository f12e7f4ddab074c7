import type { CallSound } from "./call-anatomy.js";
import { overlapS } from "./call-segment.js";
import { differingShare, nearPrints, PRINT_HOP_S, PRINT_MIDDLE_S, PromptLibrary, type Prompt } from "./fingerprint.js";
import { PROBABILITY_HOP_S, type Span } from "../audio/voice-activity.js";

/**
 * A broker's own menu: the same voice with the same words in several recordings, down to the sample, as nobody speaks twice; and
 * behind it a key, a ring tone, hold music or a prompt that is known, before people talk. Both have to be: what is repeated and not
 * followed by a machine may be a greeting, and what is followed by one may be people who were put on hold.
 */

/** Menus lie in this much of a call, in seconds. */
const OPENING_S = 90;
const OPENING_PRINTS = Math.round(OPENING_S / PRINT_HOP_S);
const SPEECH_PROBABILITY = 0.4;
/** More speech than this that nothing explains, in seconds, is people talking: what follows proves nothing. */
const MAX_UNEXPLAINED_SPEECH_S = 2;
/** Two recordings are compared where so many of their prints agree. */
const MIN_VOTES = 3;
/** So many alignments of two recordings are compared: a menu has few, noise has many. */
const MOST_ALIGNMENTS = 20;
/** The same sound is where the bits that differ around a print, in so many prints, are fewer than this share. */
const AROUND = 32;
const MAX_ERROR = 0.33;
const MIN_STRETCH_PRINTS = Math.round(1.5 / PRINT_HOP_S);
/** A longer pause divides a stretch. */
const MAX_PAUSE_PRINTS = Math.round(1 / PRINT_HOP_S);
/** Two recordings that agree in more speech than `COPY_S` of the last `END_S` that they have in common are of the same call. */
const END_S = 10;
const COPY_S = 1;
/** Callers cut menus short: they are known piece by piece, of so many prints each, or up to twice as many. */
const PIECE_PRINTS = 130;
/** A prompt of which so much is known already is no new one. */
const KNOWN_SHARE = 0.7;

/** A recording as it is compared with others. */
interface Opening {
  sound: CallSound;
  prints: Uint32Array;
  /** For each print, whether somebody speaks. */
  voiced: Uint8Array;
}

/** Places of prints, the end excluded. */
interface Stretch {
  start: number;
  end: number;
}

/** The prompts that recordings have in common, in pieces; those of one prompt have the same label. No two of `calls` are the same file. */
export function repeatedPrompts(calls: readonly CallSound[]): Prompt[] {
  const openings = calls.map(openingOf);
  const shared = openings.map((): Stretch[] => []);
  for (const [{ a, b }, offsets] of alignments(openings)) {
    const pairs = offsets.map((offset) => ({ offset, stretches: sameSound(openings[a]!, openings[b]!, offset) }));
    if (pairs.some(({ offset, stretches }) => areCopies(openings[a]!, openings[b]!, offset, stretches))) continue;
    for (const { offset, stretches } of pairs) {
      shared[a]!.push(...stretches);
      shared[b]!.push(...stretches.map(({ start, end }) => ({ start: start - offset, end: end - offset })));
    }
  }
  const prompts: Prompt[] = [];
  let count = 0;
  for (const [place, opening] of openings.entries())
    for (const { start, end } of provenByMachines(opening, merged(shared[place]!))) {
      const prints = opening.prints.slice(start, end);
      const known = new PromptLibrary(prompts).find(prints).reduce((sum, one) => sum + one.end_s - one.start_s, 0);
      if (known > KNOWN_SHARE * prints.length * PRINT_HOP_S) continue;
      count += 1;
      prompts.push(...pieces(prints, `repeated prompt ${count}`));
    }
  return prompts;
}

function openingOf(sound: CallSound): Opening {
  const prints = sound.prints.subarray(0, OPENING_PRINTS);
  const voiced = Uint8Array.from(prints, (_, i) => {
    const probability = sound.eitherProbabilities[Math.floor((i * PRINT_HOP_S + PRINT_MIDDLE_S) / PROBABILITY_HOP_S)];
    return (probability ?? 0) > SPEECH_PROBABILITY ? 1 : 0;
  });
  return { sound, prints, voiced };
}

/** For each pair of recordings, by how many prints the second one has to be moved so that many of their prints agree. */
function alignments(openings: readonly Opening[]): [{ a: number; b: number }, number[]][] {
  const places = new Map<number, { opening: number; at: number }[]>();
  const votes = new Map<string, Map<number, number>>();
  for (const [b, { prints, voiced }] of openings.entries()) {
    for (const [at, print] of prints.entries()) {
      if (!voiced[at]) continue;
      for (const near of nearPrints(print))
        for (const { opening: a, at: there } of places.get(near) ?? []) {
          const ofPair = votes.get(`${a} ${b}`) ?? new Map<number, number>();
          votes.set(`${a} ${b}`, ofPair.set(there - at, (ofPair.get(there - at) ?? 0) + 1));
        }
    }
    for (const [at, print] of prints.entries())
      if (voiced[at]) places.set(print, [...(places.get(print) ?? []), { opening: b, at }]);
  }
  return [...votes].map(([pair, ofPair]) => {
    const [a = 0, b = 0] = pair.split(" ").map(Number);
    const best = [...ofPair].filter(([, count]) => count >= MIN_VOTES).toSorted(([, m], [, n]) => n - m);
    return [{ a, b }, best.slice(0, MOST_ALIGNMENTS).map(([offset]) => offset)];
  });
}

/** Where `a`, and `b` moved by `offset`, hold the same speech; places in `a`. */
function sameSound(a: Opening, b: Opening, offset: number): Stretch[] {
  const { from, to } = common(a, b, offset);
  const sums = new Float64Array(Math.max(0, to - from) + 1);
  for (let i = from; i < to; i++)
    sums[i - from + 1] = sums[i - from]! + differingShare(a.prints[i]!, b.prints[i - offset]!);
  const isSame = (i: number): boolean => {
    const [start, end] = [Math.max(from, i - AROUND), Math.min(to, i + AROUND + 1)];
    return (sums[end - from]! - sums[start - from]!) / (end - start) < MAX_ERROR;
  };
  const found: Stretch[] = [];
  for (let i = from; i < to; i++) {
    if (!isSame(i)) continue;
    const start = i;
    while (i < to && isSame(i)) i++;
    found.push(...spoken(a, { start, end: i }));
  }
  return found;
}

/** The speech in a stretch, without the tones, the music and the silence around it, and within it where those are long. */
function spoken({ voiced }: Opening, { start, end }: Stretch): Stretch[] {
  const parts: Stretch[] = [];
  for (let i = start; i < end; i++) {
    if (!voiced[i]) continue;
    const previous = parts.at(-1);
    if (previous && i - previous.end < MAX_PAUSE_PRINTS) previous.end = i + 1;
    else parts.push({ start: i, end: i + 1 });
  }
  return parts.filter((part) => part.end - part.start >= MIN_STRETCH_PRINTS);
}

/** The prints of `a` that have one of `b` beside them. */
function common(a: Opening, b: Opening, offset: number): { from: number; to: number } {
  return { from: Math.max(0, offset), to: Math.min(a.prints.length, b.prints.length + offset) };
}

function voicedIn({ voiced }: Pick<Opening, "voiced">, { start, end }: Stretch): number {
  return voiced.subarray(start, end).reduce((sum, one) => sum + one, 0);
}

/** Whether both are of the same call, as where a call is recorded at two extensions: then they agree to their end. */
function areCopies(a: Opening, b: Opening, offset: number, stretches: readonly Stretch[]): boolean {
  const { to } = common(a, b, offset);
  const end = to - Math.round(END_S / PRINT_HOP_S);
  const agreed = stretches.map((one) => voicedIn(a, { start: Math.max(end, one.start), end: Math.max(end, one.end) }));
  return agreed.reduce((sum, prints) => sum + prints, 0) * PRINT_HOP_S > COPY_S;
}

function merged(stretches: readonly Stretch[]): Stretch[] {
  const result: Stretch[] = [];
  for (const stretch of stretches.toSorted((a, b) => a.start - b.start)) {
    const previous = result.at(-1);
    if (previous && stretch.start <= previous.end) previous.end = Math.max(previous.end, stretch.end);
    else result.push({ ...stretch });
  }
  return result;
}

/** Those that a machine's sound follows, with no people talking before it. */
function provenByMachines({ sound, voiced }: Opening, stretches: readonly Stretch[]): Stretch[] {
  const sounds: (Span & { stretch: Stretch | null })[] = [
    ...sound.machines.map(({ start_s, end_s }) => ({ start_s, end_s, stretch: null })),
    ...stretches.map((stretch) => ({ ...spanOf(stretch), stretch })),
  ];
  const proven: Stretch[] = [];
  let pending: Stretch[] = [];
  let reached = 0;
  for (const { start_s, end_s, stretch } of sounds.toSorted((a, b) => a.start_s - b.start_s)) {
    const [from, to] = [reached, start_s].map((at) => Math.max(0, Math.round((at - PRINT_MIDDLE_S) / PRINT_HOP_S)));
    const unexplained = voicedIn({ voiced }, { start: from!, end: Math.max(from!, to!) }) * PRINT_HOP_S;
    if (unexplained > MAX_UNEXPLAINED_SPEECH_S) break;
    reached = Math.max(reached, end_s);
    if (stretch) pending.push(stretch);
    else {
      proven.push(...pending);
      pending = [];
    }
  }
  const known = sound.machines.filter(({ type }) => type === "prompt");
  return proven.filter((stretch) => {
    const span = spanOf(stretch);
    return known.reduce((sum, one) => sum + overlapS(one, span), 0) < KNOWN_SHARE * (span.end_s - span.start_s);
  });
}

function spanOf({ start, end }: Stretch): Span {
  return { start_s: start * PRINT_HOP_S + PRINT_MIDDLE_S, end_s: end * PRINT_HOP_S + PRINT_MIDDLE_S };
}

function pieces(prints: Uint32Array, label: string): Prompt[] {
  const count = Math.max(1, Math.floor(prints.length / PIECE_PRINTS));
  const place = (n: number): number => Math.round((n * prints.length) / count);
  return Array.from({ length: count }, (_, n) => ({ label, prints: prints.slice(place(n), place(n + 1)) }));
}
