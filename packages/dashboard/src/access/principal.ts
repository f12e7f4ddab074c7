/** Who asks: found once for each request, before its route. */
import type { FastifyRequest } from "fastify";
import type { Actor } from "@cofi/access/log-entries";
import type { Role } from "@cofi/access/roles";
import { ProblemError } from "../routes/problems.js";

export interface Principal {
  who: string;
  role: Role;
  /** local: on this machine, without a log-in · open: let in by a proxy · session: logged in, by a cookie · bearer: by a header */
  way: "local" | "open" | "session" | "bearer";
  /** null where there is none. */
  sessionId: number | null;
  /** Epoch ms; null: when the session ends. */
  expiresAt: number | null;
}

const principals = new WeakMap<FastifyRequest, Principal>();

export function remember(request: FastifyRequest, principal: Principal): void {
  principals.set(request, principal);
}

/** @throws Error on a route that everybody may use, which must not ask */
export function principalOf(request: FastifyRequest): Principal {
  const principal = principals.get(request);
  if (!principal) throw new ProblemError("unauthorized", "Log in first.");
  return principal;
}

/** As the access log names who asks. */
export function actorOf(request: FastifyRequest): Actor & { request: string } {
  const { who, role } = principalOf(request);
  return { who, role, address: request.ip, request: request.id };
}
