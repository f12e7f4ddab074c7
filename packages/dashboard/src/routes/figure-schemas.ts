/** Responses of figures: overviews of batches, trends and metrics, in the shapes of `@cofi/views/detail/shapes`. */
import type { BatchOverview, MetricsView, StageOverview, TrendsView } from "@cofi/views/detail/shapes";
import { z } from "zod";
import { asOf, batchSchema, count, stageStatus, time, workSchema } from "./schemas.js";

const approximate = z.boolean().meta({ description: "True when percentiles may be off by up to a percent" });

const stageOverview = z.object({
  stage: z.string(),
  label: z.string(),
  status: stageStatus,
  done: count,
  failed: count,
  runs: count,
  durationMs: z.number().nullable().meta({ description: "Sum of the runs, without the pauses between them" }),
  failureRate: z.number().nullable().meta({ description: "Of the files, by their latest outcome" }),
  perMinute: z.number().nullable(),
  p50Ms: z.number().nullable(),
  p95Ms: z.number().nullable(),
  approximate,
  audioHoursPerHour: z.number().nullable(),
}) satisfies z.ZodType<StageOverview>;

const series = z.array(z.number());
const percentiles = z.array(z.number().nullable());

export const overviewSchema = z
  .object({
    batch: batchSchema,
    done: count,
    failed: count,
    progress: z.number().min(0).max(1),
    work: workSchema,
    stages: z.array(stageOverview),
    spark: z.array(count).meta({ description: "Ends of files in each of equal intervals of the batch" }),
    lastEventAt: time.nullable(),
    ...asOf,
  })
  .meta({ id: "BatchOverview" }) satisfies z.ZodType<BatchOverview>;

export const trendsSchema = z
  .object({
    batches: z.array(
      z.object({ id: count, name: z.string(), startedAt: time.nullable(), stages: z.array(stageOverview) }),
    ),
  })
  .meta({ id: "Trends" }) satisfies z.ZodType<TrendsView>;

export const metricsSchema = z
  .object({
    bucketS: z.number(),
    times: z.array(time),
    stages: z.array(
      z.object({
        stage: z.string(),
        label: z.string(),
        done: series,
        failed: series,
        retried: series,
        audioS: series,
        workedS: series.meta({ description: "Seconds of the bucket in which the stage was at work" }),
        p50Ms: percentiles,
        p95Ms: percentiles,
        approximate,
        overall: z.object({
          p50Ms: z.number().nullable(),
          p95Ms: z.number().nullable(),
          approximate,
          failureRate: z.number().nullable(),
          audioHoursPerHour: z.number().nullable(),
        }),
      }),
    ),
    ...asOf,
  })
  .meta({ id: "MetricsView" }) satisfies z.ZodType<MetricsView>;
