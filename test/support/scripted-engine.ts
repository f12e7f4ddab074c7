/**
 * A real HTTP server with the engines' contract that answers at once and misbehaves as scripted, for tests of the
 * reaction of the pipeline. One server plays all stages.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

/**
 * What to do with one attempt: answer well, with these fields in place of the usual ones, answer an HTTP status, break off, send
 * garbage, or never answer.
 */
type Behaviour =
  | "ok"
  | Record<string, unknown>
  | "reset"
  | "garbage"
  | "wrong shape"
  | "hang"
  | "trickle"
  | "no such page"
  | "log in"
  | "unknown language"
  | number;

export interface ScriptedOptions {
  /** It has what was put on it and made there, and nothing else, as engines of the contract do; default: it answers about any file. */
  keepsFiles?: boolean;
  /** How long it takes to answer, in ms. */
  tookMs?: (stage: string, file: string) => number;
  /** What each answer waits for; to a file that is put here, the stage is `put original` or `put denoised`. */
  until?: (stage: string, file: string) => Promise<unknown> | undefined;
  /** What it does with each request that no plan is for. */
  always?: (stage: string, file: string) => Behaviour;
  /** Whether it says that it can work; false hangs up. */
  isThere?: () => boolean;
  /** Path of a socket to listen on, in place of a port of this machine. */
  socket?: string;
}

export interface ScriptedEngine {
  url: string;
  /** Of an engine that keeps files: the audio that each answer was about, as `stage file content`. */
  heard: string[];
  /** Loses all its files, or what was made from them. */
  forget(variant?: "denoised"): void;
  /** `POST`s in the order they came, as `stage file`. */
  requests: string[];
  /** The most requests of a stage that were in work at once. */
  most(stage: string): number;
  /** Recordings that were put here, as `file content`, in the order they came. */
  uploads: string[];
  /** The next attempts of a file in a stage, in order; then "ok". The file of llm1 and llm2 is their call_id. */
  plan(stage: string, file: string, ...behaviours: Behaviour[]): void;
  /** Resolves when a request of this stage and file has come. */
  asked(stage: string, file: string): Promise<void>;
  close(): Promise<void>;
}

const ENGINE = { name: "scripted", version: "1", model: "none" };
const TEXT = "please buy two hundred shares of infosys at fifteen hundred rupees";
const EVIDENCE = [{ segment: 0, start_s: 1, end_s: 4, quote: "two hundred shares of infosys" }];

function answer(stage: string, body: Record<string, unknown>): Record<string, unknown> {
  const common = { engine: ENGINE, elapsed_ms: 1 };
  const trim = { start_s: 0, end_s: 10 };
  switch (stage) {
    case "denoise":
      return { ...common, duration_s: 10, sample_rate: 8000, channels: 1, variant: "denoised" };
    case "ivr":
      return { ...common, duration_s: 10, segments: [], dtmf: "", trim, speech_s: 9, speech: [trim] };
    case "lid":
      return { ...common, language: "en", confidence: 0.9, speech_s: 9 };
    case "stt": {
      const segments = [{ id: 0, start_s: 1, end_s: 4, text: TEXT, confidence: 0.9 }];
      return { ...common, language: "en", duration_s: 10, text: TEXT, confidence: 0.9, segments, model: "none" };
    }
    case "llm1": {
      const trade = {
        action: "NEW",
        side: "BUY",
        symbol: "INFY",
        symbol_spoken: "infosys",
        instrument: "EQ",
        quantity: 200,
        unit: "SHARES",
        price_type: "LIMIT",
        price: 1500,
        trigger: null,
        strike: null,
        option_type: null,
        expiry: null,
        read_back: true,
        client_confirmed: true,
        confidence: 0.9,
        evidence: EVIDENCE,
      };
      const client = { name: null, code: null };
      return { ...common, call_id: body["call_id"], language: "en", client_identity: client, trades: [trade] };
    }
    default: {
      const questions = body["questions"] as { id: string }[];
      const answers = questions.map(({ id }) => ({
        question_id: id,
        answer: "YES",
        confidence: 0.9,
        evidence: EVIDENCE,
        rationale: "It was said.",
      }));
      return { ...common, call_id: body["call_id"], answers };
    }
  }
}

export async function startScriptedEngine({
  keepsFiles = false,
  tookMs = () => 0,
  until = () => undefined,
  always = () => "ok",
  isThere = () => true,
  socket,
}: ScriptedOptions = {}): Promise<ScriptedEngine> {
  const plans = new Map<string, Behaviour[]>();
  const requests: string[] = [];
  const uploads: string[] = [];
  const heard: string[] = [];
  /** By file: original and denoised audio. */
  const files = new Map<string, Map<string, Buffer>>();
  const waiting = new Map<string, () => void>();
  const inWork = new Map<string, number>();
  const most = new Map<string, number>();

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!isThere()) return void request.socket.destroy();
    const { pathname: path, searchParams } = new URL(request.url ?? "", "http://engine");
    const variant = searchParams.get("variant") ?? "original";
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const send = (status: number, value: unknown): void => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    };
    if (path === "/health") return send(200, { status: "ok" });
    if (request.method === "DELETE") return void response.writeHead(204).end();
    const missing = (wanted: string, has: ReadonlyMap<string, Buffer> | undefined): void => {
      const type = has?.has("original") && wanted !== "original" ? "variant-missing" : "file-missing";
      send(404, { type, title: "Missing", status: 404, detail: "It is not here" });
    };
    if (request.method === "GET") {
      const has = files.get(decodeURIComponent(path.split("/").at(-1) ?? ""));
      const content = has?.get(variant);
      return content ? void response.end(content) : missing(variant, has);
    }
    if (request.method === "PUT") {
      const name = decodeURIComponent(path.split("/").at(-1) ?? "");
      const has = files.get(name) ?? new Map<string, Buffer>();
      if (variant !== "original" && !has.has("original")) return missing("original", has);
      await until(`put ${variant}`, name);
      files.set(name, has.set(variant, body));
      uploads.push(`${name} ${body.toString()}`);
      return send(201, { bytes: body.length, sha256: createHash("sha256").update(body).digest("hex") });
    }
    const stage = path.replace("/v1/", "");
    const payload = JSON.parse(body.toString()) as Record<string, unknown>;
    const key = `${stage} ${String(payload["file_name"] ?? payload["call_id"])}`;
    requests.push(key);
    const now = (inWork.get(stage) ?? 0) + 1;
    inWork.set(stage, now);
    most.set(stage, Math.max(now, most.get(stage) ?? 0));
    response.on("close", () => inWork.set(stage, (inWork.get(stage) ?? 0) - 1));
    waiting.get(key)?.();
    const file = key.slice(stage.length + 1);
    const behaviour = plans.get(key)?.shift() ?? always(stage, file);
    const afterMs = tookMs(stage, file);
    if (afterMs > 0) await pause(afterMs);
    await until(stage, file);
    if (keepsFiles && behaviour === "ok" && payload["file_name"] !== undefined) {
      const has = files.get(file);
      const wanted = payload["variant"] === "denoised" ? "denoised" : "original";
      const content = has?.get(wanted);
      if (!content) return missing(wanted, has);
      heard.push(`${key} ${content.toString()}`);
      if (stage === "denoise") has?.set("denoised", Buffer.concat([Buffer.from("denoised "), content]));
    }
    if (behaviour === "ok") return send(200, answer(stage, payload));
    if (typeof behaviour === "object") return send(200, { ...answer(stage, payload), ...behaviour });
    if (behaviour === "hang") return undefined;
    if (behaviour === "reset") return void request.socket.destroy();
    if (behaviour === "no such page") return void response.writeHead(404).end("<h1>Not Found</h1>");
    if (behaviour === "log in") return void response.writeHead(302, { location: "/login" }).end();
    if (behaviour === "trickle") {
      response.writeHead(200).write("{");
      const timer = setInterval(() => response.write(" "), 20);
      return void response.on("close", () => clearInterval(timer));
    }
    if (behaviour === "garbage") return void response.writeHead(200).end("<html>no JSON</html>");
    if (behaviour === "unknown language")
      return send(422, { type: "unsupported-language", title: "No model", status: 422, detail: "No model for es." });
    if (behaviour === "wrong shape") return send(200, { engine: ENGINE, elapsed_ms: 1, segments: "none" });
    return send(behaviour, { type: "scripted", title: "Scripted", status: behaviour, detail: "as the test wants it" });
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  if (socket === undefined) server.listen(0, "127.0.0.1");
  else server.listen(socket);
  await once(server, "listening");
  return {
    url: socket === undefined ? `http://127.0.0.1:${(server.address() as AddressInfo).port}` : `unix:${socket}`,
    requests,
    most: (stage) => most.get(stage) ?? 0,
    uploads,
    heard,
    forget(variant) {
      if (variant === undefined) files.clear();
      else for (const has of files.values()) has.delete(variant);
    },
    plan: (stage, file, ...behaviours) => void plans.set(`${stage} ${file}`, behaviours),
    asked(stage, file) {
      const key = `${stage} ${file}`;
      if (requests.includes(key)) return Promise.resolve();
      return new Promise((resolve) => waiting.set(key, resolve));
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
