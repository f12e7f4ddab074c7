/** The routes of reviews, which belong to the table in `routes.ts`: cases, what people do with them, draws, and how often machines were right. */
import { randomUUID } from "node:crypto";
import { may } from "@cofi/access/roles";
import type { Batch } from "@cofi/event-log/events";
import { accuracyOf } from "@cofi/evidence/review/accuracy";
import { refusalOf, ROW_OF } from "@cofi/evidence/review/case";
import { listCases } from "@cofi/evidence/review/case-list";
import { corrected, CorrectionError, type Corrected } from "@cofi/evidence/review/corrections";
import { modelsOf } from "@cofi/evidence/review/models";
import { reasonOf, REASONS } from "@cofi/evidence/review/reasons";
import { Reviews, type FoundCase, type NewReviewRow } from "@cofi/evidence/review/reviews";
import { Results } from "@cofi/evidence/results";
import type { Store } from "@cofi/event-log/store";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Audience } from "../access/audience.js";
import type { Contents } from "../access/contents.js";
import { principalOf } from "../access/principal.js";
import { ProblemError } from "./problems.js";
import { shownCase } from "./review-shown.js";
import {
  accuracySchema,
  actionBody,
  caseSchema,
  caseSummarySchema,
  casesQuery,
  drawBody,
  drawSchema,
  reasonsSchema,
  revealBody,
  tradeParams,
  type ActionBody,
} from "./review-schemas.js";
import { cursorText, idParams } from "./schemas.js";

export interface ReviewParts {
  store: Store;
  audience: Audience;
  contents: Contents;
  /** @throws ProblemError where there is none */
  existing: (id: number) => Promise<Batch>;
}

interface Params {
  id: number;
  tradeId: string;
}
type Asked = FastifyRequest<{ Params: Params }>;

/** @param common `409` is added to those of them that change something */
export function registerReviewRoutes(plain: FastifyInstance, parts: ReviewParts, common: object): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  const { store, contents, existing } = parts;
  const { database } = store;
  const reviews = new Reviews(database);
  const results = new Results(database);

  const { lens } = parts.audience;

  /** @param tradeId as it is shown */
  const found = async ({ id: batchId, tradeId }: Params): Promise<FoundCase> => {
    await existing(batchId);
    const one = await reviews.find(batchId, lens.storedName(tradeId));
    if (one === null) throw new ProblemError("not-found", `There is no trade ${tradeId} in batch ${batchId}.`);
    if (one === "no case")
      throw new ProblemError(
        "not-found",
        `Trade ${tradeId} is no case: it is CONFIRMED, or has no verdict, and was not drawn.`,
      );
    return one;
  };

  /** With pseudonyms, unless everybody who reads this dashboard sees contents. */
  const shown = (request: FastifyRequest, tradeId: string, one: FoundCase) =>
    shownCase(tradeId, one, contents.areShownTo(request) ? null : lens);

  app.get(
    "/api/reasons",
    {
      schema: {
        tags: ["review"],
        summary: "Why a case can be decided; needs the permission `contents`",
        response: { 200: z.object({ reasons: reasonsSchema }), ...common },
      },
    },
    async () => ({
      reasons: REASONS.map(({ reason, label, description, needsNote }) => ({ reason, label, description, needsNote })),
    }),
  );

  app.get(
    "/api/accuracy",
    {
      schema: {
        tags: ["review"],
        summary: "How often machines were right, by what people decided and corrected; needs the permission `contents`",
        querystring: z.strictObject({ batch: cursorText("Of this batch; of all unless given").optional() }),
        response: { 200: accuracySchema, ...common },
      },
    },
    async ({ query: { batch } }) => {
      if (batch !== undefined) await existing(batch);
      return accuracyOf(database, batch ?? null);
    },
  );

  app.get(
    "/api/batch/:id/cases",
    {
      schema: {
        tags: ["review"],
        summary:
          "Trades for a person, by their ids: those that are not CONFIRMED, and those that were drawn; needs the permission `contents`",
        params: idParams,
        querystring: casesQuery,
        response: {
          200: z.object({ cases: z.array(caseSummarySchema), nextCursor: z.string().nullable() }),
          ...common,
        },
      },
    },
    async ({ params: { id }, query: { limit, after, ...filter } }) => {
      await existing(id);
      const from = after === undefined ? undefined : lens.storedName(after);
      const { cases, next } = await listCases(database, id, filter, { after: from, limit });
      return {
        cases: cases.map((one) => ({ ...one, tradeId: lens.name(one.tradeId) })),
        nextCursor: next && lens.name(next),
      };
    },
  );

  app.post(
    "/api/batch/:id/draw",
    {
      schema: {
        tags: ["review"],
        summary: "Draws a share of the trades that are CONFIRMED at random, for review; needs the permission `decide`",
        description:
          "The same share with the same seed draws nothing more. Draws are rows of the review, with their seeds.",
        params: idParams,
        body: drawBody,
        response: { 200: drawSchema, ...common },
      },
    },
    async (call) => {
      const { id: batchId } = call.params;
      await existing(batchId);
      const draw = { share: call.body.share, seed: call.body.seed ?? randomUUID() };
      const before = await reviews.drawBefore(batchId, draw);
      if (before) return before;
      const what = `draw of ${Number((draw.share * 100).toPrecision(9))} % of the CONFIRMED trades of batch ${batchId}`;
      await contents.note(call, { action: "review", what, why: "", batchId });
      const { who, role } = principalOf(call);
      return reviews.draw(batchId, { ...draw, who, role });
    },
  );

  app.get(
    "/api/batch/:id/trades/:tradeId/review",
    {
      schema: {
        tags: ["review"],
        summary: "The case of a trade; notes and corrections are pseudonyms; needs the permission `contents`",
        params: tradeParams,
        response: { 200: caseSchema, ...common },
      },
    },
    async (call) => {
      const one = await found(call.params);
      if (contents.areShownTo(call)) await reveal(call, undefined);
      return shown(call, call.params.tradeId, one);
    },
  );

  const reveal = (request: Asked, why: string | undefined): Promise<void> => {
    const { id: batchId, tradeId } = request.params;
    return contents.reveal(request, { action: "reveal", what: `the case of trade ${tradeId}`, why, batchId });
  };

  app.post(
    "/api/batch/:id/trades/:tradeId/review/reveal",
    {
      schema: {
        tags: ["review"],
        summary: "The case of a trade, with its notes and corrections; needs the permission `contents`, and a reason",
        params: tradeParams,
        body: revealBody,
        response: { 200: caseSchema, ...common },
      },
    },
    async (call) => {
      const one = await found(call.params);
      await reveal(call, call.body.reason);
      return shownCase(lens.storedName(call.params.tradeId), one, null);
    },
  );

  app.post(
    "/api/batch/:id/trades/:tradeId/review",
    {
      schema: {
        tags: ["review"],
        summary: "Takes, releases, notes, corrects, decides, approves or rejects; needs the permission `decide`",
        description:
          "Whoever decided does not approve. Of two who act at once one is answered with 409, by whom and when. The access log has the entry before " +
          "anything is changed; where it cannot be written, the answer is 503.",
        params: tradeParams,
        body: actionBody,
        response: { 200: caseSchema, ...common },
      },
    },
    async (call) => {
      const { params, body } = call;
      const { id: batchId, tradeId } = params;
      // A note or a correction that somebody else's row has come before is added after it; everything else is looked at anew.
      for (;;) {
        const one = await found(params);
        assertAllowed(call, one);
        const { who, role } = principalOf(call);
        const row: NewReviewRow = { what: ROW_OF[body.action], who, role, ...(await detailsOf(params, one, body)) };
        const number = (one.rows.at(-1)?.number ?? 0) + 1;
        const what = `row ${number} of the case of trade ${tradeId}: ${row.what}${row.reason ? `, ${row.reason}` : ""}`;
        const isDecision = body.action === "decide" || body.action === "approve" || body.action === "reject";
        await contents.note(call, { action: isDecision ? "decision" : "review", what, why: "", batchId });
        if (await reviews.add(batchId, lens.storedName(tradeId), number, row))
          return shown(call, tradeId, await found(params));
        const lost = `row ${number} of the case of trade ${tradeId} is another person's: nothing was added`;
        await contents.note(call, { action: "review", what: lost, why: "", batchId });
      }
    },
  );

  /** @throws ProblemError */
  async function detailsOf(
    { id: batchId, tradeId }: Params,
    one: FoundCase,
    body: ActionBody,
  ): Promise<Pick<NewReviewRow, "reason" | "note" | "verdict" | "verdictEventId" | "data">> {
    const note = "note" in body ? (body.note ?? null) : null;
    if (body.action === "decide") {
      const { reason } = body;
      if (note === null && reasonOf(reason)?.needsNote)
        throw new ProblemError("bad-request", `A decision for the reason "${reason}" needs a note.`);
      const { now, statement } = one;
      const models = statement ? await modelsOf(database, results, batchId, statement) : {};
      return { reason, note, verdict: now.verdict, verdictEventId: now.eventId, data: { models } };
    }
    if (body.action !== "correct") return { note };
    const { correction } = body;
    const data: Corrected = await corrected(database, batchId, lens.storedName(tradeId), {
      found: one,
      correction: { ...correction, callId: lens.storedName(correction.callId) },
    }).catch((error: unknown) => {
      if (error instanceof CorrectionError) throw new ProblemError("bad-request", error.message, { cause: error });
      throw error;
    });
    return { reason: correction.kind, note, data: { ...data } };
  }
}

/** @throws ProblemError by whom and when the case was changed, or why it has to be another person */
function assertAllowed(request: FastifyRequest<{ Body: ActionBody }>, one: FoundCase): void {
  const { body } = request;
  const { who, role } = principalOf(request);
  const refusal = refusalOf(body.action, one.case, { who, mayRelease: may(role, "admin") });
  if (refusal) throw new ProblemError(refusal.kind, refusal.says);
  if ("version" in body && body.version !== one.case.version) {
    const last = one.rows.at(-1);
    const by = last ? ` ${last.who} was the last: ${last.what} at ${last.at}.` : "";
    const verdict = one.now.verdict ?? "none";
    throw new ProblemError(
      "conflict",
      `The case is not as you saw it.${by} The verdict in force is ${verdict}. Nothing was changed; look at it again.`,
    );
  }
}
