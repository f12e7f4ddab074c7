/** Finds stages, hosts and files that make no progress, each by a rule that is shown with it. */
import type { StageSummary } from "@cofi/event-log/events";
import { STAGES } from "@cofi/event-log/stages";
import type { Detail, StageCells } from "../fold/detail.js";
import { percentile, type Histogram } from "../fold/histogram.js";
import type { Stall } from "../shapes.js";

/** Milliseconds, and multiples of what 95 % of the files of the stage do not exceed. */
export interface StallThresholds {
  slowFileMs: number;
  slowFileFactor: number;
  stuckStageMs: number;
  stuckStageFactor: number;
  silentHostMs: number;
  silentHostFactor: number;
}

const STALL_THRESHOLDS: StallThresholds = {
  slowFileMs: 60_000,
  slowFileFactor: 3,
  stuckStageMs: 120_000,
  stuckStageFactor: 5,
  silentHostMs: 60_000,
  silentHostFactor: 3,
};

/** Longest lists that help: the slowest of each stage. */
const MOST_SLOW_FILES = 20;

/** Returns the stalls of a running batch, longest first within each kind. `now`: epoch ms. */
export function stallsOf(
  detail: Detail,
  summaries: readonly StageSummary[],
  now: number,
  limits: StallThresholds = STALL_THRESHOLDS,
): Stall[] {
  return STAGES.flatMap((_, index) => {
    const summary = summaries[index] as StageSummary;
    if (summary.status !== "processing") return [];
    const p95 = percentile(detail.durations[index] as Histogram, 0.95) ?? 0;
    return [
      ...stuckStage(detail, summary, index, now, limit(limits.stuckStageMs, limits.stuckStageFactor, p95)),
      ...silentHosts(detail, summary, index, now, limit(limits.silentHostMs, limits.silentHostFactor, p95)),
      ...slowFiles(detail, summary, index, now, limit(limits.slowFileMs, limits.slowFileFactor, p95)),
    ];
  });
}

interface Limit {
  ms: number;
  words: string;
}

function limit(leastMs: number, factor: number, p95: number): Limit {
  const seconds = (ms: number): string => `${Math.round(ms / 1_000)} s`;
  return factor * p95 > leastMs
    ? { ms: factor * p95, words: `${seconds(factor * p95)}, ${factor} times what 95 % of its files take` }
    : { ms: leastMs, words: seconds(leastMs) };
}

/** In a resumed batch only the current run counts. */
function isOfThisRun(cells: StageCells, file: number): boolean {
  return cells.stateOf(file) === "inFlight" && cells.startedAt.get(file) >= cells.beganAt;
}

function stuckStage(detail: Detail, summary: StageSummary, index: number, now: number, { ms, words }: Limit): Stall[] {
  const { stage, totalFiles, done, failed, inFlight, startedAt } = summary;
  const left = totalFiles === null ? inFlight : totalFiles - done - failed;
  if (left <= 0) return [];
  const cells = detail.stages[index] as StageCells;
  let last = Math.max(cells.beganAt || Date.parse(startedAt ?? ""), cells.progressAt);
  for (let file = 0; file < detail.files.all.length; file++) last = Math.max(last, cells.endedAt.get(file));
  if (!(now - last > ms)) return [];
  const rule = `No file has finished for more than ${words}, and ${left} ${left === 1 ? "is" : "are"} left.`;
  return [{ kind: "stuck-stage", stage, what: null, forMs: now - last, rule }];
}

function silentHosts(
  detail: Detail,
  { stage }: StageSummary,
  index: number,
  now: number,
  { ms, words }: Limit,
): Stall[] {
  const cells = detail.stages[index] as StageCells;
  const atWork = new Set<number>();
  for (let file = 0; file < detail.files.all.length; file++)
    if (isOfThisRun(cells, file)) atWork.add(cells.host.get(file) - 1);
  const heard = detail.hosts.all.map((host, at) => ({
    host,
    isAtWork: atWork.has(at),
    lastAt: Math.max(...(detail.hostStages[at] ?? []).map((seen) => seen?.lastAt ?? -Infinity)),
  }));
  if (!heard.some(({ lastAt }) => now - lastAt <= ms)) return [];
  const rule = `It has files in progress and has logged nothing for more than ${words}, while other hosts have.`;
  return heard
    .filter(({ isAtWork, lastAt }) => isAtWork && now - lastAt > ms)
    .map(({ host, lastAt }): Stall => ({ kind: "silent-host", stage, what: host, forMs: now - lastAt, rule }));
}

function slowFiles(detail: Detail, { stage }: StageSummary, index: number, now: number, { ms, words }: Limit): Stall[] {
  const cells = detail.stages[index] as StageCells;
  const rule = `In progress for more than ${words}.`;
  const slow: Stall[] = [];
  for (const [file, name] of detail.files.all.entries()) {
    if (!isOfThisRun(cells, file)) continue;
    const forMs = now - cells.startedAt.get(file);
    if (forMs > ms) slow.push({ kind: "slow-file", stage, what: name, forMs, rule });
  }
  return slow.toSorted((a, b) => b.forMs - a.forMs).slice(0, MOST_SLOW_FILES);
}
