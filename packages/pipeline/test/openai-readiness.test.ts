/** When a model server is ready, by the habits of each kind. */
import { afterEach, describe, expect, test } from "vitest";
import type { Answer, Kind } from "./model-server.js";
import { MODEL, OpenAiBench, refusalOf } from "./openai-bench.js";

let bench: OpenAiBench | undefined;
afterEach(async () => {
  await bench?.close();
  bench = undefined;
});

describe("readiness", () => {
  const look = async (kind: Kind, options: Parameters<typeof OpenAiBench.start>[1]): Promise<void> => {
    bench = await OpenAiBench.start(kind, options);
    await bench.look();
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
    await expect(look(kind, { model, models, aliases })).resolves.toBeUndefined();
  });

  test.each([
    ["vLLM", "Served", ["served"], /does not have the model Served \(COFI_LLM1_OPENAI_MODEL\); it has served\.$/],
    ["Ollama", "llama3.2:1b", ["llama3.2:latest", "qwen2.5:7b"], /it has llama3\.2:latest, qwen2\.5:7b\.$/],
    ["Ollama", "llama3.2", [], /it has none\.$/],
    ["speaches", "whisper-1", ["Systran/faster-whisper-small"], /it has Systran\/faster-whisper-small\.$/],
    ["llama.cpp", "c", Array.from({ length: 30 }, (_, n) => `m${n}`), /it has m0, .*, m19 and 10 more\.$/],
  ] as [Kind, string, string[], RegExp][])("%s without the model %s: %j", async (kind, model, models, message) => {
    expect(await refusalOf(look(kind, { model, models }))).toMatchObject({
      type: "unknown-model",
      fault: "setting",
      message: expect.stringMatching(message),
    });
  });

  test.each(["vLLM", "Ollama", "speaches"] as Kind[])("%s with another key", async (kind) => {
    expect(await refusalOf(look(kind, { apiKey: "another" }))).toMatchObject({ fault: "setting" });
  });

  const list = (...ids: string[]): Answer => ({ body: { object: "list", data: ids.map((id) => ({ id })) } });
  const restricted = "You have insufficient permissions for this operation. Missing scopes: api.model.read.";
  const forbidden: Answer = { status: 403, body: { error: { message: restricted } } };
  const nowhere: Answer = { status: 404, body: { error: "Not Found" } };
  const ingress: Answer = { status: 503, body: "no healthy upstream" };

  test.each([
    ["a key that may not list models", nowhere, forbidden],
    ["a server that has neither address", nowhere, nowhere],
    ["an ingress that does not pass /health on", ingress, list(MODEL)],
  ])("%s: ready", async (_what, health, models) => {
    bench = await OpenAiBench.start("vLLM");
    bench.server.looked = { "/health": health, "/v1/models": models };
    await expect(bench.look()).resolves.toBeUndefined();
  });

  test.each([
    ["a list without models", nowhere, list(), "gpu-1 is not ready: it lists no model yet."],
    ["an ingress without a server", ingress, ingress, "gpu-1 is not ready: HTTP 503: no healthy upstream."],
    ["a server that is dead", { status: 503, body: "" }, list(MODEL), "gpu-1 is not ready: HTTP 503."],
  ])("%s: not yet", async (_what, health, models, message) => {
    bench = await OpenAiBench.start("vLLM");
    bench.server.looked = { "/health": health, "/v1/models": models };
    const { retryable, message: said } = await refusalOf(bench.look());
    expect([retryable, said]).toEqual([true, message]);
  });

  test("llama.cpp that loads says so, although it lists its model", async () => {
    bench = await OpenAiBench.start("llama.cpp");
    bench.server.loading = 1;
    expect(await refusalOf(bench.look())).toMatchObject({
      fault: "busy",
      message: "gpu-1 is not ready: HTTP 503: Loading model.",
    });
    await expect(bench.look()).resolves.toBeUndefined();
  });
});
