/** What each kind of model server does, and what becomes of it: one scenario for each behaviour. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AnswerRefused } from "@cofi/pipeline/answer-refused";
import type { EngineError, Fault } from "@cofi/pipeline/engine-error";
import { OpenAiEngines } from "@cofi/pipeline/openai-client";
import { completion, openAiAnswer } from "../../../test/support/openai-server.js";
import {
  serversIn,
  startModelServer,
  UNAUTHORIZED,
  UNKNOWN_MODEL,
  type Answer,
  type Kind,
  type ModelServerMock,
} from "./model-server.js";

const KINDS: readonly Kind[] = ["vLLM", "llama.cpp", "Ollama", "speaches"];
const KEY = "sk-secret-0123456789";
const MODEL = "qwen2.5:7b";
const never = new AbortController().signal;
const INPUT = { call_id: "C1", transcript: { segments: [] } };

let server: ModelServerMock;
let engines: OpenAiEngines;

async function start(kind: Kind, options: Parameters<typeof startModelServer>[1] = {}): Promise<void> {
  await server.close();
  server = await startModelServer(kind, options);
}

beforeEach(async () => {
  server = await startModelServer("vLLM");
  engines = new OpenAiEngines({}, 5_000);
});
afterEach(async () => {
  await engines.close();
  await server.close();
});

const host = () => ({ name: "gpu-1", url: server.url });

async function asking(model = MODEL): Promise<OpenAiEngines> {
  await engines.close();
  engines = new OpenAiEngines(serversIn(["LLM1", "STT"], { urls: [server.url], model, apiKey: KEY }), 5_000);
  return engines;
}

async function extract() {
  const client = await asking();
  return client.extract(host(), client.chat("llm1", host(), INPUT), never);
}

async function refusalOf(work: Promise<unknown>): Promise<EngineError> {
  return (await work.then(
    () => null,
    (error: unknown) => error,
  )) as EngineError;
}

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
    fault: "stage" as const,
    message: /gpu-1 answered HTTP 40[13]: (?:Unauthorized|Invalid API key).*\. Check COFI_LLM1_OPENAI_API_KEY\./i,
  })),
  ...KINDS.flatMap((kind): Refusal[] => {
    const answer = UNKNOWN_MODEL[kind]?.(MODEL);
    const message = /HTTP 404: .*qwen2\.5:7b.*\. Check COFI_LLM1_OPENAI_MODEL/;
    return answer ? [{ server: kind, what: "an unknown model", answer, fault: "stage", message }] : [];
  }),
  {
    server: "vLLM",
    what: "an exhausted quota, as a gateway in front says it",
    answer: error(429, "You exceeded your current quota.", { code: "insufficient_quota", type: "insufficient_quota" }),
    fault: "stage",
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
    server: "vLLM",
    what: "a message without an end",
    answer: error(400, `${KEY} ${"word ".repeat(500)}`),
    fault: "file",
    message: /^gpu-1 answered HTTP 400: \[key\] (?:word )+(?:wo?r?d?)?…\.$/,
  },
];

describe("refusals", () => {
  test.each(REFUSALS)("$server: $what is the fault of the $fault", async ({ server: kind, answer, fault, message }) => {
    await start(kind);
    server.script.push(answer);
    const refused = await refusalOf(extract());
    expect(refused).toMatchObject({ fault, message: expect.stringMatching(message) });
    expect(refused.message.length).toBeLessThan(500);
    expect(refused.message + JSON.stringify(refused.response)).not.toContain(KEY);
    if (answer.headers?.["retry-after"]) expect(refused.retryAfterMs).toBe(2_000);
  });
});

const GOOD = { call_id: "C1", language: "en", client_identity: { name: null, code: null }, trades: [] };
const JSON_TEXT = JSON.stringify(GOOD);

function says(message: object, finish = "stop"): Answer {
  return {
    body: { id: "1", choices: [{ index: 0, finish_reason: finish, message: { role: "assistant", ...message } }] },
  };
}

const UNDERSTOOD: [Kind, string, Answer][] = [
  ["vLLM", "plain", says({ content: JSON_TEXT })],
  ["Ollama", "in a fence", says({ content: `\`\`\`json\n${JSON_TEXT}\n\`\`\`` })],
  ["llama.cpp", "after its thoughts", says({ content: `<think>Is {"a": 1} it?</think>\n\n${JSON_TEXT}` })],
  ["vLLM", "after thoughts whose begin the template took away", says({ content: `Hm. {}\n</think>\n${JSON_TEXT}` })],
  ["llama.cpp", "in reasoning_content", says({ content: "", reasoning_content: JSON_TEXT })],
  ["vLLM", "in reasoning", says({ content: null, reasoning: JSON_TEXT })],
  [
    "speaches",
    "as parts",
    says({
      content: [
        { type: "text", text: JSON_TEXT.slice(0, 9) },
        { type: "text", text: JSON_TEXT.slice(9) },
      ],
    }),
  ],
  [
    "vLLM",
    "as a tool call",
    says({ content: null, tool_calls: [{ function: { name: "llm1", arguments: JSON_TEXT } }] }, "tool_calls"),
  ],
  [
    "Ollama",
    "as a tool call with an object",
    says({ content: "", tool_calls: [{ function: { name: "llm1", arguments: GOOD } }] }),
  ],
  ["Ollama", "with a byte-order mark", says({ content: `\uFEFF${JSON_TEXT}` })],
  [
    "Ollama",
    "with a byte-order mark before the body",
    { body: `\uFEFF${JSON.stringify(says({ content: JSON_TEXT }).body)}` },
  ],
  ["llama.cpp", "with words around it", says({ content: `Here it is: ${JSON_TEXT}\nIs there anything else?` })],
];

const REFUSED: [Kind, string, Answer, string, Fault, RegExp][] = [
  ["vLLM", "words", says({ content: "I am sorry." }), "no-json", "answer", /not JSON/],
  ["vLLM", "nothing", says({ content: null }), "no-json", "answer", /not JSON/],
  [
    "llama.cpp",
    "thoughts that never end",
    says({ content: `<think>It is ${JSON_TEXT}` }),
    "no-json",
    "answer",
    /not JSON/,
  ],
  [
    "Ollama",
    "two answers",
    says({ content: `${JSON_TEXT} or ${JSON_TEXT}` }),
    "several-answers",
    "answer",
    /gave 2 answers/,
  ],
  [
    "Ollama",
    "another shape",
    says({ content: '{"trades":"none"}' }),
    "contract-violated",
    "answer",
    /violates the engine contract: call_id/,
  ],
  [
    "vLLM",
    "a refusal",
    says({ content: null, refusal: "I cannot help with that." }),
    "refusal",
    "answer",
    /refused to answer/,
  ],
  [
    "vLLM",
    "an answer that was cut",
    says({ content: JSON_TEXT.slice(0, 20) }, "length"),
    "answer-cut",
    "file",
    /raise the length of its context/,
  ],
  ["vLLM", "a filtered answer", says({ content: "" }, "content_filter"), "content-filter", "file", /content filter/],
  ["Ollama", "no completion", { body: { object: "list" } }, "contract-violated", "host", /choices/],
  ["Ollama", "a page", { body: "<html>Log in</html>" }, "no-json", "host", /invalid JSON/],
];

describe("answers", () => {
  test.each(UNDERSTOOD)("%s: JSON %s is understood", async (kind, _what, answer) => {
    await start(kind);
    server.script.push(answer);
    expect((await extract()).answer).toMatchObject(GOOD);
  });

  test.each(REFUSED)("%s: %s", async (kind, _what, answer, type, fault, message) => {
    await start(kind);
    server.script.push(answer);
    const refused = await refusalOf(extract());
    expect(refused).toMatchObject({ type, fault, message: expect.stringMatching(message) });
    expect(refused instanceof AnswerRefused).toBe(fault === "answer");
  });

  test("a text of braces alone is read in no time", async () => {
    server.script.push(says({ content: "{".repeat(20_000) }), says({ content: "{x}".repeat(20_000) }));
    expect(await refusalOf(extract())).toMatchObject({ type: "no-json" });
    expect(await refusalOf(extract())).toMatchObject({ type: "no-json" });
  });
});

describe("readiness", () => {
  const look = async (kind: Kind, model: string, options: Parameters<typeof startModelServer>[1] = {}) => {
    await start(kind, options);
    const client = await asking(model);
    return client.readiness(client.serverOf("llm1")!).health(host(), never);
  };

  test.each([
    ["vLLM", "served", ["served", "adapter"], []],
    ["vLLM", "adapter", ["served", "adapter"], []],
    ["llama.cpp", "whatever it is called", ["/models/model.gguf"], []],
    ["Ollama", "llama3.2", ["llama3.2:latest"], []],
    ["Ollama", "Llama3.2:3B", ["llama3.2:3b"], []],
    ["Ollama", "hf.co/org/model", ["hf.co/org/model:latest"], []],
    ["speaches", "Systran/faster-whisper-small", ["Systran/faster-whisper-small"], []],
    ["speaches", "whisper-1", ["Systran/faster-whisper-large-v3"], ["whisper-1"]],
  ] as [Kind, string, string[], string[]][])("%s has the model %s", async (kind, model, models, aliases) => {
    await expect(look(kind, model, { models, aliases })).resolves.toBeUndefined();
  });

  test.each([
    ["vLLM", "Served", ["served"], /does not have the model Served \(COFI_LLM1_OPENAI_MODEL\); it has served\.$/],
    ["Ollama", "llama3.2:1b", ["llama3.2:latest", "qwen2.5:7b"], /it has llama3\.2:latest, qwen2\.5:7b\.$/],
    ["Ollama", "llama3.2", [], /it has none\.$/],
    ["speaches", "whisper-1", ["Systran/faster-whisper-small"], /it has Systran\/faster-whisper-small\.$/],
    ["llama.cpp", "c", Array.from({ length: 30 }, (_, n) => `m${n}`), /it has m0, .*, m19 and 10 more\.$/],
  ] as [Kind, string, string[], RegExp][])("%s without the model %s: %j", async (kind, model, models, message) => {
    expect(await refusalOf(look(kind, model, { models }))).toMatchObject({
      type: "unknown-model",
      fault: "stage",
      message: expect.stringMatching(message),
    });
  });

  test.each(["vLLM", "Ollama", "speaches"] as Kind[])("%s with another key", async (kind) => {
    expect(await refusalOf(look(kind, MODEL, { apiKey: "another" }))).toMatchObject({ fault: "stage" });
  });

  test("llama.cpp that loads says so, although it lists its model", async () => {
    await start("llama.cpp");
    server.loading = 1;
    const client = await asking();
    const { health } = client.readiness(client.serverOf("llm1")!);
    expect(await refusalOf(health(host(), never))).toMatchObject({
      fault: "busy",
      message: "gpu-1 is not ready: HTTP 503: Loading model.",
    });
    await expect(health(host(), never)).resolves.toBeUndefined();
  });
});

test("the answers of the well-behaved server fit, so that the scenarios fail for their own reason", async () => {
  expect(JSON.parse(openAiAnswer("/v1/models", Buffer.alloc(0)))).toMatchObject({ data: [{ owned_by: "llamacpp" }] });
  expect(completion("m", GOOD)).toContain("trades");
  expect((await extract()).answer.trades).toHaveLength(1);
});
