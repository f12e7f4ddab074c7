/**
 * Says how long a night takes on so many hosts: the real scheduler of the pipeline in a time of its own, with calls as they were
 * recorded. `node tools/simulate-night.mjs --help` lists what can be said of them; docs/scale.md shows what comes of it.
 */
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { ASKING, drawCalls, madeUpCalls, recordedCalls } from "./night/recorded-calls.mjs";
import { SAMPLE_RATES } from "./night/sample-rates.mjs";
import { simulateNight } from "./night/simulated-night.mjs";

/** Telephone audio: 8,000 samples a second of two bytes. */
const BITS_PER_SECOND = 8 * 16_000;
const HOUR_MS = 3_600_000;

const USAGE = `node tools/simulate-night.mjs [options]

Simulates a night of the pipeline, stage after stage, with its real scheduler. Run \`npm run build\` before.
--calls N           calls of the night (200000)
--hosts N           hosts (40)
--slots LIST        files in work at once on a host, for all stages or by stage: 2, or 2,stt=4,llm1=8 (2)
--hosts-of LIST     stages that only the first so many hosts do: llm1=10,llm2=10
--speeds LIST       how quick the hosts are, in turn: 1,1,0.5 makes every third take twice as long (1)
--took LIST         ms of a stage for each second of audio, in place of what is known: stt=50,llm1=10
--link-mbit N       what the pipeline sends in file_distribution, shared by all uploads; one process sends some 2000, whatever
                    the network could (2000)
--hangs N           so many hosts say that they are well, and never answer (0)
--restarts N        so many hosts are away for two minutes once in the night (0)
--failing SHARE     share of the requests that get no answer by a fault of their host (0)
--database URL      takes the lengths of calls and the durations from a batch of this database: sqlite:path or mysql://…
--batch N           which batch of it
--seed N            the same number makes the same night (1)
Without --database: calls of log-normal length, three minutes in the mean, with durations as the CPU engines needed them for the
sample batch.
`;

const OPTIONS = /** @type {const} */ ({
  calls: { type: "string", default: "200000" },
  hosts: { type: "string", default: "40" },
  slots: { type: "string", default: "2" },
  "hosts-of": { type: "string", default: "" },
  speeds: { type: "string", default: "1" },
  took: { type: "string", default: "" },
  "link-mbit": { type: "string" },
  hangs: { type: "string", default: "0" },
  restarts: { type: "string", default: "0" },
  failing: { type: "string", default: "0" },
  database: { type: "string" },
  batch: { type: "string" },
  seed: { type: "string", default: "1" },
  help: { type: "boolean", default: false },
});
const RESTART_MS = 120_000;

/** What is wrong with the arguments, as a sentence. */
class UsageError extends Error {}

/** @param {string} name @param {string} text @param {{ least?: number, whole?: boolean }} [limits] */
function numberOf(name, text, { least = 0, whole = false } = {}) {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value < least || (whole && !Number.isInteger(value)))
    throw new UsageError(
      `${name} takes a ${whole ? "whole " : ""}number of at least ${least}; it is ${JSON.stringify(text)}.`,
    );
  return value;
}

/**
 * Reads `2,stt=4`: a value for all stages, and values for some.
 * @param {string} name @param {string} text @param {{ least?: number, whole?: boolean }} limits
 */
function byStage(name, text, limits) {
  /** @type {Map<string, number>} */
  const values = new Map();
  for (const part of text.split(",").filter(Boolean)) {
    const [stage, value] = part.includes("=") ? part.split("=", 2) : ["", part];
    if (stage !== "" && !ASKING.some((known) => known === stage))
      throw new UsageError(`${name} names the stage ${JSON.stringify(stage)}; the stages are ${ASKING.join(", ")}.`);
    values.set(stage ?? "", numberOf(name, value ?? "", limits));
  }
  return values;
}

/** mulberry32: the same numbers for the same seed. @param {number} seed @returns {() => number} */
function randomFrom(seed) {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Simulates what the arguments describe. @param {string[]} args
 * @returns {Promise<string | null>} what is to be printed; null for the help
 * @throws {UsageError}
 */
export async function nightOf(args) {
  const { values } = parse(args);
  if (values.help) return null;
  const random = randomFrom(numberOf("--seed", values.seed));
  const hostCount = numberOf("--hosts", values.hosts, { least: 1, whole: true });
  const slots = byStage("--slots", values.slots, { least: 1, whole: true });
  const hostsOf = byStage("--hosts-of", values["hosts-of"], { least: 1, whole: true });
  const speeds = values.speeds.split(",").map((speed) => numberOf("--speeds", speed, { least: 0.001 }));
  /** @param {string} stage */
  const slotsOf = (stage) => slots.get(stage) ?? slots.get("") ?? 2;
  /** @param {string} stage */
  const hostsDoing = (stage) => Math.min(hostCount, hostsOf.get(stage) ?? hostCount);

  const count = numberOf("--calls", values.calls, { least: 1, whole: true });
  const calls = await callsOf(values, count, random);
  const took = byStage("--took", values.took, {});
  if (values.database === undefined || values["link-mbit"] !== undefined) {
    const bitsPerMs = numberOf("--link-mbit", values["link-mbit"] ?? "2000", { least: 1 }) * 1_000;
    const uploads = hostsDoing("file_distribution") * slotsOf("file_distribution");
    took.set("file_distribution", took.get("file_distribution") ?? (BITS_PER_SECOND * uploads) / bitsPerMs);
  }
  for (const [stage, ms] of took)
    calls.tookMs.set(
      stage,
      calls.audioSeconds.map((seconds) => seconds * ms),
    );

  const hanging = numberOf("--hangs", values.hangs, { whole: true });
  const restarted = numberOf("--restarts", values.restarts, { whole: true });
  const failing = numberOf("--failing", values.failing);
  const hosts = Array.from({ length: hostCount }, (_, host) => ({
    speed: speeds[host % speeds.length] ?? 1,
    hangs: host < hanging,
  }));
  const options = { calls, slotsOf, hostsOf: hostsDoing, failing, random };
  const undisturbed = simulateNight({ ...options, hosts, failing: 0 });
  const lastsMs = undisturbed.at(-1)?.endsAt ?? 0;
  const withRestarts = hosts.map((host, place) => {
    const isRestarted = place >= hostCount - restarted;
    return isRestarted ? { ...host, away: [{ at: random() * lastsMs, forMs: RESTART_MS }] } : host;
  });
  const isDisturbed = restarted > 0 || failing > 0;
  const stages = isDisturbed ? simulateNight({ ...options, hosts: withRestarts }) : undisturbed;
  return report(stages, calls);
}

/** @param {string[]} args */
function parse(args) {
  try {
    return parseArgs({ args, options: OPTIONS });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** @param {{ database?: string | undefined, batch?: string | undefined }} values @param {number} count @param {() => number} random */
async function callsOf({ database, batch }, count, random) {
  if (database === undefined) return madeUpCalls(SAMPLE_RATES, count, random);
  if (batch === undefined)
    throw new UsageError("--database needs --batch: the number of the batch whose calls are taken.");
  return drawCalls(await recordedCalls(database, numberOf("--batch", batch, { least: 1, whole: true })), count, random);
}

/** @param {import("./night/simulated-night.mjs").StageOfNight[]} stages @param {import("./night/recorded-calls.mjs").Calls} calls */
function report(stages, { audioSeconds }) {
  const audioHours = audioSeconds.reduce((sum, seconds) => sum + seconds, 0) / 3_600;
  const rows = stages.map((stage) => [
    stage.stage,
    String(stage.calls),
    `${stage.hosts} x ${stage.slots}`,
    hours(stage.endsAt - stage.beginsAt),
    hours(stage.leastMs),
    hours(stage.endsAt),
    `${Math.round(100 * stage.use)} %`,
    (stage.calls / ((stage.endsAt - stage.beginsAt) / 1_000)).toFixed(1),
    String(stage.further),
    String(stage.moved),
    String(stage.failed),
  ]);
  const head = [
    "stage",
    "calls",
    "hosts x slots",
    "hours",
    "least",
    "ends at",
    "use",
    "calls/s",
    "further",
    "moved",
    "failed",
  ];
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)));
  /** @param {string[]} cells */
  const line = (cells) =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ");
  const least = stages.reduce((sum, { leastMs }) => sum + leastMs, 0);
  const lasts = stages.at(-1)?.endsAt ?? 0;
  return [
    `${audioSeconds.length} calls, ${Math.round(audioHours)} hours of audio.`,
    "",
    line(head),
    ...rows.map(line),
    "",
    `The night takes ${hours(lasts)} hours, ${(lasts / least).toFixed(2)} times the least that its stages could take one after the other.`,
  ].join("\n");
}

/** @param {number} ms */
function hours(ms) {
  return (ms / HOUR_MS).toFixed(2);
}

async function main() {
  try {
    console.log((await nightOf(process.argv.slice(2))) ?? USAGE);
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    console.error(error instanceof UsageError ? `${message}\n\n${USAGE}` : message);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
