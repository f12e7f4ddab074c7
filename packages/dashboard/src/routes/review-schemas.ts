/** Parameters and responses of the routes of reviews and holds. */
import { HOLD_SCOPES } from "@cofi/event-log/held";
import type { Hold } from "@cofi/evidence/holds";
import type { Accuracy } from "@cofi/evidence/review/accuracy";
import { STATES } from "@cofi/evidence/review/case";
import type { CaseSummary } from "@cofi/evidence/review/case-list";
import { FIELDS } from "@cofi/evidence/review/corrections";
import { JUDGED } from "@cofi/evidence/review/models";
import { REASON_NAMES } from "@cofi/evidence/review/reasons";
import type { Draw } from "@cofi/evidence/review/reviews";
import type { Share } from "@cofi/evidence/review/wilson";
import { z } from "zod";
import { count, cursorText, json, limitText, time } from "./schemas.js";

const note = z.string().trim().min(1).max(4_000);
const version = z
  .string()
  .max(40)
  .meta({ description: "`version` of the case as it was seen; 409 when somebody, or a verdict, has changed it since" });

export const tradeParams = z.object({
  id: cursorText("The id of the batch"),
  tradeId: z.string().min(1).max(128).meta({ description: "The id of the trade" }),
});

export const casesQuery = z.strictObject({
  state: z.enum(STATES).optional(),
  who: z.string().max(255).optional().meta({ description: "Who has it, has decided it, or has approved it" }),
  verdict: z.string().max(32).optional(),
  limit: limitText(100),
  after: z.string().max(128).optional().meta({ description: "`nextCursor` of the page before" }),
});

const step = z.object({ who: z.string(), at: time });
const state = z.enum(STATES);
const verdict = z.string().nullable();

export const caseSummarySchema = z
  .object({
    tradeId: z.string(),
    verdict,
    state,
    last: step.nullable().meta({ description: "Who has brought it into this state, and when; null while nobody has" }),
    isDrawn: z.boolean().meta({ description: "It was drawn at random" }),
    decision: step.extend({ reason: z.string() }).nullable().meta({ description: "The decision that stands" }),
    isReopened: z.boolean().meta({ description: "It was decided, and is open again" }),
  })
  .meta({ id: "CaseSummary" }) satisfies z.ZodType<CaseSummary>;

const rowSchema = z.object({
  number: count,
  what: z.string().meta({
    description: "drawn, taken, released, noted, corrected, decided, approved or rejected",
  }),
  who: z.string(),
  role: z.string(),
  at: time,
  reason: z.string().nullable(),
  note: z.string().nullable(),
  verdict,
  data: json.meta({ description: "Of a correction: where, what was `said`, the `truth`, and the model" }),
});

export const caseSchema = z
  .object({
    tradeId: z.string(),
    verdict: verdict.meta({ description: "The verdict in force" }),
    state,
    last: step.nullable(),
    isDrawn: z.boolean(),
    decision: step.extend({ number: count, reason: z.string(), verdict }).nullable(),
    reopened: z.string().nullable().meta({ description: "Why it is open although it was decided" }),
    says: z.string().meta({ description: "How the case stands, as a sentence" }),
    version,
    rows: z.array(rowSchema).meta({ description: "What was done with it, in this order" }),
    masked: z.literal(true).optional().meta({ description: "Pseudonyms stand in the place of contents" }),
  })
  .meta({ id: "Case" });

const place = { callId: z.string().min(1).max(128), truth: z.string().trim().max(200) };

export const actionBody = z.discriminatedUnion("action", [
  z.strictObject({ action: z.literal("take") }),
  z.strictObject({ action: z.literal("release"), note: note.optional() }),
  z.strictObject({ action: z.literal("note"), note }),
  z.strictObject({
    action: z.literal("decide"),
    version,
    reason: z.enum(REASON_NAMES as [string, ...string[]]),
    note: note.optional(),
  }),
  z.strictObject({ action: z.literal("approve"), version, note: note.optional() }),
  z.strictObject({ action: z.literal("reject"), version, note }),
  z.strictObject({
    action: z.literal("correct"),
    note: note.optional(),
    correction: z.discriminatedUnion("kind", [
      z.strictObject({ kind: z.literal("word"), ...place, segment: count, word: count }),
      z.strictObject({ kind: z.literal("field"), ...place, order: count, field: z.enum(FIELDS) }),
    ]),
  }),
]);
export type ActionBody = z.infer<typeof actionBody>;

export const revealBody = z.strictObject({ reason: z.string().max(1_000).optional() });

export const reasonsSchema = z.array(
  z.object({ reason: z.string(), label: z.string(), description: z.string(), needsNote: z.boolean() }),
);

export const drawBody = z.strictObject({
  share: z.number().gt(0).max(1).meta({ description: "Of the trades that are CONFIRMED, rounded up: 0.02 is 2 %" }),
  seed: z
    .string()
    .trim()
    .min(1)
    .max(100)
    .optional()
    .meta({ description: "The same seed draws the same trades; a random one unless given" }),
});

export const drawSchema = z
  .object({
    number: count.meta({ description: "Counts the draws of the batch" }),
    seed: z.string(),
    share: z.number(),
    population: count.meta({ description: "Trades that were CONFIRMED then" }),
    drawn: count,
    added: count.meta({
      description: "Of these, those that had not been drawn before; 0 for a draw that was made before",
    }),
  })
  .meta({ id: "Draw" }) satisfies z.ZodType<Draw>;

const share = z
  .object({
    count,
    of: count.meta({ description: "The number that the share rests on" }),
    share: z.number().nullable(),
    low: z.number().nullable().meta({ description: "Lower end of the interval of 95 % (Wilson)" }),
    high: z.number().nullable(),
  })
  .meta({ id: "Share" }) satisfies z.ZodType<Share>;

export const accuracySchema = z
  .object({
    confirmed: share.meta({ description: "Precision of CONFIRMED: of the drawn ones whose decision was approved" }),
    agreement: share.meta({ description: "Of the decisions that another person looked at, those that were approved" }),
    decisions: count.meta({ description: "Decisions that were approved, about whatever verdict" }),
    models: z.array(
      z.object({
        stage: z.enum(JUDGED),
        model: z
          .string()
          .nullable()
          .meta({ description: "Name and version, as of the verdict that was decided about" }),
        decisions: count,
        confirmed: share,
        uncorrected: share
          .nullable()
          .meta({ description: "Decisions without a correction of what it had heard or read" }),
        corrections: count,
      }),
    ),
  })
  .meta({ id: "Accuracy" }) satisfies z.ZodType<Accuracy>;

const said = { who: z.string(), role: z.string(), at: time, reason: z.string() };

export const holdSchema = z
  .object({
    number: count,
    scope: z.enum(HOLD_SCOPES),
    batchId: z.number().int().nullable().meta({ description: "null: a client in all batches" }),
    subject: z.string().nullable().meta({ description: "The call, the trade, or the code of the client" }),
    ...said,
    released: z.object({ number: count, ...said }).nullable(),
  })
  .meta({ id: "Hold" }) satisfies z.ZodType<Hold>;

export const holdBody = z.strictObject({
  scope: z.enum(HOLD_SCOPES),
  batch: z
    .number()
    .int()
    .min(1)
    .max(2_147_483_647)
    .optional()
    .meta({ description: "Left out only for a client: in all batches" }),
  subject: z.string().trim().min(1).max(128).optional().meta({ description: "Left out only for a batch" }),
  reason: z.string().trim().min(3).max(1_000).meta({ description: "Why; it stands in the list of holds" }),
});

export const holdsQuery = z.strictObject({
  batch: cursorText("Only those that hold something of this batch").optional(),
  released: z.enum(["0", "1"]).default("0").meta({ description: "1: with those that were released" }),
});

export const releaseBody = z.strictObject({ reason: z.string().trim().min(3).max(1_000) });
