import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance } from "fastify";
import { jsonSchemaTransform, jsonSchemaTransformObject } from "fastify-type-provider-zod";

/** The UI sets styles inline; everything else stays as strict as on the page. */
const UI_CSP =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** OpenAPI 3.1 at `/docs/json` and `/docs/yaml`, rendered at `/docs` from files of this server. Register before the routes. */
export async function registerDocs(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Cofi dashboard",
        description: "Batches, their ten stages and every logged event, live.",
        version: "0.1.0",
      },
      tags: [
        { name: "batches" },
        { name: "events" },
        { name: "detail" },
        { name: "trades" },
        { name: "export" },
        { name: "review" },
        { name: "holds" },
        { name: "access" },
        { name: "service" },
      ],
      components: {
        securitySchemes: {
          token: { type: "http", scheme: "bearer", description: "COFI_ACCESS_TOKEN, or a JWT of COFI_JWT_ISSUER" },
          session: { type: "apiKey", in: "cookie", name: "cofi_session", description: "From the log-in at /login" },
        },
      },
      security: [{ token: [] }, { session: [] }],
    },
    transform: jsonSchemaTransform,
    // Without this, the `$ref`s of named schemas point nowhere.
    transformObject: jsonSchemaTransformObject,
  });
  await app.register(swaggerUi, { routePrefix: "/docs", staticCSP: UI_CSP, uiConfig: { docExpansion: "list" } });
}
