/** Finds stages, hosts and files that make no progress, each by a rule that is shown with it. */
import type { StageSummary } from "@cofi/event-log/events";
import { STAGES } from "@cofi/event-log/stages";
import type { Detail } from "../fold/detail.js";
import type { StageCells } from "../fold/stage-cells.js";
import { FileStates } from "../files/file-states.js";
import type { FileState, Stall } from "../shapes.js";

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
  const states = new FileStates(detail, summaries);
  /** A stage may wait for files that the one before it is still at work on. */
  const handedOnTo = (index: number): number | null => {
    const before = STAGES.findLastIndex((_, stage) => stage < index && states.isInChain(stage));
    if (summaries[before]?.status !== "processing" || !states.isInChain(index)) return null;
    let here = 0;
    for (let file = 0; file < detail.files.all.length; file++) if (IS_HERE.has(states.of(file)[index]!)) here += 1;
    return here;
  };
  return STAGES.flatMap((_, index) => {
    const summary = summaries[index] as StageSummary;
    if (summary.status !== "processing") return [];
    const p95 = detail.durations[index]?.percentile(0.95) ?? 0;
    return [
      ...stuckStage(
        detail,
        summary,
        index,
        handedOnTo(index),
        now,
        limit(limits.stuckStageMs, limits.stuckStageFactor, p95),
      ),
      ...silentHosts(detail, summary, index, now, limit(limits.silentHostMs, limits.silentHostFactor, p95)),
      ...slowFiles(detail, summary, index, now, limit(limits.slowFileMs, limits.slowFileFactor, p95)),
    ];
  });
}

const IS_HERE: ReadonlySet<FileState> = new Set(["waiting", "inFlight", "retrying"]);

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

/** Files in progress; when the stage has run before, only those that its latest run has started. */
function filesAtWork(detail: Detail, index: number): number[] {
  const cells = detail.stages[index] as StageCells;
  const latest = detail.work.stage(STAGES[index]!.name).latestRunId;
  const atWork: number[] = [];
  for (let file = 0; file < detail.files.all.length; file++)
    if (cells.stateOf(file) === "inFlight" && cells.eventId.get(file) >= latest) atWork.push(file);
  return atWork;
}

/** `handedOn`: how many files the stage beside it, before it, has left to it; null where none runs there. */
function stuckStage(
  detail: Detail,
  summary: StageSummary,
  index: number,
  handedOn: number | null,
  now: number,
  { ms, words }: Limit,
): Stall[] {
  const { stage, totalFiles, done, failed, inFlight, startedAt, work } = summary;
  const left = handedOn ?? (totalFiles === null ? inFlight : totalFiles - done - failed);
  if (left <= 0) return [];
  const cells = detail.stages[index] as StageCells;
  let last = Math.max(Date.parse(work.since ?? startedAt ?? ""), cells.progressAt);
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
  const atWork = new Set(filesAtWork(detail, index).map((file) => cells.host.get(file) - 1));
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
  for (const file of filesAtWork(detail, index)) {
    const forMs = now - cells.startedAt.get(file);
    if (forMs > ms) slow.push({ kind: "slow-file", stage, what: detail.files.all[file]!, forMs, rule });
  }
  return slow.toSorted((a, b) => b.forMs - a.forMs).slice(0, MOST_SLOW_FILES);
}
