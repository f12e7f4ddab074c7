/** The HTTP API as one table of routes, each with its parameters and responses. */
import type { Batch } from "@cofi/event-log/events";
import { effectiveBatch } from "@cofi/views/batch-state";
import { snapshotOf } from "@cofi/views/projection";
import type { Store } from "@cofi/event-log/store";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import pLimit from "p-limit";
import { z } from "zod";
import type { Access } from "../access/access.js";
import { registerAccessRoutes } from "./access-routes.js";
import { BatchHistory } from "./batch-history.js";
import { BatchOverviews } from "./batch-overviews.js";
import { registerDetailRoutes } from "./detail-routes.js";
import { overviewSchema, trendsSchema } from "./figure-schemas.js";
import { registerRunRoutes } from "./run-routes.js";
import { registerExportRoutes } from "./export-routes.js";
import { registerPackRoutes, type PackTools } from "./pack-routes.js";
import type { Health } from "./health.js";
import { eventSummary } from "@cofi/views/event-summary";
import type { LiveViews } from "../feed/live-views.js";
import { Preview } from "../feed/preview.js";
import { principalOf } from "../access/principal.js";
import { ProblemError } from "./problems.js";
import {
  batchesQuery,
  batchSchema,
  cursorText,
  eventSchema,
  healthSchema,
  idParams,
  logsQuery,
  problemSchema,
  stageSchema,
  streamQuery,
} from "./schemas.js";
import type { DashboardSettings } from "../settings.js";
import { MOST_MISSED } from "../feed/missed-events.js";
import type { SseHub } from "../feed/sse-hub.js";
import type { Tail } from "@cofi/views/tail";

export interface RouteParts {
  store: Store;
  tail: Tail;
  views: LiveViews;
  hub: SseHub;
  health: Health;
  settings: DashboardSettings;
  access: Access;
  packs: PackTools;
}

const problemOf = (description: string) => ({
  description,
  content: { "application/problem+json": { schema: problemSchema } },
});
const BAD_REQUEST = { 400: problemOf("Invalid parameter; `detail` names it") };
const NO_BATCH = { 404: problemOf("Batch not found") };
const COMMON = {
  401: problemOf("A log-in or a token is required"),
  403: problemOf("The role may not do this"),
  429: problemOf("Too many requests; `Retry-After` says when to retry"),
  500: problemOf("Internal error; the dashboard's log has the cause"),
  503: problemOf("The database cannot be reached"),
};

export function registerRoutes(plain: FastifyInstance, parts: RouteParts): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  const { store, tail, views, hub, settings, access } = parts;
  const overviews = new BatchOverviews(store, tail);

  const existing = async (id: number): Promise<Batch> => {
    const batch = await store.batch(id);
    if (!batch) throw new ProblemError("not-found", `There is no batch ${id}.`);
    return shown(batch);
  };

  /** Returns the batch as the page shows it: a pending batch that has events is running. */
  const shown = async (batch: Batch): Promise<Batch> => {
    if (batch.status !== "pending") return batch;
    // The view in memory may be a moment old, so only the presence of events can be trusted, not their absence.
    const view = views.peek(batch.id);
    if (view && view.current.head > 0) return effectiveBatch({ ...view.current, batch });
    const { events } = await store.events(batch.id, { limit: 1 });
    return events.length > 0 ? { ...batch, status: "running" } : batch;
  };

  app.get(
    "/api/health",
    {
      schema: {
        tags: ["service"],
        summary: "State of the dashboard and its database",
        response: { 200: healthSchema, ...COMMON, 503: healthSchema },
      },
    },
    async (_request, reply) => {
      const health = await parts.health.report();
      return reply.code(health.status === "ok" ? 200 : 503).send(health);
    },
  );

  app.get(
    "/api/current-batch",
    {
      schema: {
        tags: ["batches"],
        summary: "The newest batch; null when there is none",
        response: { 200: z.object({ batch: batchSchema.nullable() }), ...COMMON },
      },
    },
    async () => {
      const batch = await store.currentBatch();
      return { batch: batch && (await shown(batch)) };
    },
  );

  app.get(
    "/api/batches",
    {
      schema: {
        tags: ["batches"],
        summary: "Batches, newest first",
        querystring: batchesQuery,
        response: {
          200: z.object({ batches: z.array(batchSchema), nextCursor: z.string().nullable() }),
          ...BAD_REQUEST,
          ...COMMON,
        },
      },
    },
    async ({ query }) => {
      const { batches, nextCursor } = await store.batches(query);
      return { batches: await Promise.all(batches.map(shown)), nextCursor };
    },
  );

  app.get(
    "/api/batch/:id",
    {
      schema: {
        tags: ["batches"],
        summary: "One batch",
        params: idParams,
        response: { 200: z.object({ batch: batchSchema }), ...BAD_REQUEST, ...NO_BATCH, ...COMMON },
      },
    },
    async ({ params }) => ({ batch: await existing(params.id) }),
  );

  app.get(
    "/api/batch/:id/logs",
    {
      schema: {
        tags: ["events"],
        summary: "Events of a batch without payload and response, newest first; with `after` oldest first",
        params: idParams,
        querystring: logsQuery(settings.historyLimit),
        response: {
          200: z.object({ events: z.array(eventSchema), nextCursor: z.string().nullable() }),
          ...BAD_REQUEST,
          ...NO_BATCH,
          ...COMMON,
        },
      },
    },
    async ({ params, query }) => {
      if (query.after !== undefined && query.before !== undefined)
        throw new ProblemError("bad-request", '"after" and "before" are given. Give one of them.');
      await existing(params.id);
      const { events, nextCursor } = await store.events(params.id, query);
      return { events: events.map(eventSummary), nextCursor };
    },
  );

  app.get(
    "/api/batch/:id/stats",
    {
      schema: {
        tags: ["batches"],
        summary: "The ten stages of a batch, in order, with everything that was committed before the request",
        params: idParams,
        response: {
          200: z.object({
            batch: batchSchema,
            stages: z.array(stageSchema),
            unknownStages: z.record(z.string(), z.number()),
          }),
          ...BAD_REQUEST,
          ...NO_BATCH,
          ...COMMON,
        },
      },
    },
    async ({ params }) => {
      // Also for a batch that was pruned while its view is in memory.
      await existing(params.id);
      await tail.refresh();
      const opened = await views.openOrPreview(params.id);
      if (!opened) throw new ProblemError("not-found", `There is no batch ${params.id}.`);
      const snapshot =
        opened instanceof Preview ? opened.snapshot : snapshotOf(opened.current, new Date().toISOString());
      const { stages, unknownStages } = snapshot;
      return { batch: snapshot.batch ?? (await existing(params.id)), stages, unknownStages };
    },
  );

  app.get(
    "/api/batch/:id/overview",
    {
      schema: {
        tags: ["batches"],
        summary: "Summary of one batch; up to a few seconds old while the batch runs",
        params: idParams,
        response: { 200: overviewSchema, ...BAD_REQUEST, ...NO_BATCH, ...COMMON },
      },
    },
    async ({ params }) => overviews.of(await existing(params.id)),
  );

  app.get(
    "/api/trends",
    {
      schema: {
        tags: ["batches"],
        summary: "Figures of each stage over the last finished batches, oldest first",
        querystring: z.strictObject({
          batches: cursorText("Number of batches, 1 to 100").pipe(z.number().min(1).max(100)).default(20),
        }),
        response: { 200: trendsSchema, ...BAD_REQUEST, ...COMMON },
      },
    },
    async ({ query }) => overviews.trends(query.batches),
  );

  registerRunRoutes(plain, { store, existing }, { ...BAD_REQUEST, ...NO_BATCH, ...COMMON });
  const folds = pLimit(1);
  registerAccessRoutes(plain, access, { ...BAD_REQUEST, 404: problemOf("Not found"), ...COMMON });
  registerExportRoutes(
    plain,
    { store, tail, existing, folds, contents: access.contents },
    { ...BAD_REQUEST, ...NO_BATCH, ...COMMON },
  );
  registerPackRoutes(
    plain,
    { existing, contents: access.contents, packs: parts.packs },
    { ...BAD_REQUEST, ...NO_BATCH, ...COMMON },
  );
  registerDetailRoutes(
    plain,
    { store, tail, views, history: new BatchHistory(store, tail), settings, folds, contents: access.contents },
    { ...BAD_REQUEST, ...NO_BATCH, ...COMMON },
  );

  app.get(
    "/api/stream",
    {
      exposeHeadRoute: false,
      config: { rateLimit: false },
      schema: {
        tags: ["events"],
        summary: "Server-sent events: `snapshot`, `events` and `state`",
        description:
          "`snapshot`: the view of the batch. `events`: what came since, with the summaries of the stages that changed. " +
          "`state`: the database was lost or is back. With `Last-Event-ID` the missed events come first; when there are more " +
          `than ${MOST_MISSED}, the snapshot says how many (\`missed\`) in their place.`,
        querystring: streamQuery,
        response: {
          200: {
            description: "A stream that stays open",
            content: { "text/event-stream": { schema: z.string() } },
          },
          ...BAD_REQUEST,
          ...NO_BATCH,
          ...COMMON,
        },
      },
    },
    async (request, reply) => {
      const { batch } = request.query;
      if (hub.readers >= settings.maxStreams)
        throw new ProblemError("unavailable", `All ${settings.maxStreams} streams are taken (COFI_MAX_STREAMS).`);
      if (batch !== undefined && !views.peek(batch)) await existing(batch);
      const header = request.headers["last-event-id"];
      const lastEventId =
        typeof header === "string" && /^\d{1,15}$/.test(header) ? Number(header) : request.query.lastEventId;
      const headers = reply.getHeaders();
      reply.hijack();
      access.streams.track(principalOf(request), reply.raw);
      const gzip = /\bgzip\b/.test(String(request.headers["accept-encoding"] ?? ""));
      hub.subscribe(reply.raw, headers, { batch, lastEventId, gzip });
    },
  );
}
