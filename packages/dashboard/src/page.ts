import { existsSync } from "node:fs";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";
import { ProblemError } from "./problems.js";

/** Vite puts a hash of the content in these names, so they never change. */
const HASHED = /[\\/]assets[\\/]/;

/** The built page at `/`. Hashed assets are kept by browsers for good, everything else is asked for again each time. */
export async function registerPage(app: FastifyInstance, webRoot: string): Promise<void> {
  if (!existsSync(join(webRoot, "index.html"))) {
    app.get("/", { schema: { hide: true } }, () => {
      throw new ProblemError(
        "not-found",
        "The page is not built yet: run `npm run build`, then start the dashboard again.",
      );
    });
    return;
  }
  await app.register(fastifyStatic, {
    root: webRoot,
    // Each file its own route: what is not there falls to the 404 of the app, and no path is ever resolved on disk.
    wildcard: false,
    cacheControl: false,
    setHeaders(response, path) {
      response.header("Cache-Control", HASHED.test(path) ? "public, max-age=31536000, immutable" : "no-cache");
    },
    schemaHide: true,
  });
}
