/** The live feed, which belongs to the table in `routes.ts`. */
import type { Batch } from "@cofi/event-log/events";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Access } from "../access/access.js";
import { principalOf } from "../access/principal.js";
import type { LiveViews } from "../feed/live-views.js";
import { MOST_MISSED } from "../feed/missed-events.js";
import type { SseHub } from "../feed/sse-hub.js";
import type { DashboardSettings } from "../settings.js";
import { ProblemError } from "./problems.js";
import { streamQuery } from "./schemas.js";

export interface StreamParts {
  views: LiveViews;
  hub: SseHub;
  settings: DashboardSettings;
  access: Access;
  /** @throws ProblemError where there is none */
  existing: (id: number) => Promise<Batch>;
}

export function registerStreamRoute(plain: FastifyInstance, parts: StreamParts, common: object): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  const { views, hub, settings, access, existing } = parts;

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
          ...common,
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
