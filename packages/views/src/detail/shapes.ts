/** The shapes of the detailed views in the HTTP API, which the page reads. */
import type { Batch, StageStatus, Work } from "@cofi/event-log/events";

/** waiting: its turn in the stage has not come · missing: the stage is over and never saw the file · others: as logged. */
export const FILE_STATES = ["waiting", "inFlight", "retrying", "done", "failed", "skipped", "missing"] as const;
export type FileState = (typeof FILE_STATES)[number];

/** One file in one stage. */
export interface FileCell {
  state: FileState;
  attempts: number;
  /** Index into `hosts` of the answer; null when no event named one. */
  host: number | null;
  /** Duration of the latest attempt; so far, while it is in progress. */
  durationMs: number | null;
  /** ISO 8601; start and end of the latest attempt. */
  startedAt: string | null;
  endedAt: string | null;
  /** Id of the event behind the state; 0 when there is none. */
  eventId: number;
}

export interface FileRow {
  fileName: string;
  /** Seconds of audio; null while unknown. */
  audioS: number | null;
  /** One per stage, in stage order; null where the stage does not process the file. */
  cells: (FileCell | null)[];
}

export interface FilesPage {
  rows: FileRow[];
  /** Of all files that pass the filter. */
  total: number;
  offset: number;
  /** Names of the hosts that cells refer to. */
  hosts: string[];
  asOf: string;
  head: number;
}

/** `input = done + failed + skipped + inFlight + retrying + waiting + missing`, of the files that this stage should see. */
export interface HandoffCounts {
  stage: string;
  label: string;
  status: StageStatus;
  /** The stage before whose finished files are this one's input; null for the first. */
  from: string | null;
  input: number;
  done: number;
  failed: number;
  skipped: number;
  inFlight: number;
  retrying: number;
  waiting: number;
  missing: number;
  /** Files that the stage saw although the previous stage had not finished them. */
  unexpected: number;
  /** Number of files that the stage announced; null while it has not. */
  announced: number | null;
  /** Announced files that no event has named by the end of the stage; their names are unknown. */
  unnamed: number;
  /** The first names of the files missing and unexpected, at most {@link MOST_NAMES} each. */
  missingFiles: string[];
  unexpectedFiles: string[];
}
export const MOST_NAMES = 100;

export interface Reconciliation {
  stages: HandoffCounts[];
  /** Every file that a stage should have seen is accounted for, and so is every one that it announced. */
  balanced: boolean;
  asOf: string;
  head: number;
}

export interface ErrorGroupView {
  /** The message without the parts that differ between files; the files can be filtered by it. */
  cause: string;
  /** The message of one of them, if possible of one that still stands. */
  example: string;
  /** Errors, of all attempts and runs. */
  count: number;
  /** What still stands: `failed`, and errors that ended a stage that has not run again since. */
  final: number;
  firstId: number;
  firstAt: string;
  lastId: number;
  lastAt: string;
  stages: { stage: string; count: number; final: number }[];
  hosts: { host: string; count: number }[];
  /** Files that it has hit. */
  files: number;
  /** Those of them of which it has ended an attempt, by their latest outcome. */
  failed: number;
  triedAgain: number;
  doneLater: number;
  /** Failed later with another cause, or left out. */
  otherwise: number;
  /** Errors in rows of CSV files, each as it was read last: the row is set aside and the file goes on. */
  rows: number;
}

export interface ErrorsView {
  /** The cause whose first error is oldest comes first. */
  groups: ErrorGroupView[];
  asOf: string;
  head: number;
}

/** One stage of one batch among others. */
export interface StageOverview {
  stage: string;
  label: string;
  status: StageStatus;
  done: number;
  failed: number;
  /** Runs so far. */
  runs: number;
  /** Sum of its runs, the one that is not over up to now; null before it began. */
  durationMs: number | null;
  /** Of its files, by their latest outcome. */
  failureRate: number | null;
  /** Files per minute of this time. */
  perMinute: number | null;
  /** Of the attempts that ended. */
  p50Ms: number | null;
  p95Ms: number | null;
  /** True when these may be off by up to a percent. */
  approximate: boolean;
  /** Audio of the files that are done, over the time of the stage; null while no length is known. */
  audioHoursPerHour: number | null;
}

/** One batch among others. */
export interface BatchOverview {
  batch: Batch;
  /** File steps over all stages: a file is counted in every stage it passes. */
  done: number;
  failed: number;
  /** 0 to 1: the mean of the stages. */
  progress: number;
  /** Of the batch. */
  work: Work;
  stages: StageOverview[];
  /** Ends of files in each of equal intervals from the first event to the last; empty without events. */
  spark: number[];
  /** Of the stages; null before the first. */
  lastEventAt: string | null;
  asOf: string;
  head: number;
}

/** The figures of the last finished batches, oldest first. */
export interface TrendsView {
  batches: { id: number; name: string; startedAt: string | null; stages: StageOverview[] }[];
}

/** `[low, high]` in ms. */
export type Range = readonly [number, number];

/** A run of a stage, or of the batch. */
export interface WorkRun {
  /** The run of the batch; null for a writer without runs, and for several runs in one line. */
  run: number | null;
  /** Id of its first event. */
  firstId: number;
  startedAt: string;
  /** null while it goes on. */
  endedAt: string | null;
  /** So far, while it goes on. */
  durationMs: number;
}
/** The latest runs, one line each; the first line is of all earlier ones together. */
export const MOST_RUNS = 100;

export interface StageTime {
  stage: string;
  label: string;
  status: StageStatus;
  startedAt: string | null;
  finishedAt: string | null;
  /** Oldest first, at most {@link MOST_RUNS}. */
  runs: WorkRun[];
  /** Sum of its runs; null before it began. */
  durationMs: number | null;
  failed: number;
  /** Time left; null while the speed is unknown. */
  remainingMs: Range | null;
  /** The basis of the estimate. */
  basis: "done" | "audio" | "files" | "history" | "unknown";
}

export interface TimelineView {
  stages: StageTime[];
  /** Sum over the stages left; null while one of them is unknown. */
  remainingMs: Range | null;
  /** The stage that takes most of the time left. */
  bottleneck: string | null;
  /** Of the batch; oldest first, at most {@link MOST_RUNS}. */
  runs: WorkRun[];
  /** Sum of the runs of the batch. */
  durationMs: number;
  asOf: string;
  head: number;
}

/** slow-file: one file takes far longer than the others · stuck-stage: no file ends although files wait · silent-host: a host with files in progress logs nothing while others do. */
export const STALL_KINDS = ["slow-file", "stuck-stage", "silent-host"] as const;
export interface Stall {
  kind: (typeof STALL_KINDS)[number];
  stage: string;
  /** The file, or the host; null for a stage. */
  what: string | null;
  /** How long it has lasted, ms. */
  forMs: number;
  /** The rule that it breaks, in words. */
  rule: string;
}

/** Something that an operator should check. */
export const FINDING_KINDS = [
  "trades",
  "silent-batch",
  "missing",
  "unnamed",
  "stuck-stage",
  "silent-host",
  "unhealthy-host",
  "slow-host",
  "slow-file",
  "cause",
  "rows",
  "values",
] as const;
export interface Finding {
  kind: (typeof FINDING_KINDS)[number];
  stage: string;
  /** The file, host, cause of errors or outcome of trades, or the time of the last sign of life; null: several files, or the stage itself. */
  what: string | null;
  count: number;
  /** For people, in one line. */
  text: string;
  rule: string;
}

export interface MetricsView {
  /** Seconds that one bucket spans. */
  bucketS: number;
  /** Start of each bucket, ISO 8601, ascending. The pauses between runs of the batch have no buckets. */
  times: string[];
  stages: {
    stage: string;
    label: string;
    /** One per bucket. Files that are done; failures that stand; attempts after which the file was tried again. */
    done: number[];
    failed: number[];
    retried: number[];
    audioS: number[];
    /** Seconds of the bucket in which the stage was at work: what rates are made of. */
    workedS: number[];
    p50Ms: (number | null)[];
    p95Ms: (number | null)[];
    /** True when some of these percentiles may be off by up to a percent. */
    approximate: boolean;
    /** Over the whole batch. */
    overall: {
      p50Ms: number | null;
      p95Ms: number | null;
      /** True when these percentiles may be off by up to a percent. */
      approximate: boolean;
      /** Of the files, by their latest outcome. */
      failureRate: number | null;
      audioHoursPerHour: number | null;
    };
  }[];
  asOf: string;
  head: number;
}
