/** Causes of errors, figures over time and times, read plainly: see `rows.ts`. */
import type { LogEvent } from "@cofi/event-log/events";
import { STAGES } from "@cofi/event-log/stages";
import { causeOf } from "@cofi/views/detail/error-cause";
import type { ErrorGroupView, MetricsView, Range, StageTime, WorkRun } from "@cofi/views/detail/shapes";
import { audioDone, cardOf } from "./cards.js";
import { isFailure, statesOf, allFiles } from "./files.js";
import {
  allEnds,
  attemptsOf,
  audioOf,
  rankOf,
  timeOf,
  total,
  unitOf,
  wordOf,
  wordsOf,
  type End,
  type Moment,
  type Rows,
} from "./rows.js";
import { batchRuns, runIdOf, stageRuns, stageWork, worked, type PlainRun } from "./work.js";

const isKnown = (row: LogEvent): boolean => STAGES.some(({ name }) => name === row.stage);

/** The errors of a cause. */
export function causeRows(rows: Rows, cause: string): LogEvent[] {
  return rows.filter(
    (row) => isKnown(row) && isFailure(rows, row) && causeOf(row.errorMessage, row.fileName) === cause,
  );
}

/** By their first error. */
export function causesOf(rows: Rows): Omit<ErrorGroupView, "firstAt" | "lastAt">[] {
  const errors = rows.filter((row) => isKnown(row) && isFailure(rows, row));
  const causes = [...new Set(errors.map((row) => causeOf(row.errorMessage, row.fileName)))];
  return causes.map((cause) => {
    const own = causeRows(rows, cause);
    const stages = [...new Set(own.map(({ stage }) => stage))];
    const hosts = [...new Set(own.flatMap(({ gpuIp }) => gpuIp ?? []))];
    const ofFiles = own.filter((row) => row.fileName !== null && !isRow(row));
    const hit = [...new Set(ofFiles.map(({ fileName }) => fileName!))];
    const outcomes = hit.map((file) => {
      const ofFile = ofFiles.filter((row) => row.fileName === file);
      const each = new Set(ofFile.map(({ stage }) => outcomeIn(rows, stage, file, cause)));
      return (["failed", "triedAgain", "otherwise", "doneLater"] as const).find((one) => each.has(one))!;
    });
    const count = (outcome: string): number => outcomes.filter((one) => one === outcome).length;
    const endings = (stage: string): number => endingsIn(rows, own, stage);
    const [first, last] = [own[0]!, own.at(-1)!];
    return {
      cause,
      example: (own.find((row) => stillStands(rows, row, cause)) ?? first).errorMessage ?? "",
      count: own.length,
      final: count("failed") + total(stages.map(endings)),
      firstId: first.id,
      lastId: last.id,
      stages: stages.map((stage) => ({
        stage,
        count: own.filter((row) => row.stage === stage).length,
        final:
          hit.filter((file) => isHitIn(ofFiles, stage, file) && outcomeIn(rows, stage, file, cause) === "failed")
            .length + endings(stage),
      })),
      hosts: hosts.map((host) => ({ host, count: own.filter(({ gpuIp }) => gpuIp === host).length })),
      files: new Set(own.flatMap(({ fileName }) => fileName ?? [])).size,
      failed: count("failed"),
      triedAgain: count("triedAgain"),
      doneLater: count("doneLater"),
      otherwise: count("otherwise"),
      rows: total(stages.map((stage) => rowErrorsIn(rows, own, stage))),
    };
  });
}

/** Whether what an error said of its file, or of its stage, is still so. */
function stillStands(rows: Rows, row: LogEvent, cause: string): boolean {
  if (wordOf(row) === "failed" && row.fileName === null) return endingsIn(rows, [row], row.stage) > 0;
  if (row.fileName === null || isRow(row)) return false;
  return outcomeIn(rows, row.stage, row.fileName, cause) === "failed";
}

const isHitIn = (own: Rows, stage: string, file: string): boolean =>
  own.some((row) => row.stage === stage && row.fileName === file);

/** An error in a row of a table, after which the file goes on. */
function isRow(row: LogEvent): boolean {
  return row.eventType === "error" && wordOf(row) === "retrying" && unitOf(row.stage) === "table";
}

/** What became of a file that the cause had hit in a stage. */
function outcomeIn(
  rows: Rows,
  stage: string,
  file: string,
  cause: string,
): "failed" | "triedAgain" | "doneLater" | "otherwise" {
  const state = wordOf(wordsOf(rows, stage, file).at(-1)!);
  if (state === "done") return "doneLater";
  if (state === "inFlight" || state === "retrying") return "triedAgain";
  const latest = attemptsOf(rows, stage, file).findLast((row) => isFailure(rows, row))!;
  return state === "failed" && causeOf(latest.errorMessage, file) === cause ? "failed" : "otherwise";
}

/** Errors that ended the stage itself, if it has not run again since. */
function endingsIn(rows: Rows, own: Rows, stage: string): number {
  const endings = own.filter((row) => row.stage === stage && row.fileName === null && wordOf(row) === "failed");
  const latest = stageRuns(rows, stage).length > 1 ? stageRuns(rows, stage).at(-1)!.from.id : 0;
  return endings.filter(({ id }) => runIdOf(rows, stage, id) === latest).length;
}

/** Of the latest attempt at each table, and of the latest run of the stage in which it had such errors. */
function rowErrorsIn(rows: Rows, own: Rows, stage: string): number {
  const files = [
    ...new Set(
      own.flatMap((row) => (row.stage === stage && isRow(row) && row.fileName !== null ? [row.fileName] : [])),
    ),
  ];
  return total(
    files.map((file) => {
      const start = attemptsOf(rows, stage, file).findLast(({ eventType }) => eventType === "file_start");
      const errors = own.filter(
        (row) => row.stage === stage && row.fileName === file && isRow(row) && row.id > (start?.id ?? 0),
      );
      const runId = errors.length === 0 ? 0 : runIdOf(rows, stage, errors.at(-1)!.id);
      return errors.filter(({ id }) => runIdOf(rows, stage, id) === runId).length;
    }),
  );
}

const DAY = 86_400_000;

/** What a chart shows of a stage, and its line in the table. */
export function metricsOf(
  moment: Moment,
  stage: string,
): Omit<MetricsView["stages"][number], "label"> & { times: string[]; bucketS: number } {
  const { rows, until, createdAt } = moment;
  const isShown = ({ row }: End): boolean => timeOf(row) >= createdAt - DAY && timeOf(row) <= createdAt + 60 * DAY;
  const times = STAGES.flatMap(({ name }) => allEnds(rows, name))
    .filter(isShown)
    .map(({ row }) => timeOf(row));
  let width = 1_000;
  const numbersAt = (ms: number): number[] => [...new Set(times.map((time) => Math.floor(time / ms)))];
  while (numbersAt(width).length > 480) width *= 2;
  const numbers = numbersAt(width).toSorted((a, b) => a - b);
  const kept = keptNumbers(rows, numbers, width);
  const merged = Math.max(1, Math.ceil(kept.flat().length / 240));
  const bucketMs = width * merged;
  const buckets = kept
    .flatMap((piece) => piece.filter((_, index) => index % merged === 0))
    .map((number) => number * width);
  const endOf = (from: number): number => Math.min(from + bucketMs, buckets[buckets.indexOf(from) + 1] ?? Infinity);
  const ends = allEnds(rows, stage).filter(isShown);
  const inBucket = (from: number): End[] => ends.filter(({ row }) => timeOf(row) >= from && timeOf(row) < endOf(from));
  const took = (some: readonly End[]): number[] => some.flatMap(({ tookMs }) => tookMs ?? []);
  const all = took(allEnds(rows, stage));
  const { done, failed } = cardOf(rows, stage);
  const ms = worked(stageWork(rows, stage), until);
  const audioS = audioDone(rows, stage);
  const audioBy = ({ row, file }: End): number =>
    audioOf(
      rows.filter(({ id }) => id <= row.id),
      file,
    );
  return {
    stage,
    times: buckets.map((from) => new Date(from).toISOString()),
    bucketS: bucketMs / 1_000,
    done: buckets.map((from) => inBucket(from).filter(({ what }) => what === "done").length),
    failed: buckets.map((from) => inBucket(from).filter(({ what, stands }) => what === "failed" && stands).length),
    retried: buckets.map(
      (from) =>
        inBucket(from).filter(({ what, stands }) => what === "retrying" || (what === "failed" && !stands)).length,
    ),
    audioS: buckets.map((from) =>
      total(
        inBucket(from)
          .filter(({ what }) => what === "done")
          .map(audioBy),
      ),
    ),
    workedS: buckets.map(
      (from) =>
        total(spansOf(moment, stage).map(([a, b]) => Math.max(0, Math.min(b, endOf(from)) - Math.max(a, from)))) /
        1_000,
    ),
    p50Ms: buckets.map((from) => rankOf(took(inBucket(from)), 0.5)),
    p95Ms: buckets.map((from) => rankOf(took(inBucket(from)), 0.95)),
    approximate: false,
    overall: {
      p50Ms: rankOf(all, 0.5),
      p95Ms: rankOf(all, 0.95),
      approximate: false,
      failureRate: done + failed > 0 ? failed / (done + failed) : null,
      audioHoursPerHour: ms > 0 && audioS > 0 ? (audioS * 1_000) / ms : null,
    },
  };
}

/** Numbers of buckets from the first to the last, in pieces: without those that lie in a pause of the batch in which no file ended. */
function keptNumbers(rows: Rows, numbers: readonly number[], width: number): number[][] {
  const [first, last] = [numbers[0], numbers.at(-1)];
  if (first === undefined || last === undefined) return [];
  const runs = batchRuns(rows);
  const pauses = runs
    .slice(1)
    .map(({ from }, index) => [Math.ceil(runs[index]!.endedAt! / width), Math.floor(timeOf(from) / width) - 1]);
  const empty = pauses.filter(
    ([from, to]) => from! <= to! && !numbers.some((number) => number >= from! && number <= to!),
  );
  const longest = empty.toSorted((a, b) => b[1]! - b[0]! - (a[1]! - a[0]!)).slice(0, 20);
  const pieces: number[][] = [];
  let begin = first;
  const upTo = (end: number): void => {
    pieces.push(Array.from({ length: end - begin + 1 }, (_, index) => begin + index));
  };
  for (const [from, to] of longest.toSorted((a, b) => a[0]! - b[0]!)) {
    if (from! <= begin || to! >= last) continue;
    upTo(from! - 1);
    begin = to! + 1;
  }
  upTo(last);
  return pieces;
}

function spansOf({ rows, until }: Moment, stage: string): [number, number][] {
  const openMs = worked({ ...stageWork(rows, stage), overMs: 0 }, until);
  return stageRuns(rows, stage).map(({ from, endedAt }) => [timeOf(from), endedAt ?? timeOf(from) + openMs]);
}

/** `openMs`: how long the run that is not over has lasted. */
export function linesOf(runs: readonly PlainRun[], openMs: number, isGoingOn: boolean): WorkRun[] {
  return runs.map(({ from, endedAt, ms }) => ({
    run: from.run,
    firstId: from.id,
    startedAt: from.timestamp,
    endedAt: endedAt === null && isGoingOn ? null : new Date(endedAt ?? timeOf(from) + openMs).toISOString(),
    durationMs: endedAt === null ? openMs : ms,
  }));
}

/** The estimate of a stage that runs: its work left over its fastest and its slowest speed. */
export function remainingOf(
  { rows }: Moment,
  stage: string,
  now: number,
): Pick<StageTime, "remainingMs" | "basis"> | null {
  const index = STAGES.findIndex(({ name }) => name === stage);
  const card = cardOf(rows, stage);
  const started = Date.parse(card.work.since ?? card.startedAt ?? "");
  const runId = stageRuns(rows, stage).length > 1 ? stageRuns(rows, stage).at(-1)!.from.id : 0;
  const files = allFiles(rows).flatMap((file) => {
    const state = statesOf(rows, file)[index] ?? null;
    if (state === null || state === "skipped" || state === "missing") return [];
    const last = wordsOf(rows, stage, file).at(-1);
    const end = allEnds(rows, stage).findLast((one) => one.file === file);
    return [
      {
        isOver: state === "done" || state === "failed",
        id: last?.id ?? 0,
        at: end ? timeOf(end.row) : 0,
        audioS: audioOf(rows, file),
      },
    ];
  });
  const over = files.filter(({ isOver, id }) => isOver && id >= runId);
  const unseen = Math.max(0, (card.totalFiles ?? 0) - files.length);
  const isAudioKnown = unseen === 0 && files.every(({ audioS }) => audioS > 0);
  const amount = (some: typeof files): number => (isAudioKnown ? total(some.map(({ audioS }) => audioS)) : some.length);
  if (over.length < 3 || !(now > started)) return null;
  const left = amount(files.filter(({ isOver }) => !isOver)) + (isAudioKnown ? 0 : unseen);
  const lastAt = Math.min(now, Math.max(started, ...over.map(({ at }) => at)));
  const recentFrom = Math.max(started, now - 300_000);
  const recent = over.filter(({ at }) => at >= recentFrom);
  const recently =
    recent.length > 0
      ? amount(recent) / (now - recentFrom)
      : amount(over) / over.length / Math.max(300_000, now - lastAt);
  const whenItWorked = amount(over) / (lastAt > started ? lastAt - started : now - started);
  const fastest = Math.max(whenItWorked, recently);
  const slowest = Math.min(amount(over) / (now - started), recently);
  const remainingMs: Range = [(left / fastest) * 0.9, (left / slowest) * 1.1];
  return { remainingMs, basis: isAudioKnown ? "audio" : "files" };
}
