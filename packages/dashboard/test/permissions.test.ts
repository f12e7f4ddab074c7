/** Deny by default: a route without a permission does not come to be. */
import Fastify from "fastify";
import { expect, test } from "vitest";
import { requirePermissions } from "@cofi/dashboard/permissions";

test("a route that nobody has given a permission is refused when it is registered", () => {
  const app = Fastify();
  requirePermissions(app);
  const handler = (): string => "";
  app.get("/api/health", handler);
  app.get("/assets/index-1234.js", handler);
  for (const path of ["/api/secrets", "/api/batch/:id/secrets", "/secrets", "/assetsx", "/api/events/:id/reveal"])
    expect(() => app.get(path, handler), path).toThrow(/has no permission.*permissions\.ts/);
  expect(() => app.post("/api/health", handler)).toThrow(/POST \/api\/health/);
  expect(() => app.route({ method: ["GET", "PUT"], url: "/api/health", handler })).toThrow(/PUT/);
});
