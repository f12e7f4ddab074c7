/** Rows of the matrix: which files, in which order, with one cell for each stage. */
import type { StageSummary } from "../events.js";
import { STAGES } from "../stages.js";
import type { Detail, StageCells } from "./detail.js";
import { FileStates } from "./file-states.js";
import type { FileCell, FileRow, FilesPage, FileState } from "./shapes.js";

export interface FilesQuery {
  /** Index of the stage that `state`, `host` and `minDurationMs` are about; undefined: any stage. */
  stage?: number | undefined;
  state?: FileState | undefined;
  host?: string | undefined;
  /** A cause of errors, as {@link errorsView} words it. */
  cause?: string | undefined;
  minDurationMs?: number | undefined;
  /** Part of the name, in any case. */
  text?: string | undefined;
  /** CSV files and trades too. */
  everything?: boolean | undefined;
  /** `progress`: those that got least far first. `duration`: of `stage`, or of all stages together. */
  sort: "name" | "duration" | "progress" | "latest";
  descending: boolean;
  offset: number;
  limit: number;
}

/** One page of the files that pass the filter, sorted. */
export function filesPage(
  detail: Detail,
  summaries: readonly StageSummary[],
  query: FilesQuery,
  asOf: string,
): FilesPage {
  const found = sortFiles(detail, matchingFiles(detail, summaries, query), query);
  const shown = found.slice(query.offset, query.offset + query.limit);
  const states = new FileStates(detail, summaries);
  const rows = shown.map((file) => fileRow(detail, states, file));
  return { rows, total: found.length, offset: query.offset, hosts: detail.hosts.all, asOf, head: detail.head };
}

/** Indexes of the files that pass the filter, in the order in which they came. */
export function matchingFiles(
  detail: Detail,
  summaries: readonly StageSummary[],
  query: Omit<FilesQuery, "sort" | "descending" | "offset" | "limit">,
): number[] {
  const { state, cause, minDurationMs } = query;
  const host = query.host === undefined ? undefined : (detail.hosts.find(query.host) ?? Infinity);
  const text = query.text?.toLowerCase();
  const stages = query.stage === undefined ? STAGES.map((_, index) => index) : [query.stage];
  const states = new FileStates(detail, summaries);
  const byCell = query.stage !== undefined || state !== undefined || host !== undefined || minDurationMs !== undefined;
  const hits = (file: number, stage: number, ofFile: readonly (FileState | null)[]): boolean => {
    const cells = detail.stages[stage] as StageCells;
    if (host !== undefined && !cells.wasTriedBy(file, host)) return false;
    if (minDurationMs !== undefined && !(cells.duration.get(file) >= minDurationMs)) return false;
    if (state === undefined) return query.stage === undefined || cells.stateOf(file) !== "none" || host !== undefined;
    return ofFile[stage] === state;
  };
  const ofCause = cause === undefined ? null : filesOfCause(detail, cause);
  const matching: number[] = [];
  for (const [file, name] of detail.files.all.entries()) {
    if (!query.everything && detail.isRecording.get(file) === 0) continue;
    if (ofCause && !ofCause.has(file)) continue;
    if (text && !name.toLowerCase().includes(text)) continue;
    if (byCell) {
      const ofFile = state === undefined ? [] : states.of(file);
      if (!stages.some((stage) => hits(file, stage, ofFile))) continue;
    }
    matching.push(file);
  }
  return matching;
}

/** Indexes of the files that it has hit. */
export function filesOfCause(detail: Detail, cause: string): ReadonlySet<number> {
  const index = detail.causes.find(cause);
  return (index === undefined ? undefined : detail.errors[index]?.files) ?? new Set<number>();
}

/** The files in the order that was asked for. */
export function sortFiles(
  detail: Detail,
  files: readonly number[],
  { sort, stage, descending }: Pick<FilesQuery, "sort" | "stage" | "descending">,
): number[] {
  const sign = descending ? -1 : 1;
  const ranks = detail.files.ranks();
  if (sort === "name") return files.toSorted((a, b) => sign * (ranks[a]! - ranks[b]!));
  const stages = stage === undefined ? detail.stages : [detail.stages[stage] as StageCells];
  const keys = new Float64Array(detail.files.all.length);
  for (const file of files) keys[file] = sortKey(stages, file, sort);
  return files.toSorted((a, b) => sign * (keys[a]! - keys[b]!) || ranks[a]! - ranks[b]!);
}

function sortKey(stages: readonly StageCells[], file: number, sort: Exclude<FilesQuery["sort"], "name">): number {
  if (sort === "latest") return Math.max(...stages.map((cells) => cells.eventId.get(file)));
  if (sort === "duration") return stages.reduce((sum, cells) => sum + Math.max(0, cells.duration.get(file)), 0);
  return stages.filter((cells) => cells.stateOf(file) === "done").length;
}

/** One file with its cells. */
export function fileRow(detail: Detail, states: FileStates, file: number): FileRow {
  const ofFile = states.of(file);
  const cells = detail.stages.map((stage, index): FileCell | null => {
    const state = ofFile[index] ?? null;
    if (state === null) return null;
    const [duration, host] = [stage.duration.get(file), stage.host.get(file)];
    return {
      state,
      attempts: stage.attempts.get(file),
      host: host > 0 ? host - 1 : null,
      durationMs: stage.endedAt.get(file) > 0 && duration >= 0 ? Math.round(duration) : null,
      startedAt: isoTime(stage.startedAt.get(file)),
      endedAt: isoTime(stage.endedAt.get(file)),
      eventId: stage.eventId.get(file),
    };
  });
  return { fileName: detail.files.all[file] ?? "", audioS: detail.audioS.get(file) || null, cells };
}

/** null for the 0 of a time that nobody said. */
export function isoTime(at: number): string | null {
  return at > 0 ? new Date(at).toISOString() : null;
}
