/** Rows of the matrix: filtered and sorted files with one cell for each stage. */
import type { StageSummary } from "@cofi/event-log/events";
import { STAGES } from "@cofi/event-log/stages";
import type { Detail } from "../fold/detail.js";
import type { StageCells } from "../fold/stage-cells.js";
import { FileStates } from "./file-states.js";
import type { FileCell, FileRow, FilesPage, FileState } from "../shapes.js";

export interface FilesFilter {
  /** Index of the stage to which `state`, `host` and `minDurationMs` apply; undefined: any stage. */
  stage?: number | undefined;
  /** One state, or any of several. */
  state?: FileState | readonly FileState[] | undefined;
  host?: string | undefined;
  /** A cause of errors, as {@link errorsView} words it. */
  cause?: string | undefined;
  minDurationMs?: number | undefined;
  /** Part of the name, in any case. */
  text?: string | undefined;
  /** CSV files and trades too. They are also found by their name, and where `stage` works on them. */
  everything?: boolean | undefined;
  /** `progress`: files with the least progress first. `duration`: of `stage`, or of all stages together. */
  sort: "name" | "duration" | "progress" | "latest";
  descending: boolean;
}

/** Returns the indexes of all files that pass the filter, sorted. `now`: epoch ms, the end of attempts in progress. */
export function foundFiles(
  detail: Detail,
  summaries: readonly StageSummary[],
  query: FilesFilter,
  now: number,
): number[] {
  return sortFiles(detail, matchingFiles(detail, summaries, query, now), query, now);
}

/** One page of the files that were found. */
export function pageOf(
  detail: Detail,
  summaries: readonly StageSummary[],
  found: readonly number[],
  { offset, limit }: { offset: number; limit: number },
  { now, asOf }: { now: number; asOf: string },
): FilesPage {
  const states = new FileStates(detail, summaries);
  const rows = found.slice(offset, offset + limit).map((file) => fileRow(detail, states, file, now));
  return { rows, total: found.length, offset, hosts: detail.hosts.all, asOf, head: detail.head };
}

function matchingFiles(detail: Detail, summaries: readonly StageSummary[], query: FilesFilter, now: number): number[] {
  const { cause, minDurationMs } = query;
  const wanted = query.state === undefined ? undefined : new Set([query.state].flat());
  const host = query.host === undefined ? undefined : (detail.hosts.find(query.host) ?? Infinity);
  const text = query.text?.toLowerCase();
  const stages = query.stage === undefined ? STAGES.map((_, index) => index) : [query.stage];
  const states = new FileStates(detail, summaries);
  const byCell = query.stage !== undefined || wanted !== undefined || host !== undefined || minDurationMs !== undefined;
  const hits = (file: number, stage: number, ofFile: readonly (FileState | null)[]): boolean => {
    const cells = detail.stages[stage] as StageCells;
    if (host !== undefined && !cells.wasAttemptedBy(file, host)) return false;
    if (minDurationMs !== undefined && !((tookMs(cells, file, now) ?? -1) >= minDurationMs)) return false;
    if (wanted === undefined) return query.stage === undefined || cells.stateOf(file) !== "none" || host !== undefined;
    const state = ofFile[stage] ?? null;
    return state !== null && wanted.has(state);
  };
  const ofCause = cause === undefined ? null : filesOfCause(detail, cause);
  // A cause may be one of tables and trades alone.
  const areRecordings =
    !query.everything && !ofCause && !text && (query.stage === undefined || STAGES[query.stage]?.unit === "recording");
  const matching: number[] = [];
  for (const [file, name] of detail.files.all.entries()) {
    if (areRecordings && detail.isRecording.get(file) === 0) continue;
    if (ofCause && !ofCause.has(file)) continue;
    if (text && !name.toLowerCase().includes(text)) continue;
    if (byCell) {
      const ofFile = wanted === undefined ? [] : states.of(file);
      if (!stages.some((stage) => hits(file, stage, ofFile))) continue;
    }
    matching.push(file);
  }
  return matching;
}

/** Indexes of the files that the cause has hit. */
export function filesOfCause(detail: Detail, cause: string): ReadonlySet<number> {
  const index = detail.causes.find(cause);
  return (index === undefined ? undefined : detail.errors[index]?.files) ?? new Set<number>();
}

function sortFiles(
  detail: Detail,
  files: readonly number[],
  { sort, stage, descending }: FilesFilter,
  now: number,
): number[] {
  const sign = descending ? -1 : 1;
  const ranks = detail.files.ranks();
  if (sort === "name") return files.toSorted((a, b) => sign * (ranks[a]! - ranks[b]!));
  const stages = stage === undefined ? detail.stages : [detail.stages[stage] as StageCells];
  const keys = new Float64Array(detail.files.all.length);
  for (const file of files) keys[file] = sortKey(stages, file, sort, now);
  return files.toSorted((a, b) => sign * (keys[a]! - keys[b]!) || ranks[a]! - ranks[b]!);
}

function sortKey(
  stages: readonly StageCells[],
  file: number,
  sort: Exclude<FilesFilter["sort"], "name">,
  now: number,
): number {
  if (sort === "latest") return Math.max(...stages.map((cells) => cells.eventId.get(file)));
  if (sort === "duration") return stages.reduce((sum, cells) => sum + (tookMs(cells, file, now) ?? 0), 0);
  return stages.filter((cells) => cells.stateOf(file) === "done").length;
}

/** Duration of the latest attempt in ms, up to `now` while it is in progress; null when unknown. */
function tookMs(cells: StageCells, file: number, now: number): number | null {
  const startedAt = cells.startedAt.get(file);
  if (cells.stateOf(file) === "inFlight") return startedAt > 0 ? Math.max(0, now - startedAt) : null;
  const duration = cells.duration.get(file);
  return cells.endedAt.get(file) > 0 && duration >= 0 ? duration : null;
}

/** One file with its cells. */
export function fileRow(detail: Detail, states: FileStates, file: number, now: number): FileRow {
  const ofFile = states.of(file);
  const cells = detail.stages.map((stage, index): FileCell | null => {
    const state = ofFile[index] ?? null;
    if (state === null) return null;
    const [took, host] = [tookMs(stage, file, now), stage.host.get(file)];
    return {
      state,
      attempts: stage.attempts.get(file),
      host: host > 0 ? host - 1 : null,
      durationMs: took === null ? null : Math.round(took),
      startedAt: isoTime(stage.startedAt.get(file)),
      endedAt: isoTime(stage.endedAt.get(file)),
      eventId: stage.eventId.get(file),
    };
  });
  return { fileName: detail.files.all[file] ?? "", audioS: detail.audioS.get(file) || null, cells };
}

/** Returns null for 0, which means that the time is unknown. */
export function isoTime(at: number): string | null {
  return at > 0 ? new Date(at).toISOString() : null;
}
