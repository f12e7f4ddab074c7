/** stt, llm1 and llm2 answered by a real HTTP server that speaks the OpenAI protocol as vLLM and others do. */
import { join } from "node:path";
import type { Json } from "@cofi/event-log/events";
import { sql } from "kysely";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EngineError } from "@cofi/pipeline/engine-error";
import { llm1Response, llm2Response, sttResponse } from "@cofi/pipeline/engine-contract";
import { OpenAiEngines } from "@cofi/pipeline/openai-client";
import { RemoteRuntime } from "@cofi/pipeline/runtime/remote";
import { completion } from "../../../test/support/openai-server.js";
import { startScriptedEngine, type ScriptedEngine } from "../../../test/support/scripted-engine.js";
import { batchWith, CALLS_HEADER } from "./batch-files.js";
import { batchInSqlite, type BatchBench } from "./batch-in-sqlite.js";
import { wavFile } from "./wav-file.js";
import { startModelServer, wellBehaved, type Answer, type Heard, type ModelServerMock } from "./model-server.js";

const KEY = "sk-secret-0123456789";
const TEXT = "Buy two hundred shares of Infosys.";
const never = new AbortController().signal;

let server: ModelServerMock;
let bench: BatchBench;
let engines: OpenAiEngines;
let scripted: ScriptedEngine;

beforeEach(async () => {
  server = await startModelServer("llama.cpp", { apiKey: KEY });
  bench = await batchInSqlite(environment());
  engines = new OpenAiEngines(environment(), 5_000);
  scripted = await startScriptedEngine();
});
afterEach(async () => {
  await engines.close();
  await bench.close();
  await scripted.close();
  await server.close();
});

function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    ["STT", "LLM1", "LLM2"].flatMap((stage) => [
      [`COFI_${stage}_OPENAI_URL`, `${server.url}/v1/`],
      [`COFI_${stage}_OPENAI_MODEL`, `model-of-${stage}`],
      [`COFI_${stage}_OPENAI_API_KEY`, KEY],
    ]),
  );
}

function completed(...of: Parameters<typeof completion>): Answer {
  return { body: completion(...of) };
}

const TRIM = { start_s: 0, end_s: 10 };

async function transcribe(fileName: string, language: string | null) {
  const path = join(await batchWith({ "a.wav": wavFile(10) }), "a.wav");
  const spoken = { fileName, path, language, durationS: 10, trim: TRIM, speech: async () => [] };
  return engines.transcribe(host(), await engines.transcription(spoken, never), spoken, never);
}

const host = () => ({ name: "127.0.0.1", url: server.url });

const extract = (input: Json) => engines.extract(host(), engines.chat("llm1", host(), input), never);

test("a transcription becomes an stt answer in the recording's own time", async () => {
  const { answer } = await transcribe('a "quoted" 😀.mp3', "en");
  expect(sttResponse.parse(answer)).toMatchObject({
    engine: { name: "openai-compatible", model: "model-of-STT" },
    language: "en",
    duration_s: 10,
    text: TEXT,
    segments: [{ id: 0, start_s: 1.5, end_s: 4, text: TEXT }],
  });
  expect(answer.confidence).toBeCloseTo(0.905, 3);
  const [{ path, headers, body }] = server.heard as [Heard];
  expect([path, headers.authorization]).toEqual(["/v1/audio/transcriptions", `Bearer ${KEY}`]);
  const form = await new Response(new Uint8Array(body), {
    headers: { "content-type": headers["content-type"] ?? "" },
  }).formData();
  const file = form.get("file") as File;
  expect([file.name, file.type, file.size]).toEqual(['a "quoted" 😀.wav', "audio/wav", 44 + 10 * 32_000]);
  expect(Object.fromEntries([...form].filter(([name]) => name !== "file"))).toEqual({
    model: "model-of-STT",
    language: "en",
    response_format: "verbose_json",
    "timestamp_granularities[]": "segment",
  });
});

test("a silent recording, and a server that gives text alone", async () => {
  server.script.push(() => ({ body: '{"text":"","segments":[],"duration":3.5,"language":"en"}' }));
  expect((await transcribe("a.wav", null)).answer).toMatchObject({ text: "", segments: [], confidence: null });
  server.script.push(() => ({ body: '{"text":"something was said"}' }));
  await expect(transcribe("a.wav", null)).rejects.toThrow(/no segments/);
});

test("the models are given the schema of the contract, and their answers checked against it", async () => {
  const transcript = { segments: [{ id: 0, start_s: 1.5, end_s: 4, text: TEXT, confidence: 0.9 }] };
  expect(llm1Response.parse((await extract({ call_id: "C1", transcript })).answer).trades).toHaveLength(1);
  const request = JSON.parse(server.heard[0]?.body.toString() ?? "") as {
    model: string;
    response_format: {
      type: string;
      json_schema: { strict: boolean; schema: { required: string[]; additionalProperties: boolean } };
    };
  };
  expect(request.model).toBe("model-of-LLM1");
  expect(request.response_format).toMatchObject({ type: "json_schema", json_schema: { strict: true } });
  expect(request.response_format.json_schema.schema.required).toContain("trades");
  expect(request.response_format.json_schema.schema.additionalProperties).toBe(false);
  const questions = [{ id: "q1", text: "?" }];
  const audited = await engines.audit(host(), engines.chat("llm2", host(), { call_id: "C1", questions }), never);
  expect(llm2Response.parse(audited.answer).answers).toHaveLength(1);

  server.script.push(() => completed("m", "I am sorry, I cannot do that."));
  await expect(extract({ call_id: "C1", transcript })).rejects.toMatchObject({
    type: "no-json",
    fault: "answer",
  });
  server.script.push(() => completed("m", '{"call_id":', "length"));
  await expect(extract({ call_id: "C1", transcript })).rejects.toMatchObject({
    type: "answer-cut",
    fault: "file",
  });
  server.script.push(() => completed("m", { call_id: "C1", trades: "none" }));
  await expect(extract({ call_id: "C1", transcript })).rejects.toMatchObject({
    type: "contract-violated",
    fault: "answer",
  });
});

test("refusals name the setting or the model, and never the key", async () => {
  const refusal = async (status: number, headers = {}): Promise<EngineError> => {
    server.script.push(() => ({ status, headers, body: `{"error":{"message":"Incorrect key ${KEY}"}}` }));
    const error = await transcribe("a.wav", null).catch((reason: unknown) => reason);
    if (!(error instanceof EngineError)) throw error;
    expect(error.message + JSON.stringify(error.response)).not.toContain(KEY);
    return error;
  };
  expect(await refusal(401)).toMatchObject({
    fault: "setting",
    message: expect.stringMatching(/COFI_STT_OPENAI_API_KEY/),
  });
  expect(await refusal(404)).toMatchObject({
    fault: "host",
    message: expect.stringMatching(/answered HTTP 404: Incorrect key \[key\]\. Check COFI_STT_OPENAI_URL/),
  });
  expect(await refusal(429, { "retry-after": "3" })).toMatchObject({ fault: "busy", retryAfterMs: 3_000 });
});

test("settings that cannot be are refused by name", () => {
  const withUrl = (value: string, model = "m") =>
    new OpenAiEngines({ COFI_STT_OPENAI_URL: value, COFI_STT_OPENAI_MODEL: model }, 1_000);
  expect(() => withUrl("nowhere")).toThrow(/COFI_STT_OPENAI_URL holds "nowhere"/);
  expect(() => withUrl("http://user:secret@host/")).toThrow(/user or password/);
  expect(() => withUrl("http://host", "")).toThrow(/COFI_STT_OPENAI_MODEL is not set/);
});

test("a batch with the three stages on such servers: invented words are refused and asked again, the key is nowhere", async () => {
  const folder = await batchWith({
    "a.wav": wavFile(10),
    "calls.csv": `${CALLS_HEADER}\nc1,a.wav,2026-11-20T09:15:00+05:30,10,IN,+919812345678,,2104,D07,C1,2\n`,
    "trades.csv":
      "trade_id,order_time,client_code,client_phones,dealer_id,symbol,side,quantity,price,order_source\n" +
      "t1,2026-11-20T09:17:00+05:30,C1,+919812345678,D07,INFY,BUY,200,1500,DEALER\n",
  });
  const limits = { slotsPerHost: 1 };
  server.script.push(wellBehaved, (request) => {
    const { body } = wellBehaved(request);
    return { body: String(body).replaceAll("two hundred shares", "nine hundred shares") };
  });
  const runtime = new RemoteRuntime(() => [scripted.url], bench.client, limits);
  const { batchId, status } = await bench.run({ folder, runtime });
  expect(status).toBe("completed");
  const events = await bench.events(batchId);
  const errors = events.filter(({ eventType }) => eventType === "error");
  expect(errors.map(({ stage, errorMessage }) => [stage, errorMessage])).toEqual([
    ["llm1", "The model quoted words that are not in the transcript: its answer is refused."],
  ]);
  const answered = events.filter(({ stage, eventType }) => stage === "stt" && eventType === "file_complete");
  expect(answered.map(({ gpuIp }) => gpuIp)).toEqual(["127.0.0.1"]);
  expect(await bench.results.trades(batchId)).toMatchObject([{ verdict: "CONFIRMED", verdictCallId: "c1" }]);
  expect(scripted.requests.filter((request) => /^(?:stt|llm)/.test(request))).toEqual([]);
  for (const table of ["batchExecutionLog", "batchStatus", "transcript", "extractedTrade", "auditAnswer"]) {
    const { rows } = await sql`SELECT * FROM ${sql.table(table)}`.execute(bench.fresh.database.kysely);
    expect(JSON.stringify(rows)).not.toContain(KEY);
  }
  expect(bench.reported.join()).not.toContain(KEY);
  const upload = server.heard.find(({ path }) => path.endsWith("transcriptions"));
  expect(upload?.body.includes("WAVEfmt ")).toBe(true);
});
