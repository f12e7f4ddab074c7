/** How long files take in a stage, by host and in all, in ms by weight, where the mean weight of the files is 1: what deadlines and estimates follow from. */
import type { PoolUnit } from "./decisions.js";

/** The latest answers that count. */
const MOST_KEPT = 256;
/** Answers without which nothing is said about how long is long. */
const ENOUGH = 5;
/** How much of what is known of a host its latest answer changes. */
const SHARE_OF_LATEST = 0.2;

/** An answer after so many times what nearly all took is not waited for. */
const DEADLINE_FACTOR = 8;
/** Requests of less are cut by nobody: connections, uploads and queues take some time of their own. */
const LEAST_DEADLINE_MS = 5_000;
/** While nothing is known: five minutes, and four times the length of the audio. */
const UNKNOWN_DEADLINE_MS = 300_000;
const UNKNOWN_DEADLINE_FACTOR = 4;
/** Another host may try a file that has been in work for so many times what nearly all took. */
const OVERDUE_FACTOR = 2;
const LEAST_OVERDUE_MS = 100;
const NEARLY_ALL = 0.95;
/** What a recording that a host is given, or gets from another host, may take: five minutes, and a second for each megabyte. */
const TRANSFER_MS = 300_000;
const TRANSFER_MS_PER_BYTE = 1 / 1_000;

export class Durations {
  /** Duration by weight of the latest answers, in ms; the oldest is overwritten. */
  readonly #ratios: number[] = [];
  #at = 0;
  #noted = 0;
  readonly #byHost: (number | undefined)[] = [];
  #known: { nearlyAll: number; middle: number } | null = null;

  /** An answer: `tookMs` for a file of this weight. */
  note(host: number, weight: number, tookMs: number): void {
    const ratio = tookMs / weight;
    this.#ratios[this.#at] = ratio;
    this.#at = (this.#at + 1) % MOST_KEPT;
    this.#noted += 1;
    // Sorting for each of a hundred thousand answers would take seconds.
    if (this.#noted <= MOST_KEPT / 4 || this.#noted % 16 === 0) this.#known = null;
    const before = this.#byHost[host];
    this.#byHost[host] = before === undefined ? ratio : before + SHARE_OF_LATEST * (ratio - before);
  }

  /** Whether there are enough answers to say how long is long. */
  get isUsual(): boolean {
    return this.#ratios.length >= ENOUGH;
  }

  /** Whether this host has answered yet. */
  isKnown(host: number): boolean {
    return this.#byHost[host] !== undefined;
  }

  /** Of this host, in ms by weight; of all where it has not answered yet; null while none has. */
  ratioOf(host: number): number | null {
    return this.#byHost[host] ?? this.#figures()?.middle ?? null;
  }

  /** How long a request about a file of this weight may take, in ms. `audioSeconds`: of the file, where it is known. */
  #deadlineMs(weight: number, audioSeconds: number | null): number {
    const known = this.isUsual ? this.#figures() : null;
    if (known === null) return UNKNOWN_DEADLINE_MS + UNKNOWN_DEADLINE_FACTOR * 1000 * (audioSeconds ?? 0);
    // At least that of a file of the mean weight, 1: small files have costs that do not shrink with them.
    return Math.max(LEAST_DEADLINE_MS, DEADLINE_FACTOR * Math.max(known.nearlyAll * weight, known.middle));
  }

  /**
   * How long a host may take, in ms: for its `file`, each further attempt twice as long, since what nearly all took need not do for
   * this one; for the `transfer` of a recording; or, while others are waited for (`null`), for as long as they take.
   */
  limitMs(what: "file" | "transfer" | null, unit: PoolUnit, weight: number, attempt: number): number {
    if (what === null) return Number.POSITIVE_INFINITY;
    if (what === "transfer") return TRANSFER_MS + TRANSFER_MS_PER_BYTE * (unit.bytes ?? 0);
    return this.#deadlineMs(weight, unit.audioSeconds) * 2 ** (attempt - 1);
  }

  /** After how long in work another host may try a file of this weight, in ms; Infinity while too little is known. */
  overdueMs(weight: number): number {
    const known = this.isUsual ? this.#figures() : null;
    return known === null
      ? Number.POSITIVE_INFINITY
      : Math.max(LEAST_OVERDUE_MS, OVERDUE_FACTOR * known.nearlyAll * weight);
  }

  #figures(): { nearlyAll: number; middle: number } | null {
    if (this.#ratios.length === 0) return null;
    if (this.#known) return this.#known;
    const sorted = this.#ratios.toSorted((a, b) => a - b);
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
    return (this.#known = { nearlyAll: at(NEARLY_ALL), middle: at(0.5) });
  }
}

/**
 * How much work each unit is, as a share of the mean: by its audio or by its bytes, whichever says more, since a row of calls.csv may
 * be wrong; 1 where neither is known.
 */
export function weightsOf(units: readonly PoolUnit[]): Float64Array {
  const audio = shares(units.map(({ audioSeconds }) => audioSeconds));
  const bytes = shares(units.map((unit) => unit.bytes));
  const known = shares(
    units.map((_, unit) => {
      const most = Math.max(audio[unit]!, bytes[unit]!);
      return most > 0 ? most : null;
    }),
  );
  return known.map((share) => share || 1);
}

/** Of their mean; 0 for what is not known. */
function shares(amounts: readonly (number | null)[]): Float64Array {
  const isKnown = (amount: number | null): amount is number => amount !== null && amount > 0;
  const known = amounts.filter(isKnown);
  const mean = known.reduce((sum, amount) => sum + amount, 0) / known.length;
  return Float64Array.from(amounts, (amount) => (isKnown(amount) ? amount / mean : 0));
}
