/** What stt sends to model servers takes no memory, however many requests are in work, and goes over the wire as it is logged. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdir, readlink, writeFile } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, expect, test } from "vitest";
import { OpenAiEngines } from "@cofi/pipeline/openai-client";
import { batchWith } from "./batch-files.js";
import { serversIn, startModelServer } from "./model-server.js";
import { refusalOf } from "./openai-bench.js";
import { wavFile } from "./wav-file.js";

const REQUESTS = 12;
/** The largest that fits into a request by default: 25 MB. */
const SECONDS = 780;
const MB = 1024 * 1024;
const never = new AbortController().signal;

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

type Answering = (request: IncomingMessage, response: ServerResponse) => void;

/** @returns its URL */
async function serverThat(answers: Answering): Promise<string> {
  const server = createServer(answers).listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Reads no request before all of them have come; says what the SHA-256 of the file in each is. */
function patient(requests: number): Answering {
  const waiting: (() => void)[] = [];
  return (request, response) => {
    const read = async (): Promise<void> => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const file = sha256(await fileIn(request.headers, Buffer.concat(chunks)));
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ text: "", segments: [], language: "en", duration: 1, sha256: file }));
    };
    waiting.push(() => void read());
    if (waiting.length >= requests) for (const next of waiting.splice(0)) next();
  };
}

async function fileIn(headers: IncomingHttpHeaders, body: Buffer): Promise<Buffer> {
  const type = { "content-type": headers["content-type"] ?? "" };
  const form = await new Response(new Uint8Array(body), { headers: type }).formData();
  return Buffer.from(await (form.get("file") as File).arrayBuffer());
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Sends one recording to the first server, so that all code is loaded, and then many to the second. */
const SENDER = `
  const [module, path, folder, first, second, requests, seconds] = process.argv.slice(1);
  const { OpenAiEngines } = await import(module);
  const signal = new AbortController().signal;
  const spoken = {
    fileName: "a.wav", path, durationS: Number(seconds), trim: { start_s: 0, end_s: Number(seconds) },
    language: null, speech: async () => [],
  };
  const send = async (url, times) => {
    const engines = new OpenAiEngines({ COFI_STT_OPENAI_URL: url, COFI_STT_OPENAI_MODEL: "m" }, 600_000, folder);
    const all = [];
    for (let n = 0; n < times; n++) all.push(await engines.transcription(spoken, signal));
    const sent = await Promise.all(all.map((asked) => engines.transcribe({ name: "gpu", url }, asked, spoken, signal)));
    await engines.close();
    const peakMb = process.resourceUsage().maxRSS / 1024;
    return { peakMb, bytes: all[0].file.bytes, same: sent.filter(({ response }, n) => response.text.includes(all[n].file.sha256)).length };
  };
  const one = await send(first, 1);
  const many = await send(second, Number(requests));
  console.log(JSON.stringify({ one, many }));`;

test("the memory of a run does not grow with the requests that it sends", async () => {
  const folder = await batchWith({ "a.wav": wavFile(SECONDS) });
  const module = new URL("../dist/hosts/openai-client.js", import.meta.url).href;
  const servers = [await serverThat(patient(1)), await serverThat(patient(REQUESTS))];
  const settings = [module, join(folder, "a.wav"), folder, ...servers, String(REQUESTS), String(SECONDS)];
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", SENDER, ...settings]);
  const { one, many } = JSON.parse(stdout) as Record<string, { peakMb: number; bytes: number; same: number }>;
  expect(one!.bytes).toBeGreaterThan(23 * MB);
  expect([one!.same, many!.same]).toEqual([1, REQUESTS]);
  // All of them in memory once would be twice as much.
  expect(many!.peakMb - one!.peakMb).toBeLessThan((REQUESTS * one!.bytes) / MB / 2);
});

async function sender(url?: string, seconds = 60) {
  const server = await startModelServer("speaches");
  closing.push(() => server.close());
  const settings = serversIn(["STT"], { urls: [url ?? server.url], model: "Systran/faster-whisper-small" });
  const folder = await batchWith({ "a.wav": wavFile(seconds) });
  const engines = new OpenAiEngines(settings, 5_000, folder);
  closing.push(() => engines.close());
  const path = join(folder, "a.wav");
  const trim = { start_s: 0, end_s: seconds };
  const spoken = { fileName: "a.wav", path, durationS: seconds, trim, language: null, speech: async () => [] };
  return { server, engines, spoken, folder, host: { name: "gpu", url: server.url } };
}

test("a request is sent again, with the same bytes, after one that broke off", async () => {
  const { server, engines, spoken, host } = await sender();
  const asked = await engines.transcription(spoken, never);
  const stopped = new AbortController();
  server.script.push(() => new Promise<never>(() => undefined));
  const hanging = refusalOf(engines.transcribe(host, asked, spoken, stopped.signal));
  await server.asked;
  stopped.abort();
  expect(await hanging).toMatchObject({ type: "stopped" });
  const again = await engines.transcription(spoken, never);
  expect(again).toEqual(asked);
  await engines.transcribe(host, again, spoken, never);
  await engines.transcribe(host, again, spoken, never);
  const { file } = asked as { file: { sha256: string } };
  const sent = await Promise.all(server.heard.map(async ({ headers, body }) => sha256(await fileIn(headers, body))));
  expect(sent).toEqual([file.sha256, file.sha256, file.sha256]);
});

test("a server that refuses before it has read the request is understood, or at fault", async () => {
  const url = await serverThat((_, response) => response.writeHead(413, { connection: "close" }).end("{}"));
  const { engines, spoken } = await sender(url, SECONDS);
  for (let times = 0; times < 3; times++) {
    const asked = await engines.transcription(spoken, never);
    const refusal = await refusalOf(engines.transcribe({ name: "gpu", url }, asked, spoken, never));
    expect([413, null]).toContain(refusal.status);
  }
});

test("what is not the audio that the log speaks of is not sent", async () => {
  const { server, engines, spoken, host } = await sender();
  const asked = await engines.transcription(spoken, never);
  await engines.forget(asked);
  await writeFile(spoken.path, wavFile(30));
  expect(await refusalOf(engines.transcribe(host, asked, spoken, never))).toMatchObject({
    type: "audio-changed",
    fault: "answer",
  });
  expect(server.heard).toEqual([]);
});

/** Files in this folder that are open and have no name. */
async function unnamed(folder: string): Promise<number> {
  const open = await readdir("/proc/self/fd");
  const paths = await Promise.all(open.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => "")));
  return paths.filter((path) => path.startsWith(`${folder}/`) && path.endsWith(" (deleted)")).length;
}

test("audio that was sent, or is not going to be, takes no room", async () => {
  const { engines, spoken, folder, host } = await sender();
  const [sent, unsent] = [await engines.transcription(spoken, never), await engines.transcription(spoken, never)];
  expect(await unnamed(folder)).toBe(2);
  await engines.transcribe(host, sent, spoken, never);
  expect(await unnamed(folder)).toBe(1);
  await engines.forget(unsent);
  expect(await unnamed(folder)).toBe(0);
});
