/**
 * Whether a model server can answer: it has loaded, takes the key, and has the model.
 *
 * The habits of servers, from their documentation and code:
 * - llama.cpp answers `/health` with 503 `{"error":{"message":"Loading model"}}` while it loads, but lists its model in
 *   `/v1/models` already then, so `/health` is asked first. One that was started with one model answers for it under whatever
 *   name is asked (`tools/server/README.md`); one that routes to several lists them with a `status`.
 * - vLLM does not listen before it has loaded; then `/health` is 200 with an empty body, without a key, and 503 when its engine
 *   is dead. `/v1/models` has the names of `--served-model-name` and the adapters, and no other name is answered.
 * - Ollama has no `/health` (404). It loads a model when it is asked. Names in `/v1/models` have a tag, `latest` where none is
 *   given, and upper and lower case are one (`types/model/name.go`).
 * - speaches answers `/health` at once, lists the downloaded models, and knows other names for some of it
 *   (`model_aliases.json`), which `/v1/models/{id}` resolves and the list does not show.
 */
import { z } from "zod";
import type { EngineAddress } from "./engine-client.js";
import { EngineError } from "./engine-error.js";
import type { Reply } from "./http-client.js";
import { serverMessage, refusalOf } from "./openai-errors.js";
import { isGood, type OpenAiHttp } from "./openai-http.js";
import { variableOf, type ModelServer } from "./openai-servers.js";

const listed = z.looseObject({
  id: z.string(),
  owned_by: z.string().nullish().catch(null),
  aliases: z.array(z.string()).nullish().catch(null),
  status: z.unknown().optional(),
});
type Listed = z.infer<typeof listed>;
/** Ollama gives null for `data` when it has no model; a router in front of servers gives an empty list until one has loaded. */
const modelList = z.looseObject({ data: z.array(listed).nullable() });

/** Models that a message names; a gateway lists hundreds. */
const NAMED_MODELS = 20;

/** Resolves when the server can answer with its model. @throws EngineError otherwise */
export async function modelIsReady(
  http: OpenAiHttp,
  server: ModelServer,
  host: EngineAddress,
  signal: AbortSignal,
): Promise<void> {
  const health = await http.get(server, host, "/health", signal);
  // A server without this address answers as it likes; that it has an error, or loads, it says with 5xx.
  if (health.status >= 500 && !isOfAnIngress(health)) throw notReady(host, health);
  const list = await http.get(server, host, "/v1/models", signal);
  if (list.status === 401 || (list.status === 403 && NO_KEY.test(serverMessage(list))))
    throw refusalOf(server, host.name, list);
  // The key may ask for answers alone, as OpenAI's restricted ones; whether the model is there, the first answer shows.
  if (list.status === 403) return;
  if (list.status === 404 && (isGood(health) || health.status === 404)) return;
  if (!isGood(list)) throw notReady(host, list);
  const parsed = modelList.safeParse(list.json);
  if (!parsed.success)
    throw new EngineError(
      `${host.name} (${host.url}) does not answer with a list of models at /v1/models: check ${variableOf(server.stage)}_URL.`,
      { status: list.status, type: "no-model-list", fault: "host", response: list.body },
    );
  const models = parsed.data.data ?? [];
  if (has(models, server.model) || (await isKnown(http, server, host, signal))) return;
  if (parsed.data.data?.length === 0)
    throw new EngineError(`${host.name} is not ready: it lists no model yet.`, {
      status: list.status,
      type: "no-model-yet",
      fault: "host",
      response: list.body,
    });
  throw new EngineError(
    `${host.name} does not have the model ${server.model} (${variableOf(server.stage)}_MODEL); ${inventory(models)}.`,
    { status: list.status, type: "unknown-model", fault: "setting", response: list.body },
  );
}

/** Words by which speaches refuses a key with 403. */
const NO_KEY = /\b(?:invalid|incorrect|wrong|missing) (?:api )?key|not authenticated/i;

/** A gateway that does not pass the address on has a page of its own for it; servers answer 503 with JSON, or without a body. */
function isOfAnIngress({ status, json, body }: Reply): boolean {
  return status === 503 && json === undefined && body.text !== JSON.stringify("");
}

function notReady(host: EngineAddress, reply: Reply): EngineError {
  const { status, retryAfterMs, body } = reply;
  const words = serverMessage(reply);
  return new EngineError(`${host.name} is not ready: HTTP ${status}${words && `: ${words}`}.`, {
    status,
    type: `http-${status}`,
    fault: status === 503 ? "busy" : "host",
    retryAfterMs,
    response: body,
  });
}

function has(models: readonly Listed[], model: string): boolean {
  const [only, ...others] = models;
  if (only?.owned_by === "llamacpp" && others.length === 0 && only.status === undefined) return true;
  const wanted = withTag(model);
  return models.some(
    ({ id, aliases }) => id === model || aliases?.includes(model) === true || id.toLowerCase() === wanted,
  );
}

/** As Ollama lists it. Other servers have no name that ends like this, so that no model is taken for another. */
function withTag(model: string): string {
  const name = model.toLowerCase();
  return name.slice(name.lastIndexOf("/") + 1).includes(":") ? name : `${name}:latest`;
}

/** Under a name that the list does not show. */
async function isKnown(
  http: OpenAiHttp,
  server: ModelServer,
  host: EngineAddress,
  signal: AbortSignal,
): Promise<boolean> {
  const path = server.model.split("/").map(encodeURIComponent).join("/");
  const reply = await http.get(server, host, `/v1/models/${path}`, signal);
  return isGood(reply) && listed.safeParse(reply.json).success;
}

function inventory(models: readonly Listed[]): string {
  if (models.length === 0) return "it has none";
  const named = models.slice(0, NAMED_MODELS).map(({ id }) => id);
  const more = models.length - named.length;
  return `it has ${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
