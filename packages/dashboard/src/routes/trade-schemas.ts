/** Parameters and responses of the routes of trades and calls. */
import { OUTCOMES, TRADE_SORTS } from "@cofi/evidence/outcomes";
import type { CallPage, TradePage, TradeRow, TradesPage, TranscriptPage } from "@cofi/evidence/shapes";
import { z } from "zod";
import { asOf, count, idParams, limitText, time } from "./schemas.js";

const masked = z
  .boolean()
  .meta({ description: "Pseudonyms stand in the place of contents, and sentences are left out" });
const shown = z.string().nullable();
const seconds = z.number().meta({ description: "Seconds from the start of the recording" });
const share = z.number().min(0).max(1).nullable();
const outcome = z.string().meta({
  description: `${OUTCOMES.join(", ")}, or the verdict of another service. UNJUDGED: not come to yet; OUT_OF_SCOPE: no call is expected`,
});

const name = (what: string) =>
  z
    .string()
    .max(400)
    .optional()
    .meta({ description: `${what}, in full, as it is shown` });
const instant = (what: string) => z.iso.datetime({ offset: true }).optional().meta({ description: what });
const number = (what: string) => z.coerce.number().optional().meta({ description: what });

export const tradeParams = idParams.extend({ tradeId: z.string().min(1).max(400) });
export const callParams = idParams.extend({ callId: z.string().min(1).max(400) });
export const revealBody = z.strictObject({ reason: z.string().max(1_000).optional() });

/** Filters and order of the list, for the list and its export. */
export const tradeFilters = {
  outcome: z
    .string()
    .max(400)
    .regex(/^[A-Z_]+(?:,[A-Z_]+)*$/)
    .optional()
    .meta({
      description: "Outcomes, separated by commas; REFUSED alone lists the rows of trades.csv that were set aside",
    }),
  text: name("A trade, order, call, symbol or dealer"),
  tradeId: name("A trade"),
  orderId: name("An order"),
  client: name("A client"),
  dealerId: name("A dealer"),
  side: name("BUY or SELL"),
  symbol: name("A symbol"),
  callId: name("The call that decided"),
  from: instant("Ordered at this time or later"),
  to: instant("Ordered before this time"),
  minQuantity: number("The least quantity"),
  maxQuantity: number("The greatest quantity"),
  minPrice: number("The least price"),
  maxPrice: number("The greatest price"),
  sort: z.enum(TRADE_SORTS).default("verdict").meta({ description: "verdict: the unproven first, each by time" }),
  order: z.enum(["asc", "desc"]).default("asc"),
};
export type AskedTrades = z.output<z.ZodObject<typeof tradeFilters>>;

export const tradesQuery = z.strictObject({
  ...tradeFilters,
  offset: z.coerce.number().int().nonnegative().default(0),
  limit: limitText(100),
});

const row = {
  tradeId: z.string(),
  orderId: shown,
  fills: count.meta({ description: "Trades of the same order in the batch" }),
  orderTime: time,
  tradeTime: time.nullable(),
  client: z.string(),
  dealerId: z.string(),
  side: z.string(),
  quantity: z.number(),
  symbol: z.string(),
  price: z.number(),
  outcome,
  mismatches: z
    .array(z.string())
    .readonly()
    .meta({ description: "The fields that differ: SIDE, SYMBOL, QTY, PRICE, CLIENT" }),
  callId: shown.meta({ description: "The call that decided" }),
  reason: shown,
};

export const tradesSchema = z
  .object({
    masked,
    rows: z.array(z.object(row).meta({ id: "TradeRow" }) satisfies z.ZodType<TradeRow>),
    refusedRows: z
      .array(z.object({ line: count, eventId: z.number().int(), message: shown }))
      .meta({ description: "In the place of `rows` for the outcome REFUSED" }),
    offset: count,
    total: count.meta({ description: "Number that pass the filter" }),
    outcomes: z
      .array(z.object({ outcome, count }))
      .meta({ description: "Of the whole batch, with REFUSED; their sum is the rows of trades.csv" }),
    sort: z.enum(TRADE_SORTS),
    ...asOf,
  })
  .meta({ id: "Trades" }) satisfies z.ZodType<TradesPage>;

const quotes = z.array(z.object({ startS: seconds, endS: seconds, text: z.string() }));

export const tradeSchema = z
  .object({
    masked,
    trade: z.object({
      ...row,
      phones: z.array(z.string()),
      exchange: shown,
      instrument: shown,
      expiry: shown,
      strike: z.number().nullable(),
      optionType: shown,
      lotSize: z.number().nullable(),
      orderType: shown,
      orderSource: shown,
    }),
    fills: z.array(
      z.object({ tradeId: z.string(), tradeTime: time.nullable(), quantity: z.number(), price: z.number(), outcome }),
    ),
    fields: z.array(
      z.object({
        field: z.string(),
        outcome: z.enum(["same", "different", "open"]).nullable(),
        executed: z.string(),
        spoken: shown,
      }),
    ),
    notes: z.array(z.string()),
    triage: z
      .object({
        result: z.string(),
        reason: shown,
        steps: z.array(z.object({ rule: z.string(), outcome: z.string(), detail: shown })),
      })
      .nullable(),
    candidates: z
      .array(
        z.object({
          callId: z.string(),
          call: z.object({ fileName: z.string(), startTime: time, durationS: z.number() }).nullable(),
          triage: z
            .object({
              ranking: z.number(),
              score: z.number(),
              parts: z.object({ phone: z.number(), clientCode: z.number(), dealer: z.number(), time: z.number() }),
              flags: z.array(z.string()),
              selected: z.boolean(),
              reason: shown,
            })
            .nullable(),
          decided: z.boolean(),
          events: z
            .object({
              stt: z.number().int().nullable(),
              llm1: z.number().int().nullable(),
              llm2: z.number().int().nullable(),
            })
            .nullable()
            .meta({ description: "The events in which models were asked about the call" }),
        }),
      )
      .meta({ description: "The calls that triage considered, best first" }),
    history: z
      .array(
        z.object({
          eventId: z.number().int(),
          loggedAt: time,
          run: z.number().int().nullable(),
          version: shown,
          verdict: shown,
          reason: shown,
          confirmedBy: z.array(z.number().int()).readonly(),
          late: z.boolean(),
          changed: z.array(z.string()),
        }),
      )
      .meta({ description: "All verdicts, newest first" }),
  })
  .meta({ id: "Trade" }) satisfies z.ZodType<TradePage>;

export const callSchema = z
  .object({
    masked,
    callId: z.string(),
    fileName: z.string(),
    startTime: time,
    durationS: z.number(),
    direction: shown,
    caller: shown,
    callee: shown,
    dealerId: shown,
    client: shown,
    language: shown,
    trim: z.object({ startS: seconds, endS: seconds }).nullable(),
    audioUsable: z.boolean(),
    orders: z.array(
      z.object({
        action: z.string(),
        side: shown,
        symbol: shown,
        quantity: shown,
        price: shown,
        readBack: z.boolean().nullable(),
        confirmed: z.boolean().nullable(),
        confidence: share,
        quotes,
      }),
    ),
    answers: z.array(
      z.object({ questionId: z.string(), answer: z.string(), confidence: share, rationale: shown, quotes }),
    ),
  })
  .meta({ id: "Call" }) satisfies z.ZodType<CallPage>;

export const transcriptSchema = z
  .object({
    masked,
    callId: z.string(),
    language: shown,
    model: shown,
    confidence: share,
    segments: z.array(
      z.object({
        id: z.number().int(),
        startS: seconds,
        endS: seconds,
        text: z.string(),
        confidence: share,
        speaker: z.enum(["dealer", "client"]).nullable(),
      }),
    ),
  })
  .meta({ id: "Transcript" }) satisfies z.ZodType<TranscriptPage>;
