/** The route that lists the runs of a batch: owner, times and configuration of each. */
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Batch } from "@cofi/event-log/events";
import { parseJson } from "@cofi/event-log/json";
import type { Store } from "@cofi/event-log/store";
import { idParams, json, time } from "./schemas.js";

const runSchema = z
  .object({
    run: z.number().int().meta({ description: "Counts up from 1; every event of the run carries it" }),
    owner: z.string().meta({ description: "Host, process and a random part" }),
    startedAt: time,
    endedAt: time.nullable(),
    outcome: z
      .enum(["completed", "completed_with_errors", "failed", "interrupted", "lost"])
      .nullable()
      .meta({ description: "How it ended; lost: another run took over. null while it runs" }),
    version: z.string().meta({ description: "The version of Cofi" }),
    configuration: json.meta({ description: "The triage, verdict and engine settings in force" }),
    configurationSha256: z.string().meta({ description: "SHA-256 of the configuration as it is stored" }),
  })
  .meta({ id: "Run" });

export function registerRunRoutes(
  plain: FastifyInstance,
  { store, existing }: { store: Store; existing: (id: number) => Promise<Batch> },
  common: object,
): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  app.get(
    "/api/batch/:id/runs",
    {
      schema: {
        tags: ["batches"],
        summary: "The runs of a batch, oldest first, each with the configuration in force",
        params: idParams,
        response: { 200: z.object({ runs: z.array(runSchema) }), ...common },
      },
    },
    async ({ params }) => {
      await existing(params.id);
      const runs = await store.runs(params.id);
      return {
        runs: runs.map(({ batchId: _batchId, configuration, ...run }) => ({
          ...run,
          configuration: parseJson(configuration) ?? null,
        })),
      };
    },
  );
}
