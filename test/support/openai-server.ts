/** A real HTTP server that speaks the OpenAI protocol as vLLM and others do, and hears an order for 200 INFY in every call. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface OpenAiServer {
  url: string;
  /** Paths, in the order in which they were asked. */
  requests: string[];
  close(): Promise<void>;
}

const TEXT = "Buy two hundred shares of Infosys.";
const EVIDENCE = [{ segment: 0, start_s: 1.5, end_s: 4, quote: "two hundred shares of Infosys" }];
const TRADE = {
  action: "NEW",
  side: "BUY",
  symbol: "INFY",
  symbol_spoken: "Infosys",
  instrument: "EQ",
  quantity: 200,
  unit: "SHARES",
  price_type: "MARKET",
  price: null,
  trigger: null,
  strike: null,
  option_type: null,
  expiry: null,
  read_back: true,
  client_confirmed: true,
  confidence: 0.9,
  evidence: EVIDENCE,
};

/** The body of the answer to a request; whatever name its model is asked by, as llama.cpp. */
export function openAiAnswer(path: string, body: Buffer): string {
  if (path === "/health") return '{"status":"ok"}';
  if (path === "/v1/models")
    return JSON.stringify({ object: "list", data: [{ id: "model.gguf", object: "model", owned_by: "llamacpp" }] });
  if (path === "/v1/audio/transcriptions") {
    const segments = [{ id: 0, start: 1.5, end: 4, text: ` ${TEXT} `, avg_logprob: -0.1 }];
    // vLLM gives the duration as a string.
    return JSON.stringify({ task: "transcribe", language: "english", duration: "60.0", text: ` ${TEXT}`, segments });
  }
  const { model, messages } = JSON.parse(body.toString()) as { model: string; messages: { content: string }[] };
  const { call_id, questions } = JSON.parse(messages[1]?.content ?? "null") as {
    call_id: string;
    questions?: { id: string }[];
  };
  const answers = questions?.map(({ id }) => ({
    question_id: id,
    answer: "YES",
    confidence: 0.9,
    evidence: EVIDENCE,
    rationale: "It was said.",
  }));
  const client_identity = { name: null, code: null };
  return completion(
    model,
    answers ? { call_id, answers } : { call_id, language: "en", client_identity, trades: [TRADE] },
  );
}

/** The body of a chat completion with this content. */
export function completion(model: string, content: unknown, finish = "stop"): string {
  const message = { role: "assistant", content: typeof content === "string" ? content : JSON.stringify(content) };
  const usage = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 };
  return JSON.stringify({ id: "c1", model, choices: [{ index: 0, message, finish_reason: finish }], usage });
}

export async function startOpenAiServer(): Promise<OpenAiServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request
      .on("data", (chunk: Buffer) => chunks.push(chunk))
      .on("end", () => {
        requests.push(request.url ?? "");
        response.writeHead(200, { "content-type": "application/json" });
        response.end(openAiAnswer(request.url ?? "", Buffer.concat(chunks)));
      });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
