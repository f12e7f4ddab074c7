/** The routes of sound, which belong to the table in `routes.ts`. The access log has the entry before the first byte of it is sent. */
import { Readable } from "node:stream";
import type { Store } from "@cofi/event-log/store";
import type { Results } from "@cofi/evidence/results";
import type { SoundAnswer, SoundPeaks } from "@cofi/evidence/shapes";
import { CannotStart } from "@cofi/recordings/media-program";
import { UnreadableRecording } from "@cofi/recordings/unreadable";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Contents } from "../access/contents.js";
import { principalOf } from "../access/principal.js";
import type { ListeningCopy } from "../sound/listening-copy.js";
import type { Sounds } from "../sound/sounds.js";
import type { Tickets } from "../sound/tickets.js";
import { handlerTimeout } from "./export-routes.js";
import { ProblemError } from "./problems.js";
import { callParams, revealBody } from "./trade-schemas.js";

export interface SoundParts {
  /** Shows names without telephone numbers. */
  store: Store;
  results: Results;
  contents: Contents;
  sounds: Sounds;
  tickets: Tickets;
}

const answerSchema = z
  .object({
    ticket: z.string().meta({ description: "Goes with each request for the sound; for the one who asked alone" }),
    same: z.boolean().nullable().meta({
      description: "Whether the recording is the one that was processed, by its SHA-256; null: not known",
    }),
    source: z.enum(["folder", "engine"]),
    sounds: z.array(z.enum(["original", "denoised"])),
  })
  .meta({ id: "Sound" }) satisfies z.ZodType<SoundAnswer>;

const peaksSchema = z
  .object({ seconds: z.number(), peaks: z.array(z.number().int().min(0).max(255)) })
  .meta({ id: "Peaks" }) satisfies z.ZodType<SoundPeaks>;

const soundQuery = z.strictObject({
  ticket: z.string().max(100),
  sound: z.enum(["original", "denoised"]).default("original"),
});
type Asked = { params: z.output<typeof callParams>; query: z.output<typeof soundQuery> };

export function registerSoundRoutes(plain: FastifyInstance, parts: SoundParts, common: object): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  const { store, results, contents, sounds, tickets } = parts;

  const callOf = async (batchId: number, callId: string) => {
    const [call] = await results.callsOf(batchId, [store.lens.storedName(callId)]);
    if (!call) throw new ProblemError("not-found", `Batch ${batchId} has no call of this name.`);
    return call;
  };

  app.post(
    "/api/batch/:id/calls/:callId/play",
    {
      schema: {
        tags: ["access"],
        summary: "Leave to hear a call; needs the permission `contents`, and a reason",
        description: "The access log has the entry before; where it cannot be written, the answer is 503.",
        params: callParams,
        body: revealBody,
        response: { 200: answerSchema, ...common },
      },
    },
    async (call): Promise<SoundAnswer> => {
      const { id } = call.params;
      const { callId, fileName } = await callOf(id, call.params.callId);
      const what = `sound of call ${store.lens.name(callId)} of batch ${id}`;
      await contents.reveal(call, { action: "play", what, why: call.body.reason, batchId: id });
      // It is made ready while the browser hears that it may ask for it. Whoever asks then hears of a failure.
      sounds.copy(id, fileName, "original").catch(() => undefined);
      const known = await sounds.known(id, fileName);
      if (!known) throw nowhere();
      const { who } = principalOf(call);
      return { ticket: await tickets.issue({ who, batchId: id, callId }), ...known };
    },
  );

  const copyFor = async (request: FastifyRequest, { params: { id, callId }, query }: Asked): Promise<ListeningCopy> => {
    const call = await callOf(id, callId);
    const { who } = principalOf(request);
    if (!(await tickets.isValid(query.ticket, { who, batchId: id, callId: call.callId })))
      throw new ProblemError(
        "forbidden",
        "This ticket is for somebody else, for another call, or too old. Ask for another one.",
      );
    const copy = await sounds.copy(id, call.fileName, query.sound);
    if (!copy) throw nowhere();
    return copy;
  };

  app.get(
    "/api/batch/:id/calls/:callId/sound",
    {
      // Ranges are of the bytes as they are.
      compress: false,
      handlerTimeout,
      schema: {
        tags: ["trades"],
        summary:
          "The sound of a call as WAV, whole or a range of its bytes; needs the permission `contents`, and a ticket",
        description: "`POST /api/batch/{id}/calls/{callId}/play` gives the ticket. A range beyond the end gets 416.",
        params: callParams,
        querystring: soundQuery,
        response: {
          200: { description: "The sound", content: { "audio/wav": { schema: z.string() } } },
          206: { description: "A range of it", content: { "audio/wav": { schema: z.string() } } },
          ...common,
        },
      },
    },
    async (call, reply) => {
      const copy = await copyFor(call, call);
      const total = await copy.total().catch(unheard);
      return sendRange(call, reply, copy, total);
    },
  );

  app.get(
    "/api/batch/:id/calls/:callId/peaks",
    {
      handlerTimeout,
      schema: {
        tags: ["trades"],
        summary: "How loud a call is over its length; needs the permission `contents`, and a ticket",
        params: callParams,
        querystring: soundQuery,
        response: { 200: peaksSchema, ...common },
      },
    },
    async (call) => (await copyFor(call, call)).peaks().catch(unheard),
  );
}

function sendRange(request: FastifyRequest, reply: FastifyReply, copy: ListeningCopy, total: number): FastifyReply {
  const range = rangeOf(request.headers.range, total);
  reply.header("accept-ranges", "bytes").header("content-type", "audio/wav");
  if (range === "beyond") return reply.code(416).header("content-range", `bytes */${total}`).send();
  const { start, end } = range ?? { start: 0, end: total - 1 };
  if (range) reply.code(206).header("content-range", `bytes ${start}-${end}/${total}`);
  reply.header("content-length", String(end - start + 1));
  return request.method === "HEAD"
    ? reply.send()
    : reply.send(Readable.from(copy.bytes(start, end), { objectMode: false }));
}

/** RFC 9110, one range of bytes. null: the whole, also where the header asks for something else. */
function rangeOf(header: string | undefined, total: number): { start: number; end: number } | "beyond" | null {
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "") ?? [];
  if (first === undefined || last === undefined || (first === "" && last === "")) return null;
  const start = first === "" ? Math.max(0, total - Number(last)) : Number(first);
  const end = first === "" || last === "" ? total - 1 : Math.min(Number(last), total - 1);
  if (start >= total || (first === "" && Number(last) === 0)) return "beyond";
  return end < start ? null : { start, end };
}

function nowhere(): ProblemError {
  return new ProblemError(
    "not-found",
    "The recording is neither in the folder of the batch nor on a host of an engine, as this dashboard sees them.",
  );
}

/** Names of files and what was found in them stay in the log. */
function unheard(error: unknown): never {
  if (error instanceof UnreadableRecording)
    throw new ProblemError("not-found", "No sound can be decoded from this recording.", { cause: error });
  if (error instanceof CannotStart)
    throw new ProblemError(
      "unavailable",
      "The machine of the dashboard lacks ffmpeg, which makes recordings ready to be heard. Install it: apt-get install ffmpeg.",
      { cause: error },
    );
  throw error;
}
