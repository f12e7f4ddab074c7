import { existsSync } from "node:fs";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";
import { ProblemError } from "./problems.js";
import { streamQuery } from "./schemas.js";

/** Vite puts a hash of the content in these names, so they never change. */
const HASHED = /[\\/]assets[\\/]/;

/**
 * The built page at `/`. Hashed assets are kept by browsers for good, everything else is requested again each time.
 * `onAsked` is called with the batch of the page (null: the newest) while the browser still loads its script.
 */
export async function registerPage(
  app: FastifyInstance,
  webRoot: string,
  onAsked: (batchId: number | null) => void,
): Promise<void> {
  if (!existsSync(join(webRoot, "index.html"))) {
    app.get("/", { schema: { hide: true } }, () => {
      throw new ProblemError(
        "not-found",
        "The page is not built yet: run `npm run build`, then start the dashboard again.",
      );
    });
    return;
  }
  app.addHook("onResponse", async ({ method, routeOptions, query }, { statusCode }) => {
    // Not for a browser that was redirected to the login form.
    if (method !== "GET" || routeOptions.url !== "/" || (statusCode !== 200 && statusCode !== 304)) return;
    const { success, data } = streamQuery.safeParse(query);
    if (success) onAsked(data.batch ?? null);
  });
  await app.register(fastifyStatic, {
    root: webRoot,
    // Each file is a route of its own: other paths get the app's 404, and no requested path is ever resolved on disk.
    wildcard: false,
    cacheControl: false,
    setHeaders(response, path) {
      response.header("Cache-Control", HASHED.test(path) ? "public, max-age=31536000, immutable" : "no-cache");
    },
    schemaHide: true,
  });
}
