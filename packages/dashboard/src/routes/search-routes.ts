/** The route of the search, which belongs to the table in `routes.ts`. */
import { Readable } from "node:stream";
import { PhoneReader, type PhoneCountry } from "@cofi/evidence/phone-number";
import { indexEarlier } from "@cofi/evidence/index-earlier";
import { keyOfCall, Lookups } from "@cofi/evidence/lookups";
import { MOST_CHARACTERS, TranscriptSearch } from "@cofi/evidence/search";
import { may } from "@cofi/access/roles";
import type { Database } from "@cofi/event-log/database";
import type { Batch } from "@cofi/event-log/events";
import { searchBodies, type BodyHit, type BodyProgress } from "@cofi/views/search-bodies";
import type { Tail } from "@cofi/views/tail";
import { CONTENT_TYPES } from "@cofi/views/export";
import type { FastifyInstance, FastifyReply } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Contents } from "../access/contents.js";
import { principalOf } from "../access/principal.js";
import { count, idParams, time } from "./schemas.js";

export interface SearchParts {
  database: Database;
  /** @throws ProblemError where there is none */
  existing: (id: number) => Promise<Batch>;
  contents: Contents;
  phoneCountry: PhoneCountry | null;
  tail: Tail;
}

/** Trades, and calls that are found by what is known of them. */
const LOOKED_UP = 20;
/** Calls in which something was said. */
const CALLS = 20;

/** ms: a search of payloads that lasts longer than an export is given up. */
const LONGEST_MS = 6 * 3_600_000;

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

const tradeOfCall = z
  .string()
  .nullable()
  .meta({ description: "A trade with which the call is looked at; null where it was considered for none" });

const callSchema = z
  .object({
    batchId: z.number().int(),
    callId: z.string(),
    fileName: z.string(),
    startTime: time,
    clientCode: z.string().nullable(),
    callerNumber: z.string().nullable(),
    calleeNumber: z.string().nullable(),
    tradeId: tradeOfCall,
  })
  .meta({ id: "FoundCall" });

const spokenSchema = z
  .object({
    batchId: z.number().int(),
    callId: z.string(),
    fileName: z.string().nullable(),
    tradeId: tradeOfCall,
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
  const { database, existing, contents, phoneCountry, tail } = parts;
  const lookups = new Lookups(database);
  const transcripts = new TranscriptSearch(database);
  const phones = new PhoneReader(phoneCountry);

  const closed = new AbortController();
  plain.addHook("onClose", async () => closed.abort());
  let indexing: Promise<void> | null = null;
  /** How many transcripts cannot be found yet. The first search that meets some has them indexed, beside all other work. */
  const unindexed = async (): Promise<number> => {
    const left = await transcripts.unindexed();
    if (left > 0)
      indexing ??= indexEarlier(transcripts, closed.signal)
        .catch((error: unknown) =>
          plain.log.error(
            { err: error },
            "transcripts of earlier versions could not be indexed: searches do not find them",
          ),
        )
        .finally(() => (indexing = null));
    return left;
  };

  /** Numbers that the text may mean: with its country code, and as one of the country of the setting. */
  const phonesIn = (text: string): string[] => {
    if (!/^[+\d\s().-]{7,}$/.test(text)) return [];
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
    async (call) => {
      const { batch: batchId, after, reason } = call.body;
      const text = call.body.text.trim();
      if (batchId !== undefined) await existing(batchId);
      const wanted = { text, phones: phonesIn(text), batchId, limit: LOOKED_UP };
      if (!may(principalOf(call).role, "contents")) {
        const trades = await lookups.trades(wanted, ["tradeId", "orderId"]);
        const masked = trades.map((trade) => ({ ...trade, clientCode: null }));
        return { trades: masked, calls: [], spoken: [], next: null, unindexed: 0, withheld: true };
      }
      await contents.search(call, { text, batchId: batchId ?? null, why: reason });
      const [trades, calls] =
        after === undefined
          ? await Promise.all([lookups.trades(wanted, ["tradeId", "orderId", "clientCode"]), lookups.calls(wanted)])
          : [[], []];
      const { calls: spoken, next } = await transcripts.find({ text, batchId, after: after ?? null, limit: CALLS });
      const tradeOf = await lookups.tradesOf([...calls, ...spoken]);
      const withTrade = <Call extends { batchId: number; callId: string }>(one: Call) => ({
        ...one,
        tradeId: tradeOf.get(keyOfCall(one)) ?? null,
      });
      return {
        trades,
        calls: calls.map(withTrade),
        spoken: spoken.map(withTrade),
        next,
        unindexed: await unindexed(),
        withheld: false,
      };
    },
  );

  app.post(
    "/api/batch/:id/search",
    {
      handlerTimeout: LONGEST_MS,
      schema: {
        tags: ["search"],
        summary: "Payloads and responses of a stage that have this text, as they are found",
        description:
          "A line of JSON for each event that has it, and lines with `share` that say how far the search is. It ends when whoever asked leaves. " +
          "Needs the permission `readAll`, and a reason.",
        params: idParams,
        body: z.strictObject({
          stage: z.string().max(50),
          text: z.string().min(2).max(MOST_CHARACTERS).meta({ description: "As it stands there, in any case" }),
          reason: z.string().max(1_000).optional().meta({ description: "Why, for the access log" }),
        }),
        response: {
          200: { description: "The lines", content: { "application/x-ndjson": { schema: z.string() } } },
          ...common,
        },
      },
    },
    async (call, reply) => {
      const { stage, text, reason } = call.body;
      const { id: batchId } = await existing(call.params.id);
      await tail.refresh();
      const upToId = tail.highest;
      const what = `payloads and responses of ${JSON.stringify(stage)}: ${JSON.stringify(text)}`;
      const whole = await contents.whole(call, { action: "search", what, why: reason, batchId });
      const found = searchBodies(whole, { batchId, stage, text, upToId });
      return streamed(reply, lines(found));
    },
  );
}

async function* lines(found: AsyncIterable<BodyHit[] | BodyProgress>): AsyncGenerator<string> {
  for await (const part of found)
    yield (Array.isArray(part) ? part : [part]).map((line) => `${JSON.stringify(line)}\n`).join("");
}

function streamed(reply: FastifyReply, pieces: AsyncGenerator<string>): FastifyReply {
  return reply
    .header("content-type", CONTENT_TYPES.ndjson)
    .header("cache-control", "no-store")
    .send(Readable.from(pieces));
}
