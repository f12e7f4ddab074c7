/**
 * Runs the scheduler of a stage against hosts of made-up behaviour in a time of its own: a night takes a moment. The tests of the
 * scheduler use it, and whoever wants to know how many hosts a night needs (tools/simulate-night.mjs).
 */
import { EngineError } from "../hosts/engine-error.js";
import { HostPool, type Attempt, type HostChange, type PoolUnit } from "./host-pool.js";
import type { HostState, Trouble } from "./host-state.js";

/** What a host does with an attempt that is sent to it at `now`; undefined: it answers as usual. */
export type Conduct = (attempt: Attempt, now: number) => { afterMs: number; error?: EngineError } | "never" | undefined;

export interface SimulatedHost {
  slots?: number;
  /** How long a second of audio takes, in ms. */
  msPerSecond: number;
  /** Default: it answers about every file. */
  conduct?: Conduct;
  /** Whether a connection can be made to it, and a look at it is good; default always. */
  isWell?: (now: number) => boolean;
  /** Whether it takes connections, and says nothing to them while it has files in work; default never. */
  isSilent?: (now: number) => boolean;
  state?: HostState;
}

export interface SimulationOptions {
  attempts?: number;
  /** The host on which a unit lies, as a place in the list of hosts; -1 for none. */
  prefers?: (unit: number) => number;
  /** When the stage begins, in ms. */
  startsAt?: number;
}

export interface SimulatedWork {
  /** Files done by it. */
  done: number;
  /** Attempts that got no answer. */
  faults: number;
  /** The most files in work at once. */
  most: number;
  /** Time for which its slots had a file in work, in ms; the sum over its slots. */
  workMs: number;
  /** What is thought of it in the end. */
  state: HostState;
}

export interface Simulated {
  /** When all was over, in ms; null when the stage could not continue. */
  endedAt: number | null;
  /** Why not. */
  failure: string | null;
  done: number;
  /** By unit, the host whose answer counts; -1 for none. */
  doneBy: Int32Array;
  givenUp: string[];
  changes: (HostChange & { at: number })[];
  /** In the order of the hosts. */
  hosts: SimulatedWork[];
  attempts: number;
  /** How often it was decided. */
  turns: number;
}

export function hostError(what = "broke off", type = "ECONNRESET"): EngineError {
  return new EngineError(what, { status: null, type, fault: "host" });
}

const HOUR_MS = 3_600_000;
const NOT_THERE: Trouble = { why: "It is not there.", isUnfit: false, isUnreached: true };
const SILENT: Trouble = { why: "It says nothing.", isUnfit: false, isUnreached: false };
/** A look at a host, in ms. */
const LOOK_MS = 5;

/** Runs a stage over recordings of these lengths. @throws when it comes to no end */
export function simulate(
  seconds: ArrayLike<number>,
  hosts: readonly SimulatedHost[],
  { attempts = 3, prefers = (unit) => unit % hosts.length, startsAt = 0 }: SimulationOptions = {},
): Simulated {
  const pool = newPool(seconds, hosts, { attempts, prefers, startsAt });
  const result: Omit<Simulated, "hosts"> & { hosts: Omit<SimulatedWork, "state">[] } = {
    endedAt: null,
    failure: null,
    done: 0,
    doneBy: new Int32Array(seconds.length).fill(-1),
    givenUp: [],
    changes: [],
    hosts: hosts.map(() => ({ done: 0, faults: 0, most: 0, workMs: 0 })),
    attempts: 0,
    turns: 0,
  };
  const withStates = (): Simulated => {
    const states = result.hosts.map((work, host) => ({ ...work, state: pool.stateOf(host) }));
    return { ...result, hosts: states };
  };
  const inWork = hosts.map(() => 0);
  /** With the moment at which each was begun. */
  const live = new Map<Attempt, number>();
  const agenda = new Agenda();
  const looks = (host: number, then: (trouble: Trouble | null, at: number) => void, now: number): void => {
    const { isWell = () => true, isSilent = () => false } = hosts[host]!;
    const troubleAt = (at: number): Trouble | null => {
      if (!isWell(at)) return NOT_THERE;
      return inWork[host]! > 0 && isSilent(at) ? SILENT : null;
    };
    agenda.add(now + LOOK_MS, (at) => then(troubleAt(at), at));
  };

  const end = (attempt: Attempt, now: number): boolean => {
    const begunAt = live.get(attempt);
    if (begunAt === undefined) return false;
    live.delete(attempt);
    inWork[attempt.host]! -= 1;
    result.hosts[attempt.host]!.workMs += now - begunAt;
    return true;
  };
  const failed = (attempt: Attempt, error: Error, now: number): void => {
    if (!end(attempt, now)) return;
    result.hosts[attempt.host]!.faults += 1;
    const told = (outcome: ReturnType<HostPool["failed"]>): void => {
      pool.release(attempt);
      if (typeof outcome === "object") result.givenUp.push(outcome.why);
    };
    const outcome = pool.failed(attempt, error, now);
    if (outcome !== "doubtful") return told(outcome);
    looks(attempt.host, (trouble, then) => told(pool.settled(attempt, trouble === null, then)), now);
  };
  const ask = (attempt: Attempt, now: number): void => {
    const host = hosts[attempt.host]!;
    live.set(attempt, now);
    result.attempts += 1;
    inWork[attempt.host]! += 1;
    const seen = result.hosts[attempt.host]!;
    seen.most = Math.max(seen.most, inWork[attempt.host]!);
    pool.waitFor(attempt, "file", now);
    const usual: { afterMs: number; error?: EngineError } = { afterMs: host.msPerSecond * seconds[attempt.unit]! };
    const conduct = host.conduct?.(attempt, now) ?? usual;
    if (conduct === "never") return;
    agenda.add(now + conduct.afterMs, (then) => {
      if (conduct.error) return failed(attempt, conduct.error, then);
      if (!end(attempt, then)) return;
      if (pool.answered(attempt, then)) {
        result.done += 1;
        result.doneBy[attempt.unit] = attempt.host;
        seen.done += 1;
      }
      pool.release(attempt);
    });
  };

  // Some turns for each unit, and those in which hosts that are away are waited for.
  const mostTurns = 20_000 + 50 * seconds.length;
  for (let now = startsAt; !pool.isOver; result.turns++) {
    if (result.turns > mostTurns) throw new Error("The simulation does not end.");
    const decisions = pool.decide(now);
    for (const decision of decisions) {
      if (decision.do === "ask") ask(decision.attempt, now);
      else if (decision.do === "giveUp") result.givenUp.push(decision.why);
      else if (decision.do === "look") {
        const { host } = decision;
        looks(host, (trouble, then) => pool.looked(host, trouble, then), now);
      } else if (decision.why === "overdue")
        failed(decision.attempt, hostError("did not answer in time", "timeout"), now);
      else if (end(decision.attempt, now)) pool.release(decision.attempt);
    }
    for (const change of pool.changes()) result.changes.push({ ...change, at: now });
    result.endedAt = now;
    if (pool.isOver) break;
    result.failure = pool.hopeless(now);
    if (result.failure !== null) return { ...withStates(), endedAt: null };
    // What was dropped leaves a slot.
    const hasRoom = decisions.some(({ do: what }) => what === "drop");
    const nextAt = hasRoom ? now + 1 : Math.max(pool.nextAt(now), now + 1);
    const next = agenda.takeUntil(nextAt);
    now = next ? Math.max(now, next.at) : nextAt;
    next?.run(now);
    result.endedAt = now;
    if (!Number.isFinite(now)) throw new Error("Nothing is left that could happen, and units wait.");
  }
  return withStates();
}

function newPool(
  seconds: ArrayLike<number>,
  hosts: readonly SimulatedHost[],
  { attempts, prefers, startsAt }: Required<SimulationOptions>,
): HostPool {
  const units = Array.from(seconds, (audioSeconds, unit): PoolUnit => {
    return { name: `call-${unit}`, audioSeconds, bytes: null, prefers: prefers(unit) };
  });
  const options = {
    units,
    hosts: hosts.map(({ slots = 1, state }, host) => ({ name: `gpu${host}`, slots, ...(state && { state }) })),
    attempts,
    retryDelayMs: (failures: number): number => 500 * 2 ** (failures - 1),
    firstPauseMs: 1_000,
    mostRequestMs: HOUR_MS,
    mostWithoutHostMs: 300_000,
  };
  return new HostPool(options, startsAt);
}

interface Happening {
  at: number;
  order: number;
  run: (now: number) => void;
}

/** What is to happen, the earliest first; of one moment in the order in which it was added. A binary heap. */
class Agenda {
  readonly #heap: Happening[] = [];
  #added = 0;

  add(at: number, run: Happening["run"]): void {
    const heap = this.#heap;
    const added = { at, order: this.#added++, run };
    let place = heap.length;
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (!isBefore(added, heap[above]!)) break;
      heap[place] = heap[above]!;
      place = above;
    }
    heap[place] = added;
  }

  /** Takes what happens next, when that is no later than `at`; null when nothing is. */
  takeUntil(at: number): Happening | null {
    const heap = this.#heap;
    const first = heap[0];
    if (!first || first.at > at) return null;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let place = 0;
    for (let below = 1; below < heap.length; below = 2 * place + 1) {
      if (below + 1 < heap.length && isBefore(heap[below + 1]!, heap[below]!)) below += 1;
      if (!isBefore(heap[below]!, last)) break;
      heap[place] = heap[below]!;
      place = below;
    }
    heap[place] = last;
    return first;
  }
}

function isBefore(a: Happening, b: Happening): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** Lengths of calls in seconds: log-normal, with a mean of about three minutes. */
export function callLengths(count: number, random: () => number): number[] {
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Array.from({ length: count }, () => Math.min(3_600, Math.max(5, 120 * Math.exp(0.9 * normal()))));
}

/** No stage of these files can end sooner on such hosts. */
export function bound(seconds: readonly number[], hosts: readonly SimulatedHost[]): number {
  const total = seconds.reduce((sum, length) => sum + length, 0);
  const speed = hosts.reduce((sum, { msPerSecond, slots = 1 }) => sum + slots / msPerSecond, 0);
  const fastest = Math.min(...hosts.map(({ msPerSecond }) => msPerSecond));
  return Math.max(total / speed, Math.max(...seconds) * fastest);
}
