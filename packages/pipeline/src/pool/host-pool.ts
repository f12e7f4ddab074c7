/**
 * Which host a file of a stage tries next, from what the hosts did. It makes no request and reads no clock: whoever uses it tells
 * what happened and when, and does what it decides. So a test, and a simulation of a whole night, run the very scheduler.
 *
 * A host with a free slot takes the longest file of those that lie on it; of others only where that ends sooner than waiting for
 * their host. Near the end of a stage it may try what has been in work elsewhere for far longer than usual: the first answer counts.
 */
import { Choice } from "./choice.js";
import type { Attempt, Decision, Hedge, HostChange, PoolHost, PoolOptions } from "./decisions.js";
import { EngineError } from "../hosts/engine-error.js";
import { Durations, weightsOf } from "./durations.js";
import { FileFaults } from "./file-faults.js";
import type { HostState, Trouble } from "./host-state.js";
import { Hosts, type LeftOutReport } from "./hosts.js";
import { InWork } from "./in-work.js";
import { Pending } from "./pending.js";
import { Retries } from "./retries.js";

export type { Attempt, HostChange, PoolHost, PoolUnit } from "./decisions.js";

/** How often attempts that are late are looked for, in ms: not for each file that ends. */
const LATE_EVERY_MS = 50;

export class HostPool {
  readonly durations = new Durations();
  readonly #options: PoolOptions;
  readonly #hosts: Hosts;
  readonly #weights: Float64Array;
  readonly #pending: Pending;
  /** Units that are held. */
  readonly #toCome: Set<number>;
  readonly #retries: Retries;
  readonly #faults: FileFaults;
  readonly #inWork = new InWork();
  readonly #choice: Choice;
  readonly #decisions: Decision[] = [];
  #left: number;
  #lateAt = 0;

  /** `now`: as the caller's clock counts, in ms; so is every other time. */
  constructor(options: PoolOptions, now: number) {
    const { units, hosts, attempts } = options;
    this.#options = options;
    this.#hosts = new Hosts(hosts, options, now);
    this.#weights = weightsOf(units);
    this.#pending = new Pending(this.#weights);
    this.#toCome = new Set(units.flatMap(({ isHeld }, unit) => (isHeld ? [unit] : [])));
    units.forEach(({ prefers }, unit) => this.#toCome.has(unit) || this.#pending.add(unit, prefers));
    this.#retries = new Retries();
    this.#faults = new FileFaults(attempts);
    this.#choice = new Choice({
      hosts: this.#hosts.all,
      weights: this.#weights,
      durations: this.durations,
      pending: this.#pending,
      retries: this.#retries,
      faults: this.#faults,
      inWork: this.#inWork.byUnit,
    });
    this.#left = units.length;
  }

  /** All units are done or given up, and whoever asks has been told so. */
  get isOver(): boolean {
    return this.#left === 0 && this.#decisions.length === 0;
  }

  /** A unit that was held waits from now on. `prefers`: as of a unit. */
  admit(unit: number, prefers: number): void {
    if (this.#toCome.delete(unit)) this.#pending.add(unit, prefers);
  }

  /** A unit that was held never comes. */
  withhold(unit: number): void {
    if (this.#toCome.delete(unit)) this.#over(unit);
  }

  /** Another host, or one that was gone and is back at its `place`. */
  join(host: PoolHost, now: number, place: number): void {
    this.#hosts.join(host, now, place);
  }

  /** The host has so many slots from now on. */
  resize(host: number, slots: number): void {
    this.#hosts.resize(host, slots);
  }

  /** So many of the host's slots are this run's; what is in work beyond that may end. */
  share(host: number, slots: number): void {
    this.#hosts.at(host).share = slots;
  }

  /** As of {@link Hosts}. */
  reported(host: number, report: LeftOutReport, now: number): void {
    this.#hosts.reported(host, report, now);
  }

  /** Files that are neither done nor given up. */
  get left(): number {
    return this.#left;
  }

  /** Of those, the ones that wait for a host or are in work: the others have not come yet. */
  get here(): number {
    return this.#left - this.#toCome.size;
  }

  /** Files that the host has in work, and those that it holds slots for: it may have them in work while its share stays as it is. */
  workOn(host: number): { inWork: number; held: number } {
    return this.#hosts.workOn(host, this.#left);
  }

  stateOf(host: number): HostState {
    return this.#hosts.at(host).state;
  }

  /** What is to be done now. Ask again after each thing that is told, and at `nextAt`. `isStopped`: nothing new is begun. */
  decide(now: number, isStopped = false): Decision[] {
    if (now >= this.#lateAt) this.#dropLate(now);
    if (isStopped) return this.#decisions.splice(0);
    for (const host of this.#hosts.toLookAt(now)) this.#decisions.push({ do: "look", host });
    // One each in turn: the first host must not take what lies on the others before they are asked.
    for (let taken = true; taken;) {
      taken = false;
      this.#hosts.all.forEach((_, at) => {
        if (!this.#hosts.hasRoom(at, now)) return;
        const found = this.#choice.take(at, now);
        if (found === null) return;
        taken = true;
        this.#begin(found.unit, at, found.hedge, now);
      });
    }
    this.#hosts.decided(now, this.here > 0);
    return this.#decisions.splice(0);
  }

  /** When `decide` is to be asked again, in the same way, although nothing happened. */
  nextAt(now: number, isStopped = false): number {
    const lateAt = this.#choice.lateAt(now, this.#lateAt);
    if (isStopped) return lateAt;
    return Math.min(lateAt, this.#hosts.nextAt(now, this.#isHeldUp), this.#retries.nextAt(now));
  }

  /** Why the stage cannot continue, in sentences; null while it can. */
  hopeless(now: number): string | null {
    return this.#hosts.hopeless(now, this.#isHeldUp);
  }

  /** Units wait, and none is in work. */
  get #isHeldUp(): boolean {
    return this.here > 0 && this.#inWork.byUnit.size === 0;
  }

  /** Steps of hosts since this was asked last. */
  changes(): HostChange[] {
    return this.#hosts.changes();
  }

  /** A host was looked at: null when it can work, else why not. */
  looked(host: number, trouble: Trouble | null, now: number): void {
    if (this.#hosts.looked(host, trouble, now)) this.#proven(host, "look");
  }

  /** A host does not come back. */
  gone(host: number, why: string, now: number): void {
    this.#hosts.gone(host, why, now);
  }

  /** Whether the attempt still counts: neither has its unit been done elsewhere, nor was it told about already. */
  isLive(attempt: Attempt): boolean {
    return this.#inWork.has(attempt);
  }

  /** The host is waited for from now on: for its answer, for a transfer to it, or, with null, while others are waited for. */
  waitFor(attempt: Attempt, what: "file" | "transfer" | null, now: number): void {
    if (!this.isLive(attempt)) return;
    const unit = this.#options.units[attempt.unit]!;
    const limitMs = this.durations.limitMs(what, unit, this.#weights[attempt.unit]!, attempt.number);
    attempt.begunAt = now;
    attempt.deadlineAt = what === null ? limitMs : now + Math.min(this.#options.mostRequestMs, limitMs);
    this.#choice.waitedFor(attempt, now);
  }

  /** Nothing is left to be done about an attempt: its slot is free. Until then an answer that cannot be stored holds its host up. */
  release(attempt: Attempt): void {
    this.#hosts.at(attempt.host).work.delete(attempt);
  }

  /** @returns false when another host was first: this answer does not count */
  answered(attempt: Attempt, now: number): boolean {
    const { unit, hedges } = attempt;
    const host = this.#hosts.at(attempt.host);
    const isFirst = this.isLive(attempt);
    this.#inWork.end(attempt);
    host.limit = Math.min(host.slots, host.limit + 1 / host.limit);
    this.durations.note(attempt.host, this.#weights[unit]!, now - attempt.begunAt);
    this.#hosts.heard(attempt.host, now);
    // Not slow, but silent: nothing has come from the host since it was asked.
    if (
      isFirst &&
      hedges !== null &&
      this.isLive(hedges) &&
      this.#hosts.at(hedges.host).lastAnswerAt < hedges.begunAt
    ) {
      const what = `It was silent about a file for ${Math.round(now - hedges.begunAt)} ms, until another host had answered`;
      this.#hosts.tell(hedges.host, { is: "fault", what }, now);
    }
    if (isFirst) this.#over(unit);
    this.#proven(attempt.host, "answer");
    return isFirst;
  }

  /**
   * An attempt that got no answer.
   * @returns `again`: it will be tried again; `elsewhere`: it is still in work on another host; `doubtful`: it is given up if a look
   *   at the host, told by {@link settled}, is good; else why it is given up
   */
  failed(attempt: Attempt, error: Error, now: number): "again" | "elsewhere" | "doubtful" | { why: string } {
    const { unit } = attempt;
    if (!this.isLive(attempt)) return "elsewhere";
    this.#inWork.end(attempt);
    const fault = error instanceof EngineError ? error.fault : "file";
    if (fault === "busy") this.#hosts.busy(attempt.host, (error as EngineError).retryAfterMs, now);
    else if (fault === "host") this.#hosts.tell(attempt.host, { is: "fault", what: error.message }, now);
    else if (fault === "setting") this.#hosts.tell(attempt.host, { is: "unfit", what: error.message }, now);
    else if (fault !== "stage") this.#hosts.heard(attempt.host, now);
    const isFinal = fault === "file" || fault === "stage";
    const why = isFinal ? error.message : this.#faults.note(unit, attempt.host, this.#hosts.all, error);
    if (why !== null) {
      this.#over(unit);
      return { why };
    }
    if (this.#inWork.hasUnit(unit)) return "elsewhere";
    if (fault === "host" && this.#faults.wouldEnd(unit, attempt.host)) return "doubtful";
    if (fault === "busy") this.#inWork.giveBack(attempt);
    this.#again(attempt, fault === "busy" ? 0 : attempt.number, now);
    return "again";
  }

  /** What a look at the host of a `doubtful` attempt says. @returns as {@link failed} */
  settled(attempt: Attempt, isWell: boolean, now: number): "again" | { why: string } {
    const { unit, host, number } = attempt;
    if (isWell) this.#proven(host, "look");
    const why = this.#faults.verdict(unit);
    if (why === null) {
      this.#again(attempt, number, now);
      return "again";
    }
    this.#over(unit);
    this.#hosts.tell(host, { is: "cleared" }, now);
    return { why };
  }

  #again({ unit }: Attempt, failures: number, now: number): void {
    this.#retries.add(unit, failures === 0 ? now : now + this.#options.retryDelayMs(failures));
  }

  /** The attempt was not made, because its host is gone: the unit waits again. */
  returned(attempt: Attempt, now: number): void {
    if (!this.isLive(attempt)) return;
    this.#inWork.end(attempt);
    this.#inWork.giveBack(attempt);
    if (!this.#inWork.hasUnit(attempt.unit)) this.#retries.add(attempt.unit, now);
  }

  /** The unit turned out to be no business of this stage, or failed by no fault of a host. */
  withdrawn(attempt: Attempt): void {
    if (!this.isLive(attempt)) return;
    this.#inWork.end(attempt);
    this.#over(attempt.unit);
  }

  #begin(unit: number, host: number, hedge: Hedge | null, now: number): void {
    const attempt = this.#inWork.begin(unit, host, hedge, now);
    this.#hosts.give(host, attempt, now);
    this.#decisions.push({ do: "ask", attempt });
  }

  #dropLate(now: number): void {
    this.#lateAt = now + LATE_EVERY_MS;
    for (const attempt of this.#choice.tooLate(now)) this.#decisions.push({ do: "drop", attempt, why: "overdue" });
  }

  /** Nothing more is done about the unit. */
  #over(unit: number): void {
    for (const attempt of this.#inWork.over(unit)) this.#decisions.push({ do: "drop", attempt, why: "outrun" });
    this.#faults.forget(unit);
    this.#left -= 1;
  }

  #proven(host: number, by: "answer" | "look"): void {
    for (const { unit, why } of this.#faults.proven(host, by))
      // In work elsewhere it has another chance; one that is about to be settled is judged then.
      if (!this.#inWork.hasUnit(unit) && this.#retries.remove(unit)) {
        this.#decisions.push({ do: "giveUp", unit, why, error: this.#faults.lastOf(unit) });
        this.#over(unit);
      }
  }
}
