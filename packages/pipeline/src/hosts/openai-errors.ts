/** The meaning of refusals by servers that speak the OpenAI protocol. */
import { z } from "zod";
import { UNSUPPORTED_LANGUAGE } from "./engine-contract.js";
import { EngineError, type Fault } from "./engine-error.js";
import type { Reply } from "./http-client.js";
import { answerWithBody } from "./logged-answer.js";
import { variableOf, type ModelServer } from "./openai-servers.js";

/** Longer messages are cut: they may repeat much of the question. */
const MAX_MESSAGE = 300;

const word = z.union([z.string(), z.number()]).nullish().catch(null);
const openAiError = z.looseObject({ message: z.string(), type: word, code: word, param: word });
/** FastAPI's list of the faults of a request; its `input` repeats the request and is left out. */
const invalidFields = z.array(z.looseObject({ loc: z.array(z.union([z.string(), z.number()])), msg: z.string() }));
const text = z.string();

interface Said {
  message: string;
  /** `code`, `type` and `param` of the error, as far as they are words. */
  words: readonly string[];
}

/**
 * The server's own words, in the shapes that servers give them: `error.message` (OpenAI, llama.cpp, vLLM, Ollama's `/v1`),
 * `error` as text (Ollama, vLLM's 401), `message` (older vLLM), `detail` (FastAPI: speaches, vLLM), or plain text.
 */
function saidIn({ json, body }: Pick<Reply, "json" | "body">): Said {
  const { error, detail, message } = (typeof json === "object" && json !== null ? json : {}) as Record<string, unknown>;
  const known = [openAiError.safeParse(error), openAiError.safeParse(json)].find(({ success }) => success);
  if (known?.data) {
    const { type, code, param } = known.data;
    return { message: known.data.message, words: [type, code, param].flatMap((one) => one?.toString() ?? []) };
  }
  const fields = invalidFields.safeParse(detail);
  if (fields.success)
    return { message: fields.data.map(({ loc, msg }) => `${loc.join(".")}: ${msg}`).join("; "), words: [] };
  const plain = [error, detail, message].map((one) => text.safeParse(one)).find(({ success }) => success);
  if (plain?.data) return { message: plain.data, words: [] };
  const parsed = json === undefined ? (JSON.parse(body.text) as unknown) : null;
  return { message: typeof parsed === "string" && !parsed.trimStart().startsWith("<") ? parsed : "", words: [] };
}

/** On one line, cut, without a point at its end. */
function shortened(message: string): string {
  const line = message.replaceAll(/[\s\p{Cc}]+/gu, " ").trim();
  const cut = line.length > MAX_MESSAGE ? `${line.slice(0, MAX_MESSAGE)}…` : line;
  return cut.replace(/\.$/, "");
}

/** The server's own words in a refusal, ready to stand in a sentence; empty when it gave none. */
export function serverMessage(reply: Pick<Reply, "json" | "body">): string {
  return shortened(saidIn(reply).message);
}

/** Of an error that a gateway sends with 200: `code` is then the status that it got, where it is one. */
export function statusOfError(json: unknown): number | null {
  const { error } = (typeof json === "object" && json !== null ? json : {}) as { error?: unknown };
  const { success, data } = openAiError.safeParse(error);
  if (!success) return null;
  const code = Number(data.code);
  return code >= 400 && code < 600 ? code : 500;
}

/** A refusal with status 4xx, 5xx or 3xx as an error that carries the server's own words. */
export function refusalOf(server: ModelServer, host: string, reply: Reply): EngineError {
  const { status, retryAfterMs, body } = reply;
  const said = saidIn(reply);
  const words = shortened(said.message);
  const meaning = meaningOf(server, reply, said);
  const message = `${host} answered HTTP ${status}${words && `: ${words}`}.${meaning.hint && ` ${meaning.hint}`}`;
  const { type, fault } = meaning;
  const answer = type === UNSUPPORTED_LANGUAGE ? { type, detail: message } : null;
  return new EngineError(message, { status, type, fault, retryAfterMs, response: answerWithBody(answer, body) });
}

interface Meaning {
  type: string;
  fault: Fault;
  /** What to do, as a sentence. */
  hint: string;
}

const NOT_THERE = /not found|does ?n[o']t exist|not exist|not installed|unknown|invalid model|no such|not available/i;
/** A request that is wrong in another way may be so because the model does not do what it asks for. */
const MODEL_NOT_THERE =
  /invalid model (?:name|id)\b|\bmodel\b.{0,200}(?:not found|does ?n[o']t exist|not exist|not installed)/i;
const BUSY = /loading|busy|overload|capacity|try again|warming/i;
const ABOUT_THE_FILE = new Set([400, 413, 415, 422]);
/** Words by which servers name what asks for JSON. */
const ABOUT_THE_FORMAT = /response_?format|json_?schema|json_?object|guided|structured.?output|grammar/i;
const TOO_LARGE =
  /(?:size|length|duration).*exceed|exceed.*(?:size|length|duration)|too (?:large|long|big)|longer than/i;
const ABOUT_THE_LANGUAGE = /\blanguages?\b(?! models?\b)/i;
const ABOUT_THE_TIMES = /response_?format|verbose_json|timestamp_granularities/i;

function meaningOf(server: ModelServer, { status, retryAfterMs }: Reply, { message, words }: Said): Meaning {
  const variable = variableOf(server.stage);
  const all = [message, ...words].join(" ");
  const type = `http-${status}`;
  const unknown: Meaning = {
    type: "unknown-model",
    fault: "setting",
    hint: `Check ${variable}_MODEL, or install ${server.model} there.`,
  };
  if (status === 401 || status === 403) return { type, fault: "setting", hint: `Check ${variable}_API_KEY.` };
  if (status === 402 || words.includes("insufficient_quota"))
    return {
      type: "quota-exhausted",
      fault: "setting",
      hint: "Its quota is used up: no file will be answered until there is more.",
    };
  if (status === 429) return { type, fault: "busy", hint: "" };
  if (status === 503 && (retryAfterMs > 0 || BUSY.test(all))) return { type, fault: "busy", hint: "" };
  // What it says of the format or the language may name the model too.
  if (ABOUT_THE_FILE.has(status)) {
    if (server.stage !== "stt" && ABOUT_THE_FORMAT.test(all)) return { type: FORMAT_REFUSED, fault: "file", hint: "" };
    if (server.stage === "stt" && ABOUT_THE_TIMES.test(all))
      return {
        type: "no-times",
        fault: "setting",
        hint: "Evidence needs times: use a server and model that answer verbose_json.",
      };
    if (server.stage === "stt" && ABOUT_THE_LANGUAGE.test(all))
      return { type: UNSUPPORTED_LANGUAGE, fault: "file", hint: "" };
    if (isAboutModel(server, status, message, words)) return unknown;
    const isTooLarge = server.stage === "stt" && (status === 413 || TOO_LARGE.test(all));
    return { type, fault: "file", hint: isTooLarge ? `Lower ${variable}_MAX_MB or ${variable}_MAX_S.` : "" };
  }
  if (isAboutModel(server, status, message, words)) return unknown;
  const hint = status === 404 || status === 405 ? `Check ${variable}_URL, which goes up to and without /v1.` : "";
  return { type, fault: "host", hint };
}

/** Of an error that says that the server cannot be asked for JSON in this way. */
export const FORMAT_REFUSED = "response-format-refused";

function isAboutModel({ model }: ModelServer, status: number, message: string, words: readonly string[]): boolean {
  if (words.includes("model_not_found")) return true;
  if (status === 400) return words.includes("model") || MODEL_NOT_THERE.test(message);
  if (status !== 404) return false;
  return NOT_THERE.test(message) && (message.includes(model) || /\bmodel\b/i.test(message));
}
