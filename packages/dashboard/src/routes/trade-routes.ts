/** The routes of trades, which belong to the table in `routes.ts`. What they read comes without contents, unless it is revealed. */
import type { Batch } from "@cofi/event-log/events";
import type { Store } from "@cofi/event-log/store";
import type { Results } from "@cofi/evidence/results";
import type { RefusedRow, TradesPage } from "@cofi/evidence/shapes";
import { stageIndex } from "@cofi/views/detail/stage-index";
import { written } from "@cofi/views/export";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Contents } from "../access/contents.js";
import type { LiveView } from "../feed/live-view.js";
import { EXPORT_COLUMNS, exportedTrades, storedFilter, tradeRows, type AskedFilter } from "../trades/list.js";
import { CLEARLY, Shown } from "../trades/shown.js";
import { tradePage } from "../trades/trade-page.js";
import type { AskedViews } from "./asked-views.js";
import { FILE, format, handlerTimeout, send } from "./export-routes.js";
import { ProblemError } from "./problems.js";
import { idParams } from "./schemas.js";
import {
  revealBody,
  tradeFilters,
  tradeParams,
  tradeSchema,
  tradesQuery,
  tradesSchema,
  type AskedTrades,
} from "./trade-schemas.js";

export interface TradeParts {
  /** Shows events without their contents. */
  store: Store;
  results: Results;
  asked: AskedViews;
  contents: Contents;
  /** @throws ProblemError where there is none */
  existing: (id: number) => Promise<Batch>;
}

/** What the list of trades calls the rows of trades.csv that were set aside. */
const REFUSED = "REFUSED";

export function registerTradeRoutes(plain: FastifyInstance, parts: TradeParts, common: object): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  const { store, results, asked, contents, existing } = parts;

  /** As the one who asks is shown it without a reason. */
  const shownTo = (request: FastifyRequest): Shown => new Shown(store.lens, !contents.areShownTo(request));

  app.get(
    "/api/batch/:id/trades",
    {
      schema: {
        tags: ["trades"],
        summary: "A page of the trades of a batch with their verdicts, filtered and sorted; the unproven first",
        params: idParams,
        querystring: tradesQuery,
        response: { 200: tradesSchema, ...common },
      },
    },
    async (call) => {
      const { id } = call.params;
      const { offset, limit, ...query } = call.query;
      const view = await asked.opened(id);
      const shown = shownTo(call);
      const filter = filterOf(query);
      if (query.text) await contents.noteSearch(call, id, `trades with ${JSON.stringify(query.text)}`);
      const key = `${shown.masked ? "" : "clear "}${call.url}`;
      return asked.once(view, key, async (asOf): Promise<TradesPage> => {
        const refused = refusedRows(view);
        // Of the whole batch, for all who look at it, however they filter.
        const all = await asked.once(view, "outcomes of trades", () => results.outcomeCounts(id));
        const page = {
          masked: shown.masked,
          rows: [],
          refusedRows: [],
          offset,
          total: 0,
          outcomes: refused.length === 0 ? all : [...all, { outcome: REFUSED, count: refused.length }],
          sort: query.sort,
          asOf,
          head: view.detail.head,
        };
        if (query.outcome === REFUSED) {
          const rows = await withMessages(refused.slice(offset, offset + limit));
          return { ...page, refusedRows: rows, total: refused.length };
        }
        const stored = await storedFilter(results, id, filter, shown);
        if (stored === null) return page;
        const isFiltered = Object.values(stored).some((wanted) => wanted !== undefined);
        const counts = isFiltered ? await results.outcomeCounts(id, stored) : all;
        const window = { sort: query.sort, descending: query.order === "desc", offset, limit };
        const rows = await tradeRows(results, id, stored, counts, window, shown);
        return { ...page, rows, total: counts.reduce((sum, { count }) => sum + count, 0) };
      });
    },
  );

  const withMessages = async (rows: readonly Omit<RefusedRow, "message">[]): Promise<RefusedRow[]> => {
    const events = await store.eventsByIds(rows.map(({ eventId }) => eventId));
    const messages = new Map(events.map((event) => [event.id, event.errorMessage]));
    return rows.map((row) => ({ ...row, message: messages.get(row.eventId) ?? null }));
  };

  app.get(
    "/api/batch/:id/export/trades",
    {
      handlerTimeout,
      schema: {
        tags: ["export"],
        summary: "All trades that pass the filter, with their verdicts",
        params: idParams,
        querystring: z.strictObject({
          ...tradeFilters,
          format,
          contents: z.enum(["0", "1"]).default("0").meta({
            description: "1: with clients and reasons; needs the permission `readAll`, and a reason",
          }),
          reason: z.string().max(1_000).optional().meta({ description: "Why, for the access log" }),
        }),
        response: { ...FILE, ...common },
      },
    },
    async (call, reply) => {
      const { format: wanted, contents: whole, reason, ...query } = call.query;
      const batch = await existing(call.params.id);
      const isWhole = whole === "1";
      const what = `${isWhole ? "trades with clients and reasons" : "trades"} of batch ${batch.id}`;
      const looked = { action: "export" as const, what, batchId: batch.id };
      if (isWhole) await contents.whole(call, { ...looked, why: reason });
      else await contents.note(call, { ...looked, why: "" });
      const shown = isWhole ? CLEARLY : shownTo(call);
      const filter = await storedFilter(results, batch.id, filterOf(query), shown);
      const order = { sort: query.sort, descending: query.order === "desc" };
      const pages = exportedTrades(results, batch.id, filter, order, shown);
      return send(reply, { what: "trades", batch, wanted }, written(wanted, EXPORT_COLUMNS, pages));
    },
  );

  app.get(
    "/api/batch/:id/trades/:tradeId",
    {
      schema: {
        tags: ["trades"],
        summary: "One trade: executed beside spoken, its candidate calls, and all its verdicts; contents are masked",
        description:
          "`POST /api/batch/{id}/trades/{tradeId}/reveal` has the contents. On a dashboard of one machine, on which nobody can log in, they are here.",
        params: tradeParams,
        response: { 200: tradeSchema, ...common },
      },
    },
    async (call) => {
      if (contents.areShownTo(call)) return revealedTrade(call, call.params, undefined);
      return trade(call.params, shownTo(call));
    },
  );

  app.post(
    "/api/batch/:id/trades/:tradeId/reveal",
    {
      schema: {
        tags: ["access"],
        summary: "One trade with its contents; needs the permission `contents`, and a reason",
        description: REVEALED,
        params: tradeParams,
        body: revealBody,
        response: { 200: tradeSchema, ...common },
      },
    },
    async (call) => revealedTrade(call, call.params, call.body.reason),
  );

  type TradeParams = z.output<typeof tradeParams>;

  const trade = async ({ id, tradeId }: TradeParams, shown: Shown) => {
    await existing(id);
    const found = await tradePage({ results, store }, id, shown.storedName(tradeId), shown);
    if (!found) throw new ProblemError("not-found", `Batch ${id} has no trade of this name.`);
    return found;
  };

  const revealedTrade = async (call: FastifyRequest, params: TradeParams, why: string | undefined) => {
    // What is not there needs no entry.
    const { trade: known } = await trade(params, shownTo(call));
    const what = `trade ${known.tradeId} of batch ${params.id}`;
    await contents.reveal(call, { action: "reveal", what, why, batchId: params.id });
    return trade({ ...params, tradeId: store.lens.storedName(params.tradeId) }, CLEARLY);
  };
}

export const REVEALED =
  "The access log has the entry before the first byte is sent; where it cannot be written, the answer is 503.";

function filterOf(query: Omit<AskedTrades, "sort" | "order">): AskedFilter {
  const { outcome, from, to, ...rest } = query;
  return {
    ...rest,
    outcomes: outcome?.split(","),
    from: from === undefined ? undefined : new Date(from),
    to: to === undefined ? undefined : new Date(to),
  };
}

/** Rows of trades.csv that are set aside, by line. */
function refusedRows({ detail }: LiveView): { line: number; eventId: number }[] {
  return detail.refusedRows[stageIndex("trademetadata") ?? -1]?.rows ?? [];
}
