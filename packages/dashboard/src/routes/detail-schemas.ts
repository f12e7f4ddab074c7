/** Parameters and responses of the detailed views of a batch, in the shapes of `@cofi/views/detail/shapes`. */
import {
  FILE_STATES,
  FINDING_KINDS,
  STALL_KINDS,
  type ErrorsView,
  type FilesPage,
  type Finding,
  type Reconciliation,
  type Stall,
  type TimelineView,
} from "@cofi/views/detail/shapes";
import type { Snapshot } from "@cofi/event-log/events";
import { STAGES } from "@cofi/event-log/stages";
import { z } from "zod";
import {
  asOf,
  batchSchema,
  count,
  cursorText,
  eventSchema,
  limitText,
  stageSchema,
  stageStatus,
  time,
  workSchema,
} from "./schemas.js";

const stageNames = STAGES.map(({ name }) => name);
export const stageName = z.enum(stageNames as [string, ...string[]]);

const cause = z.string().min(1).max(1_000).meta({ description: "A cause, exactly as the view of errors names it" });

/** The whole batch, or only the files that the cause has hit. */
export const causeQuery = z.strictObject({ cause: cause.optional() });

/** Which files, and in which order. */
export const fileFilter = {
  stage: stageName
    .optional()
    .meta({ description: "The stage to which state, host and minDurationMs apply; any stage if omitted" }),
  state: z
    .string()
    .transform((text) => text.split(","))
    .pipe(z.array(z.enum(FILE_STATES)))
    .optional()
    .meta({ description: `A state, or several with commas between them: ${FILE_STATES.join(", ")}` }),
  host: z.string().max(50).optional(),
  cause: cause.optional(),
  minDurationMs: cursorText("Only files whose latest attempt took at least this many ms").optional(),
  text: z.string().max(255).optional().meta({ description: "Part of the file's name, in any case" }),
  everything: z.enum(["0", "1"]).optional().meta({
    description:
      "1: CSV files and trades too, not only recordings. They are also found by `text`, and by a stage that works on them",
  }),
  sort: z.enum(["name", "duration", "progress", "latest"]).default("name"),
  order: z.enum(["asc", "desc"]).default("asc"),
};

export const filesQuery = z.strictObject({
  ...fileFilter,
  offset: cursorText("Rows to skip").optional(),
  limit: limitText(100),
});

const cell = z.object({
  state: z.enum(FILE_STATES),
  attempts: count,
  host: count.nullable(),
  durationMs: count.nullable(),
  startedAt: time.nullable(),
  endedAt: time.nullable(),
  eventId: count,
});

export const filesPageSchema = z
  .object({
    rows: z.array(z.object({ fileName: z.string(), audioS: z.number().nullable(), cells: z.array(cell.nullable()) })),
    total: count,
    offset: count,
    hosts: z.array(z.string()),
    ...asOf,
  })
  .meta({ id: "FilesPage" }) satisfies z.ZodType<FilesPage>;

export const reconciliationSchema = z
  .object({
    stages: z.array(
      z.object({
        stage: z.string(),
        label: z.string(),
        status: stageStatus,
        from: z.string().nullable(),
        input: count,
        done: count,
        failed: count,
        skipped: count,
        inFlight: count,
        retrying: count,
        waiting: count,
        missing: count,
        unexpected: count,
        announced: count.nullable(),
        unnamed: count,
        missingFiles: z.array(z.string()),
        unexpectedFiles: z.array(z.string()),
      }),
    ),
    balanced: z.boolean(),
    ...asOf,
  })
  .meta({ id: "Reconciliation" }) satisfies z.ZodType<Reconciliation>;

export const errorsSchema = z
  .object({
    groups: z.array(
      z.object({
        cause: z.string(),
        example: z.string(),
        count: count.meta({ description: "Errors, of all attempts and runs" }),
        final: count.meta({ description: "Failures that stand: files by their latest outcome, and errors of stages" }),
        firstId: count,
        firstAt: time,
        lastId: count,
        lastAt: time,
        stages: z.array(z.object({ stage: z.string(), count, final: count })),
        hosts: z.array(z.object({ host: z.string(), count })),
        files: count,
        failed: count,
        triedAgain: count,
        doneLater: count,
        otherwise: count,
        rows: count,
      }),
    ),
    ...asOf,
  })
  .meta({ id: "ErrorsView" }) satisfies z.ZodType<ErrorsView>;

const range = z.tuple([z.number(), z.number()]);

const stall = z.object({
  kind: z.enum(STALL_KINDS),
  stage: z.string(),
  what: z.string().nullable(),
  forMs: z.number(),
  rule: z.string(),
}) satisfies z.ZodType<Stall>;

const workRuns = z.array(
  z.object({
    run: count.nullable(),
    firstId: count,
    startedAt: time,
    endedAt: time.nullable(),
    durationMs: z.number(),
  }),
);

export const timelineSchema = z
  .object({
    stages: z.array(
      z.object({
        stage: z.string(),
        label: z.string(),
        status: stageStatus,
        startedAt: time.nullable(),
        finishedAt: time.nullable(),
        runs: workRuns,
        durationMs: z.number().nullable().meta({ description: "Sum of the runs, without the pauses between them" }),
        failed: count,
        remainingMs: range.nullable().meta({ description: "Fastest and slowest, ms" }),
        basis: z.enum(["done", "audio", "files", "history", "unknown"]),
      }),
    ),
    remainingMs: range.nullable(),
    bottleneck: z.string().nullable(),
    runs: workRuns,
    durationMs: z.number(),
    stalls: z.array(stall),
    ...asOf,
  })
  .meta({ id: "TimelineView" }) satisfies z.ZodType<TimelineView & { stalls: Stall[] }>;

export const findingsSchema = z
  .object({
    findings: z.array(
      z.object({
        kind: z.enum(FINDING_KINDS),
        stage: z.string(),
        what: z.string().nullable(),
        count,
        text: z.string(),
        rule: z.string(),
      }),
    ),
    ...asOf,
  })
  .meta({ id: "Findings" }) satisfies z.ZodType<{ findings: Finding[]; asOf: string; head: number }>;

export const snapshotSchema = z
  .object({
    batch: batchSchema.nullable(),
    stages: z.array(stageSchema),
    steps: z.array(stageSchema).meta({ description: "Work of the pipeline between stages, in its order" }),
    events: z.record(z.string(), z.array(eventSchema)).meta({ description: "By stage, newest first" }),
    unknownStages: z.record(z.string(), z.number()),
    work: workSchema,
    eventsPerStage: count,
    missed: count.optional().meta({
      description: "In the stream: events since `Last-Event-ID`, when they are too many to be sent",
    }),
    ...asOf,
  })
  .meta({ id: "Snapshot" }) satisfies z.ZodType<Snapshot>;
