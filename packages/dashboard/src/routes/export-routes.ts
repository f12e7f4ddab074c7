/** The routes of exports, which belong to the table in `routes.ts`. An export is streamed, whatever its size. */
import { Readable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { foldDetail, workedUntil } from "@cofi/views/detail/replay";
import type { Batch } from "@cofi/event-log/events";
import { CONTENT_TYPES, EXPORT_FORMATS, exportEvents, exportFiles, type ExportFormat } from "@cofi/views/export";
import type { Store } from "@cofi/event-log/store";
import type { FastifyInstance, FastifyReply } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { LimitFunction } from "p-limit";
import { z } from "zod";
import type { Contents, Looked } from "../access/contents.js";
import { filterOf } from "./detail-routes.js";
import { fileFilter } from "./detail-schemas.js";
import { eventFilter, idParams } from "./schemas.js";
import type { Tail } from "@cofi/views/tail";

export interface ExportParts {
  store: Store;
  tail: Tail;
  /** @throws ProblemError where there is none */
  existing: (id: number) => Promise<Batch>;
  /** Long reads of whole batches, one after the other. */
  folds: LimitFunction;
  contents: Contents;
}

/** Limit of an export, which lasts as long as its reader needs: a reader that never finishes is disconnected. */
export const handlerTimeout = 6 * 3_600_000;

export const format = z.enum(EXPORT_FORMATS).default("csv");
export const FILE = { 200: { description: "The file", content: { "text/csv": { schema: z.string() } } } };

export function registerExportRoutes(plain: FastifyInstance, parts: ExportParts, common: object): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  const { store, tail, existing, folds, contents } = parts;

  /** Everything that was committed before the request, and nothing that comes while the file is written. */
  const headNow = async (): Promise<number> => {
    await tail.refresh();
    return tail.highest;
  };

  app.get(
    "/api/batch/:id/export/files",
    {
      handlerTimeout,
      schema: {
        tags: ["export"],
        summary: "All files that pass the filter, a row for each stage, with the event that says so",
        params: idParams,
        querystring: z.strictObject({ ...fileFilter, format }),
        response: { ...FILE, ...common },
      },
    },
    async (request, reply) => {
      const { params, query, signal } = request;
      const { format: wanted, ...filter } = query;
      const batch = await existing(params.id);
      await contents.note(request, { ...exported("files", batch), why: "" });
      const upToId = await headNow();
      const yieldToEventLoop = async (): Promise<void> => {
        // The reader has left, so nobody waits for the error.
        signal.throwIfAborted();
        await nextTurn();
      };
      const folded = await folds(() => foldDetail(store, batch, upToId, { yieldToEventLoop }));
      const { detail, summaries } = folded;
      return send(
        reply,
        { what: "files", batch, upToId, wanted },
        exportFiles(detail, summaries, {
          filter: filterOf(filter),
          now: workedUntil(folded, Date.now()),
          format: wanted,
        }),
      );
    },
  );

  app.get(
    "/api/batch/:id/export/events",
    {
      handlerTimeout,
      schema: {
        tags: ["export"],
        summary: "All events that pass the filter, oldest first",
        params: idParams,
        querystring: z.strictObject({
          ...eventFilter,
          format,
          bodies: z.enum(["0", "1"]).default("0").meta({
            description:
              "1: with payloads and responses, which hold transcripts and phone numbers; needs the permission `readAll`, and a reason",
          }),
          reason: z.string().max(1_000).optional().meta({ description: "Why, for the access log" }),
        }),
        response: { ...FILE, ...common },
      },
    },
    async (request, reply) => {
      const { params, query } = request;
      const { format: wanted, bodies, reason, ...filter } = query;
      const batch = await existing(params.id);
      const upToId = await headNow();
      const isWhole = bodies === "1";
      const what = exported(isWhole ? "events with payloads and responses" : "events", batch);
      if (!isWhole) await contents.note(request, { ...what, why: "" });
      const shown = isWhole ? await contents.whole(request, { ...what, why: reason }) : store;
      const rows = exportEvents(shown, batch, { filter, upToId, format: wanted, bodies: isWhole });
      return send(reply, { what: "events", batch, upToId, wanted }, rows);
    },
  );
}

function exported(what: string, { id }: Batch): Omit<Looked, "why"> {
  return { action: "export", what: `${what} of batch ${id}`, batchId: id };
}

interface Sent {
  what: string;
  batch: Batch;
  /** The header `x-cofi-head`: the highest event id that the export includes; left out where it is not made of events. */
  upToId?: number;
  wanted: ExportFormat;
}

export function send(
  reply: FastifyReply,
  { what, batch, upToId, wanted }: Sent,
  pieces: AsyncGenerator<string>,
): FastifyReply {
  if (upToId !== undefined) reply.header("x-cofi-head", String(upToId));
  return reply
    .header("content-type", CONTENT_TYPES[wanted])
    .header("content-disposition", `attachment; filename="cofi-batch-${batch.id}-${what}.${wanted}"`)
    .header("cache-control", "no-store")
    .send(Readable.from(pieces));
}
