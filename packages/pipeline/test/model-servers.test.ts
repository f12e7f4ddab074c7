/** Batches whose llm1 and llm2 are answered by model servers: several of them, while they load, and with habits of their own. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { LogEventDetail } from "@cofi/event-log/events";
import { RemoteRuntime } from "@cofi/pipeline/runtime/remote";
import { startScriptedEngine, type ScriptedEngine } from "../../../test/support/scripted-engine.js";
import { CALLS_HEADER, folderWith, TRADES_HEADER } from "./batch-files.js";
import { batchInSqlite, type BatchBench } from "./batch-in-sqlite.js";
import {
  serversIn,
  startModelServer,
  wellBehaved,
  type Answer,
  type Heard,
  type ModelServerMock,
} from "./model-server.js";

const MODEL = "Qwen/Qwen2.5-7B-Instruct";
let engine: ScriptedEngine;
let servers: ModelServerMock[];
let bench: BatchBench | undefined;

beforeEach(async () => {
  engine = await startScriptedEngine();
  servers = [await startModelServer("vLLM"), await startModelServer("vLLM")];
});
afterEach(async () => {
  await bench?.close();
  bench = undefined;
  await engine.close();
  await Promise.all(servers.map((server) => server.close()));
});

/** What the log holds of a batch with so many recordings. */
async function batch(files: number, env: NodeJS.ProcessEnv): Promise<{ status: string; events: LogEventDetail[] }> {
  bench = await batchInSqlite({ COFI_ENGINE_START_TIMEOUT_S: "30", ...env });
  const names = Array.from({ length: files }, (_, n) => `call-${n}.wav`);
  const call = (file: string, n: number) => `c${n},${file},2026-11-20T09:00:00Z,10,IN,+919810000000,,,D1,AB1,1`;
  const folder = await folderWith({
    ...Object.fromEntries(names.map((file) => [file, "audio"])),
    "calls.csv": [CALLS_HEADER, ...names.map(call)].join("\n"),
    "trades.csv": `${TRADES_HEADER}\nT1,,2026-11-20T09:00:05Z,,AB1,+919810000000,D1,INFY,BUY,200,1500,DEALER\n`,
  });
  const limits = { slotsPerHost: 1 };
  const { batchId, status } = await bench.run({
    folder,
    runtime: new RemoteRuntime(() => [engine.url], bench.client, limits),
  });
  const { store } = bench;
  const events = await bench.events(batchId);
  return { status, events: await Promise.all(events.map(async ({ id }) => (await store.event(id)) as LogEventDetail)) };
}

/** The scripted engine says other words than the model servers quote. */
const inItsWords = (heard: Heard): Answer => ({
  body: String(wellBehaved(heard).body).replaceAll("shares of Infosys", "shares of infosys"),
});

function quoteWell(count: number): void {
  for (const server of servers) server.script.push(...Array.from({ length: count }, () => inItsWords));
}

const of = (events: LogEventDetail[], stage: string, type: string) =>
  events.filter((event) => event.stage === stage && event.eventType === type);

const system = (body: string | null | undefined) =>
  (JSON.parse(body ?? "") as { messages: { content: string }[] }).messages[0]?.content ?? "";

test("each of several servers does its part, and is asked only when it has loaded", async () => {
  const [first, second] = servers as [ModelServerMock, ModelServerMock];
  second.loading = 3;
  // The first one does not end what it has in work before the second has work too.
  const meanwhile = async (heard: Heard): Promise<Answer> => {
    await second.asked;
    return inItsWords(heard);
  };
  first.script.push(...Array.from({ length: 24 }, () => meanwhile));
  second.script.push(...Array.from({ length: 24 }, () => inItsWords));
  const { status, events } = await batch(12, {
    ...serversIn(["LLM1", "LLM2"], { urls: servers.map(({ url }) => `${url}/v1`), model: MODEL }),
    COFI_LLM1_OPENAI_SLOTS: "3",
  });
  expect(status).toBe("completed");
  expect(events.filter(({ eventType }) => eventType === "error")).toEqual([]);
  const shares = servers.map(({ heard }) => heard.length);
  expect(shares.reduce((sum, share) => sum + share)).toBe(24);
  expect(Math.min(...shares)).toBeGreaterThan(0);
  expect(second.looks.filter((path) => path === "/health").length).toBeGreaterThan(3);
});

test("a model that one of them lacks fails the stage at once, with what is there", async () => {
  await servers[1]!.close();
  servers[1] = await startModelServer("vLLM", { models: ["another/model"] });
  servers[0]!.loading = Number.POSITIVE_INFINITY;
  const urls = servers.map(({ url }) => url);
  const { status, events } = await batch(1, {
    ...serversIn(["LLM1"], { urls, model: MODEL }),
    COFI_ENGINE_START_TIMEOUT_S: "86400",
  });
  expect(status).toBe("failed");
  const [error] = of(events, "llm1", "error");
  expect(error?.errorMessage).toMatch(/does not have the model Qwen\/Qwen2\.5-7B-Instruct .*; it has another\/model\./);
});

test("a server that knows no response_format is asked in words, once and for all, and each request is logged", async () => {
  const refuses = (what: string): Answer => ({
    status: 400,
    body: {
      error: { message: `Unsupported parameter: ${what}`, type: "invalid_request_error", param: "response_format" },
    },
  });
  servers[0]!.script.push(refuses("response_format.json_schema"), refuses("response_format"));
  quoteWell(4);
  const { status, events } = await batch(2, {
    ...serversIn(["LLM1"], { urls: [servers[0]!.url], model: MODEL }),
    COFI_LLM1_OPENAI_SLOTS: "1",
  });
  expect(status).toBe("completed");
  const sent = servers[0]!.heard.map(({ body }) => body.toString());
  expect(of(events, "llm1", "file_start").map(({ payload }) => payload)).toEqual(sent);
  const formats = sent.map(
    (body) => (JSON.parse(body) as { response_format?: { type: string } }).response_format?.type,
  );
  expect(formats).toEqual(["json_schema", "json_object", undefined, undefined]);
  expect(sent.map((body) => system(body).includes('"additionalProperties":false'))).toEqual([false, true, true, true]);
  expect(of(events, "llm1", "error").map(({ status: state }) => state)).toEqual(["processing", "processing"]);
  expect(of(events, "llm1", "file_complete").map(({ attempt }) => attempt)).toEqual([1, 1]);
});

test("a repeated question says what was wrong with the answer before", async () => {
  servers[0]!.script.push(wellBehaved, wellBehaved, inItsWords);
  const { status, events } = await batch(1, serversIn(["LLM1"], { urls: [servers[0]!.url], model: MODEL }));
  expect(status).toBe("completed");
  const sent = servers[0]!.heard.map(({ body }) => body.toString());
  expect(of(events, "llm1", "file_start").map(({ payload }) => payload)).toEqual(sent);
  expect(sent).toHaveLength(3);
  expect(sent.map((body) => system(body).includes("An earlier answer of yours about this call was refused."))).toEqual([
    false,
    true,
    true,
  ]);
  expect(system(sent[1])).toContain('"two hundred shares of Infosys"');
  const errors = of(events, "llm1", "error").map(({ errorMessage }) => errorMessage);
  expect(errors).toEqual(Array.from({ length: 2 }, () => expect.stringMatching(/not in the transcript/)));
  expect(errors.join()).not.toContain("two hundred");
});

test("a recording that cannot be decoded fails alone", async () => {
  await servers[0]!.close();
  servers[0] = await startModelServer("speaches");
  const { status, events } = await batch(2, {
    ...serversIn(["STT"], { urls: [servers[0].url], model: "Systran/faster-whisper-small" }),
  });
  expect(status).toBe("completed_with_errors");
  const errors = of(events, "stt", "error").map(({ errorMessage, status: state }) => [state, errorMessage]);
  expect(errors).toEqual(
    Array.from({ length: 2 }, () => ["failed", expect.stringMatching(/^No audio can be decoded: /)]),
  );
  expect(servers[0].heard).toEqual([]);
});

test("rate limits and a server that loads again cost no file, though each has one attempt", async () => {
  const busy = (status: number, message: string): Answer => ({ status, body: { error: { message } } });
  const [first, second] = servers as [ModelServerMock, ModelServerMock];
  first.script.push(busy(429, "Rate limit reached"), busy(503, "Loading model"), busy(429, "Rate limit reached"));
  second.script.push(busy(503, "server busy, please try again.  maximum pending requests exceeded"));
  quoteWell(20);
  const { status, events } = await batch(10, {
    ...serversIn(["LLM1"], { urls: servers.map(({ url }) => url), model: MODEL }),
    COFI_ATTEMPTS: "1",
  });
  expect(status).toBe("completed");
  expect(of(events, "llm1", "file_complete")).toHaveLength(10);
  const errors = of(events, "llm1", "error");
  expect(errors.length).toBeGreaterThan(0);
  expect(new Set(errors.map(({ status: state }) => state))).toEqual(new Set(["processing"]));
});
