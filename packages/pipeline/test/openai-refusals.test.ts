/** What each kind of model server refuses, with its own words, and whose fault that is. */
import { afterEach, expect, test } from "vitest";
import type { Fault } from "@cofi/pipeline/engine-error";
import { UNAUTHORIZED, UNKNOWN_MODEL, type Answer, type Kind } from "./model-server.js";
import { KEY, MODEL, OpenAiBench, refusalOf } from "./openai-bench.js";

const KINDS: readonly Kind[] = ["vLLM", "llama.cpp", "Ollama", "speaches"];

let bench: OpenAiBench | undefined;
afterEach(async () => {
  await bench?.close();
  bench = undefined;
});

const error = (status: number, message: string, more: object = {}): Answer => ({
  status,
  body: { error: { message, type: "invalid_request_error", param: null, code: null, ...more } },
});

interface Refusal {
  server: Kind;
  what: string;
  answer: Answer;
  fault: Fault;
  message: RegExp;
}

const LONG =
  "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens in the messages, Please reduce the length of the messages.";

const REFUSALS: Refusal[] = [
  ...KINDS.map((kind) => ({
    server: kind,
    what: "a wrong key",
    answer: UNAUTHORIZED[kind],
    fault: "setting" as const,
    message: /gpu-1 answered HTTP 40[13]: (?:Unauthorized|Invalid API key).*\. Check COFI_LLM1_OPENAI_API_KEY\./i,
  })),
  ...KINDS.flatMap((kind): Refusal[] => {
    const answer = UNKNOWN_MODEL[kind]?.(MODEL);
    const message = /HTTP 404: .*qwen2\.5:7b.*\. Check COFI_LLM1_OPENAI_MODEL/;
    return answer ? [{ server: kind, what: "an unknown model", answer, fault: "setting", message }] : [];
  }),
  {
    server: "vLLM",
    what: "an exhausted quota, as a gateway in front says it",
    answer: error(429, "You exceeded your current quota.", { code: "insufficient_quota", type: "insufficient_quota" }),
    fault: "setting",
    message: /429: You exceeded your current quota\. Its quota is used up/,
  },
  {
    server: "vLLM",
    what: "a rate limit",
    answer: { ...error(429, "Rate limit reached"), headers: { "retry-after": "2" } },
    fault: "busy",
    message: /429: Rate limit reached\.$/,
  },
  {
    server: "vLLM",
    what: "too long a call",
    answer: error(400, LONG, { type: "BadRequestError", code: 400 }),
    fault: "file",
    message: /maximum context length is 4096 tokens/,
  },
  {
    server: "vLLM",
    what: "the flat errors of older versions",
    answer: { status: 400, body: { object: "error", message: LONG, type: "BadRequestError", param: null, code: 400 } },
    fault: "file",
    message: /maximum context length is 4096 tokens/,
  },
  {
    server: "vLLM",
    what: "an engine that died",
    answer: error(500, "EngineCore encountered an issue", { code: 500 }),
    fault: "host",
    message: /500: EngineCore encountered an issue\.$/,
  },
  {
    server: "llama.cpp",
    what: "a model that is loaded again",
    answer: error(503, "Loading model", { type: "unavailable_error", code: 503 }),
    fault: "busy",
    message: /503: Loading model\.$/,
  },
  {
    server: "llama.cpp",
    what: "too long a call",
    answer: error(400, "the request exceeds the available context size", { type: "exceed_context_size_error" }),
    fault: "file",
    message: /exceeds the available context size/,
  },
  {
    server: "llama.cpp",
    what: "another address",
    answer: error(404, "File Not Found", { type: "not_found_error", code: 404 }),
    fault: "host",
    message: /404: File Not Found\. Check COFI_LLM1_OPENAI_URL/,
  },
  ...(
    [
      [`Model ${MODEL} does not support response_format json_schema: unknown field`, {}, "file", "unknown field"],
      [`Unknown parameter temperature for model ${MODEL}: not available`, {}, "file", "not available"],
      ["Something is wrong", { param: "model" }, "setting", "Check COFI_LLM1_OPENAI_MODEL"],
      ["Something is wrong", { code: "model_not_found" }, "setting", "Check COFI_LLM1_OPENAI_MODEL"],
      [`The model ${MODEL} was not found`, {}, "setting", "Check COFI_LLM1_OPENAI_MODEL"],
    ] as const
  ).map(([said, more, fault, hint]): Refusal => ({
    server: "vLLM",
    what: `400 with "${said}" and ${JSON.stringify(more)}`,
    answer: error(400, said, more),
    fault,
    message: new RegExp(hint),
  })),
  {
    server: "Ollama",
    what: "a full queue",
    answer: error(503, "server busy, please try again.  maximum pending requests exceeded"),
    fault: "busy",
    message: /server busy, please try again\. maximum pending/,
  },
  {
    server: "Ollama",
    what: "an error in one word of text",
    answer: { status: 500, body: { error: "llama runner process has terminated: exit status 2" } },
    fault: "host",
    message: /500: llama runner process has terminated/,
  },
  {
    server: "speaches",
    what: "fields that are not valid",
    answer: { status: 422, body: { detail: [{ loc: ["body", "model"], msg: "Field required", input: "a secret" }] } },
    fault: "file",
    message: /422: body\.model: Field required\.$/,
  },
  {
    server: "speaches",
    what: "a file that it cannot decode",
    answer: { status: 415, body: { detail: "Failed to decode audio. The provided file type is not supported." } },
    fault: "file",
    message: /Failed to decode audio/,
  },
  ...(
    [
      [302, "<html>Log in</html>"],
      [502, "<h1>Bad Gateway</h1>"],
      [503, "upstream connect error"],
      [404, "<h1>Not Found</h1>"],
    ] as const
  ).map(([status, body]): Refusal => ({
    server: "Ollama",
    what: `a proxy's ${status}`,
    answer: { status, body },
    fault: "host",
    message: new RegExp(`HTTP ${status}(?:: upstream connect error)?\\.`),
  })),
  {
    server: "Ollama",
    what: "a gateway's rate limit with status 200",
    answer: { body: { error: { message: "Provider returned error", code: 429 } } },
    fault: "busy",
    message: /429: Provider returned error\.$/,
  },
  {
    server: "Ollama",
    what: "a gateway's error with status 200",
    answer: { body: { error: { message: "Provider returned error", code: "oops" } } },
    fault: "host",
    message: /500: Provider returned error\.$/,
  },
  {
    server: "vLLM",
    what: "a message without an end",
    answer: error(400, `${KEY} ${"word ".repeat(500)}`),
    fault: "file",
    message: /^gpu-1 answered HTTP 400: \[key\] (?:word )+(?:wo?r?d?)?…\.$/,
  },
];

test.each([
  String.raw`"sk-secret\/0123456789"`,
  String.raw`"sk-secret\u002F0123456789"`,
  String.raw`"\u0073k\u002dsecret/0123456789"`,
  String.raw`"{\"key\":\"sk-secret\\\/0123456789\"}"`,
])("a key that is written as %s is not kept", async (key) => {
  bench = await OpenAiBench.start("vLLM");
  const body = `{"error":{"message":${key},"type":null,"param":12345678901234567890,"code":null}}`;
  const { message, response } = await refusalOf(bench.extract({ status: 500, body }));
  expect(message).toMatch(/^gpu-1 answered HTTP 500: .*\[key\]/);
  const logged = (response as { text: string }).text;
  expect(logged).toContain("12345678901234567890");
  const kept = [message, JSON.stringify(JSON.parse(logged))].join();
  for (const part of ["sk-secret", '0123456789"']) expect(kept).not.toContain(part);
});

test.each(REFUSALS)("$server: $what is the fault of the $fault", async ({ server: kind, answer, fault, message }) => {
  bench = await OpenAiBench.start(kind);
  const refused = await refusalOf(bench.extract(answer));
  expect(refused).toMatchObject({ fault, message: expect.stringMatching(message) });
  expect(refused.message.length).toBeLessThan(500);
  expect(refused.message + JSON.stringify(refused.response)).not.toContain(KEY);
  if (answer.headers?.["retry-after"]) expect(refused.retryAfterMs).toBe(2_000);
});
