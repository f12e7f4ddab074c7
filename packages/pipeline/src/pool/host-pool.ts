/**
 * Which host a file of a stage tries next, from what the hosts did. It makes no request and reads no clock: whoever uses it tells
 * what happened and when, and does what it decides. So a test, and a simulation of a whole night, run the very scheduler.
 *
 * A host with a free slot takes the longest file of those that lie on it; of others only where that ends sooner than waiting for
 * their host. Near the end of a stage it may try what has been in work elsewhere for far longer than usual: the first answer counts.
 */
import { Choice, hasRoom, isGood, newHost, type Host } from "./choice.js";
import { away, gone, type Attempt, type Decision, type HostChange, type PoolOptions } from "./decisions.js";
import { EngineError } from "../hosts/engine-error.js";
import { Durations, weightsOf } from "./durations.js";
import { FileFaults } from "./file-faults.js";
import { isUsable, next, type HostEvent, type HostState } from "./host-state.js";
import { InWork } from "./in-work.js";
import { Pending } from "./pending.js";
import { Retries } from "./retries.js";

export type { Attempt, HostChange, PoolUnit } from "./decisions.js";

/** How often attempts that are late are looked for, in ms: not for each file that ends. */
const LATE_EVERY_MS = 50;

export class HostPool {
  readonly durations = new Durations();
  readonly #options: PoolOptions;
  readonly #hosts: Host[];
  readonly #weights: Float64Array;
  readonly #pending: Pending;
  readonly #retries: Retries;
  readonly #faults: FileFaults;
  readonly #inWork = new InWork();
  readonly #choice: Choice;
  readonly #decisions: Decision[] = [];
  readonly #changes: HostChange[] = [];
  readonly #names: readonly string[];
  /** Why a host could not be asked last. */
  #trouble: string | null = null;
  #left: number;
  #lastGoodAt: number;
  #lateAt = 0;

  /** `now`: as the caller's clock counts, in ms; so is every other time. */
  constructor(options: PoolOptions, now: number) {
    const { units, hosts, attempts } = options;
    this.#options = options;
    this.#names = hosts.map(({ name }) => name);
    this.#hosts = hosts.map((host) => newHost(host, now));
    this.#weights = weightsOf(units);
    this.#pending = new Pending(
      this.#weights,
      Int32Array.from(units, ({ prefers }) => prefers),
      hosts.length,
    );
    this.#retries = new Retries();
    this.#faults = new FileFaults(attempts);
    this.#choice = new Choice({
      hosts: this.#hosts,
      weights: this.#weights,
      durations: this.durations,
      pending: this.#pending,
      retries: this.#retries,
      faults: this.#faults,
      inWork: this.#inWork.byUnit,
    });
    this.#left = units.length;
    this.#lastGoodAt = now;
  }

  /** All units are done or given up, and whoever asks has been told so. */
  get isOver(): boolean {
    return this.#left === 0 && this.#decisions.length === 0;
  }

  stateOf(host: number): HostState {
    return this.#hosts[host]!.state;
  }

  /** What is to be done now. Ask again after each thing that is told, and at `nextAt`. `isStopped`: nothing new is begun. */
  decide(now: number, isStopped = false): Decision[] {
    if (isStopped) return this.#decisions.splice(0);
    this.#hosts.forEach((host, at) => this.#look(host, at, now));
    if (now >= this.#lateAt) this.#dropLate(now);
    // One each in turn: the first host must not take what lies on the others before they are asked.
    for (let taken = true; taken;) {
      taken = false;
      this.#hosts.forEach((host, at) => {
        if (!hasRoom(host, now)) return;
        const found = this.#choice.take(at, now);
        if (found === null) return;
        taken = true;
        this.#begin(found.unit, at, found.hedges, now);
      });
    }
    if (this.#hosts.some((host) => isGood(host, now))) this.#lastGoodAt = now;
    return this.#decisions.splice(0);
  }

  /** When `decide` is to be asked again although nothing happened. */
  nextAt(now: number): number {
    let at = this.#choice.lateAt(now, this.#lateAt);
    for (const { state, isLooking } of this.#hosts)
      if (state.condition !== "gone" && !isLooking && state.pausedUntil > now) at = Math.min(at, state.pausedUntil);
    if (this.#inWork.byUnit.size === 0) at = Math.min(at, this.#lastGoodAt + this.#patienceMs);
    return Math.min(at, this.#retries.nextAt(now));
  }

  /** Why the stage cannot continue, in sentences; null while it can. */
  hopeless(now: number): string | null {
    if (this.isOver || this.#inWork.byUnit.size > 0) return null;
    if (this.#hosts.every(({ state }) => state.condition === "gone")) return gone(this.#hosts.length, this.#trouble);
    return now - this.#lastGoodAt < this.#patienceMs ? null : away(this.#hosts, this.#trouble, this.#patienceMs);
  }

  /** How long all hosts may be away; those that only ask for pauses are waited for as long as for an answer. */
  get #patienceMs(): number {
    const { mostWithoutHostMs, mostRequestMs } = this.#options;
    return this.#hosts.some(({ state }) => state.isBusy)
      ? Math.max(mostWithoutHostMs, mostRequestMs)
      : mostWithoutHostMs;
  }

  /** Steps of hosts since this was asked last. */
  changes(): HostChange[] {
    return this.#changes.splice(0);
  }

  /** A host was looked at: null when it can work, else why not. */
  looked(host: number, trouble: string | null, now: number): void {
    this.#hosts[host]!.isLooking = false;
    const wasOut = this.#hosts[host]!.state.condition !== "joining";
    this.#trouble = trouble ?? this.#trouble;
    this.#tell(host, { is: "looked", trouble }, now);
    if (trouble === null && wasOut) this.#proven(host);
  }

  /** A host does not come back. */
  gone(host: number, why: string, now: number): void {
    this.#hosts[host]!.isLooking = false;
    this.#trouble = why;
    this.#tell(host, { is: "gone", why }, now);
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
  }

  /** Nothing is left to be done about an attempt: its slot is free. Until then an answer that cannot be stored holds its host up. */
  release(attempt: Attempt): void {
    this.#hosts[attempt.host]!.work.delete(attempt);
  }

  /** @returns false when another host was first: this answer does not count */
  answered(attempt: Attempt, now: number): boolean {
    const { unit, hedges } = attempt;
    const host = this.#hosts[attempt.host]!;
    const isFirst = this.isLive(attempt);
    this.#inWork.end(attempt);
    host.limit = Math.min(host.slots, host.limit + 1 / host.limit);
    this.durations.note(attempt.host, this.#weights[unit]!, now - attempt.begunAt);
    this.#heard(attempt.host, now);
    // Not slow, but silent: nothing has come from the host since it was asked.
    if (isFirst && hedges !== null && this.isLive(hedges) && this.#hosts[hedges.host]!.lastAnswerAt < hedges.begunAt) {
      const what = `It was silent about a file for ${Math.round(now - hedges.begunAt)} ms, until another host had answered`;
      this.#tell(hedges.host, { is: "fault", what }, now);
    }
    if (isFirst) this.#over(unit);
    this.#proven(attempt.host);
    return isFirst;
  }

  /** It has answered, whatever it said about the file. */
  #heard(at: number, now: number): void {
    this.#hosts[at]!.lastAnswerAt = now;
    this.#lastGoodAt = now;
    this.#tell(at, { is: "answered" }, now);
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
    const host = this.#hosts[attempt.host]!;
    if (fault === "busy") {
      host.limit = Math.max(1, Math.floor(host.limit / 2));
      host.lastAnswerAt = now;
      this.#tell(attempt.host, { is: "busy", forMs: (error as EngineError).retryAfterMs }, now);
    } else if (fault === "host") this.#tell(attempt.host, { is: "fault", what: error.message }, now);
    else if (fault !== "stage") this.#heard(attempt.host, now);
    if (fault === "file" || fault === "stage") {
      this.#over(unit);
      return { why: error.message };
    }
    const why = this.#faults.note(unit, attempt.host, this.#names, error);
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
    if (isWell) this.#proven(host);
    const why = this.#faults.verdict(unit);
    if (why === null) {
      this.#again(attempt, number, now);
      return "again";
    }
    this.#over(unit);
    this.#tell(host, { is: "cleared" }, now);
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

  #look(host: Host, at: number, now: number): void {
    const { state } = host;
    if (!state.needsLook || host.isLooking || state.condition === "gone" || state.pausedUntil > now) return;
    host.isLooking = true;
    this.#decisions.push({ do: "look", host: at });
  }

  #begin(unit: number, host: number, hedges: Attempt | null, now: number): void {
    const attempt = this.#inWork.begin(unit, host, hedges, now);
    this.#hosts[host]!.work.add(attempt);
    this.#decisions.push({ do: "ask", attempt });
  }

  #dropLate(now: number): void {
    this.#lateAt = now + LATE_EVERY_MS;
    for (const { work } of this.#hosts)
      for (const attempt of work)
        if (now >= attempt.deadlineAt) this.#decisions.push({ do: "drop", attempt, why: "overdue" });
  }

  /** Nothing more is done about the unit. */
  #over(unit: number): void {
    for (const attempt of this.#inWork.over(unit)) this.#decisions.push({ do: "drop", attempt, why: "outrun" });
    this.#faults.forget(unit);
    this.#left -= 1;
  }

  #proven(host: number): void {
    for (const { unit, why } of this.#faults.proven(host))
      // In work elsewhere it has another chance; one that is about to be settled is judged then.
      if (!this.#inWork.hasUnit(unit) && this.#retries.remove(unit)) {
        this.#decisions.push({ do: "giveUp", unit, why, error: this.#faults.lastOf(unit) });
        this.#over(unit);
      }
  }

  #tell(at: number, event: HostEvent, now: number): void {
    const host = this.#hosts[at]!;
    const isLast = !this.#hosts.some((other, index) => index !== at && isUsable(other.state));
    const { state, change } = next(host.state, event, { now, isLast, firstPauseMs: this.#options.firstPauseMs });
    // While requests were waited for, nobody asked what is to be done.
    if (isGood(host, now)) this.#lastGoodAt = now;
    host.state = state;
    if (change) this.#changes.push({ ...change, host: at });
  }
}
