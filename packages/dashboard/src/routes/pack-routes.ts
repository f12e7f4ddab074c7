/** The route of packs, which belongs to the table in `routes.ts`. A pack is streamed, whatever its size. */
import { Readable } from "node:stream";
import type { Batch } from "@cofi/event-log/events";
import type { SigningKey } from "@cofi/evidence/seal-keys";
import { preparePack, type Pack } from "@cofi/pack/make";
import type { RecordingSource } from "@cofi/pack/recordings";
import type { FastifyInstance, FastifyReply } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Contents } from "../access/contents.js";
import { ProblemError } from "./problems.js";
import { idParams } from "./schemas.js";

/** What packs are signed with and where their recordings come from. */
export interface PackTools {
  key: SigningKey;
  /** The nearest first. */
  recordings: readonly RecordingSource[];
  /** Of Cofi. */
  version: string;
}

export interface PackParts {
  /** @throws ProblemError where there is none */
  existing: (id: number) => Promise<Batch>;
  contents: Contents;
  packs: PackTools;
}

/** Limit of a pack, which lasts as long as its reader needs: it may hold hours of sound. */
const handlerTimeout = 6 * 3_600_000;

const params = idParams.extend({ tradeId: z.string().min(1).max(128).meta({ description: "Id of the trade" }) });

export function registerPackRoutes(
  plain: FastifyInstance,
  { existing, contents, packs }: PackParts,
  common: object,
): void {
  plain.withTypeProvider<ZodTypeProvider>().get(
    "/api/batch/:id/trades/:tradeId/pack",
    {
      handlerTimeout,
      // It would be written to the access log, and made, for nobody.
      exposeHeadRoute: false,
      schema: {
        tags: ["export"],
        summary:
          "The pack of a trade: a signed zip with all that proves or refutes it; needs the permission `pack`, and a reason",
        params,
        querystring: z.strictObject({
          reason: z.string().max(1_000).optional().meta({ description: "Why, for the access log" }),
        }),
        response: {
          200: {
            description: "The zip; the header `x-cofi-missing` says how many recordings are not in it",
            content: { "application/zip": { schema: z.string() } },
          },
          ...common,
        },
      },
    },
    async (request, reply) => {
      const { id, tradeId } = request.params;
      const batch = await existing(id);
      const what = `pack of trade ${tradeId} of batch ${id}`;
      const { note, ...parts } = contents.pack(request, {
        action: "export",
        what,
        why: request.query.reason,
        batchId: id,
      });
      const pack = await preparePack({ ...parts, ...packs }, batch, tradeId, note);
      if (!pack) throw new ProblemError("not-found", `Batch ${id} has no trade ${tradeId}.`);
      return send(reply, pack);
    },
  );
}

function send(reply: FastifyReply, pack: Pack): FastifyReply {
  return reply
    .header("content-type", "application/zip")
    .header("content-disposition", `attachment; filename="${pack.name}"`)
    .header("cache-control", "no-store")
    .header("x-cofi-missing", String(pack.missing.length))
    .send(Readable.from(pack.bytes()));
}
