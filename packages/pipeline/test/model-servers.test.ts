/** Batches whose llm1 and llm2 are answered by model servers: several of them, while they load, and with habits of their own. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { LogEventDetail } from "@cofi/event-log/events";
import { HostsFile } from "@cofi/pipeline/runtime/hosts-file";
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
async function batch(
  files: number,
  env: NodeJS.ProcessEnv,
  hostsFile: HostsFile | null = null,
): Promise<{ status: string; events: LogEventDetail[] }> {
  bench = await batchInSqlite({ COFI_ENGINE_START_TIMEOUT_S: "30", ...env });
  const names = Array.from({ length: files }, (_, n) => `call-${n}.wav`);
  const call = (file: string, n: number) => `c${n},${file},2026-11-20T09:00:00Z,10,IN,+919810000000,,,D1,AB1,1`;
  const folder = await folderWith({
    ...Object.fromEntries(names.map((file) => [file, "audio"])),
    "calls.csv": [CALLS_HEADER, ...names.map(call)].join("\n"),
    "trades.csv": `${TRADES_HEADER}\nT1,,2026-11-20T09:00:05Z,,AB1,+919810000000,D1,INFY,BUY,200,1500,DEALER\n`,
  });
  const limits = { slotsPerHost: 1 };
  const runtime = new RemoteRuntime(() => [engine.url], bench.client, limits);
  const { batchId, status } = await bench.run({ folder, runtime, hostsFile });
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

/** What the log says of a server, as `from to: rule`. */
function stepsOf(events: readonly LogEventDetail[], { url }: { url: string }): string[] {
  return events.flatMap(({ metadata }) => {
    const host = (metadata as { host?: { url: string; from: string; to: string; rule: string } } | null)?.host;
    return host?.url === url ? [`${host.from} ${host.to}: ${host.rule}`] : [];
  });
}

const LACKS = /does not have the model Qwen\/Qwen2\.5-7B-Instruct .*; it has another\/model/;

test("a server that lacks the model is left out with what is there, and the others do the files", async () => {
  await servers[1]!.close();
  servers[1] = await startModelServer("vLLM", { models: ["another/model"] });
  // The one that has it loads for longer than the other takes to say so.
  servers[0]!.loading = 5;
  quoteWell(24);
  const urls = servers.map(({ url }) => url);
  const { status, events } = await batch(12, serversIn(["LLM1", "LLM2"], { urls, model: MODEL }));
  expect(status).toBe("completed");
  expect(events.filter(({ eventType }) => eventType === "error")).toEqual([]);
  expect(servers.map(({ heard }) => heard.length)).toEqual([24, 0]);
  const steps = stepsOf(events, servers[1]);
  expect(steps).toEqual([0, 1].map(() => expect.stringMatching(/^joining ejected: /)));
  for (const step of steps) expect(step).toMatch(LACKS);
});

test("a server that joins without the model is left out, and the stage continues", async () => {
  await servers[1]!.close();
  servers[1] = await startModelServer("vLLM", { models: ["another/model"] });
  const [first, second] = servers as [ModelServerMock, ModelServerMock];
  const path = join(await folderWith({}), "hosts.json");
  await writeFile(path, JSON.stringify({ llm1: [first.url] }));
  const afterJoining = async (heard: Heard): Promise<Answer> => {
    await writeFile(path, JSON.stringify({ llm1: [first.url, second.url] }));
    while (second.looks.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    return inItsWords(heard);
  };
  first.script.push(afterJoining);
  quoteWell(3);
  const env = serversIn(["LLM1"], { urls: [first.url], model: MODEL });
  const { status, events } = await batch(3, { ...env, COFI_LLM1_OPENAI_SLOTS: "1" }, new HostsFile(path));
  expect(status).toBe("completed");
  const [joins, leaves] = stepsOf(events, second);
  expect(joins).toBe("gone joining: It is named now");
  expect(leaves).toMatch(/^joining ejected: /);
  expect(leaves).toMatch(LACKS);
});

test("a model that all of them lack fails the stage at once", async () => {
  await Promise.all(servers.map((server) => server.close()));
  servers = await Promise.all([0, 1].map(() => startModelServer("vLLM", { models: ["another/model"] })));
  const urls = servers.map(({ url }) => url);
  const env = { ...serversIn(["LLM1"], { urls, model: MODEL }), COFI_ENGINE_START_TIMEOUT_S: "86400" };
  const { status, events } = await batch(1, env);
  expect(status).toBe("failed");
  const [error] = of(events, "llm1", "error");
  expect(error?.errorMessage).toMatch(/^None of its 2 hosts can work as the stage is set up\. The last one: /);
  expect(error?.errorMessage).toMatch(LACKS);
});

test("a key that one of them refuses, or a quota that is used up, costs no file while another server answers", async () => {
  const [first, second] = servers as [ModelServerMock, ModelServerMock];
  const revoked: Answer = { status: 401, body: { error: "Unauthorized" } };
  const usedUp: Answer = { status: 402, body: { error: { message: "Your credit is used up" } } };
  first.script.push(revoked, usedUp, ...Array.from({ length: 20 }, () => inItsWords));
  // The first one has been asked before the second answers.
  const later = async (heard: Heard): Promise<Answer> => {
    await first.asked;
    return inItsWords(heard);
  };
  second.script.push(...Array.from({ length: 30 }, () => later));
  const env = { ...serversIn(["LLM1"], { urls: servers.map(({ url }) => url), model: MODEL }), COFI_ATTEMPTS: "1" };
  const { status, events } = await batch(10, env);
  expect(status).toBe("completed");
  expect(of(events, "llm1", "file_complete")).toHaveLength(10);
  expect(stepsOf(events, first)[0]).toMatch(
    /ejected: 127\.0\.0\.1 answered HTTP 401: Unauthorized\. Check COFI_LLM1_OPENAI_API_KEY$/,
  );
});

test("a key that all of them refuse fails the stage at once", async () => {
  const revoked: Answer = { status: 401, body: { error: "Unauthorized" } };
  for (const server of servers) server.script.push(...Array.from({ length: 5 }, () => revoked));
  const env = serversIn(["LLM1"], { urls: servers.map(({ url }) => url), model: MODEL });
  const { status, events } = await batch(4, { ...env, COFI_ENGINE_START_TIMEOUT_S: "86400" });
  expect(status).toBe("failed");
  const errors = of(events, "llm1", "error").map(({ errorMessage }) => errorMessage);
  expect(errors.at(-1)).toMatch(
    /^None of its 2 hosts can work .* HTTP 401: Unauthorized\. Check COFI_LLM1_OPENAI_API_KEY/,
  );
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
    Array.from({ length: 2 }, () => [
      "failed",
      expect.stringMatching(/^The file is not an audio file that ffmpeg can read. Found: 5 bytes/),
    ]),
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
