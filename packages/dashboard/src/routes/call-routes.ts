/** The routes of calls, which belong to the table in `routes.ts`. What they read comes without contents, unless it is revealed. */
import type { Store } from "@cofi/event-log/store";
import type { Results } from "@cofi/evidence/results";
import type { CallPage, TranscriptPage } from "@cofi/evidence/shapes";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Contents } from "../access/contents.js";
import { callPage, transcriptPage } from "../trades/call-page.js";
import { CLEARLY, Shown } from "../trades/shown.js";
import { ProblemError } from "./problems.js";
import { callParams, callSchema, revealBody, transcriptSchema } from "./trade-schemas.js";
import { REVEALED } from "./trade-routes.js";

export interface CallParts {
  /** Shows names without telephone numbers. */
  store: Store;
  results: Results;
  contents: Contents;
}

export function registerCallRoutes(plain: FastifyInstance, parts: CallParts, common: object): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  const { store, results, contents } = parts;

  /** As the one who asks is shown it without a reason. */
  const shownTo = (request: FastifyRequest): Shown => new Shown(store.lens, !contents.areShownTo(request));

  app.get(
    "/api/batch/:id/calls/:callId",
    {
      schema: {
        tags: ["trades"],
        summary:
          "One call: the orders that were heard in it, and the answers to the audit questions; contents are masked",
        params: callParams,
        response: { 200: callSchema, ...common },
      },
    },
    async (call) => {
      if (!contents.areShownTo(call)) return theCall(call.params, shownTo(call));
      return theCall(await noted(call, call.params, undefined, (name) => `call ${name}`), CLEARLY);
    },
  );

  app.get(
    "/api/batch/:id/calls/:callId/transcript",
    {
      schema: {
        tags: ["trades"],
        summary: "What was said in a call, segment by segment; the words are masked",
        params: callParams,
        response: { 200: transcriptSchema, ...common },
      },
    },
    async (call) => {
      const { id } = call.params;
      const said = contents.areShownTo(call)
        ? await theTranscript(
            await noted(call, call.params, undefined, (name) => `transcript of call ${name}`),
            CLEARLY,
          )
        : await theTranscript(call.params, shownTo(call));
      if (!said) throw new ProblemError("not-found", `Batch ${id} has no transcript of this call.`);
      return said;
    },
  );

  app.post(
    "/api/batch/:id/calls/:callId/reveal",
    {
      schema: {
        tags: ["access"],
        summary: "One call and its transcript with their contents; needs the permission `contents`, and a reason",
        description: REVEALED,
        params: callParams,
        body: revealBody,
        response: {
          200: z.object({ call: callSchema, transcript: transcriptSchema.nullable() }),
          ...common,
        },
      },
    },
    async (call) => {
      const stored = await noted(call, call.params, call.body.reason, (name) => `call ${name} with its transcript`);
      return { call: await theCall(stored, CLEARLY), transcript: await theTranscript(stored, CLEARLY) };
    },
  );

  type CallParams = z.output<typeof callParams>;

  const theCall = async ({ id, callId }: CallParams, shown: Shown): Promise<CallPage> => {
    const found = await callPage(results, id, shown.storedName(callId), shown);
    if (!found) throw new ProblemError("not-found", `Batch ${id} has no call of this name.`);
    return found;
  };

  const theTranscript = async ({ id, callId }: CallParams, shown: Shown): Promise<TranscriptPage | null> => {
    return transcriptPage(results, id, shown.storedName(callId), shown);
  };

  /** Notes that contents of a call are about to be shown. @returns the call as it is stored */
  const noted = async (
    call: FastifyRequest,
    params: CallParams,
    why: string | undefined,
    what: (name: string) => string,
  ): Promise<CallParams> => {
    // What is not there needs no entry.
    const known = await theCall(params, shownTo(call));
    const looked = `${what(known.callId)} of batch ${params.id}`;
    await contents.reveal(call, { action: "reveal", what: looked, why, batchId: params.id });
    return { ...params, callId: store.lens.storedName(params.callId) };
  };
}
