/** A night in a time of its own: the real scheduler, stage after stage, on hosts that are slow, hang, or start again. */
import { EngineError } from "@cofi/pipeline/engine-error";
import { inNextStage } from "@cofi/pipeline/host-state";
import { hostError, simulate } from "@cofi/pipeline/pool-simulation";
import { ASKING } from "./recorded-calls.mjs";

/**
 * @typedef {object} NightHost
 * @property {number} speed 1 takes as long as was recorded; 2 half as long
 * @property {boolean} [hangs] it says that it is well, and never answers
 * @property {{ at: number, forMs: number }[]} [away] when it is restarted, in ms from the beginning of the night
 */

/**
 * @typedef {object} NightOptions
 * @property {import("./recorded-calls.mjs").Calls} calls
 * @property {NightHost[]} hosts
 * @property {(stage: string) => number} slotsOf files that a host works on at once
 * @property {(stage: string) => number} hostsOf how many of the hosts do this stage, from the first on
 * @property {number} failing share of the requests that get no answer by a fault of their host
 * @property {() => number} random
 */

/**
 * @typedef {object} StageOfNight
 * @property {string} stage
 * @property {number} hosts
 * @property {number} slots of a host
 * @property {number} calls
 * @property {number} beginsAt ms
 * @property {number} endsAt ms
 * @property {number} leastMs no schedule ends sooner on these hosts, were all of them well
 * @property {number} use share of all slots that had a file in work, on hosts that answered
 * @property {number} further requests beyond one for each call: after a fault, or because a host was late
 * @property {number} moved calls that another host did than the one where their audio lay
 * @property {number} failed calls that were given up
 */

/**
 * Simulates the stages that ask a host about each recording.
 * @param {NightOptions} options @returns {StageOfNight[]}
 * @throws {Error} when a stage cannot continue: what the batch would fail with
 */
export function simulateNight(options) {
  const { calls, hosts, slotsOf, hostsOf } = options;
  const everyCall = Array.from(calls.audioSeconds, (_, call) => call);
  /** @type {Set<number>} */
  const lost = new Set();
  /** By call, the host on which its audio lies. */
  const liesOn = Int32Array.from(everyCall, (call) => call % hosts.length);
  /** @type {import("@cofi/pipeline/host-state").HostState[]} */
  let states = [];
  /** @type {StageOfNight[]} */
  const stages = [];
  let now = 0;
  for (const stage of ASKING) {
    const tookMs = calls.tookMs.get(stage) ?? new Float64Array();
    const units = everyCall.filter((call) => !lost.has(call) && !Number.isNaN(tookMs[call] ?? Number.NaN));
    if (units.length === 0) continue;
    const slots = slotsOf(stage);
    const used = hosts.slice(0, hostsOf(stage));
    const night = simulate(
      Float64Array.from(units, (call) => calls.audioSeconds[call] ?? 0),
      used.map((host, place) => ({
        slots,
        msPerSecond: 0,
        conduct: conductOf(host, (unit) => tookMs[units[unit] ?? -1] ?? 0, options),
        isWell: (at) => awayUntil(host, at) === null,
        ...(states[place] && { state: inNextStage(states[place]) }),
      })),
      { startsAt: now, prefers: (unit) => preferred(liesOn[units[unit] ?? -1] ?? 0, used.length) },
    );
    if (night.endedAt === null) throw new Error(`${stage} cannot be done by these hosts: ${night.failure}`);
    const moved = units.filter((call, unit) => night.doneBy[unit] !== preferred(liesOn[call] ?? 0, used.length)).length;
    units.forEach((call, unit) => {
      const host = night.doneBy[unit] ?? -1;
      if (host < 0) lost.add(call);
      else if (stage === "file_distribution" || stage === "denoise") liesOn[call] = host;
    });
    const workMs = night.hosts.reduce((sum, host) => sum + (host.done > 0 ? host.workMs : 0), 0);
    stages.push({
      stage,
      hosts: used.length,
      slots,
      calls: units.length,
      beginsAt: now,
      endsAt: night.endedAt,
      leastMs: leastMs(
        units.map((call) => tookMs[call] ?? 0),
        used,
        slots,
      ),
      use: workMs / ((night.endedAt - now) * slots * used.length),
      further: night.attempts - units.length,
      moved,
      failed: night.givenUp.length,
    });
    states = night.hosts.map(({ state }) => state);
    now = night.endedAt;
  }
  return stages;
}

/** Of those that do the stage. @param {number} host @param {number} count */
function preferred(host, count) {
  return host < count ? host : host % count;
}

/**
 * What a host does with an attempt.
 * @param {NightHost} host @param {(unit: number) => number} tookMs @param {NightOptions} options
 * @returns {import("@cofi/pipeline/pool-simulation").Conduct}
 */
function conductOf(host, tookMs, { failing, random }) {
  return ({ unit }, now) => {
    if (host.hangs) return "never";
    if (awayUntil(host, now) !== null) return { afterMs: 1, error: hostError("It is not there", "ECONNREFUSED") };
    const afterMs = tookMs(unit) / host.speed;
    const restart = host.away?.find(({ at }) => at > now && at < now + afterMs);
    if (restart) return { afterMs: restart.at - now, error: hostError() };
    if (failing > 0 && random() < failing) {
      const init = { status: 500, type: "http-500", fault: /** @type {const} */ ("host") };
      return { afterMs: afterMs / 2, error: new EngineError("HTTP 500", init) };
    }
    return { afterMs };
  };
}

/** Until when it is restarted; null when it is there. @param {NightHost} host @param {number} now */
function awayUntil({ away = [] }, now) {
  const found = away.find(({ at, forMs }) => now >= at && now < at + forMs);
  return found ? found.at + found.forMs : null;
}

/** @param {number[]} tookMs @param {NightHost[]} hosts @param {number} slots */
function leastMs(tookMs, hosts, slots) {
  let total = 0;
  let longest = 0;
  for (const ms of tookMs) {
    total += ms;
    longest = Math.max(longest, ms);
  }
  const speeds = hosts.map(({ speed }) => speed);
  return Math.max(total / (slots * speeds.reduce((sum, speed) => sum + speed, 0)), longest / Math.max(...speeds));
}
