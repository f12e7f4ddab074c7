/** The routes of holds, which belong to the table in `routes.ts`: what retention must not remove. */
import type { EventLens } from "@cofi/event-log/lens";
import type { Store } from "@cofi/event-log/store";
import { HoldRefusedError, Holds, holdInWords, type Hold, type HoldSubject } from "@cofi/evidence/holds";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Audience } from "../access/audience.js";
import type { Contents } from "../access/contents.js";
import { principalOf } from "../access/principal.js";
import { ProblemError } from "./problems.js";
import { holdBody, holdSchema, holdsQuery, releaseBody, revealBody } from "./review-schemas.js";
import { shownHold } from "./review-shown.js";
import { idParams } from "./schemas.js";

export interface HoldParts {
  store: Store;
  audience: Audience;
  contents: Contents;
}

export function registerHoldRoutes(
  plain: FastifyInstance,
  { store, audience, contents }: HoldParts,
  common: object,
): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  const holds = new Holds(store.database);
  const listed = { 200: z.object({ holds: z.array(holdSchema) }), ...common };
  const reveal = (request: FastifyRequest, why: string | undefined): Promise<void> =>
    contents.reveal(request, { action: "reveal", what: "the holds", why, batchId: null });

  /** As the access log may have it, which stays for good. */
  const named = (held: HoldSubject): string =>
    holdInWords(held, held.scope === "client" || held.subject === null ? null : audience.lens.name(held.subject));

  app.get(
    "/api/holds",
    {
      schema: {
        tags: ["holds"],
        summary: "What retention must not remove, newest first; needs the permission `contents`",
        description: "Codes of clients and reasons are pseudonyms; `POST /api/holds/reveal` has them.",
        querystring: holdsQuery,
        response: listed,
      },
    },
    async (call) => {
      const { batch, released } = call.query;
      const isClear = contents.areShownTo(call);
      if (isClear) await reveal(call, undefined);
      const all = await holds.list({ batchId: batch, released: released === "1" });
      return { holds: all.map((hold): Hold => shownHold(hold, isClear ? null : audience.lens)) };
    },
  );

  app.post(
    "/api/holds/reveal",
    {
      schema: {
        tags: ["holds"],
        summary:
          "All holds, also those that were released, with clients and reasons; needs the permission `contents`, and a reason",
        body: revealBody,
        response: listed,
      },
    },
    async (call) => {
      await reveal(call, call.body.reason);
      return { holds: await holds.list({ released: true }) };
    },
  );

  app.post(
    "/api/holds",
    {
      schema: {
        tags: ["holds"],
        summary: "Holds a batch, a call, a trade or a client until it is released; needs the permission `decide`",
        description: "From the answer on, retention removes nothing of it. 404: nothing of it is left.",
        body: holdBody,
        response: {
          200: z.object({
            number: z.number().int(),
            payloadsRemovedAt: z
              .string()
              .nullable()
              .meta({ description: "Retention has removed payloads, transcripts and recordings of the batch before" }),
          }),
          ...common,
        },
      },
    },
    async (call) => {
      const subject = subjectOf(call.body, audience.lens);
      const { who, role } = principalOf(call);
      return refused(async () => {
        await holds.assertThere(subject);
        await contents.note(call, { action: "hold", what: named(subject), why: "", batchId: subject.batchId });
        return holds.hold(subject, { who, role, reason: call.body.reason });
      });
    },
  );

  app.post(
    "/api/holds/:id/release",
    {
      schema: {
        tags: ["holds"],
        summary: "Releases a hold, so that retention removes the things at their age; needs the permission `admin`",
        params: idParams,
        body: releaseBody,
        response: { 200: z.object({ released: z.number().int() }), ...common },
      },
    },
    async (call) => {
      const { id } = call.params;
      const { who, role } = principalOf(call);
      return refused(async () => {
        const hold = await holds.inForce(id);
        const what = `hold ${id}, of ${named(hold)}`;
        await contents.note(call, { action: "release", what, why: "", batchId: hold.batchId });
        await holds.release(id, { who, role, reason: call.body.reason });
        return { released: id };
      });
    },
  );
}

/** @throws ProblemError when the body does not name one thing */
function subjectOf({ scope, batch, subject }: z.infer<typeof holdBody>, lens: EventLens): HoldSubject {
  if (scope !== "client" && batch === undefined)
    throw new ProblemError("bad-request", `Say of which batch the ${scope} is: \`batch\`.`);
  if ((scope === "batch") !== (subject === undefined))
    throw new ProblemError(
      "bad-request",
      scope === "batch" ? "A whole batch has no `subject`." : `Say which ${scope}: \`subject\`.`,
    );
  if (subject === undefined) return { scope, batchId: batch ?? null, subject: null };
  // Calls and trades are named as they are shown, codes of clients as they are.
  return { scope, batchId: batch ?? null, subject: scope === "client" ? subject : lens.storedName(subject) };
}

/** @throws ProblemError */
async function refused<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof HoldRefusedError)) throw error;
    throw new ProblemError(error.kind === "done" ? "conflict" : "not-found", error.message, { cause: error });
  }
}
