/**
 * Which unit a host with a free slot takes: another try of what failed elsewhere, what a host that was left out or is silent has
 * in work, the longest of its own, one of another host that would end sooner here, or, when none waits, what is overdue.
 */
import type { Attempt, Hedge, PoolHost } from "./decisions.js";
import type { Durations } from "./durations.js";
import type { FileFaults } from "./file-faults.js";
import { isUsable, NEW_HOST, type HostState } from "./host-state.js";
import { isOut, Late } from "./late.js";
import type { Pending } from "./pending.js";
import type { Retries } from "./retries.js";

/** A host as the pool knows it. */
export interface Host {
  readonly name: string;
  slots: number;
  state: HostState;
  /** Files that it may have in work: falls by half when it says that it is busy, and grows by one with each round of answers. */
  limit: number;
  /** How many of its slots this run may use, where others use it too. */
  share: number;
  readonly work: Set<Attempt>;
  isLooking: boolean;
  lastAnswerAt: number;
  /** When it got the first of the files that it has in work. */
  busySince: number;
  /** When it was looked at last. */
  lookedAt: number;
  /** It was silent about what it has in work, and said nothing when it was looked at either. */
  isSilent: boolean;
}

/** `now`: as the caller's clock counts, in ms. `work`: what it has in work already. */
export function newHost(
  { name, slots, state = NEW_HOST, share = Number.POSITIVE_INFINITY }: PoolHost,
  now: number,
  work = new Set<Attempt>(),
): Host {
  const silence = { lastAnswerAt: now, busySince: now, lookedAt: now, isSilent: false };
  return { name, slots, state, limit: slots, share, work, isLooking: false, ...silence };
}

/** What the choice looks at; all of it is the pool's. */
export interface Known {
  /** More may come. */
  readonly hosts: readonly Host[];
  /** Of the units; the mean is 1. */
  readonly weights: Float64Array;
  readonly durations: Durations;
  readonly pending: Pending;
  readonly retries: Retries;
  readonly faults: FileFaults;
  /** By unit, the attempts that are waited for. */
  readonly inWork: ReadonlyMap<number, readonly Attempt[]>;
}

export interface Chosen {
  unit: number;
  /** Where another host has it in work. */
  hedge: Hedge | null;
}

/** Hosts that are so much slower than the fastest, or more, leave what would end sooner elsewhere. */
const SLOW = 1.25;

/** Why an attempt of this host is not waited for alone. `isUsual`: it is known how long a file takes. */
function lateRule({ begunAt }: Attempt, host: Host, isUsual: boolean, now: number): string {
  const inWork = `it has been in work on ${host.name} for ${((now - begunAt) / 1_000).toFixed(1)} s`;
  if (isOut(host)) return `${inWork}, and ${host.name} was left out`;
  if (!isUsual) return `${inWork}, and ${host.name} said nothing when it was asked whether it is well`;
  const isSilent = host.lastAnswerAt < begunAt;
  return `${inWork}, more than twice as long as usual${isSilent ? `, and nothing was heard of ${host.name} since` : ""}`;
}

/** How many files of this run a host may have in work. */
function mostOn({ share, limit, state }: Host): number {
  return Math.min(share, state.condition === "probing" ? 1 : Math.floor(limit));
}

/** Whether a host works on files now, or could at once: not one that is paused, on probation, or at work for others alone. */
function isWorking(host: Host, now: number): boolean {
  const { condition, pausedUntil } = host.state;
  return isUsable(host.state) && condition !== "probing" && pausedUntil <= now && mostOn(host) > 0;
}

/** Whether a host answers, as far as is known, or would be asked if there were anything to ask it; not one that only asks for pauses. */
export function isGood({ state, work }: Host, now: number): boolean {
  if (!isUsable(state)) return false;
  const isIdle = work.size === 0 && state.pausedUntil <= now;
  return isIdle || (!state.isBusy && state.condition !== "probing");
}

/** Whether a host can be given another unit now. */
export function hasRoom(host: Host, now: number): boolean {
  const { state, work } = host;
  if (!isUsable(state) || state.pausedUntil > now) return false;
  return work.size < mostOn(host);
}

export class Choice {
  readonly #known: Known;
  readonly #late: Late;
  /** Of the weights. */
  readonly #median: number;
  readonly #heaviest: number;

  constructor(known: Known) {
    this.#known = known;
    this.#late = new Late(known);
    const weights = known.weights.toSorted();
    this.#median = weights[weights.length >> 1] ?? 1;
    this.#heaviest = weights.at(-1) ?? 1;
  }

  /** Takes a unit for the host at this place; it waits no more. @returns null when there is none for it */
  take(at: number, now: number): Chosen | null {
    const { hosts, faults, retries, pending } = this.#known;
    const { state } = hosts[at]!;
    if (pending.size === 0 && retries.isEmpty && this.#late.candidates(now).length === 0) return null;
    const others = hosts.filter((host, index) => index !== at && isWorking(host, now));
    const isLastHope = others.length === 0;
    const isBetterElsewhere = (unit: number): boolean =>
      others.some((host) => !faults.hasFailed(unit, hosts.indexOf(host)));
    const retry = retries.take(now, (unit, isDue) => {
      // At once where it has not failed yet; else after its pause. A host on probation is shown by files that are beyond doubt.
      if (!faults.hasFailed(unit, at))
        return state.condition !== "probing" || !faults.hasFailed(unit) || !isBetterElsewhere(unit);
      return isDue && !isBetterElsewhere(unit);
    });
    if (retry !== null) return { unit: retry, hedge: null };
    const late = this.#lateOf(at, now, true);
    if (late) return { unit: late.first.unit, hedge: late };
    const unit = isLastHope ? this.#takeUpTo(Number.POSITIVE_INFINITY, at, now) : this.#takeBySpeed(at, now);
    if (unit !== null) return { unit, hedge: null };
    const overdue = state.condition === "healthy" ? this.#lateOf(at, now, false) : null;
    return overdue && { unit: overdue.first.unit, hedge: overdue };
  }

  /** As of {@link Late}. */
  waitedFor(attempt: Attempt, now: number): void {
    this.#late.waitedFor(attempt, now);
  }

  /** As of {@link Late}. */
  tooLate(now: number): readonly Attempt[] {
    return this.#late.tooLate(now);
  }

  /** When something is late next; as {@link Late.nextAt}. */
  lateAt(now: number, notBefore: number): number {
    const isIdle = this.#known.hosts.some((host) => hasRoom(host, now));
    return this.#late.nextAt(now, notBefore, isIdle);
  }

  #takeUpTo(most: number, at: number, now: number): number | null {
    const { pending } = this.#known;
    if (pending.size === 0) return null;
    return pending.takeOwn(at, most) ?? pending.takeFromOther(at, most, this.#isSooner(at, now));
  }

  /** The first file shows how quick a host is, so it should not be the longest of all. */
  #takeBySpeed(at: number, now: number): number | null {
    if (this.#known.durations.isKnown(at)) return this.#takeUpTo(this.#mostFor(at, now), at, now);
    return this.#takeUpTo(this.#median, at, now) ?? this.#takeUpTo(Number.POSITIVE_INFINITY, at, now);
  }

  /**
   * The heaviest file that a slow host may take: one that it ends before the others have done all that waits, or, where they
   * are all at work, before the first of them is free and has done it. (Any other rule makes the slowest host the last to end.)
   */
  #mostFor(at: number, now: number): number {
    const own = this.#known.durations.ratioOf(at);
    if (own === null) return Number.POSITIVE_INFINITY;
    let fastest = own;
    let speed = 0;
    let freeInMs = Number.POSITIVE_INFINITY;
    const others = this.#known.hosts.flatMap((host, index) => {
      const ratio = index !== at && isWorking(host, now) ? this.#known.durations.ratioOf(index) : null;
      return ratio === null ? [] : [{ host, ratio }];
    });
    for (const { host, ratio } of others) {
      fastest = Math.min(fastest, ratio);
      speed += mostOn(host) / ratio;
    }
    const byPending = this.#known.pending.left / (speed * own);
    if (own <= SLOW * fastest || byPending >= this.#heaviest) return Number.POSITIVE_INFINITY;
    for (const { host, ratio } of others) {
      if (ratio > SLOW * fastest) continue;
      if (host.work.size < mostOn(host)) freeInMs = 0;
      for (const { unit, begunAt } of host.work)
        freeInMs = Math.min(freeInMs, Math.max(0, begunAt + ratio * this.#known.weights[unit]! - now));
    }
    return Math.max(byPending, freeInMs / (own - fastest));
  }

  /** Whether a file that lies on another host ends sooner here than there, where others wait before it. */
  #isSooner(at: number, now: number): (owner: number, weight: number) => boolean {
    return (owner, weight) => {
      const host = this.#known.hosts[owner]!;
      const [here, there] = [this.#known.durations.ratioOf(at), this.#known.durations.ratioOf(owner)];
      if (!isWorking(host, now) || here === null || there === null) return true;
      const waitMs = (Math.max(0, this.#known.pending.leftOf(owner) - weight) * there) / mostOn(host);
      // By so much that it pays to move the file; what a slow host leaves alone must not be left by all.
      return waitMs + there * weight >= SLOW * here * weight;
    };
  }

  /** The overdue attempt elsewhere that most needs another one here. `isUrgent`: only of hosts that were left out, or are silent since they were asked. */
  #lateOf(at: number, now: number, isUrgent: boolean): Hedge | null {
    const { hosts, inWork, faults, durations } = this.#known;
    let found: Attempt | null = null;
    let foundBy = 0;
    for (const attempt of this.#late.candidates(now)) {
      const { unit, host, begunAt, deadlineAt } = attempt;
      if (host === at || deadlineAt === Number.POSITIVE_INFINITY) continue;
      const isHeardOf = !durations.isUsual || hosts[host]!.lastAnswerAt >= begunAt;
      if (isUrgent && !isOut(hosts[host]!) && isHeardOf) continue;
      const by = this.#late.overdueBy(attempt, now);
      if (by > foundBy && inWork.get(unit)?.length === 1 && !faults.hasFailed(unit, at))
        [found, foundBy] = [attempt, by];
    }
    return found && { first: found, rule: lateRule(found, hosts[found.host]!, durations.isUsual, now) };
  }
}
