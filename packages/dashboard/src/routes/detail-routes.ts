/**
 * The routes of the detailed views, which belong to the table in `routes.ts`. Views of a whole batch are computed from memory;
 * views that are narrowed to a cause of errors are computed from the events of its files.
 */
import { errorsView } from "@cofi/views/detail/errors";
import { reconciliation } from "@cofi/views/detail/handoffs";
import { hostHistory } from "@cofi/views/detail/host-history";
import { hostsView } from "@cofi/views/detail/hosts";
import { metricsView } from "@cofi/views/detail/metrics";
import { stageIndex } from "@cofi/views/detail/stage-index";
import { foundFiles, pageOf, type FilesFilter } from "@cofi/views/detail/files-view";
import { findingsOf } from "@cofi/views/detail/findings";
import type { Stall } from "@cofi/views/detail/shapes";
import { silenceFindings } from "@cofi/views/detail/silence";
import { stallsOf } from "@cofi/views/detail/stalls";
import { timelineView } from "@cofi/views/detail/timeline";
import { workedUntil, type Folded } from "@cofi/views/detail/replay";
import { effectiveBatch, isGoingOn } from "@cofi/views/batch-state";
import { snapshotOf } from "@cofi/views/projection";
import type { Snapshot } from "@cofi/event-log/events";
import type { Store } from "@cofi/event-log/store";
import type { Results } from "@cofi/evidence/results";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Contents } from "../access/contents.js";
import type { BatchHistory } from "./batch-history.js";
import {
  causeQuery,
  errorsSchema,
  fileFilter,
  filesPageSchema,
  filesQuery,
  findingsSchema,
  reconciliationSchema,
  snapshotSchema,
  timelineSchema,
} from "./detail-schemas.js";
import { metricsSchema } from "./figure-schemas.js";
import { hostHistoryQuery, hostHistorySchema, hostsSchema } from "./host-schemas.js";
import { tradeFindings } from "../trades/trade-findings.js";
import type { AskedViews } from "./asked-views.js";
import { eventSummary } from "@cofi/views/event-summary";
import type { LiveViews } from "../feed/live-views.js";
import { idParams } from "./schemas.js";

export interface DetailParts {
  store: Store;
  views: LiveViews;
  asked: AskedViews;
  history: BatchHistory;
  results: Results;
  contents: Contents;
}

type FileFilter = z.output<z.ZodObject<typeof fileFilter>>;

/** As the views take it. */
export function filterOf({ stage, everything, order, ...rest }: FileFilter): FilesFilter {
  return {
    ...rest,
    stage: stage === undefined ? undefined : stageIndex(stage),
    everything: everything === "1",
    descending: order === "desc",
  };
}

export function registerDetailRoutes(plain: FastifyInstance, parts: DetailParts, common: object): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  const { store, views, asked, history, results, contents } = parts;

  app.get(
    "/api/batch/:id/files",
    {
      schema: {
        tags: ["detail"],
        summary: "A page of the matrix of files by stages, filtered and sorted",
        params: idParams,
        querystring: filesQuery,
        response: { 200: filesPageSchema, ...common },
      },
    },
    async (call) => {
      const { params, query, url } = call;
      const view = await asked.opened(params.id);
      const { offset = 0, limit, ...filter } = query;
      if (filter.text)
        await contents.noteSearch(call, params.id, `files whose name has ${JSON.stringify(filter.text)}`);
      const { detail, summaries } = view;
      // Viewers of one filter, each scrolled to another place, share the work of finding and sorting.
      const found = asked.once(view, `files ${JSON.stringify(filter)}`, (asOf) =>
        foundFiles(detail, summaries, filterOf(filter), workedUntil(view, Date.parse(asOf))),
      );
      return asked.once(view, url, (asOf) =>
        pageOf(detail, summaries, found, { offset, limit }, { now: workedUntil(view, Date.parse(asOf)), asOf }),
      );
    },
  );

  app.get(
    "/api/batch/:id/reading",
    {
      schema: {
        tags: ["detail"],
        summary: "How much of a large batch has been read into memory; all detailed views need it",
        params: idParams,
        response: { 200: z.object({ share: z.number().min(0).max(1).nullable() }), ...common },
      },
    },
    async ({ params }) => ({ share: views.readShare(params.id) }),
  );

  app.get(
    "/api/batch/:id/findings",
    {
      schema: {
        tags: ["detail"],
        summary:
          "Findings: trades that are not proven, then worst first: a silent batch, lost files, stalls, unhealthy hosts, causes of failures",
        params: idParams,
        response: { 200: findingsSchema, ...common },
      },
    },
    async ({ params }) => {
      const view = await asked.opened(params.id);
      return asked.once(view, "findings", async (asOf) => ({
        findings: [
          ...tradeFindings(await asked.once(view, "outcomes of trades", () => results.outcomeCounts(params.id))),
          ...silenceFindings(view.current.batch),
          ...findingsOf(view.detail, view.summaries, stalls(view, asOf), asOf),
        ],
        asOf,
        head: view.detail.head,
      }));
    },
  );

  app.get(
    "/api/batch/:id/hosts/history",
    {
      schema: {
        tags: ["detail"],
        summary: "What happened to hosts, newest first: left out, tried again, back; files tried too, and lost races",
        params: idParams,
        querystring: hostHistoryQuery,
        response: { 200: hostHistorySchema, ...common },
      },
    },
    async ({ params, query, url }) => {
      const view = await asked.opened(params.id);
      return asked.once(view, url, (asOf) => hostHistory(store, view.detail, query, asOf));
    },
  );

  const schemaOf = (summary: string, answer: z.ZodType) => ({
    tags: ["detail"],
    summary,
    params: idParams,
    querystring: causeQuery,
    response: { 200: answer, ...common },
  });

  for (const { name, summary, schema, make } of NARROWED_VIEWS)
    app.get(
      `/api/batch/:id/${name}`,
      { schema: schemaOf(summary, schema) },
      async ({ params: { id }, query: { cause } }) => asked.narrowed({ id, name, cause }, make),
    );

  app.get(
    "/api/batch/:id/timeline",
    { schema: schemaOf("Stage times, estimated time left, and stalls", timelineSchema) },
    async ({ params: { id }, query: { cause } }) => {
      const past = await history.speeds(id);
      return asked.narrowed({ id, name: "timeline", cause }, (view, asOf) => ({
        ...timelineView(view.detail, view.summaries, past, Date.parse(asOf), isGoingOn(effectiveBatch(view.current))),
        // Only the whole batch can be said to stall.
        stalls: cause === undefined ? stalls(view, asOf) : [],
      }));
    },
  );
}

/** A batch that does not run does not stall; of one that nobody works on the silence is said instead. */
function stalls({ detail, summaries, current }: Folded, asOf: string): Stall[] {
  const { status, silence } = effectiveBatch(current);
  return status === "running" && !silence ? stallsOf(detail, summaries, Date.parse(asOf)) : [];
}

/** The views of a batch, or of the files that one cause of errors has hit. */
const NARROWED_VIEWS: readonly {
  name: string;
  summary: string;
  schema: z.ZodType;
  make: (view: Folded, asOf: string) => unknown;
}[] = [
  {
    name: "snapshot",
    summary: "The cards with their latest events, as in the first frame of the stream",
    schema: snapshotSchema,
    make: ({ current, summaries }, asOf) => {
      const snapshot = snapshotOf(current, asOf);
      const events = Object.entries(snapshot.events).map(([stage, list]) => [stage, list.map(eventSummary)]);
      return { ...snapshot, events: Object.fromEntries(events), stages: summaries } satisfies Snapshot;
    },
  },
  {
    name: "reconciliation",
    summary: "Expected and seen files of each stage, with the names of the files that differ",
    schema: reconciliationSchema,
    make: ({ detail, summaries }, asOf) => reconciliation(detail, summaries, asOf),
  },
  {
    name: "hosts",
    summary: "Each host in each stage: its state and why, throughput, errors, in flight, last heard",
    schema: hostsSchema,
    make: ({ detail, summaries, current }, asOf) =>
      hostsView(detail, summaries, asOf, isGoingOn(effectiveBatch(current))),
  },
  {
    name: "errors",
    summary: "Errors grouped by cause, the oldest first",
    schema: errorsSchema,
    make: ({ detail }, asOf) => errorsView(detail, asOf),
  },
  {
    name: "metrics",
    summary: "Figures over time and over the whole batch, by stage",
    schema: metricsSchema,
    make: (view, asOf) =>
      metricsView(view.detail, view.summaries, asOf, isGoingOn(effectiveBatch(view.current)) ? Date.parse(asOf) : null),
  },
];
