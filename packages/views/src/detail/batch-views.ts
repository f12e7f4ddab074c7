/** Views over all files of a batch, computed from its detail: reconciliation, hosts, causes of errors, figures over time. */
import type { StageSummary } from "@cofi/event-log/events";
import { STAGES } from "@cofi/event-log/stages";
import type { Detail, StageCells } from "./detail.js";
import { FileStates } from "./file-states.js";
import { isoTime } from "./files-view.js";
import { percentile } from "./histogram.js";
import { emptyBucket, mergeBucket } from "./series.js";
import {
  MOST_NAMES,
  type ErrorsView,
  type HandoffCounts,
  type HostsView,
  type MetricsView,
  type Reconciliation,
} from "./shapes.js";

/** Each stage of recordings that names its files: what it should have seen against what it saw. */
export function reconciliation(detail: Detail, summaries: readonly StageSummary[], asOf: string): Reconciliation {
  const states = new FileStates(detail, summaries);
  const indexes = STAGES.flatMap((_, index) => (states.isInChain(index) ? [index] : []));
  const stages = indexes.map((index, at) => emptyCounts(index, indexes[at - 1] ?? null, summaries));
  for (const [file, fileName] of detail.files.all.entries()) {
    if (detail.isRecording.get(file) === 0) continue;
    const ofFile = states.of(file);
    for (const [at, index] of indexes.entries()) {
      const state = ofFile[index] ?? null;
      if (state === null) continue;
      const counts = stages[at]!;
      counts.input += 1;
      counts[state] += 1;
      if (state === "missing" && counts.missing <= MOST_NAMES) counts.missingFiles.push(fileName);
      if (at === 0 || state === "skipped" || ofFile[indexes[at - 1]!] === "done") continue;
      counts.unexpected += 1;
      if (counts.unexpected <= MOST_NAMES) counts.unexpectedFiles.push(fileName);
    }
  }
  for (const [at, counts] of stages.entries()) {
    const isOver = counts.status === "success" || counts.status === "failed";
    const hasNamed = detail.stages[indexes[at]!]!.named > 0;
    // What a stage announces may hold what it leaves out, or not.
    if (isOver && hasNamed) counts.unnamed = Math.max(0, (counts.announced ?? 0) - (counts.input - counts.missing));
  }
  const balanced = stages.every(({ missing, unexpected, unnamed }) => missing + unexpected + unnamed === 0);
  return { stages, balanced, asOf, head: detail.head };
}

function emptyCounts(index: number, from: number | null, summaries: readonly StageSummary[]): HandoffCounts {
  const { stage, label, status, totalFiles } = summaries[index] as StageSummary;
  return {
    stage,
    label,
    status,
    from: from === null ? null : (STAGES[from]?.name ?? null),
    input: 0,
    done: 0,
    failed: 0,
    skipped: 0,
    inFlight: 0,
    retrying: 0,
    waiting: 0,
    missing: 0,
    unexpected: 0,
    announced: totalFiles,
    unnamed: 0,
    missingFiles: [],
    unexpectedFiles: [],
  };
}

export function hostsView(detail: Detail, asOf: string): HostsView {
  const hosts = detail.hosts.all.map((host, index) => {
    const own = detail.hostStages[index] ?? [];
    const stages = STAGES.map((_, stage) => {
      const seen = own[stage];
      if (!seen) return null;
      const { done, errors, inFlight, firstAt, lastAt, busyMs } = seen;
      const minutes = (lastAt - firstAt) / 60_000;
      return {
        done,
        errors,
        inFlight,
        errorRate: done + errors > 0 ? errors / (done + errors) : null,
        perMinute: minutes > 0 && done > 0 ? done / minutes : null,
        meanMs: done > 0 && busyMs > 0 ? busyMs / done : null,
        lastHeardAt: new Date(lastAt).toISOString(),
      };
    });
    const lastAt = Math.max(...own.map((seen) => seen?.lastAt ?? -Infinity));
    return { host, lastHeardAt: new Date(lastAt).toISOString(), stages };
  });
  return { hosts: hosts.toSorted((a, b) => (a.host < b.host ? -1 : 1)), asOf, head: detail.head };
}

export function errorsView(detail: Detail, asOf: string): ErrorsView {
  const groups = detail.errors.map(({ stages, hosts, files, ...group }) => ({
    ...group,
    stages: [...stages].map(([stage, count]) => ({ stage: STAGES[stage]?.name ?? "", count })),
    hosts: [...hosts].map(([host, count]) => ({ host: detail.hosts.all[host] ?? "", count })),
    files: files.size,
  }));
  return { groups: groups.toSorted((a, b) => a.firstId - b.firstId), asOf, head: detail.head };
}

/** Not more points than a chart has pixels for. */
const MOST_POINTS = 240;

export function metricsView(detail: Detail, summaries: readonly StageSummary[], asOf: string): MetricsView {
  const { series } = detail;
  const numbers = series.stages.flatMap((buckets) => [...buckets.keys()]);
  const first = Math.min(...numbers);
  const count = numbers.length === 0 ? 0 : Math.max(...numbers) - first + 1;
  const merged = Math.max(1, Math.ceil(count / MOST_POINTS));
  const points = Math.ceil(count / merged);
  const bucketS = (series.widthMs * merged) / 1_000;
  const stages = STAGES.map(({ name, label }, index) => {
    const buckets = Array.from({ length: points }, emptyBucket);
    for (const [number, bucket] of series.stages[index] ?? [])
      mergeBucket(buckets[Math.floor((number - first) / merged)]!, bucket);
    const durations = detail.durations[index]!;
    const total = buckets.reduce((sum, { done, failed }) => ({ done: sum.done + done, failed: sum.failed + failed }), {
      done: 0,
      failed: 0,
    });
    const summary = summaries[index] as StageSummary;
    return {
      stage: name,
      label,
      done: buckets.map(({ done }) => done),
      failed: buckets.map(({ failed }) => failed),
      retried: buckets.map(({ retried }) => retried),
      audioS: buckets.map(({ audioS }) => audioS),
      p50Ms: buckets.map((bucket) => percentile(bucket.durations, 0.5)),
      p95Ms: buckets.map((bucket) => percentile(bucket.durations, 0.95)),
      overall: {
        p50Ms: percentile(durations, 0.5),
        p95Ms: percentile(durations, 0.95),
        failureRate: total.done + total.failed > 0 ? total.failed / (total.done + total.failed) : null,
        audioHoursPerHour: audioHoursPerHour(summary, audioDone(detail, index), asOf),
      },
    };
  });
  const times = Array.from({ length: points }, (_, point) => isoTime((first + point * merged) * series.widthMs) ?? "");
  return { bucketS, times, stages, asOf, head: detail.head };
}

/** ms from the start of a stage to its end, or to `asOf`; null before it began. */
export function stageDuration({ startedAt, finishedAt }: StageSummary, asOf: string): number | null {
  return startedAt === null ? null : Date.parse(finishedAt ?? asOf) - Date.parse(startedAt);
}

/** `audioS`: seconds of audio in the files that are done, each counted once; null when no length or no time is known. */
export function audioHoursPerHour(summary: StageSummary, audioS: number, asOf: string): number | null {
  const durationMs = stageDuration(summary, asOf);
  return durationMs !== null && durationMs > 0 && audioS > 0 ? audioS / (durationMs / 1_000) : null;
}

function audioDone(detail: Detail, stage: number): number {
  const cells = detail.stages[stage] as StageCells;
  let seconds = 0;
  for (let file = 0; file < detail.files.all.length; file++)
    if (cells.stateOf(file) === "done") seconds += detail.audioS.get(file);
  return seconds;
}
