/** Runs the scheduler of a stage against hosts of made-up behaviour in a time of its own: a night takes a moment. */
import { EngineError } from "../hosts/engine-error.js";
import { HostPool, type Attempt, type HostChange, type PoolUnit } from "./host-pool.js";
import type { HostState } from "./host-state.js";

/** What a host does with an attempt that is sent to it at `now`; undefined: it answers as usual. */
export type Conduct = (attempt: Attempt, now: number) => { afterMs: number; error?: EngineError } | "never" | undefined;

export interface SimulatedHost {
  slots?: number;
  /** How long a second of audio takes, in ms. */
  msPerSecond: number;
  /** Default: it answers about every file. */
  conduct?: Conduct;
  /** Whether a look at it is good; default always. */
  isWell?: (now: number) => boolean;
  state?: HostState;
}

export interface Simulated {
  /** When all was over, in ms; null when the stage could not continue. */
  endedAt: number | null;
  /** Why not. */
  failure: string | null;
  done: number;
  givenUp: string[];
  changes: (HostChange & { at: number })[];
  /** By host: files done by it, attempts that got no answer, and the most in work at once. */
  hosts: { done: number; faults: number; most: number }[];
  attempts: number;
  /** How often it was decided. */
  turns: number;
}

export function hostError(what = "broke off", type = "ECONNRESET"): EngineError {
  return new EngineError(what, { status: null, type, fault: "host" });
}

const HOUR_MS = 3_600_000;

export function simulate(
  seconds: readonly number[],
  hosts: readonly SimulatedHost[],
  { attempts = 3, prefers = (unit: number): number => unit % hosts.length } = {},
): Simulated {
  const units: PoolUnit[] = seconds.map((audioSeconds, unit) => ({
    name: `call-${unit}`,
    audioSeconds,
    bytes: null,
    prefers: prefers(unit),
  }));
  const pool = new HostPool(
    {
      units,
      hosts: hosts.map(({ slots = 1, state }, host) => ({ name: `gpu${host}`, slots, ...(state && { state }) })),
      attempts,
      retryDelayMs: (failures) => 500 * 2 ** (failures - 1),
      firstPauseMs: 1_000,
      mostRequestMs: HOUR_MS,
      mostWithoutHostMs: 300_000,
    },
    0,
  );
  const result: Simulated = {
    endedAt: null,
    failure: null,
    done: 0,
    givenUp: [],
    changes: [],
    hosts: hosts.map(() => ({ done: 0, faults: 0, most: 0 })),
    attempts: 0,
    turns: 0,
  };
  const inWork = hosts.map(() => 0);
  const live = new Set<Attempt>();
  const events: { at: number; order: number; run: (now: number) => void }[] = [];
  let order = 0;
  const later = (at: number, run: (now: number) => void): void => void events.push({ at, order: order++, run });

  const end = (attempt: Attempt): boolean => {
    if (!live.delete(attempt)) return false;
    inWork[attempt.host]! -= 1;
    return true;
  };
  const failed = (attempt: Attempt, error: Error, now: number): void => {
    if (!end(attempt)) return;
    result.hosts[attempt.host]!.faults += 1;
    const told = (outcome: ReturnType<HostPool["failed"]>): void => {
      pool.release(attempt);
      if (typeof outcome === "object") result.givenUp.push(outcome.why);
    };
    const outcome = pool.failed(attempt, error, now);
    if (outcome !== "doubtful") return told(outcome);
    const isWell = hosts[attempt.host]!.isWell ?? (() => true);
    later(now + 5, (then) => told(pool.settled(attempt, isWell(then), then)));
  };
  const ask = (attempt: Attempt, now: number): void => {
    const host = hosts[attempt.host]!;
    live.add(attempt);
    result.attempts += 1;
    inWork[attempt.host]! += 1;
    const seen = result.hosts[attempt.host]!;
    seen.most = Math.max(seen.most, inWork[attempt.host]!);
    pool.waitFor(attempt, "file", now);
    const usual: { afterMs: number; error?: EngineError } = { afterMs: host.msPerSecond * seconds[attempt.unit]! };
    const conduct = host.conduct?.(attempt, now) ?? usual;
    if (conduct === "never") return;
    later(now + conduct.afterMs, (then) => {
      if (conduct.error) return failed(attempt, conduct.error, then);
      if (!end(attempt)) return;
      if (pool.answered(attempt, then)) {
        result.done += 1;
        seen.done += 1;
      }
      pool.release(attempt);
    });
  };

  for (let now = 0, turns = 0; !pool.isOver; turns++) {
    if (turns > 20_000) throw new Error("The simulation does not end.");
    result.turns = turns;
    for (const decision of pool.decide(now)) {
      if (decision.do === "ask") ask(decision.attempt, now);
      else if (decision.do === "giveUp") result.givenUp.push(decision.why);
      else if (decision.do === "look") {
        const isWell = hosts[decision.host]!.isWell ?? (() => true);
        later(now + 5, (then) => pool.looked(decision.host, isWell(then) ? null : "It is not there.", then));
      } else if (decision.why === "overdue")
        failed(decision.attempt, hostError("did not answer in time", "timeout"), now);
      else if (end(decision.attempt)) pool.release(decision.attempt);
    }
    result.changes.push(...pool.changes().map((change) => ({ ...change, at: now })));
    result.endedAt = now;
    if (pool.isOver) break;
    result.failure = pool.hopeless(now);
    if (result.failure !== null) return { ...result, endedAt: null };
    const next = events.reduce<(typeof events)[number] | null>(
      (first, event) =>
        first === null || event.at < first.at || (event.at === first.at && event.order < first.order) ? event : first,
      null,
    );
    const nextAt = Math.max(pool.nextAt(now), now + 1);
    if (next && next.at <= nextAt) {
      events.splice(events.indexOf(next), 1);
      now = Math.max(now, next.at);
      next.run(now);
    } else now = nextAt;
    if (!Number.isFinite(now)) throw new Error("Nothing is left that could happen, and units wait.");
  }
  return result;
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
