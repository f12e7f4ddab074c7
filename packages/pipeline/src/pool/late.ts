/**
 * Attempts that another host may make too, and when that changes next. Both take a look at all that is in work, and that may be
 * thousands: not for each file that ends.
 */
import type { Attempt } from "./decisions.js";
import type { Durations } from "./durations.js";
import type { HostState } from "./host-state.js";

/** How often it is looked at what is in work, in ms, while what is known of durations changes. */
const LOOK_EVERY_MS = 50;

interface Working {
  readonly state: HostState;
  /** As of a host. */
  readonly isSilent: boolean;
  readonly work: ReadonlySet<Attempt>;
}

interface Known {
  /** More may come. */
  readonly hosts: readonly Working[];
  readonly weights: Float64Array;
  readonly durations: Durations;
}

export class Late {
  readonly #known: Known;
  #found: readonly Attempt[] = [];
  #lookAt = Number.NEGATIVE_INFINITY;
  /** Of the hosts that were doubtful at the last look. */
  #outs = 0;
  /** The first deadline, and the first moment after the last look at which another attempt has been in work for too long. */
  #deadlineAt = Number.POSITIVE_INFINITY;
  #overdueAt = Number.POSITIVE_INFINITY;

  constructor(known: Known) {
    this.#known = known;
  }

  /** Attempts that are overdue, or in work on a host that is left out; some may have ended since they were looked for. */
  candidates(now: number): readonly Attempt[] {
    this.#look(now);
    return this.#found;
  }

  /**
   * The next moment at which an attempt is waited for no longer, or, where a host has nothing to do, may be tried by it too.
   * `notBefore`: when deadlines are looked at again at the earliest. `isIdle`: whether there is such a host.
   */
  nextAt(now: number, notBefore: number, isIdle: boolean): number {
    this.#look(now);
    const deadlineAt = Math.max(notBefore, this.#deadlineAt);
    return isIdle ? Math.min(deadlineAt, this.#overdueAt) : deadlineAt;
  }

  /** Attempts that are not waited for any longer. */
  tooLate(now: number): readonly Attempt[] {
    if (now < this.#deadlineAt) return [];
    return this.#known.hosts.flatMap(({ work }) => [...work].filter(({ deadlineAt }) => deadlineAt <= now));
  }

  /** It is waited for an attempt from now on: for its deadline, and until it is overdue. */
  waitedFor(attempt: Attempt, now: number): void {
    if (attempt.deadlineAt === Number.POSITIVE_INFINITY) return;
    this.#deadlineAt = Math.min(this.#deadlineAt, attempt.deadlineAt);
    this.#overdueAt = Math.min(this.#overdueAt, now - this.overdueBy(attempt, now));
  }

  /**
   * By how much it is overdue, in ms; less than 0 while it is not. On a host that is left out each is, since it began, and so it is
   * on a silent one while nobody knows how long a file takes.
   */
  overdueBy({ unit, host, begunAt }: Attempt, now: number): number {
    const { hosts, durations, weights } = this.#known;
    return now - begunAt - (this.#isDoubtful(hosts[host]!) ? 0 : durations.overdueMs(weights[unit]!));
  }

  #isDoubtful(host: Working): boolean {
    return isOut(host) || (host.isSilent && !this.#known.durations.isUsual);
  }

  #look(now: number): void {
    const outs = this.#known.hosts.reduce(
      (sum, host, place) => (this.#isDoubtful(host) ? (31 * sum + place + 1) | 0 : sum),
      0,
    );
    if (outs === this.#outs && now < Math.min(this.#lookAt, this.#overdueAt)) return;
    const found: Attempt[] = [];
    this.#outs = outs;
    this.#lookAt = now + LOOK_EVERY_MS;
    this.#deadlineAt = Number.POSITIVE_INFINITY;
    this.#overdueAt = Number.POSITIVE_INFINITY;
    for (const { work } of this.#known.hosts)
      for (const attempt of work) {
        const by = this.overdueBy(attempt, now);
        if (by > 0 && attempt.deadlineAt !== Number.POSITIVE_INFINITY) found.push(attempt);
        if (by > 0) this.#deadlineAt = Math.min(this.#deadlineAt, attempt.deadlineAt);
        else this.waitedFor(attempt, now);
      }
    this.#found = found;
  }
}

export function isOut({ state }: Pick<Working, "state">): boolean {
  return state.condition === "ejected" || state.needsLook;
}
