/** What was asked is what is logged: a proxy keeps the bytes that go over the wire, and the log must hold the same. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LogEventDetail } from "@cofi/event-log/events";
import { RemoteRuntime } from "@cofi/pipeline/runtime/remote";
import { startOpenAiServer, type OpenAiServer } from "../../../test/support/openai-server.js";
import {
  sha256,
  startRecordingProxy,
  type ProxiedAnswer,
  type RecordingProxy,
} from "../../../test/support/recording-proxy.js";
import { startScriptedEngine, type ScriptedEngine } from "../../../test/support/scripted-engine.js";
import { batchWith, CALLS_HEADER } from "./batch-files.js";
import { batchInSqlite, type BatchBench } from "./batch-in-sqlite.js";
import { wavFile } from "./wav-file.js";

const KEY = "sk-secret/0123456789";
const ENGINE_STAGES = ["denoise", "ivr", "lid", "stt", "llm1", "llm2"];

let engine: ScriptedEngine;
let models: OpenAiServer;
let bench: BatchBench | undefined;
const proxies: RecordingProxy[] = [];
let folder: string;

beforeEach(async () => {
  engine = await startScriptedEngine();
  models = await startOpenAiServer();
  folder = await batchWith({
    "a.wav": wavFile(10),
    "calls.csv": `${CALLS_HEADER}\nc1,a.wav,2026-11-20T09:15:00+05:30,10,IN,+919812345678,,2104,D07,C1,2\n`,
    "trades.csv":
      "trade_id,order_time,client_code,client_phones,dealer_id,symbol,side,quantity,price,order_source\n" +
      "t1,2026-11-20T09:17:00+05:30,C1,+919812345678,D07,INFY,BUY,200,1500,DEALER\n",
  });
});
afterEach(async () => {
  await bench?.close();
  bench = undefined;
  for (const proxy of proxies.splice(0)) await proxy.close();
  await engine.close();
  await models.close();
});

type Change = Parameters<typeof startRecordingProxy>[1];

/** JSON as no serialiser of ours writes it: numbers that do not survive parsing, unknown fields, white space. */
const inItsOwnWords: Change = (_asked, { status, body }): ProxiedAnswer => ({
  status,
  body: body.toString().replace(/^\{/, '{\r\n  "extra" : [1.50, 12345678901234567890, "\\u0041", 1e3],\t'),
});

async function proxied(target: string, change?: Change): Promise<RecordingProxy> {
  const proxy = await startRecordingProxy(target, change);
  proxies.push(proxy);
  return proxy;
}

async function runBatch(env: NodeJS.ProcessEnv, ...urls: string[]): Promise<LogEventDetail[]> {
  bench = await batchInSqlite({ COFI_ATTEMPTS: "2", ...env });
  const limits = { slotsPerHost: 1 };
  const { batchId } = await bench.run({ folder, runtime: new RemoteRuntime(() => urls, bench.client, limits) });
  const { store } = bench;
  const events = await bench.events(batchId);
  return Promise.all(events.map(async ({ id }) => (await store.event(id)) as LogEventDetail));
}

function openAi(url: string, key = KEY): NodeJS.ProcessEnv {
  return Object.fromEntries(
    ["STT", "LLM1", "LLM2"].flatMap((stage) => [
      [`COFI_${stage}_OPENAI_URL`, url],
      [`COFI_${stage}_OPENAI_MODEL`, `model-of-${stage}`],
      [`COFI_${stage}_OPENAI_API_KEY`, key],
    ]),
  );
}

const of = (events: LogEventDetail[], stage: string, ...types: string[]) =>
  events.filter((event) => event.stage === stage && event.fileName === "a.wav" && types.includes(event.eventType));

const bodyOf = (response: string | null) =>
  /^\{"answer":.*?,"body":(?<body>.*)\}$/s.exec(response ?? "")?.groups?.["body"];

describe("engines", () => {
  it("get the logged payload, and their response is logged as it came, in every stage", async () => {
    const proxy = await proxied(engine.url, inItsOwnWords);
    const events = await runBatch({}, proxy.url);
    for (const stage of ENGINE_STAGES) {
      const [seen, ...more] = proxy.exchanges.filter(({ path }) => path === `/v1/${stage}`);
      expect(more).toEqual([]);
      expect(of(events, stage, "file_start").map(({ payload }) => payload)).toEqual([seen?.request.toString()]);
      expect(of(events, stage, "file_complete").map(({ response }) => response)).toEqual([seen?.response.toString()]);
    }
    const [upload] = proxy.exchanges.filter(({ method }) => method === "PUT");
    const [start] = of(events, "file_distribution", "file_start");
    expect(JSON.parse(start?.payload ?? "")).toMatchObject({
      bytes: upload?.request.length,
      sha256: sha256(upload?.request ?? ""),
      host: proxy.url,
    });
    expect(of(events, "file_distribution", "file_complete")[0]?.response).toBe(upload?.response.toString());
    expect(await bench?.results.trades(1)).toMatchObject([{ verdict: "CONFIRMED" }]);
  });

  it("that do not have the file are asked again, and the log holds both requests and both responses", async () => {
    let isGone = true;
    const missing = JSON.stringify({ type: "variant-missing", title: "Gone", status: 404, detail: "It is not here" });
    const proxy = await proxied(engine.url, ({ path }, answer) => {
      if (path !== "/v1/lid" || !isGone) return answer;
      isGone = false;
      return { status: 404, body: missing };
    });
    const events = await runBatch({}, proxy.url);
    const [first, second] = proxy.exchanges.filter(({ path }) => path === "/v1/lid");
    expect(of(events, "lid", "file_start", "error", "file_complete")).toMatchObject([
      { eventType: "file_start", payload: first?.request.toString() },
      { eventType: "error", status: "processing", response: missing },
      {
        eventType: "file_start",
        payload: second?.request.toString(),
        metadata: { uploaded: { bytes: wavFile(10).length }, denoised: { madeOn: proxy.url } },
      },
      { eventType: "file_complete", response: second?.response.toString() },
    ]);
    expect(JSON.parse(second?.request.toString() ?? "")).toMatchObject({ variant: "denoised" });
  });

  const answers: [string, ProxiedAnswer, string][] = [
    ["HTML", { status: 502, body: "<h1>Bad Gateway</h1>" }, '"<h1>Bad Gateway</h1>"'],
    ["invalid JSON", { status: 200, body: '{"text": ' }, '"{\\"text\\": "'],
    ["a body that breaks off", { status: 200, body: '{"text":"bu', cut: true }, '"{\\"text\\":\\"bu"'],
    ["another shape", { status: 200, body: '{ "text": 1.0 }' }, '{ "text": 1.0 }'],
    ["text that is not UTF-8", { status: 500, body: Buffer.from([0x66, 0xfc, 0x72]) }, '"f\u00fcr"'],
    ["a problem", { status: 503, body: '{"type":"busy", "title":"Busy"}' }, '{"type":"busy", "title":"Busy"}'],
  ];
  it.each(answers)("that answer with %s: the error holds it", async (_what, bad, logged) => {
    const proxy = await proxied(engine.url, ({ path }, answer) => (path === "/v1/stt" ? bad : answer));
    const events = await runBatch({}, proxy.url);
    expect(of(events, "stt", "error").map(({ response }) => response)).toEqual([logged, logged]);
  });
});

describe("servers that speak the OpenAI protocol", () => {
  it("get the logged body, and what they answer is logged beside the translated answer", async () => {
    const direct = await proxied(engine.url);
    const proxy = await proxied(models.url, inItsOwnWords);
    const events = await runBatch(openAi(proxy.url), direct.url);
    for (const stage of ["llm1", "llm2"]) {
      const [seen] = proxy.exchanges.filter(({ request }) => request.includes(`model-of-${stage.toUpperCase()}`));
      expect(of(events, stage, "file_start").map(({ payload }) => payload)).toEqual([seen?.request.toString()]);
      const [done] = of(events, stage, "file_complete");
      expect(bodyOf(done?.response ?? null)).toBe(seen?.response.toString());
      expect(JSON.parse(done?.response ?? "")).toMatchObject({
        answer: { call_id: "c1", engine: { name: "openai-compatible" } },
        body: { choices: [{ finish_reason: "stop" }], usage: { total_tokens: 120 } },
      });
    }
    const [seen] = proxy.exchanges.filter(({ path }) => path.endsWith("transcriptions"));
    const headers = { "content-type": seen?.headers["content-type"] ?? "" };
    const form = await new Response(new Uint8Array(seen?.request ?? []), { headers }).formData();
    const fields = await Promise.all(
      [...form].map(async ([name, value]) => {
        if (typeof value === "string") return [name, value];
        const bytes = new Uint8Array(await value.arrayBuffer());
        return [name, { name: value.name, bytes: bytes.length, sha256: sha256(bytes) }];
      }),
    );
    const logged = (of(events, "stt", "file_start")[0]?.payload ?? "").replace(',"start_s":0,"end_s":10}', "}");
    expect(logged).toBe(JSON.stringify(Object.fromEntries(fields)));
    expect(bodyOf(of(events, "stt", "file_complete")[0]?.response ?? null)).toBe(seen?.response.toString());
    expect(fields[0]?.[1]).toMatchObject({ name: "a.wav", bytes: 44 + 10 * 32_000 });
    expect(await bench?.results.trades(1)).toMatchObject([{ verdict: "CONFIRMED" }]);
    expect(JSON.stringify(events)).not.toContain(KEY);
  });

  it.each(["shares", "1"])(
    "a word in place of a key, as for servers that ask for none, alters no answer: %s",
    async (key) => {
      const proxy = await proxied(models.url);
      const events = await runBatch(openAi(proxy.url, key), engine.url);
      const [seen] = proxy.exchanges.filter(({ path }) => path.endsWith("transcriptions"));
      expect(seen?.headers["authorization"]).toBe(`Bearer ${key}`);
      expect(bodyOf(of(events, "stt", "file_complete")[0]?.response ?? null)).toBe(seen?.response.toString());
      expect(await bench?.results.trades(1)).toMatchObject([{ verdict: "CONFIRMED" }]);
    },
  );

  it("go on from the logged answers in another run", async () => {
    const events = await runBatch(openAi(models.url), engine.url);
    const asked = models.requests.length;
    const { id } = (await bench?.store.currentBatch()) ?? { id: 0 };
    const runtime = new RemoteRuntime(() => [engine.url], bench!.client, {
      slotsPerHost: 1,
    });
    await bench?.run({ folder, runtime, batchId: id });
    expect(models.requests).toHaveLength(asked);
    expect(events.length).toBeGreaterThan(0);
    expect(await bench?.results.trades(id)).toMatchObject([{ verdict: "CONFIRMED" }]);
  });

  const invented = (body: Buffer | string) => body.toString().replaceAll("two hundred shares", "nine hundred shares");
  const answers: [string, (answer: ProxiedAnswer) => ProxiedAnswer][] = [
    ["HTML", () => ({ status: 502, body: "<h1>Bad Gateway</h1>" })],
    ["an error that repeats the key", () => ({ status: 401, body: `{"error": "Incorrect API key ${KEY}", "n": 1.0}` })],
    ["invalid JSON", () => ({ status: 200, body: "{" })],
    ["a body that breaks off", ({ body }) => ({ status: 200, body: body.toString().slice(0, 40), cut: true })],
    ["another shape", () => ({ status: 200, body: '{ "choices": [ ] }' })],
    [
      "text instead of JSON in the message",
      ({ body }) => ({ status: 200, body: body.toString().replace('\\"call_id', "") }),
    ],
    ["an answer that was cut", ({ body }) => ({ status: 200, body: body.toString().replace('"stop"', '"length"') })],
    ["words that nobody said", ({ body }) => ({ status: 200, body: invented(body) })],
  ];
  it.each(answers)("that answer with %s: the error holds the body", async (_what, change) => {
    const proxy = await proxied(models.url, ({ request }, answer) =>
      request.includes("model-of-LLM1") ? change(answer) : answer,
    );
    const events = await runBatch(openAi(proxy.url), engine.url);
    const seen = proxy.exchanges.filter(({ request }) => request.includes("model-of-LLM1"));
    const errors = of(events, "llm1", "error");
    expect(errors).toHaveLength(seen.length);
    for (const [index, { response }] of errors.entries()) {
      const text = seen[index]?.response.toString().replaceAll(KEY, "[key]") ?? "";
      const isJson = (() => {
        try {
          return JSON.parse(text) !== undefined;
        } catch {
          return false;
        }
      })();
      expect(bodyOf(response)).toBe(isJson ? text : JSON.stringify(text));
    }
    expect(JSON.stringify(events)).not.toContain(KEY);
  });
});
