/** How long calls are and how long each stage took over them: as a batch of Cofi's database has it, or as the sample batch had it. */
import { openDatabase } from "@cofi/event-log/database";
import { STAGES } from "@cofi/event-log/stages";
import { Store } from "@cofi/event-log/store";
import { Results } from "@cofi/evidence/results";
import { callLengths } from "@cofi/pipeline/pool-simulation";

/** Stages that ask a host about each recording, in order. */
export const ASKING = STAGES.filter(({ unit }) => unit === "recording").map(({ name }) => name);

/**
 * @typedef {object} Calls
 * @property {Float64Array} audioSeconds by call
 * @property {Map<string, Float64Array>} tookMs by stage and call, on a host of speed 1; NaN for a call that the stage leaves out
 */

/** @typedef {{ audioSeconds: number, tookMs: Map<string, number> }} RecordedCall */

const EVENTS_AT_ONCE = 10_000;

/**
 * The calls of a batch. What a host took is divided by how much slower it was than the others in that stage, so that it is what a
 * host of speed 1 takes; how many files it had in work meanwhile is in it.
 * @param {string} databaseUrl @param {number} batchId @returns {Promise<RecordedCall[]>}
 * @throws {Error} when the batch holds no call with its duration
 */
export async function recordedCalls(databaseUrl, batchId) {
  const database = await openDatabase(databaseUrl);
  try {
    const rows = await new Results(database).calls(batchId);
    /** @type {Map<string, RecordedCall>} */
    const calls = new Map(rows.map((row) => [row.fileName, { audioSeconds: row.durationS, tookMs: new Map() }]));
    const store = new Store(database);
    const upTo = await store.maxEventId();
    /** @type {Map<string, Map<string, string>>} by stage and file */
    const hosts = new Map(ASKING.map((stage) => [stage, new Map()]));
    for (let after = 0; ;) {
      const events = await store.replay(batchId, after, upTo, EVENTS_AT_ONCE);
      for (const { id, stage, eventType, status, fileName, gpuIp, durationMs } of events) {
        after = id;
        const isDone = eventType === "file_complete" && status === "success" && durationMs !== null;
        if (!isDone || fileName === null || !hosts.has(stage)) continue;
        calls.get(fileName)?.tookMs.set(stage, durationMs);
        hosts.get(stage)?.set(fileName, gpuIp ?? "");
      }
      if (events.length < EVENTS_AT_ONCE) break;
    }
    for (const [stage, hostOf] of hosts) asOnOneHost(stage, calls, hostOf);
    const found = [...calls.values()].filter(({ tookMs }) => tookMs.size > 0);
    if (found.length === 0)
      throw new Error(
        `Batch ${batchId} of this database holds no call with its duration that a stage has done. Name another with --batch.`,
      );
    return found;
  } finally {
    await database.close();
  }
}

/** @param {string} stage @param {Map<string, RecordedCall>} calls @param {Map<string, string>} hostOf by file */
function asOnOneHost(stage, calls, hostOf) {
  /** @type {Map<string, { ms: number, seconds: number }>} */
  const sums = new Map();
  const done = [...calls].flatMap(([file, call]) => {
    const ms = call.tookMs.get(stage);
    const host = hostOf.get(file);
    return ms === undefined || host === undefined ? [] : [{ call, ms, host }];
  });
  for (const { call, ms, host } of done) {
    const sum = sums.get(host) ?? { ms: 0, seconds: 0 };
    sums.set(host, { ms: sum.ms + ms, seconds: sum.seconds + call.audioSeconds });
  }
  /** @param {string} host */
  const ratioOf = (host) => (sums.get(host)?.ms ?? 0) / (sums.get(host)?.seconds ?? 1);
  const ratios = [...sums.keys()].map(ratioOf).toSorted((a, b) => a - b);
  // Of two the quicker one: a host that is slow is to be mended, and not to be bought again.
  const middle = ratios[(ratios.length - 1) >> 1] ?? 1;
  for (const { call, ms, host } of done) call.tookMs.set(stage, ratioOf(host) > 0 ? ms * (middle / ratioOf(host)) : ms);
}

/**
 * So many calls, each one of the recorded ones with all that it took.
 * @param {readonly RecordedCall[]} recorded @param {number} count @param {() => number} random @returns {Calls}
 */
export function drawCalls(recorded, count, random) {
  const drawn = Array.from({ length: count }, () => recorded[Math.floor(random() * recorded.length)]);
  return {
    audioSeconds: Float64Array.from(drawn, (call) => call?.audioSeconds ?? Number.NaN),
    tookMs: new Map(
      ASKING.map((stage) => [stage, Float64Array.from(drawn, (call) => call?.tookMs.get(stage) ?? Number.NaN)]),
    ),
  };
}

/** @typedef {Readonly<Record<string, { ms: number, msPerSecond: number }>>} Rates what a stage takes for any call, and for each second of audio */

/**
 * So many calls of log-normal length, about three minutes in the mean.
 * @param {Rates} rates @param {number} count @param {() => number} random @returns {Calls}
 */
export function madeUpCalls(rates, count, random) {
  const audioSeconds = Float64Array.from(callLengths(count, random));
  /** @param {string} stage */
  const tookMs = (stage) => {
    const { ms, msPerSecond } = rates[stage] ?? { ms: 0, msPerSecond: 0 };
    return audioSeconds.map((seconds) => ms + msPerSecond * seconds);
  };
  return { audioSeconds, tookMs: new Map(ASKING.map((stage) => [stage, tookMs(stage)])) };
}
