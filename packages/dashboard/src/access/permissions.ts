/** Which permission each route needs. What is not here cannot be registered, so nothing is open because somebody forgot it. */
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Permission } from "@cofi/access/roles";

/** `nothing`: for everybody who reaches the dashboard. */
type Need = Permission | "nothing";

/**
 * By method and path, `/*` for all below. The routes of contents ask {@link Contents} too, which needs a reason and writes the access log first.
 */
const NEEDS: Readonly<Record<string, Need>> = {
  "GET /login": "nothing",
  "POST /login": "nothing",
  "GET /login/openid": "nothing",
  "GET /login/callback": "nothing",
  "GET /logged-out": "nothing",
  "POST /logout": "nothing",
  "GET /theme.js": "nothing",
  "GET /login.js": "nothing",
  "GET /": "progress",
  "GET /index.html": "progress",
  "GET /assets/*": "progress",
  "GET /docs": "progress",
  "GET /docs/*": "progress",
  "GET /api/session": "progress",
  "GET /api/health": "progress",
  "GET /api/current-batch": "progress",
  "GET /api/batches": "progress",
  "GET /api/trends": "progress",
  "GET /api/stream": "progress",
  "GET /api/batch/:id": "progress",
  "GET /api/batch/:id/logs": "progress",
  "GET /api/batch/:id/stats": "progress",
  "GET /api/batch/:id/overview": "progress",
  "GET /api/batch/:id/runs": "progress",
  "GET /api/batch/:id/files": "progress",
  "GET /api/batch/:id/reading": "progress",
  "GET /api/batch/:id/findings": "progress",
  "GET /api/batch/:id/timeline": "progress",
  "GET /api/batch/:id/snapshot": "progress",
  "GET /api/batch/:id/reconciliation": "progress",
  "GET /api/batch/:id/hosts": "progress",
  "GET /api/batch/:id/hosts/history": "progress",
  "GET /api/batch/:id/errors": "progress",
  "GET /api/batch/:id/metrics": "progress",
  "GET /api/batch/:id/export/files": "progress",
  "GET /api/batch/:id/export/events": "progress",
  "GET /api/batch/:id/export/trades": "progress",
  "GET /api/batch/:id/trades": "progress",
  "GET /api/batch/:id/trades/:tradeId": "progress",
  "POST /api/batch/:id/trades/:tradeId/reveal": "contents",
  "GET /api/batch/:id/calls/:callId": "progress",
  "GET /api/batch/:id/calls/:callId/transcript": "progress",
  "POST /api/batch/:id/calls/:callId/reveal": "contents",
  "POST /api/batch/:id/calls/:callId/play": "contents",
  "GET /api/batch/:id/calls/:callId/sound": "contents",
  "GET /api/batch/:id/calls/:callId/peaks": "contents",
  "GET /api/batch/:id/trades/:tradeId/pack": "pack",
  "GET /api/events/:id": "progress",
  "POST /api/events/:id/reveal": "contents",
  "POST /api/search": "progress",
  "POST /api/batch/:id/search": "readAll",
  "GET /api/reasons": "contents",
  "GET /api/accuracy": "contents",
  "GET /api/batch/:id/cases": "contents",
  "POST /api/batch/:id/draw": "decide",
  "GET /api/batch/:id/trades/:tradeId/review": "contents",
  "POST /api/batch/:id/trades/:tradeId/review": "decide",
  "POST /api/batch/:id/trades/:tradeId/review/reveal": "contents",
  "GET /api/holds": "contents",
  "POST /api/holds": "decide",
  "POST /api/holds/reveal": "contents",
  "POST /api/holds/:id/release": "admin",
  "GET /api/access-log": "readAll",
  "GET /api/sessions": "admin",
  "GET /api/users": "admin",
  "DELETE /api/sessions/:id": "admin",
  "POST /api/sessions/end": "admin",
};

/** Of requests that no route answers: only those who may see something hear that it is not there. */
const NO_ROUTE: Need = "progress";

/** Call before any route is registered. @throws Error, at the registration, for a route without a permission */
export function requirePermissions(app: FastifyInstance): void {
  app.addHook("onRoute", ({ method, url }) => {
    for (const one of [method].flat()) needOf(one, url);
  });
}

/** @param isLook whether the path belongs to the looks of the log-in form */
export function needOfRequest(
  { method, routeOptions: { url } }: FastifyRequest,
  isLook: (path: string) => boolean,
): Need {
  if (url === undefined) return NO_ROUTE;
  return method === "GET" && isLook(url) ? "nothing" : needOf(method, url);
}

function needOf(method: string, url: string): Need {
  const verb = method === "HEAD" ? "GET" : method;
  const path = url.length > 1 ? url.replace(/\/$/, "") : url;
  const own = NEEDS[`${verb} ${path}`];
  if (own !== undefined) return own;
  for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
    const above = NEEDS[`${verb} ${path.slice(0, end)}/*`];
    if (above !== undefined) return above;
  }
  throw new Error(`The route ${method} ${url} has no permission. Add it to the table in access/permissions.ts.`);
}
