/** Parameters and responses of what is said of hosts, in the shapes of `@cofi/views/detail/host-shapes`. */
import { HOST_CONDITIONS, HOST_NEWS } from "@cofi/event-log/event-metadata";
import type { HostHistory, HostStateView, HostsView } from "@cofi/views/detail/host-shapes";
import { z } from "zod";
import { stageName } from "./detail-schemas.js";
import { asOf, count, cursorText, limitText, time } from "./schemas.js";

const condition = z.enum(HOST_CONDITIONS).meta({
  description:
    "joining: not ready yet · healthy: in use · suspect: paused, as the last host that could be asked · ejected: left out · " +
    "probing: tried again, one file at a time · gone: given up for this run of the stage",
});

const newsKind = z.enum(HOST_NEWS).meta({
  description:
    "A step to a condition; hedge: it tried a file too that was in work elsewhere; outrun: another host answered first",
});

const counts = z.record(newsKind, count);

const stateFields = {
  condition,
  since: time,
  rule: z.string().nullable().meta({ description: "Why; at most 300 characters, all of them are in the event" }),
  url: z.string().nullable().meta({ description: "The engine, where a host has several" }),
  eventId: count.nullable().meta({ description: "The event that says so; null for a host that took no step" }),
};

const state = z.object(stateFields).meta({ id: "HostState" }) satisfies z.ZodType<HostStateView>;

export const hostsSchema = z
  .object({
    hosts: z.array(
      z.object({
        host: z.string(),
        lastHeardAt: time,
        now: z
          .object({ ...stateFields, stage: z.string() })
          .nullable()
          .meta({ description: "The worst of its states in the stages that are worked on now; null in none of them" }),
        stages: z.array(
          z
            .object({
              done: count,
              errors: count,
              inFlight: count,
              errorRate: z.number().nullable(),
              perMinute: z.number().nullable(),
              meanMs: z.number().nullable(),
              lastHeardAt: time,
              states: z.array(state).meta({
                description:
                  "In the latest run of the stage, of each of its engines that took a step, the worst first; history where " +
                  "`isCurrent` of the stage is false. Empty for a host that was not seen in that run",
              }),
              engines: count.nullable().meta({
                description:
                  "How many engines it has in the stage: those without a state are in use; null while unknown",
              }),
              news: counts.meta({ description: "Steps, further tries and lost races, of all runs" }),
            })
            .nullable(),
        ),
      }),
    ),
    isCurrent: z.array(z.boolean()).meta({ description: "By stage: whether it is worked on now" }),
    ...asOf,
  })
  .meta({ id: "HostsView" }) satisfies z.ZodType<HostsView>;

export const hostHistoryQuery = z.strictObject({
  host: z.string().max(50).optional(),
  stage: stageName.optional(),
  kind: z
    .string()
    .transform((text) => text.split(","))
    .pipe(z.array(newsKind))
    .optional()
    .meta({ description: `A kind, or several with commas between them: ${HOST_NEWS.join(", ")}` }),
  before: cursorText("`nextCursor` of the page before").optional(),
  limit: limitText(50),
});

export const hostHistorySchema = z
  .object({
    rows: z.array(
      z.object({
        id: count,
        at: time,
        run: z.number().int().nullable(),
        stage: z.string(),
        host: z.string(),
        kind: newsKind,
        from: condition.nullable(),
        url: z.string().nullable(),
        engines: count.nullable().meta({ description: "Of the host in the stage" }),
        rule: z.string().nullable(),
        fileName: z.string().nullable(),
      }),
    ),
    total: count.meta({ description: "Of all pages" }),
    older: count.meta({ description: "On the pages after this one" }),
    counts: counts.meta({ description: "By kind, of the host and the stage, whichever kinds are asked for" }),
    nextCursor: z.string().nullable(),
    ...asOf,
  })
  .meta({ id: "HostHistory" }) satisfies z.ZodType<HostHistory>;
