/** The route of the search, which belongs to the table in `routes.ts`. */
import { PhoneReader, type PhoneCountry } from "@cofi/evidence/phone-number";
import { Lookups } from "@cofi/evidence/lookups";
import { MOST_CHARACTERS, TranscriptSearch } from "@cofi/evidence/search";
import { may } from "@cofi/access/roles";
import type { Database } from "@cofi/event-log/database";
import type { Batch } from "@cofi/event-log/events";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Contents } from "../access/contents.js";
import { principalOf } from "../access/principal.js";
import { count, time } from "./schemas.js";

export interface SearchParts {
  database: Database;
  /** @throws ProblemError where there is none */
  existing: (id: number) => Promise<Batch>;
  contents: Contents;
  phoneCountry: PhoneCountry | null;
}

/** Trades, and calls that are found by what is known of them. */
const LOOKED_UP = 20;
/** Calls in which something was said. */
const CALLS = 20;

const searchBody = z.strictObject({
  text: z
    .string()
    .max(MOST_CHARACTERS)
    .meta({
      description:
        "Words that are all in a call, in any script; a phrase in quotes; `infos*` for words that begin so; or the beginning of an id, of a client code or of the name of a file; or a telephone number",
      examples: ['sell "two hundred shares" infos*'],
    }),
  batch: z.number().int().positive().optional().meta({ description: "Only this batch" }),
  after: z.number().int().positive().optional().meta({ description: "`next` of the page before" }),
  reason: z.string().max(1_000).optional().meta({ description: "Why, for the access log" }),
});

const tradeSchema = z
  .object({
    batchId: z.number().int(),
    tradeId: z.string(),
    orderId: z.string().nullable(),
    clientCode: z.string().nullable().meta({ description: "null for those who see no contents" }),
    side: z.string(),
    quantity: z.number(),
    symbol: z.string(),
    orderTime: time,
    verdict: z.string().nullable(),
  })
  .meta({ id: "FoundTrade" });

const callSchema = z
  .object({
    batchId: z.number().int(),
    callId: z.string(),
    fileName: z.string(),
    startTime: time,
    clientCode: z.string().nullable(),
    callerNumber: z.string().nullable(),
    calleeNumber: z.string().nullable(),
  })
  .meta({ id: "FoundCall" });

const spokenSchema = z
  .object({
    batchId: z.number().int(),
    callId: z.string(),
    fileName: z.string().nullable(),
    count: count.meta({ description: "Segments of the call in which something was found" }),
    sentences: z
      .array(
        z.object({
          segment: z.number().int(),
          startS: z.number(),
          speaker: z.enum(["dealer", "client"]).nullable(),
          text: z.string(),
          marks: z
            .array(z.tuple([z.number().int(), z.number().int()]))
            .meta({ description: "Where in the text, in UTF-16 units: from, and up to" }),
        }),
      )
      .meta({ description: "The first ones" }),
  })
  .meta({ id: "SpokenCall" });

const answerSchema = z.object({
  trades: z.array(tradeSchema),
  calls: z.array(callSchema),
  spoken: z.array(spokenSchema),
  next: z.number().int().nullable().meta({ description: "`after` of the next page of `spoken`" }),
  unindexed: count.meta({ description: "Transcripts of earlier versions that are not found yet" }),
  withheld: z.boolean().meta({
    description: "Only trades were searched, by their ids: calls and what was said need the permission `contents`",
  }),
});

export function registerSearchRoutes(plain: FastifyInstance, parts: SearchParts, common: object): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  const { database, existing, contents, phoneCountry } = parts;
  const lookups = new Lookups(database);
  const transcripts = new TranscriptSearch(database);
  const phones = new PhoneReader(phoneCountry);

  /** Numbers that the text may mean: with its country code, and as one of the country of the setting. */
  const phonesIn = (text: string): string[] => {
    if (!/^[+\d\s().\-]{7,}$/.test(text)) return [];
    const numbers = [text, `+${text}`].flatMap((one) => {
      const read = phones.read(one);
      return "number" in read ? [read.number] : [];
    });
    return [...new Set(numbers)];
  };

  app.post(
    "/api/search",
    {
      schema: {
        tags: ["search"],
        summary: "Trades, calls, and what was said in them, over one batch or all",
        description:
          "Whoever has the permission `contents` says why, and the search is in the access log before anything is looked for. Others find " +
          "trades by their ids alone.",
        body: searchBody,
        response: { 200: answerSchema, ...common },
      },
    },
    async (request) => {
      const { batch: batchId, after, reason } = request.body;
      const text = request.body.text.trim();
      if (batchId !== undefined) await existing(batchId);
      const wanted = { text, phones: phonesIn(text), batchId, limit: LOOKED_UP };
      if (!may(principalOf(request).role, "contents")) {
        const trades = await lookups.trades(wanted, ["tradeId", "orderId"]);
        const masked = trades.map((trade) => ({ ...trade, clientCode: null }));
        return { trades: masked, calls: [], spoken: [], next: null, unindexed: 0, withheld: true };
      }
      await contents.search(request, { text, batchId: batchId ?? null, why: reason });
      const [trades, calls] =
        after === undefined
          ? await Promise.all([lookups.trades(wanted, ["tradeId", "orderId", "clientCode"]), lookups.calls(wanted)])
          : [[], []];
      const { calls: spoken, next } = await transcripts.find({ text, batchId, after: after ?? null, limit: CALLS });
      return { trades, calls, spoken, next, unindexed: await transcripts.unindexed(), withheld: false };
    },
  );
}
