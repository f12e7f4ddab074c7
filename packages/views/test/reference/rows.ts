/**
 * The figures of a batch, read plainly from its rows: every rule as it is written in docs/architecture.md, by looking at all
 * rows again for each figure. Slow, and without any code of the fold or of the SQL that it is compared with.
 */
import type { EventType, LogEvent } from "@cofi/event-log/events";
import { STAGES } from "@cofi/event-log/stages";

export type Rows = readonly LogEvent[];

export interface Moment {
  /** Ascending, history left out. */
  rows: Rows;
  /** Ends of what is in progress, epoch ms; null when nothing more is to come. */
  until: number | null;
  asOf: string;
  createdAt: number;
}

/** Without history, by comparing every row with every other one. */
export function current<R extends Pick<LogEvent, "id" | "run">>(rows: readonly R[]): R[] {
  return rows.filter(
    ({ id, run }) => run === null || !rows.some((other) => other.id < id && other.run !== null && other.run > run),
  );
}

export const timeOf = ({ timestamp }: LogEvent): number => Date.parse(timestamp);
export const ofStage = (rows: Rows, stage: string): Rows => rows.filter((row) => row.stage === stage);
export const unitOf = (stage: string): string => STAGES.find(({ name }) => name === stage)?.unit ?? "";
export const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

const ATTEMPT: readonly EventType[] = ["file_start", "file_complete", "error"];

/** What a row says of its file: null for one that says nothing of it. */
export function wordOf({
  eventType,
  status,
  metadata,
}: LogEvent): "inFlight" | "retrying" | "done" | "failed" | "skipped" | null {
  if (eventType === "file_start") return "inFlight";
  if (eventType === "file_complete") return status === "failed" ? "failed" : "done";
  if (eventType === "error") return status === "processing" || status === "pending" ? "retrying" : "failed";
  const isSkip = eventType === "info" && typeof (metadata as { skipped?: string } | null)?.skipped === "string";
  return isSkip ? "skipped" : null;
}

/** Names of the files that a word of the stage was about, in the order of the first. */
export function filesOf(rows: Rows, stage: string): string[] {
  return [
    ...new Set(ofStage(rows, stage).flatMap((row) => (row.fileName !== null && wordOf(row) ? [row.fileName] : []))),
  ];
}

/** The words of a stage about a file. */
export function wordsOf(rows: Rows, stage: string, file: string): Rows {
  return rows.filter((row) => row.stage === stage && row.fileName === file && wordOf(row) !== null);
}

/** Those that are about attempts. */
export function attemptsOf(rows: Rows, stage: string, file: string): Rows {
  return wordsOf(rows, stage, file).filter(({ eventType }) => ATTEMPT.includes(eventType));
}

/** An end of an attempt. */
export interface End {
  row: LogEvent;
  stage: string;
  file: string;
  what: "done" | "failed" | "retrying";
  /** ms; null while nobody knows. */
  tookMs: number | null;
  /** No later word came. */
  stands: boolean;
}

/** The ends of all attempts at a file: a failed completion after a failure says the same failure again. */
export function endsOf(rows: Rows, stage: string, file: string): End[] {
  const words = attemptsOf(rows, stage, file);
  const isSaidAgain = (index: number): boolean =>
    words[index]!.eventType === "file_complete" &&
    wordOf(words[index]!) === "failed" &&
    index > 0 &&
    wordOf(words[index - 1]!) === "failed";
  return words.flatMap((row, index): End[] => {
    if (row.eventType === "file_start" || isSaidAgain(index)) return [];
    const start = words[index - 1]?.eventType === "file_start" ? words[index - 1] : undefined;
    const measured = start ? Math.max(0, timeOf(row) - timeOf(start)) : null;
    const tookMs = row.durationMs !== null && row.durationMs >= 0 ? row.durationMs : measured;
    const stands = words.every((_, later) => later <= index || isSaidAgain(later));
    return [{ row, stage, file, what: wordOf(row) as End["what"], tookMs, stands }];
  });
}

export function allEnds(rows: Rows, stage: string): End[] {
  return filesOf(rows, stage).flatMap((file) => endsOf(rows, stage, file));
}

/** Nearest rank. */
export function rankOf(values: readonly number[], share: number): number | null {
  return values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(share * values.length) - 1)] ?? null;
}

/** Seconds of audio of a file, as those of its rows say it that are asked: its first start in each of its first two stages. */
export function audioOf(rows: Rows, file: string): number {
  const starts = rows.filter(
    (row) => row.eventType === "file_start" && row.fileName === file && STAGES.some(({ name }) => name === row.stage),
  );
  const firsts = starts.filter((row, index) => !starts.slice(0, index).some(({ stage }) => stage === row.stage));
  for (const { metadata } of firsts.slice(0, 2)) {
    const said = (metadata as { audioSeconds?: number } | null)?.audioSeconds;
    if (typeof said === "number" && said > 0) return said;
  }
  return 0;
}
