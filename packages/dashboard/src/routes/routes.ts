/** The HTTP API as one table of routes, each with its parameters and responses. */
import type { Batch } from "@cofi/event-log/events";
import { effectiveBatch } from "@cofi/views/batch-state";
import { snapshotOf } from "@cofi/views/projection";
import { Store } from "@cofi/event-log/store";
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
import { registerSearchRoutes } from "./search-routes.js";
import { AskedViews } from "./asked-views.js";
import { registerCallRoutes } from "./call-routes.js";
import { registerSoundRoutes } from "./sound-routes.js";
import { Sounds } from "../sound/sounds.js";
import type { SoundPlaces } from "../sound/places.js";
import { Tickets } from "../sound/tickets.js";
import { registerStreamRoute } from "./stream-route.js";
import { registerTradeRoutes } from "./trade-routes.js";
import { FocusedViews } from "../feed/focused-views.js";
import { Results } from "@cofi/evidence/results";
import { registerExportRoutes } from "./export-routes.js";
import { registerHoldRoutes } from "./hold-routes.js";
import { registerReviewRoutes } from "./review-routes.js";
import { registerPackRoutes, type PackTools } from "./pack-routes.js";
import type { Health } from "./health.js";
import { eventSummary } from "@cofi/views/event-summary";
import type { LiveViews } from "../feed/live-views.js";
import { Preview } from "../feed/preview.js";
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
} from "./schemas.js";
import type { DashboardSettings } from "../settings.js";
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
  sound: SoundPlaces;
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
  const focused = new FocusedViews(store, tail, settings.eventsPerStage, folds);
  const asked = new AskedViews(tail, views, focused, settings.requestTimeoutMs);
  const results = new Results(store.database);
  registerAccessRoutes(plain, access, { ...BAD_REQUEST, 404: problemOf("Not found"), ...COMMON });
  registerSearchRoutes(
    plain,
    { database: store.database, existing, contents: access.contents, phoneCountry: settings.phoneCountry, tail },
    { ...BAD_REQUEST, ...NO_BATCH, ...COMMON },
  );
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
    { store, views, asked, history: new BatchHistory(store, tail), results, contents: access.contents },
    { ...BAD_REQUEST, ...NO_BATCH, ...COMMON },
  );
  registerTradeRoutes(
    plain,
    { store, results, asked, contents: access.contents, existing },
    { ...BAD_REQUEST, 404: problemOf("Not found"), ...COMMON },
  );

  const acting = { ...BAD_REQUEST, 404: problemOf("Not found"), 409: problemOf("Somebody else was faster"), ...COMMON };
  registerReviewRoutes(plain, { ...access, existing }, acting);
  registerHoldRoutes(plain, access, acting);

  registerCallRoutes(
    plain,
    { store, results, contents: access.contents },
    { ...BAD_REQUEST, 404: problemOf("Not found"), ...COMMON },
  );
  const sounds = new Sounds(new Store(store.database), results, parts.sound);
  plain.addHook("onClose", async () => sounds.close());
  registerSoundRoutes(
    plain,
    { store, results, contents: access.contents, sounds, tickets: new Tickets(store.database) },
    { ...BAD_REQUEST, 404: problemOf("Not found"), ...COMMON },
  );
  registerStreamRoute(plain, { views, hub, settings, access, existing }, { ...BAD_REQUEST, ...NO_BATCH, ...COMMON });
}
