/** Parameters and responses of the HTTP API, for validation and for the OpenAPI document, in the shapes of `@cofi/event-log/events`. */
import { BATCH_STATUSES, EVENT_STATUSES, EVENT_TYPES } from "@cofi/event-log/events";
import type { Batch, Json, LogEvent, LogEventDetail, StageSummary, Work } from "@cofi/event-log/events";
import { z } from "zod";

/** The most events or batches that one answer holds. */
const MOST_ROWS = 5_000;

export const time = z.string().meta({ description: "ISO 8601, UTC", examples: ["2026-11-23T02:15:00.000Z"] });
export const count = z.number().int().nonnegative();
export const stageStatus = z.enum(["pending", "processing", "success", "failed"]);
/** As of when an answer is true. */
export const asOf = { asOf: time, head: count.meta({ description: "Highest event id that the answer includes" }) };

export const json: z.ZodType<Json> = z.custom<Json>(() => true).meta({ description: "Any JSON value" });

export const batchSchema = z
  .object({
    id: z.number().int(),
    name: z.string(),
    status: z.enum(BATCH_STATUSES),
    currentStage: z.string().nullable(),
    totalFiles: z.number().int().nullable(),
    createdAt: time,
    startedAt: time.nullable(),
    finishedAt: time.nullable(),
    silence: z
      .object({
        since: time.meta({ description: "The last event, or the last renewal of the lease" }),
        run: z
          .number()
          .int()
          .nullable()
          .meta({ description: "The run whose lease has run out; null for other writers" }),
      })
      .optional()
      .meta({ description: "Only while nobody seems to work on a batch that has not ended" }),
  })
  .meta({ id: "Batch" }) satisfies z.ZodType<Batch>;

const eventFields = {
  id: z.number().int(),
  batchId: z.number().int(),
  timestamp: time,
  stage: z.string(),
  eventType: z.enum(EVENT_TYPES),
  fileName: z.string().nullable(),
  gpuIp: z.string().nullable(),
  status: z.enum(EVENT_STATUSES).nullable(),
  errorMessage: z.string().nullable(),
  totalFiles: z.number().int().nullable(),
  processedFiles: z.number().int().nullable(),
  metadata: json,
  payloadBytes: count.nullable().meta({ description: "Bytes of UTF-8 as logged; null without a payload" }),
  responseBytes: count.nullable(),
  attempt: z.number().int().nullable(),
  durationMs: z.number().int().nullable(),
  run: z
    .number()
    .int()
    .nullable()
    .meta({ description: "The run of the batch that logged it; null for other services" }),
  history: z
    .literal(true)
    .optional()
    .meta({ description: "True if the event arrived after a newer run had begun; it is not counted" }),
};

export const eventSchema = z
  .object(eventFields)
  .meta({ id: "LogEvent", description: "An event without payload and response" }) satisfies z.ZodType<LogEvent>;

const cut = z.object({ bytes: count, sha256: z.string().nullable(), removedAt: time.optional() }).nullable();

export const eventDetailSchema = z
  .object({
    ...eventFields,
    metadataText: z.string().nullable(),
    payload: z.string().nullable(),
    response: z.string().nullable(),
    payloadCut: cut,
    responseCut: cut,
    masked: z.literal(true).optional().meta({ description: "Pseudonyms stand in the place of contents" }),
  })
  .meta({
    id: "LogEventDetail",
    description:
      "An event with the stored texts of metadata, payload and response; a text that was cut has its true size and hash",
  }) satisfies z.ZodType<LogEventDetail>;

export const workSchema = z
  .object({
    runs: count.meta({ description: "Runs so far" }),
    overMs: count.meta({ description: "Time of the runs that are over, without the pauses between them" }),
    since: time.nullable().meta({ description: "Start of the run that is not over; null when there is none" }),
    loggedMs: count.meta({ description: "Time of that run up to its latest event" }),
  })
  .meta({ id: "Work", description: "Time at work, of a stage or of a batch" }) satisfies z.ZodType<Work>;

export const stageSchema = z
  .object({
    stage: z.string(),
    label: z.string(),
    description: z.string(),
    icon: z.string(),
    kind: z.enum(["pipeline", "engine"]),
    status: stageStatus,
    totalFiles: z.number().int().nullable(),
    done: count,
    failed: count,
    inFlight: count,
    progress: z.number().min(0).max(1).nullable(),
    startedAt: time.nullable(),
    finishedAt: time.nullable(),
    work: workSchema,
    errors: count,
    finishedLastMinute: count,
    lastEventAt: time.nullable(),
  })
  .meta({ id: "StageSummary" }) satisfies z.ZodType<StageSummary>;

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    instance: z.string().optional(),
  })
  .meta({ id: "Problem", description: "Problem details, RFC 9457" });

export const healthSchema = z
  .object({
    status: z.enum(["ok", "unavailable"]),
    database: z.enum(["ok", "unreachable"]),
    since: time,
    detail: z.string(),
    migrations: z.enum(["current", "behind", "unknown"]),
    tail: z.object({
      highestEventId: z.number().int().nullable(),
      lowWater: count,
      openHoles: count,
      replacedAt: time.nullable().meta({
        description:
          "When the log was last found to be another one than before, and read anew; null: never since the start",
      }),
      lagMs: count.nullable().meta({ description: "ms since the last complete look at the database" }),
    }),
    events: z.object({
      sinceStart: count,
      currentBatch: count.nullable().meta({ description: "Events of the newest batch; null when it has no viewer" }),
    }),
    readers: count,
    uptimeS: count,
  })
  .meta({ id: "Health" });

/** An id in a path or query: digits only, so that `1e3`, ` 1` and `0x1` are refused. */
export function cursorText(description: string) {
  return z
    .string()
    .regex(/^\d{1,15}$/, "expected a whole number")
    .transform(Number)
    .meta({ description });
}

export const idParams = z.object({ id: cursorText("The id") });

const cursor = cursorText("`nextCursor` of the page before").optional();

export function limitText(fallback: number) {
  return z
    .string()
    .regex(/^\d{1,6}$/, `expected a whole number from 1 to ${MOST_ROWS}`)
    .transform(Number)
    .refine((value) => value >= 1 && value <= MOST_ROWS, `expected a whole number from 1 to ${MOST_ROWS}`)
    .optional()
    .transform((value) => value ?? fallback)
    .meta({ description: `How many at most: 1 to ${MOST_ROWS}, ${fallback} unless given` });
}

export const streamQuery = z.object({
  batch: cursorText("The batch to follow; without it the newest, and each newer one as it starts").optional(),
  lastEventId: cursorText("As the header `Last-Event-ID`, for a first connection").optional(),
});

export const eventFilter = {
  stage: z.string().max(50).optional(),
  eventType: z.enum(EVENT_TYPES).optional(),
  status: z.enum(EVENT_STATUSES).optional(),
  fileName: z.string().max(255).optional(),
};

export const batchesQuery = z.strictObject({
  status: z.enum(BATCH_STATUSES).optional(),
  from: z.iso.datetime({ offset: true }).optional().meta({ description: "Created at this time or later" }),
  to: z.iso.datetime({ offset: true }).optional().meta({ description: "Created before this time" }),
  text: z.string().max(255).optional().meta({ description: "Part of the name, in any case, or the number" }),
  limit: limitText(50),
  before: cursor,
});

export function logsQuery(historyLimit: number) {
  return z.strictObject({
    ...eventFilter,
    limit: limitText(historyLimit),
    before: cursor,
    after: cursorText(
      "Only events with a higher id, oldest first: `nextCursor` of the page before, or any id. An event may still become " +
        "visible below one that was returned, but none at or below `tail.lowWater` of `/api/health`",
    ).optional(),
  });
}
