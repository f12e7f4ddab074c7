/** The routes about access itself, which belong to the table in `routes.ts`: who asks, sessions, the access log, and contents of an event. */
import type { AccessLog } from "@cofi/access/access-log";
import { ACTIONS } from "@cofi/access/log-entries";
import { permissionsOf, ROLES } from "@cofi/access/roles";
import type { Sessions } from "@cofi/access/sessions";
import type { Users } from "@cofi/access/users";
import type { Store } from "@cofi/event-log/store";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Contents } from "../access/contents.js";
import { wayInWords, type Identity } from "../access/identity.js";
import { actorOf, principalOf } from "../access/principal.js";
import type { Streams } from "../access/streams.js";
import { ProblemError } from "./problems.js";
import { cursorText, eventDetailSchema, idParams, limitText, time } from "./schemas.js";

export interface AccessParts {
  /** Shows events without their contents. */
  store: Store;
  contents: Contents;
  sessions: Sessions;
  users: Users;
  log: AccessLog;
  identity: Identity;
  streams: Streams;
}

const MOST_SESSIONS = 1_000;
const role = z.enum(ROLES);

const whoSchema = z
  .object({
    who: z.string(),
    role,
    permissions: z.array(z.enum(["progress", "act", "contents", "decide", "readAll", "pack", "admin"])),
    way: z.enum(["local", "open", "session", "bearer"]).meta({
      description:
        "local: on this machine, without a log-in; open: let in by a proxy; session: logged in; bearer: by a token",
    }),
    loggedIn: z.boolean().meta({ description: "Whether there is a session that can be ended" }),
  })
  .meta({ id: "Who" });

const sessionSchema = z
  .object({
    id: z.number().int(),
    who: z.string(),
    role,
    way: z.string(),
    createdAt: time,
    seenAt: time.meta({ description: "Last use, to within a twentieth of the time after which it ends unused" }),
    expiresAt: time,
    isOwn: z.boolean().meta({ description: "Whether it is the one of the browser that asks" }),
  })
  .meta({ id: "Session" });

const userSchema = z.object({ name: z.string(), role, createdAt: time }).meta({ id: "User" });

const entrySchema = z
  .object({
    seq: z.number().int().meta({ description: "Counts up from 1 without a gap" }),
    at: time,
    who: z.string(),
    role: z.string(),
    action: z.enum(ACTIONS),
    what: z.string(),
    why: z.string(),
    batchId: z.number().int().nullable(),
    request: z.string().meta({ description: "Tells apart what one request did" }),
    address: z.string(),
    hash: z
      .string()
      .meta({ description: "Covers this entry and all before it; `cofi verify --access-log` computes it again" }),
  })
  .meta({ id: "AccessLogEntry" });

const logQuery = z.strictObject({
  who: z.string().max(255).optional(),
  action: z.enum(ACTIONS).optional(),
  batch: cursorText("Only of this batch").optional(),
  from: z.iso.datetime({ offset: true }).optional().meta({ description: "At this time or later" }),
  to: z.iso.datetime({ offset: true }).optional().meta({ description: "Before this time" }),
  limit: limitText(100),
  before: cursorText("`nextCursor` of the page before").optional(),
});

export function registerAccessRoutes(plain: FastifyInstance, parts: AccessParts, common: object): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  const { store, contents, sessions, users, log, identity, streams } = parts;

  app.get(
    "/api/session",
    {
      schema: { tags: ["access"], summary: "Who asks, and what they may do", response: { 200: whoSchema, ...common } },
    },
    async (call) => {
      const principal = principalOf(call);
      const { who, role: own, way } = principal;
      return { who, role: own, permissions: [...permissionsOf(own)], way, loggedIn: way === "session" };
    },
  );

  app.get(
    "/api/events/:id",
    {
      schema: {
        tags: ["events"],
        summary: "One event, with the form of its payload and response; their values are pseudonyms",
        description:
          "Equal values have equal pseudonyms. `POST /api/events/{id}/reveal` has the values. On a dashboard of one machine, on which nobody can " +
          "log in, they are here.",
        params: idParams,
        response: { 200: eventDetailSchema, ...common },
      },
    },
    async (call) => {
      const { id } = call.params;
      if (contents.areShownTo(call)) return contents.event(call, id, undefined);
      const event = await store.event(id);
      if (!event) throw new ProblemError("not-found", `There is no event ${id}.`);
      return { ...event, masked: true as const };
    },
  );

  app.post(
    "/api/events/:id/reveal",
    {
      schema: {
        tags: ["access"],
        summary: "One event with its contents, as they were stored; needs the permission `contents`, and a reason",
        description:
          "The access log has the entry before the first byte is sent; where it cannot be written, the answer is 503.",
        params: idParams,
        body: z.strictObject({ reason: z.string().max(1_000).optional() }),
        response: { 200: eventDetailSchema, ...common },
      },
    },
    async (call) => contents.event(call, call.params.id, call.body.reason),
  );

  app.get(
    "/api/access-log",
    {
      schema: {
        tags: ["access"],
        summary: "Who did what, when and why, newest first; needs the permission `readAll`",
        querystring: logQuery,
        response: {
          200: z.object({ entries: z.array(entrySchema), nextCursor: z.string().nullable() }),
          ...common,
        },
      },
    },
    async ({ query: { limit, before, batch, ...filter } }) =>
      log.entries({ ...filter, batchId: batch }, { before, limit }),
  );

  app.get(
    "/api/sessions",
    {
      schema: {
        tags: ["access"],
        summary: "Sessions that have not ended, newest first; needs the permission `admin`",
        response: { 200: z.object({ sessions: z.array(sessionSchema) }), ...common },
      },
    },
    async (call) => {
      const { sessionId } = principalOf(call);
      const living = await sessions.living(MOST_SESSIONS);
      return {
        sessions: living.map((session) => ({
          ...session,
          way: wayInWords(session.way),
          isOwn: session.id === sessionId,
        })),
      };
    },
  );

  app.get(
    "/api/users",
    {
      schema: {
        tags: ["access"],
        summary: "Users that log in with a password, by name; needs the permission `admin`",
        response: { 200: z.object({ users: z.array(userSchema) }), ...common },
      },
    },
    async () => ({ users: await users.list() }),
  );

  const noteEnd = (request: FastifyRequest, what: string): Promise<void> =>
    log.add({ ...actorOf(request), action: "session-ended", what, why: "", batchId: null });

  app.delete(
    "/api/sessions/:id",
    {
      schema: {
        tags: ["access"],
        summary: "Ends a session at once, with its open streams; needs the permission `admin`",
        params: idParams,
        response: { 200: z.object({ ended: z.number().int() }), ...common },
      },
    },
    async (call) => {
      const { id } = call.params;
      const who = await sessions.end(id);
      if (who === null) throw new ProblemError("not-found", `There is no session ${id}, or it has ended.`);
      identity.forget(id);
      streams.end(id);
      await noteEnd(call, `session ${id} of ${who}`);
      return { ended: 1 };
    },
  );

  app.post(
    "/api/sessions/end",
    {
      schema: {
        tags: ["access"],
        summary: "Ends all sessions of somebody; needs the permission `admin`",
        body: z.strictObject({ who: z.string().max(255) }),
        response: { 200: z.object({ ended: z.number().int() }), ...common },
      },
    },
    async (call) => {
      const { who } = call.body;
      const ended = await sessions.endOf(who);
      await noteEnd(call, `all sessions of ${who}: ${ended}`);
      return { ended };
    },
  );
}
