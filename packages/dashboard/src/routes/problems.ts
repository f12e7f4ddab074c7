/** Makes all error bodies of the API: RFC 9457 problem details. */
import { DatabaseUnavailableError } from "@cofi/event-log/database";
import type { Problem } from "@cofi/event-log/events";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { hasZodFastifySchemaValidationErrors } from "fastify-type-provider-zod";

/** `type` of each problem: a relative URI, resolved against the dashboard's address. */
const KINDS = {
  "bad-request": [400, "Invalid request"],
  unauthorized: [401, "Log in first"],
  forbidden: [403, "Not allowed"],
  "not-found": [404, "Not found"],
  "method-not-allowed": [405, "Method not allowed"],
  conflict: [409, "Somebody else was faster"],
  "too-large": [413, "Request too large"],
  "unsupported-media-type": [415, "Unsupported content type"],
  "too-many-requests": [429, "Too many requests"],
  "internal-error": [500, "Internal error"],
  reading: [503, "The batch is being read"],
  unavailable: [503, "Temporarily unavailable"],
} as const satisfies Record<string, readonly [number, string]>;
export type ProblemKind = keyof typeof KINDS;

/** Thrown by a route; its message goes to the client as `detail`. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly kind: ProblemKind;
  /** null: the kind says it. */
  readonly retryAfterS: number | null;

  constructor(
    kind: ProblemKind,
    detail: string,
    { retryAfterS = null, ...options }: { retryAfterS?: number | null; cause?: unknown } = {},
  ) {
    super(detail, options);
    this.kind = kind;
    this.retryAfterS = retryAfterS;
  }
}

function problem(kind: ProblemKind, detail: string, instance?: string): Problem {
  const [status, title] = KINDS[kind];
  return { type: `/problems/${kind}`, title, status, detail, ...(instance === undefined ? {} : { instance }) };
}

export function sendProblem(request: FastifyRequest, reply: FastifyReply, kind: ProblemKind, detail: string): void {
  // The path without its query, because a query may hold what the client typed.
  const body = problem(kind, detail, request.url.split("?", 1)[0]);
  if (body.status === 503) reply.header("Retry-After", "2");
  if (kind === "unauthorized") reply.header("WWW-Authenticate", 'Bearer realm="Cofi"');
  reply
    .code(body.status)
    .header("Cache-Control", "no-store")
    .type("application/problem+json; charset=utf-8")
    .send(JSON.stringify(body));
}

const BY_STATUS: ReadonlyMap<number, ProblemKind> = new Map(
  (Object.keys(KINDS) as ProblemKind[]).map((kind) => [KINDS[kind][0], kind]),
);

function describe(error: FastifyError): [ProblemKind, string] {
  if (error instanceof ProblemError) return [error.kind, error.message];
  if (error instanceof DatabaseUnavailableError)
    return [
      "unavailable",
      "The database cannot be reached. Try again in a moment; `GET /api/health` reports when it is back.",
    ];
  if (hasZodFastifySchemaValidationErrors(error)) {
    const where = { querystring: "Parameter", params: "Path parameter", body: "Field" } as Record<string, string>;
    const context = where[(error as FastifyError).validationContext ?? ""] ?? "Parameter";
    const details = (error as FastifyError).validation?.map(({ instancePath, message = "is wrong" }) => {
      const name = instancePath.replace(/^\//, "");
      // An error without a name concerns unknown parameters; zod's message names them.
      return name ? `${context} "${name}": ${message}` : message;
    });
    return ["bad-request", details?.join("; ") ?? "The request is invalid."];
  }
  if (error.code === "FST_ERR_HANDLER_TIMEOUT")
    return [
      "unavailable",
      "The database did not answer in time. Try again in a moment; `GET /api/health` reports its state.",
    ];
  const status = error.statusCode ?? 500;
  const kind = BY_STATUS.get(status) ?? (status >= 400 && status < 500 ? "bad-request" : "internal-error");
  if (kind === "internal-error") return [kind, "See the dashboard's log for the cause."];
  return [kind, error.message];
}

/** Answers every error of the app with problem details. An unexpected error is logged, and its text is never sent. */
export function registerProblems(app: FastifyInstance): void {
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const [kind, detail] = describe(error);
    // Work that was aborted because its reader left has not failed.
    if (kind === "internal-error" && error.name !== "AbortError") request.log.error({ err: error }, "a request failed");
    if (error instanceof ProblemError && error.retryAfterS !== null)
      reply.header("Retry-After", String(error.retryAfterS));
    sendProblem(request, reply, kind, detail);
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split("?", 1)[0];
    sendProblem(request, reply, "not-found", `No route ${request.method} ${path}; see /docs for all routes.`);
  });
}

/** For requests that never reach a route: malformed HTTP, headers too large. */
export function rawProblem(kind: ProblemKind, detail: string): string {
  const body = JSON.stringify(problem(kind, detail));
  const [status] = KINDS[kind];
  return (
    `HTTP/1.1 ${status} ${kind}\r\nContent-Type: application/problem+json; charset=utf-8\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`
  );
}
