/** Runs, read plainly: see `rows.ts`. */
import type { LogEvent, Work } from "@cofi/event-log/events";
import { ofStage, timeOf, type Moment, type Rows } from "./rows.js";
import { WORK_NAMES } from "../logs.js";

export interface PlainRun {
  /** The row with which it begins. */
  from: LogEvent;
  endedAt: number | null;
  ms: number;
}

const MINUTE = 60_000;
const isBound = ({ eventType }: LogEvent): boolean => eventType === "stage_start" || eventType === "stage_complete";
const latest = (rows: Rows, isIt: (row: LogEvent) => boolean): LogEvent | undefined => rows.findLast(isIt);

/** The first row of the numbered run that a row belongs to. */
function runFrom(rows: Rows, { run }: LogEvent): number {
  return rows.find((row) => row.run === run)!.id;
}

function isOfNewerRun(own: Rows, first: LogEvent, row: LogEvent): boolean {
  const before = own.filter((one) => one.id < row.id && (one.id === first.id || isBound(one)));
  const runs = before.flatMap(({ run }) => run ?? []);
  return row.run !== null && runs.length > 0 && row.run > Math.max(...runs);
}

/** The row before a start that tells when the run before it was heard of last. */
function heardBefore(rows: Rows, own: Rows, first: LogEvent, row: LogEvent): LogEvent | undefined {
  const limit = isOfNewerRun(own, first, row) ? runFrom(rows, row) : row.id;
  return latest(own, ({ id }) => id < limit);
}

export function stageRuns(rows: Rows, stage: string): PlainRun[] {
  const own = ofStage(rows, stage);
  const first = own.find(({ eventType }) => eventType !== "info");
  if (!first) return [];
  const beginnings = [first];
  for (const row of own) {
    if (row.eventType !== "stage_start" || row.id === first.id) continue;
    const begun = beginnings.at(-1)!;
    const hasEnded = own.some(({ id, eventType }) => eventType === "stage_complete" && id >= begun.id && id < row.id);
    const bound = latest(own, (one) => one.id < row.id && (isBound(one) || one.id === first.id))!;
    const heard = heardBefore(rows, own, first, row);
    const silence = timeOf(row) - Math.max(timeOf(bound), heard ? timeOf(heard) : -Infinity);
    if (hasEnded || isOfNewerRun(own, first, row) || silence > MINUTE) beginnings.push(row);
  }
  return beginnings.map((from, index): PlainRun => {
    const next = beginnings[index + 1];
    const ofRun = own.filter(({ id }) => id >= from.id && (!next || id < next.id));
    const ends = ofRun.filter(({ eventType }) => eventType === "stage_complete");
    const starts = ofRun.filter(({ eventType }) => eventType === "stage_start");
    if (ends.length === 0 && !next) return { from, endedAt: null, ms: 0 };
    const heard = next && heardBefore(rows, own, first, next);
    const last = timeOf(ends.at(-1) ?? heard ?? from);
    const endedAt = clamped(timeOf(from), last, next && timeOf(next));
    const said = ends.length === 1 && starts.length <= 1 ? (ends[0]?.durationMs ?? -1) : -1;
    return { from, endedAt, ms: said >= 0 ? said : endedAt - timeOf(from) };
  });
}

function clamped(from: number, to: number, next: number | undefined): number {
  return Math.max(from, next !== undefined && next >= from ? Math.min(to, next) : to);
}

export function stageWork(rows: Rows, stage: string): Work {
  return workOf(stageRuns(rows, stage), ofStage(rows, stage).at(-1));
}

function workOf(runs: readonly PlainRun[], last: LogEvent | undefined): Work {
  const open = runs.find(({ endedAt }) => endedAt === null);
  return {
    runs: runs.length,
    overMs: runs.reduce((sum, { ms }) => sum + ms, 0),
    since: open ? open.from.timestamp : null,
    loggedMs: open && last ? Math.max(0, timeOf(last) - timeOf(open.from)) : 0,
  };
}

export function batchRuns(rows: Rows): PlainRun[] {
  const [first] = rows;
  if (!first) return [];
  const numbers = [...new Set(rows.flatMap(({ run }) => run ?? []))].toSorted((a, b) => a - b).slice(1);
  const numbered = numbers.map((run) => rows.find((row) => row.run === run)!);
  const stages = WORK_NAMES.flatMap((stage) => stageRuns(rows, stage).map(({ from }) => ({ from, stage })));
  const beginnings = [first];
  for (const row of rows) {
    const before = latest(rows, ({ id }) => id < row.id);
    const own = ofStage(rows, row.stage);
    const bound = latest(own, (one) => one.id < row.id && isBound(one));
    const silence = timeOf(row) - Math.max(before ? timeOf(before) : -Infinity, bound ? timeOf(bound) : -Infinity);
    const begins = row.eventType === "stage_start" && stages.some(({ from }) => from.id === row.id);
    const isAgain = stages.some(
      ({ from, stage }) => stage === row.stage && from.id >= beginnings.at(-1)!.id && from.id < row.id,
    );
    if (numbered.includes(row) || (begins && row.run === null && isAgain && silence > MINUTE)) beginnings.push(row);
  }
  return beginnings.map((from, index) => {
    const next = beginnings[index + 1];
    if (!next) return { from, endedAt: null, ms: 0 };
    const endedAt = clamped(timeOf(from), timeOf(latest(rows, ({ id }) => id < next.id)!), timeOf(next));
    return { from, endedAt, ms: endedAt - timeOf(from) };
  });
}

/** A batch is at work for at least as long as each of its stages. */
export function batchWork(rows: Rows): Work {
  const work = workOf(batchRuns(rows), rows.at(-1));
  if (work.runs === 0) return work;
  const longest = Math.max(
    0,
    ...WORK_NAMES.map((stage) => stageWork(rows, stage)).map((one) => one.overMs + one.loggedMs),
  );
  return { ...work, loggedMs: Math.max(work.loggedMs, longest - work.overMs) };
}

/** ms at work at a moment. */
export function worked({ overMs, since, loggedMs }: Work, until: Moment["until"]): number {
  if (since === null) return overMs;
  return overMs + (until === null ? loggedMs : Math.max(loggedMs, until - Date.parse(since)));
}

/** The id with which the run of its stage began that a row belongs to; 0 for the first run. */
export function runIdOf(rows: Rows, stage: string, id: number): number {
  const runs = stageRuns(rows, stage);
  const index = runs.findLastIndex(({ from }) => from.id <= id);
  return index <= 0 ? 0 : runs[index]!.from.id;
}
