/** Files and handoffs, read plainly: see `rows.ts`. */
import type { LogEvent } from "@cofi/event-log/events";
import { STAGES } from "@cofi/event-log/stages";
import type { FileState, HandoffCounts } from "@cofi/views/detail/shapes";
import { cardOf } from "./cards.js";
import { attemptsOf, endsOf, filesOf, timeOf, unitOf, wordOf, wordsOf, type Moment, type Rows } from "./rows.js";

const NAMES = STAGES.map(({ name }) => name as string);
const OF_RECORDINGS = NAMES.filter((name) => unitOf(name) === "recording");

/** Files that a row of a stage names. */
export function allFiles(rows: Rows): string[] {
  return [
    ...new Set(rows.flatMap((row) => (row.fileName !== null && NAMES.includes(row.stage) ? [row.fileName] : []))),
  ];
}

function isRecording(rows: Rows, file: string): boolean {
  return rows.some((row) => row.fileName === file && unitOf(row.stage) === "recording");
}

/** The state that the stage's own words give a file; null without any. */
export function ownState(rows: Rows, stage: string, file: string): FileState | null {
  const word = wordsOf(rows, stage, file).at(-1);
  return word ? wordOf(word) : null;
}

/** Stages that hand recordings on by name. */
function chainOf(rows: Rows): string[] {
  const named = OF_RECORDINGS.filter((stage) => filesOf(rows, stage).length > 0);
  const latest = NAMES.indexOf(named.at(-1) ?? "");
  return OF_RECORDINGS.filter((stage) => {
    if (named.includes(stage)) return true;
    const { status, done } = cardOf(rows, stage);
    return done === 0 && !(status === "pending" && NAMES.indexOf(stage) < latest);
  });
}

/** The state of a file in each stage; null where the stage does not process it. */
export function statesOf(rows: Rows, file: string): (FileState | null)[] {
  const own = NAMES.map((stage) => ownState(rows, stage, file));
  if (!isRecording(rows, file)) return own;
  const chain = chainOf(rows);
  const latest = NAMES.findLastIndex((stage, index) => own[index] !== null && OF_RECORDINGS.includes(stage));
  const states = [...own];
  for (const [place, stage] of chain.entries()) {
    const index = NAMES.indexOf(stage);
    if (own[index] !== null) continue;
    const skipping = NAMES.slice(0, index).filter((_, at) => own[at] === "skipped");
    const isInChain = skipping.some((one) => OF_RECORDINGS.includes(one));
    // A stage beside the chain has left it out: the next one of the chain counts it, those after it do not.
    const beside = skipping.find((one) => !OF_RECORDINGS.includes(one));
    const first = chain.find((one) => NAMES.indexOf(one) > NAMES.indexOf(beside ?? ""));
    const firstSkip = skipping[0];
    const before = place === 0 ? undefined : states[NAMES.indexOf(chain[place - 1]!)];
    const { status } = cardOf(rows, stage);
    const isOver = status === "success" || status === "failed";
    if (firstSkip !== undefined && firstSkip === beside && first === stage) states[index] = "skipped";
    else if (isInChain || beside !== undefined || (before !== undefined && before !== "done")) states[index] = null;
    else states[index] = isOver || latest > index ? "missing" : "waiting";
  }
  return states;
}

/** One file in one stage, as the matrix and the export of files show it. */
export function cellOf({ rows }: Moment, stage: string, file: string, now: number) {
  const state = statesOf(rows, file)[NAMES.indexOf(stage)] ?? null;
  if (state === null) return null;
  const words = wordsOf(rows, stage, file);
  const attempts = attemptsOf(rows, stage, file);
  const starts = attempts.filter(({ eventType }) => eventType === "file_start");
  const numbers = words.flatMap(({ attempt }) => attempt ?? []);
  const [start, last] = [starts.at(-1), attempts.at(-1)];
  const end = endsOf(rows, stage, file).at(-1);
  const isOpen = last?.eventType === "file_start";
  const skip = words.findLast((word) => wordOf(word) === "skipped");
  const endedAt = last === undefined ? (skip ? timeOf(skip) : null) : isOpen ? null : timeOf(end!.row);
  const soFar = start ? Math.max(0, now - timeOf(start)) : null;
  return {
    state,
    attempts: Math.max(0, starts.length, ...numbers),
    host: hostOf(words),
    durationMs: state === "inFlight" ? soFar : isOpen || last === undefined ? null : end!.tookMs,
    startedAt: start?.timestamp ?? null,
    endedAt: endedAt === null ? null : new Date(endedAt).toISOString(),
    eventId: words.at(-1)?.id ?? 0,
  };
}

/** The host of the latest attempt: a start without one leaves it open, other words without one do not change it. */
export function hostOf(words: Rows): string | null {
  let host: string | null = null;
  for (const { gpuIp, eventType } of words) host = gpuIp ?? (eventType === "file_start" ? null : host);
  return host;
}

type Counts = Pick<
  HandoffCounts,
  | "stage"
  | "from"
  | "input"
  | "done"
  | "failed"
  | "skipped"
  | "inFlight"
  | "retrying"
  | "waiting"
  | "missing"
  | "unexpected"
  | "announced"
  | "unnamed"
>;

export function handoffsOf(rows: Rows): Counts[] {
  const chain = chainOf(rows);
  const files = allFiles(rows).filter((file) => isRecording(rows, file));
  return chain.map((stage, place) => {
    const before = chain[place - 1] ?? null;
    const seen = files.flatMap((file) => {
      const states = statesOf(rows, file);
      const state = states[NAMES.indexOf(stage)] ?? null;
      return state === null ? [] : [{ state, before: before && states[NAMES.indexOf(before)] }];
    });
    const count = (state: FileState): number => seen.filter((one) => one.state === state).length;
    const { status, totalFiles } = cardOf(rows, stage);
    const isOver = status === "success" || status === "failed";
    const hasNamed = filesOf(rows, stage).length > 0;
    const announced = Math.max(0, (totalFiles ?? 0) - (seen.length - count("missing")));
    return {
      stage,
      from: before,
      input: seen.length,
      done: count("done"),
      failed: count("failed"),
      skipped: count("skipped"),
      inFlight: count("inFlight"),
      retrying: count("retrying"),
      waiting: count("waiting"),
      missing: count("missing"),
      unexpected: seen.filter((one) => before !== null && one.state !== "skipped" && one.before !== "done").length,
      announced: totalFiles,
      unnamed: isOver && hasNamed ? announced : 0,
    };
  });
}

/** Errors of a host: failures that are said again count once. */
export function isFailure(rows: Rows, row: LogEvent): boolean {
  if (row.eventType === "error") return true;
  if (row.eventType !== "file_complete" || row.status !== "failed") return false;
  return row.fileName === null || endsOf(rows, row.stage, row.fileName).some((end) => end.row.id === row.id);
}
