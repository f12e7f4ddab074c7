/**
 * Which spoken order each executed one rests on. An order that was spoken once proves what was spoken, once: its quantity is used
 * up by the executed orders that fit it best, and the assignment is the best one over all orders and calls that have to do with
 * each other. Nothing here depends on the order of rows or calls.
 */
import { assign, type Claim } from "./assignment.js";
import type { ExecutedOrder } from "./executed-order.js";
import { candidatesFor, type Claimant, type Found } from "./spoken-orders.js";
import type { VerdictCall } from "./verdict-call.js";
import { executedShares, spokenShares } from "./verdict-comparison.js";
import type { VerdictConfig } from "./verdict-config.js";

/** What an executed order rests on. */
export interface Allotted {
  found: Found;
  /** What was spoken, in shares; null when it is not known, and for a proposal. */
  spokenShares: number | null;
  /** Of that, what other executed orders have used up, and the ids of their trades. */
  usedShares: number;
  usedBy: readonly string[];
  /** Spoken orders of the same contract in this call that make up the rest. */
  together: readonly Found[];
  /** Those of other calls would make up the rest: whether they are other orders, a person has to say. */
  restElsewhere: VerdictCall | null;
}

/** Less than any difference in fit, more than all that rank of a call can make. */
const LOAD_COST = 0.5;

interface Edge {
  claimant: number;
  slot: number;
  found: Found;
  weight: number;
}

/** A spoken order. */
interface Slot {
  /** null when it is not known how many, and for a proposal: nothing is used up. */
  shares: number | null;
}

/** The orders that have to do with each other, because a spoken order may be either, and what each of them rests on. */
export interface Share {
  /** null when no call speaks of it. */
  allotted: Allotted | null;
  others: readonly Claimant[];
}

/** What each of these orders rests on. */
export function allot(claimants: readonly Claimant[], config: VerdictConfig): Map<Claimant, Share> {
  const sorted = claimants.toSorted((a, b) => compareOrders(a.order, b.order));
  const shares = new Map<Claimant, Share>();
  for (const group of connected(sorted.map((claimant) => ({ claimant, found: candidatesFor(claimant, config) })))) {
    const allotted = distribute(group);
    const members = group.map(({ claimant }) => claimant);
    for (const claimant of members)
      shares.set(claimant, {
        allotted: allotted.get(claimant) ?? null,
        others: members.filter((other) => other !== claimant),
      });
  }
  return shares;
}

interface Candidate {
  claimant: Claimant;
  found: readonly { found: Found; weight: number }[];
}

/** Groups of those that may rest on the same spoken order, directly or through others; in the order given. */
function connected(candidates: readonly Candidate[]): Candidate[][] {
  const groups = new Map<Candidate, Candidate[]>(candidates.map((one) => [one, [one]]));
  const firstOf = new Map<string, Candidate>();
  for (const candidate of candidates)
    for (const { found } of candidate.found) {
      const first = firstOf.get(slotId(found));
      if (!first) firstOf.set(slotId(found), candidate);
      else if (groups.get(first) !== groups.get(candidate)) {
        const [one, other] = [groups.get(first)!, groups.get(candidate)!];
        one.push(...other);
        for (const member of other) groups.set(member, one);
      }
    }
  const place = new Map(candidates.map((one, index) => [one, index]));
  return [...new Set(groups.values())].map((group) => group.toSorted((a, b) => place.get(a)! - place.get(b)!));
}

function slotId({ call, position }: Found): string {
  return JSON.stringify([call.callId, position]);
}

function distribute(group: readonly Candidate[]): Map<Claimant, Allotted> {
  const places = new Map<string, number>();
  const slots: Slot[] = [];
  const edges = group.flatMap(({ claimant, found: all }, index) =>
    all.map(({ found, weight }): Edge => {
      const id = slotId(found);
      const slot = places.get(id) ?? slots.length;
      if (slot === slots.length) {
        const { spoken } = found;
        slots.push({ shares: spoken.action === "PROPOSAL" ? null : spokenShares(claimant.order, spoken) });
        places.set(id, slot);
      }
      return { claimant: index, slot, found, weight };
    }),
  );
  const claimants = group.map(({ claimant }) => claimant);
  return new Distribution(claimants, slots, edges).allotted();
}

class Distribution {
  /** What is left of each slot. */
  readonly #left: (number | null)[];
  readonly #usedBy: { order: ExecutedOrder; shares: number }[][];
  readonly #chosen = new Map<number, Edge>();
  readonly #bySlot: readonly (readonly Edge[])[];
  readonly #byClaimant: readonly (readonly Edge[])[];

  constructor(
    private readonly claimants: readonly Claimant[],
    private readonly slots: readonly Slot[],
    private readonly edges: readonly Edge[],
  ) {
    this.#left = slots.map(({ shares }) => shares);
    this.#usedBy = slots.map(() => []);
    this.#bySlot = slots.map((_, slot) => edges.filter((edge) => edge.slot === slot));
    this.#byClaimant = claimants.map((_, claimant) => edges.filter((edge) => edge.claimant === claimant));
  }

  allotted(): Map<Claimant, Allotted> {
    const claims: Claim[] = this.edges.map(({ claimant, slot, weight }) => ({ claimant, place: slot, weight }));
    const places = assign(
      claims,
      this.slots.map((_, slot) => this.#mostOrders(slot)),
      LOAD_COST,
    );
    const first = this.edges.filter(({ claimant, slot }) => places.get(claimant) === slot);
    // Those that fit best take their part first; of equals, the earlier order.
    for (const edge of first.toSorted((a, b) => b.weight - a.weight || a.claimant - b.claimant))
      if (this.#fits(edge)) this.#take(edge);
    for (const claimant of this.claimants.keys()) {
      if (this.#chosen.has(claimant)) continue;
      const edges = this.#byClaimant[claimant]!.toSorted((a, b) => b.weight - a.weight);
      const edge = edges.find((one) => this.#fits(one)) ?? edges[0];
      if (edge) this.#take(edge);
    }
    return new Map(
      [...this.#chosen].flatMap(([claimant, edge]): [Claimant, Allotted][] => {
        const result = this.#isTaken(edge) ? null : this.#result(claimant, edge);
        return result ? [[this.claimants[claimant]!, result]] : [];
      }),
    );
  }

  /** How many orders can share a spoken one: the smallest ones, as long as what was spoken lasts. */
  #mostOrders(slot: number): number {
    const shares = this.slots[slot]?.shares ?? null;
    const wanted = this.#bySlot[slot]!.map((edge) => this.#sharesOf(edge));
    if (shares === null) return wanted.length;
    let sum = 0;
    const fitting = wanted.toSorted((a, b) => a - b).filter((each) => (sum += each) <= shares);
    return Math.max(1, fitting.length);
  }

  #sharesOf({ claimant }: Edge): number {
    return executedShares(this.claimants[claimant]!.order);
  }

  #fits(edge: Edge): boolean {
    const left = this.#left[edge.slot] ?? null;
    return left === null || this.#sharesOf(edge) <= left;
  }

  #take(edge: Edge): void {
    const shares = this.#sharesOf(edge);
    this.#chosen.set(edge.claimant, edge);
    const left = this.#left[edge.slot] ?? null;
    if (left === null || !this.#fits(edge)) return;
    // What differs from it does not use up what was spoken.
    if (edge.found.comparison.mismatches.length > 0) return;
    this.#left[edge.slot] = left - shares;
    this.#usedBy[edge.slot]?.push({ order: this.claimants[edge.claimant]!.order, shares });
  }

  /** Another trade is the one that was spoken of: this one has only the share, or only the numbers, in common with it. */
  #isTaken({ slot, claimant, found }: Edge): boolean {
    const isOther = found.comparison.mismatches.some((mismatch) => mismatch === "SIDE" || mismatch === "SYMBOL");
    const order = this.claimants[claimant]!.order;
    return isOther && this.#usedBy[slot]!.some((use) => use.order !== order);
  }

  #result(claimant: number, edge: Edge): Allotted {
    const { slot, found } = edge;
    const { order } = this.claimants[claimant]!;
    const others = this.#usedBy[slot]!.filter((use) => use.order !== order);
    const usedShares = others.reduce((sum, { shares }) => sum + shares, 0);
    const spoken = this.slots[slot]?.shares ?? null;
    const missing = spoken === null ? 0 : executedShares(order) - (spoken - usedShares);
    const usedBy = others.flatMap((use) => use.order.fills.map(({ tradeId }) => tradeId)).toSorted();
    const base = { found, spokenShares: spoken, usedShares, usedBy, together: [], restElsewhere: null };
    if (missing <= 0) return base;
    const spare = this.#byClaimant[claimant]!.filter(
      (other) => other.slot !== slot && this.#isSpare(other) && !other.found.cancelled,
    );
    const here = spare.filter((other) => other.found.call === found.call);
    if (this.#leftOf(here) >= missing) return { ...base, together: here.map((other) => other.found) };
    return this.#leftOf(spare) >= missing ? { ...base, restElsewhere: spare[0]!.found.call } : base;
  }

  /** Fits in all but the quantity, and is not used up. */
  #isSpare({ slot, found }: Edge): boolean {
    return found.comparison.mismatches.every((mismatch) => mismatch === "QTY") && (this.#left[slot] ?? 0) > 0;
  }

  #leftOf(edges: readonly Edge[]): number {
    return edges.reduce((sum, { slot }) => sum + (this.#left[slot] ?? 0), 0);
  }
}

/** A total order: of two orders that compare as equal, every trade says the same. */
function compareOrders(a: ExecutedOrder, b: ExecutedOrder): number {
  return a.orderTime.getTime() - b.orderTime.getTime() || compare(idsOf(a), idsOf(b));
}

function idsOf({ fills }: ExecutedOrder): string {
  return JSON.stringify(fills.map(({ tradeId }) => tradeId).toSorted());
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
