/** `cofi run` with model servers for a stage: they are asked in place of its engines. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runCofi } from "../support/cofi.js";
import { startOpenAiServer, type OpenAiServer } from "../support/openai-server.js";
import { startScriptedEngine, type ScriptedEngine } from "../support/scripted-engine.js";

let engine: ScriptedEngine;
let models: OpenAiServer;
let root: string;

beforeEach(async () => {
  engine = await startScriptedEngine();
  models = await startOpenAiServer();
  root = await mkdtemp(join(tmpdir(), "cofi-models-"));
  const call = "C1,a.wav,2026-11-20T09:00:00Z,10,IN,+919810000000,,,D1,AB1,1";
  await writeFile(join(root, "a.wav"), "audio");
  await writeFile(
    join(root, "calls.csv"),
    `call_id,file_name,start_time,duration_s,direction,caller_number,callee_number,extension,dealer_id,client_code,channels\n${call}\n`,
  );
  await writeFile(
    join(root, "trades.csv"),
    "trade_id,order_id,order_time,trade_time,client_code,client_phones,dealer_id,symbol,side,quantity,price,order_source\n" +
      "T1,,2026-11-20T09:00:05Z,,AB1,+919810000000,D1,INFY,BUY,200,1500,DEALER\n",
  );
});
afterEach(async () => {
  await engine.close();
  await models.close();
  await rm(root, { recursive: true, force: true });
});

test("engines and model servers, each for its stages", async () => {
  const stages = ["FILE_DISTRIBUTION", "DENOISE", "IVR", "LID", "STT", "LLM1", "LLM2"];
  const { code, output } = await runCofi(["run", root], {
    ...Object.fromEntries(stages.map((stage) => [`COFI_ENGINE_${stage}_URLS`, engine.url])),
    COFI_LLM1_OPENAI_URL: `${models.url}/v1`,
    COFI_LLM1_OPENAI_MODEL: "a-model",
    COFI_DATA_DIR: join(root, "data"),
    COFI_ATTEMPTS: "2",
    COFI_RETRY_DELAY_MS: "1",
  });
  // The words that the server quotes are not those of the scripted engine: it is asked twice, and the file fails.
  expect(models.requests).toEqual(["/health", "/v1/models", "/v1/chat/completions", "/v1/chat/completions"]);
  expect(engine.requests.filter((request) => request.startsWith("llm1"))).toEqual([]);
  expect(output).toMatch(/No file got an answer/);
  expect(code).toBe(1);
});
