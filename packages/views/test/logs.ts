/**
 * Logs as they come about: a pipeline that runs, fails, is killed, paused and resumed; services that log less, or otherwise, and
 * without runs; what an older run left in its spool; clocks that are set. Ids in order; tests choose the part that is visible.
 */
import fc from "fast-check";
import type { EventStatus, EventType } from "@cofi/event-log/events";
import type { Store } from "@cofi/event-log/store";
import type { Batch, BatchStatus } from "@cofi/event-log/events";
import { STAGES, STEPS } from "@cofi/event-log/stages";

export const START = Date.UTC(2026, 10, 23, 2);
/** Stages of recordings, of a table and of trades, a step, and one that nobody knows. */
const LOGGED_STAGES = ["file_distribution", "callmetadata", "stt", "triaging", "verdicts", "elsewhere"] as const;
type LoggedStage = (typeof LOGGED_STAGES)[number];

/** A row as it is inserted, but for its batch. */
export interface LogRow {
  stage: string;
  eventType: EventType;
  status: EventStatus | null;
  fileName: string | null;
  gpuIp: string | null;
  errorMessage: string | null;
  totalFiles: number | null;
  processedFiles: number | null;
  attempt: number | null;
  durationMs: number | null;
  metadata: string | null;
  response: string | null;
  run: number | null;
  timestamp: string;
}

export interface Log {
  rows: LogRow[];
  status: BatchStatus;
  /** How many of the last rows are not visible yet. */
  hidden: number;
  /** ms after the last row: the moment at which it is looked at. */
  later: number;
}

/** Names that differ in case alone, or by a tab at the end, are different files. */
const RECORDINGS = ["a.wav", "A.wav", "a.wav\t", "b.wav", "c.wav"];
const FILES: Readonly<Record<LoggedStage, readonly string[]>> = {
  file_distribution: RECORDINGS,
  callmetadata: ["calls.csv"],
  stt: RECORDINGS,
  triaging: ["T1", "T2"],
  verdicts: ["T1"],
  elsewhere: ["a.wav"],
};

/** ms to the next row. A minute is where the rule of runs divides. */
const gap = fc.oneof(
  { weight: 14, arbitrary: fc.integer({ min: 0, max: 5_000 }) },
  { weight: 2, arbitrary: fc.integer({ min: 20_000, max: 59_000 }) },
  { weight: 2, arbitrary: fc.constantFrom(60_000, 60_001, 90_000) },
  { weight: 1, arbitrary: fc.integer({ min: 600_000, max: 20_000_000 }) },
);
/** How far somebody sets the clock; mostly nobody does. */
const jump = fc.oneof(
  { weight: 80, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.constantFrom(-86_400_000, -3_600_000, 86_400_000) },
);

/** The writer of a row: the newest run, a run that begins with it, an older run (late), or another service. */
type Writer = "newest" | "next" | "older" | "foreign";

interface Draft extends Omit<LogRow, "run" | "timestamp" | "response"> {
  writer: Writer;
  older: number;
  gap: number;
  jump: number;
}

const writer = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Writer>("newest") },
  { weight: 1, arbitrary: fc.constant<Writer>("next") },
  { weight: 2, arbitrary: fc.constant<Writer>("older") },
  { weight: 3, arbitrary: fc.constant<Writer>("foreign") },
);

const host = fc.constantFrom(null, "10.0.0.7", "10.0.0.8");
const durationMs = fc.constantFrom(null, null, 10, 2_000, 60_000, 20_000_001, -5);
const message = fc.constantFrom(null, "CUDA out of memory", "no answer");
const stageName = fc.constantFrom<LoggedStage>("file_distribution", "stt", "stt", ...LOGGED_STAGES);

const anyRow: fc.Arbitrary<Draft> = stageName.chain((stage) =>
  fc
    .record({
      writer,
      older: fc.nat(3),
      gap,
      jump,
      stage: fc.constant(stage),
      eventType: fc.constantFrom<EventType[]>(
        "file_start",
        "file_start",
        "file_complete",
        "file_complete",
        "error",
        "error",
        "stage_start",
        "stage_complete",
        "stage_progress",
        "info",
      ),
      status: fc.constantFrom<(EventStatus | null)[]>(null, null, "pending", "processing", "success", "failed"),
      fileName: fc.constantFrom(...FILES[stage]),
      isNamed: fc.boolean(),
      gpuIp: host,
      errorMessage: message,
      totalFiles: fc.constantFrom(null, null, null, 3, 9),
      processedFiles: fc.constantFrom(null, null, null, 2),
      attempt: fc.constantFrom(null, 1, 2),
      durationMs,
      says: fc.constantFrom(
        null,
        '{"audioSeconds":30}',
        '{"audioSeconds":12.5}',
        '{"skipped":"not needed"}',
        '{"audioSeconds":"12"}',
        '{"audioSeconds":-1}',
        "[]",
      ),
    })
    .map(({ isNamed, says, ...row }) => {
      const isOfFile = ["file_start", "file_complete"].includes(row.eventType);
      const mayName = row.eventType === "error" || row.eventType === "info";
      const isError = row.eventType === "error" || (row.eventType === "file_complete" && row.status === "failed");
      return {
        ...row,
        fileName: isOfFile || (mayName && isNamed) ? row.fileName : null,
        errorMessage: isError ? row.errorMessage : null,
        metadata: row.eventType === "file_start" || row.eventType === "info" ? says : null,
      };
    }),
);

const NEWS = [
  '{"host":{"engine":"10.0.0.7#0","engines":3,"url":"http://10.0.0.7:1","from":"healthy","to":"ejected","rule":"3 faults in a row"}}',
  '{"host":{"engine":"10.0.0.7#1","engines":1,"url":"http://10.0.0.7:2","from":"probing","to":"healthy","rule":"it answers again"}}',
  '{"host":{"engine":"10.0.0.7#0","url":null,"from":"ejected","to":"probing","rule":"it says that it is well"}}',
  '{"host":{"to":"gone"}}',
  '{"host":{"from":"nowhere","engines":-1,"to":"suspect","rule":["no","text"],"url":7}}',
  '{"hedge":{"attempt":2,"of":1,"rule":"it has been in work for long"}}',
  '{"outrun":{"attempt":1,"rule":"another host has answered first"}}',
  '{"host":{"to":"constructor"}}',
  '{"host":[{"to":"gone"}],"outrun":{"attempt":"1"}}',
  '{"host":null,"hedge":true}',
  '"ejected"',
];

/** What is said of hosts, by a pipeline and by others, who may write anything. */
const news: fc.Arbitrary<Draft> = anyRow.chain((row) =>
  fc
    .record({ gpuIp: fc.constantFrom("10.0.0.7", "10.0.0.7", "10.0.0.8", null), metadata: fc.constantFrom(...NEWS) })
    .map((said) => ({ ...row, ...said, eventType: "info" as const, status: null, errorMessage: null })),
);

/** A stage as somebody runs it: its start, its files, and mostly its end. */
const stageRun: fc.Arbitrary<Draft[]> = stageName.chain((stage) =>
  fc
    .record({
      writer: fc.constantFrom<Writer>("newest", "next", "foreign", "foreign"),
      gapBefore: fc.oneof(gap, fc.integer({ min: 61_000, max: 20_000_000 })),
      hasStart: fc.constantFrom(true, true, true, false),
      end: fc.constantFrom<("success" | "failed" | null)[]>("success", "success", "failed", null, null),
      saidMs: fc.constantFrom(null, 61_000),
      files: fc.array(
        fc.record({
          fileName: fc.constantFrom(...FILES[stage]),
          gap,
          gpuIp: host,
          durationMs,
          attempt: fc.constantFrom(null, 1, 2),
          ends: fc.constantFrom("done", "done", "done", "failed", "retried", "both", "cut"),
          errorMessage: message,
          jump,
          audio: fc.boolean(),
        }),
        { maxLength: 6 },
      ),
    })
    .map(({ writer: by, gapBefore, hasStart, end, saidMs, files }) => {
      const later: Writer = by === "next" ? "newest" : by;
      const row = (fields: Partial<Draft>): Draft => ({
        writer: later,
        older: 0,
        gap: 0,
        jump: 0,
        stage,
        eventType: "info",
        status: null,
        fileName: null,
        gpuIp: null,
        errorMessage: null,
        totalFiles: null,
        processedFiles: null,
        attempt: null,
        durationMs: null,
        metadata: null,
        ...fields,
      });
      const rows: Draft[] = hasStart
        ? [row({ eventType: "stage_start", status: "processing", totalFiles: FILES[stage].length })]
        : [];
      for (const { ends, audio, gap: tookMs, jump: by_, durationMs: said, errorMessage, ...file } of files) {
        const metadata = audio ? '{"audioSeconds":30}' : null;
        rows.push(row({ ...file, eventType: "file_start", status: "processing", metadata }));
        const over = { ...file, gap: tookMs, jump: by_, durationMs: said };
        if (ends === "done") rows.push(row({ ...over, eventType: "file_complete", status: "success" }));
        if (ends === "failed" || ends === "both")
          rows.push(row({ ...over, eventType: "error", status: "failed", errorMessage }));
        if (ends === "both") rows.push(row({ ...file, eventType: "file_complete", status: "failed" }));
        if (ends === "retried") rows.push(row({ ...over, eventType: "error", status: "processing", errorMessage }));
      }
      if (end !== null)
        rows.push(
          row({ eventType: "stage_complete", status: end, durationMs: saidMs, processedFiles: files.length, gap: 100 }),
        );
      return rows.map((one, index) => (index === 0 ? { ...one, writer: by, gap: gapBefore } : one));
    }),
);

export const logs: fc.Arbitrary<Log> = fc
  .record({
    parts: fc.array(
      fc.oneof(
        { weight: 6, arbitrary: anyRow.map((row) => [row]) },
        { weight: 2, arbitrary: stageRun },
        { weight: 1, arbitrary: fc.array(news, { minLength: 1, maxLength: 6 }) },
      ),
      { minLength: 1, maxLength: 30, size: "max" },
    ),
    status: fc.constantFrom<BatchStatus>("running", "running", "completed_with_errors", "interrupted", "pending"),
    hidden: fc.nat(20),
    later: fc.constantFrom(0, 1_500, 30_000, 400_000),
  })
  .map(({ parts, status, hidden, later }) => {
    const rows = written(parts.flat());
    return { rows, status, hidden: Math.min(hidden, rows.length - 1), later };
  })
  .filter(({ rows }) => rows.length > 0);

function written(drafts: readonly Draft[]): LogRow[] {
  let newest = 1;
  let at = START;
  return drafts.map(({ writer: by, older, gap: ms, jump: by_, ...fields }) => {
    if (by === "next") newest += 1;
    at += ms + by_;
    const run = by === "foreign" ? null : by === "older" ? Math.max(1, newest - older) : newest;
    const timestamp = new Date(at).toISOString().replace("T", " ").replace("Z", "");
    return { ...fields, run, timestamp, response: fields.eventType === "file_complete" ? "{}" : null };
  });
}

/** A new batch with these rows, whose writer is not silent, however old they are. `upToId`: of the last visible one; `asOf`: when it is looked at. */
export async function stored(store: Store, log: Log): Promise<{ batch: Batch; upToId: number; asOf: string }> {
  const { kysely } = store.database;
  const { id } = await store.createBatch({ name: "night", folder: null });
  const finishedAt = log.status === "completed_with_errors" ? "2026-11-24 02:00:00.000" : null;
  await kysely
    .updateTable("batchStatus")
    .set({ status: log.status, createdAt: "2026-11-23 01:59:00.000", startedAt: "2026-11-23 02:00:00.000", finishedAt })
    .where("id", "=", id)
    .execute();
  await kysely
    .insertInto("batchExecutionLog")
    .values(log.rows.map((row) => ({ ...row, batchId: id })))
    .execute();
  const { silence: _silence, ...batch } = (await store.batch(id))!;
  const upToId = (await store.maxEventId()) - log.hidden;
  const last = log.rows.at(-1 - log.hidden)!.timestamp;
  const asOf = new Date(Date.parse(`${last.replace(" ", "T")}Z`) + log.later).toISOString();
  return { batch, upToId, asOf };
}

export const WORK_NAMES: readonly string[] = [...STAGES, ...STEPS].map(({ name }) => name);
