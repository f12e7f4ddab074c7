/** Cards and lines of batches, read plainly: see `rows.ts`. */
import type { Batch, StageSummary } from "@cofi/event-log/events";
import { STAGES } from "@cofi/event-log/stages";
import type { BatchOverview, StageOverview } from "@cofi/views/detail/shapes";
import {
  allEnds,
  attemptsOf,
  audioOf,
  filesOf,
  ofStage,
  rankOf,
  timeOf,
  total,
  wordOf,
  type Moment,
  type Rows,
} from "./rows.js";
import { batchWork, stageWork, worked } from "./work.js";

const MINUTE = 60_000;

type Card = Omit<StageSummary, "label" | "description" | "icon" | "kind">;

export function cardOf(rows: Rows, stage: string): Card {
  const own = ofStage(rows, stage);
  const said = own.filter(({ eventType }) => eventType !== "info");
  const bound = own.findLast(({ eventType }) => eventType === "stage_start" || eventType === "stage_complete");
  const isOver = bound?.eventType === "stage_complete";
  const totalFiles = own.findLast((row) => row.totalFiles !== null)?.totalFiles ?? null;
  const latest = filesOf(rows, stage).flatMap((file) => attemptsOf(rows, stage, file).at(-1) ?? []);
  const count = (...words: string[]): number => latest.filter((row) => words.includes(wordOf(row)!)).length;
  const lastEventAt =
    own
      .map(({ timestamp }) => timestamp)
      .toSorted()
      .at(-1) ?? null;
  const work = stageWork(rows, stage);
  const since = Math.max(
    Date.parse(lastEventAt ?? "") - MINUTE + 1,
    work.since === null || work.runs < 2 ? 0 : Date.parse(work.since),
  );
  const processed = own.findLast((row) => row.processedFiles !== null)?.processedFiles ?? 0;
  const done = latest.length > 0 ? count("done") : processed;
  const failed = count("failed");
  const status =
    said.length === 0 ? "pending" : !isOver ? "processing" : bound.status === "failed" ? "failed" : "success";
  const share = totalFiles === 0 ? (status === "success" ? 1 : 0) : Math.min(1, (done + failed) / (totalFiles ?? 1));
  return {
    stage,
    status,
    totalFiles,
    done,
    failed,
    inFlight: count("inFlight", "retrying"),
    progress: totalFiles === null ? null : share,
    startedAt: said[0]?.timestamp ?? null,
    finishedAt: isOver ? bound.timestamp : null,
    work,
    errors: own.filter(({ eventType }) => eventType === "error").length,
    finishedLastMinute: latest.filter((row) => ["done", "failed"].includes(wordOf(row)!) && timeOf(row) >= since)
      .length,
    lastEventAt,
  };
}

export function audioDone(rows: Rows, stage: string): number {
  const done = filesOf(rows, stage).filter((file) => {
    const last = attemptsOf(rows, stage, file).at(-1);
    return last !== undefined && wordOf(last) === "done";
  });
  return total(done.map((file) => audioOf(rows, file)));
}

export function lineOf({ rows, until }: Moment, stage: string): Omit<StageOverview, "label"> {
  const { status, done, failed, startedAt, work } = cardOf(rows, stage);
  const ms = worked(work, until);
  const durations = allEnds(rows, stage).flatMap(({ tookMs }) => tookMs ?? []);
  const audioS = audioDone(rows, stage);
  return {
    stage,
    status,
    done,
    failed,
    runs: work.runs,
    durationMs: startedAt === null ? null : ms,
    failureRate: done + failed > 0 ? failed / (done + failed) : null,
    perMinute: ms > 0 && done > 0 ? (done * MINUTE) / ms : null,
    p50Ms: rankOf(durations, 0.5),
    p95Ms: rankOf(durations, 0.95),
    approximate: false,
    audioHoursPerHour: ms > 0 && audioS > 0 ? (audioS * 1_000) / ms : null,
  };
}

export function overviewOfRows(moment: Moment, batch: Batch, head: number): Omit<BatchOverview, "stages"> {
  const { rows, asOf } = moment;
  const cards = STAGES.map(({ name }) => cardOf(rows, name));
  const starts = cards.flatMap(({ startedAt }) => (startedAt === null ? [] : [Date.parse(startedAt)]));
  const ends = cards.flatMap(({ lastEventAt }) => (lastEventAt === null ? [] : [Date.parse(lastEventAt)]));
  const [from, to] = [Math.min(...starts), Math.max(...ends)];
  const width = Math.max(1, Math.ceil((to - from + 1) / 40));
  const finished = STAGES.flatMap(({ name }) => allEnds(rows, name)).filter(({ what }) => what !== "retrying");
  const spark = Array.from({ length: 40 }, (_, part) => {
    const begins = from + part * width;
    return finished.filter(({ row }) => timeOf(row) >= begins && timeOf(row) < begins + width).length;
  });
  const isOver = (card: Card): boolean => card.status === "success" || card.status === "failed";
  return {
    batch: batch.status === "pending" && head > 0 ? { ...batch, status: "running" } : batch,
    done: total(cards.map(({ done }) => done)),
    failed: total(cards.map(({ failed }) => failed)),
    progress: total(cards.map((card) => (isOver(card) ? 1 : (card.progress ?? 0)))) / cards.length,
    work: batchWork(rows),
    spark: to >= from ? spark : [],
    lastEventAt:
      cards
        .map(({ lastEventAt }) => lastEventAt ?? "")
        .toSorted()
        .at(-1) || null,
    asOf,
    head,
  };
}
