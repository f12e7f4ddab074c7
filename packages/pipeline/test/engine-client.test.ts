/** What the client makes of engines that keep the contract, and of those that do not. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { JsonText } from "@cofi/event-log/json-text";
import { EngineClient, type EngineAddress } from "@cofi/pipeline/engine-client";
import { EngineError } from "@cofi/pipeline/engine-error";
import { inventedQuote } from "@cofi/pipeline/engine-contract";

const answer = z.object({ ok: z.boolean() });
const never = new AbortController().signal;

let client: EngineClient;
let folder: string;
let path: string;
const closing: (() => Promise<void>)[] = [];

beforeEach(async () => {
  client = new EngineClient(400);
  folder = await mkdtemp(join(tmpdir(), "cofi-client-"));
  path = join(folder, "recording");
  await writeFile(path, "audio");
});
afterEach(async () => {
  await client.close();
  for (const close of closing.splice(0)) await close();
  await rm(folder, { recursive: true, force: true });
});

async function serving(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<EngineAddress> {
  const server = createServer(handle);
  return listening(server, () => server.closeAllConnections());
}

async function listening(server: Server | ReturnType<typeof createTcpServer>, end: () => void): Promise<EngineAddress> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(async () => {
    end();
    server.close();
    await once(server, "close");
  });
  return { name: "gpu1", url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function ask(engine: EngineAddress, signal = never): Promise<unknown> {
  return client.process(engine, "denoise", { file_name: "a.wav" }, answer, signal);
}

async function errorOf(work: Promise<unknown>): Promise<EngineError> {
  const error = await work.then(
    () => new Error("it succeeded"),
    (reason: unknown) => reason,
  );
  if (error instanceof EngineError) return error;
  throw error;
}

test.each([
  [400, "bad-request", "file"],
  [404, "file-missing", "file"],
  [404, "no-such-page", "host"],
  [413, "file-too-large", "file"],
  [422, "unreadable-audio", "file"],
  [408, "slow", "host"],
  [429, "engine-busy", "busy"],
  [500, "engine-failed", "host"],
  [503, "loading", "busy"],
  [503, "down", "host"],
])("%i %s is the fault of: %s", async (status, type, fault) => {
  const problem = { type, title: "Title", status, detail: "what was found" };
  const engine = await serving((_request, response) => {
    response.writeHead(status, { "content-type": "application/problem+json" }).end(JSON.stringify(problem));
  });
  const error = await errorOf(ask(engine));
  expect(error).toMatchObject({ status, type, fault, response: { text: JSON.stringify(problem) } });
  expect(error.message).toBe(`gpu1 refused the file: what was found (${status} ${type}).`);
});

test("keeps how long a busy engine asks to be left alone", async () => {
  const inAMinute = new Date(Date.now() + 60_000).toUTCString();
  for (const [header, least, most] of [
    ["7", 7_000, 7_000],
    [inAMinute, 30_000, 60_000],
    ["soon", 0, 0],
  ] as const) {
    const engine = await serving((_request, response) => response.writeHead(503, { "retry-after": header }).end("{}"));
    const { retryAfterMs, fault } = await errorOf(ask(engine));
    expect(fault).toBe(header === "soon" ? "host" : "busy");
    expect(retryAfterMs).toBeGreaterThanOrEqual(least);
    expect(retryAfterMs).toBeLessThanOrEqual(most);
  }
});

test.each([302, 401, 403, 404, 413, 502])(
  "a page of a proxy or of another program is the fault of the host, told by its status %i and kept for the log",
  async (status) => {
    const engine = await serving((_request, response) => response.writeHead(status).end("<h1>Not an engine</h1>"));
    expect(await errorOf(ask(engine))).toMatchObject({
      type: `http-${status}`,
      fault: "host",
      response: new JsonText('"<h1>Not an engine</h1>"'),
    });
  },
);

test("an answer that is no JSON, or not what the contract says, is refused with what is wrong", async () => {
  const garbage = await serving((_request, response) => response.end("<html>"));
  expect(await errorOf(ask(garbage))).toMatchObject({
    type: "no-json",
    fault: "host",
    message: "gpu1 returned 200 with invalid JSON.",
    response: { text: '"<html>"' },
  });
  const wrong = await serving((_request, response) => response.end('{"ok":"perhaps"}'));
  const error = await errorOf(ask(wrong));
  expect(error).toMatchObject({ type: "contract-violated", fault: "host", response: { text: '{"ok":"perhaps"}' } });
  expect(error.message).toMatch(/gpu1 .*: ok: .*boolean/);
});

test("ends a request that gets no answer, one that gets half of one, and an upload that nobody reads", async () => {
  const silent = await serving(() => undefined);
  expect(await errorOf(ask(silent))).toMatchObject({ type: "timeout", fault: "host" });
  const half = await serving((_request, response) => response.write('{"ok":'));
  expect(await errorOf(ask(half))).toMatchObject({
    type: "timeout",
    fault: "host",
    message: expect.stringMatching(/The first 6 bytes of a response came\.$/),
    response: { text: JSON.stringify('{"ok":') },
  });
  const sockets: Socket[] = [];
  const deaf = await listening(
    createTcpServer((socket) => {
      sockets.push(socket.on("error", () => undefined));
      socket.pause();
    }),
    () => sockets.forEach((socket) => socket.destroy()),
  );
  await writeFile(path, Buffer.alloc(32 * 1024 * 1024));
  const error = await errorOf(client.upload(deaf, 1, "a.wav", path, never));
  expect(error).toMatchObject({ type: "timeout", fault: "host" });
  expect(error.message).toMatch(/within 0\.4 s \(COFI_ENGINE_TIMEOUT_S\)/);
});

test("a host that breaks off or is not there is worth another try; a stop is told as such", async () => {
  const breaking = await serving((request) => request.socket.destroy());
  expect(await errorOf(ask(breaking))).toMatchObject({ status: null, fault: "host" });
  expect(await errorOf(ask({ name: "gone", url: "http://127.0.0.1:1" }))).toMatchObject({ type: "ECONNREFUSED" });
  const controller = new AbortController();
  const hanging = await serving(() => controller.abort());
  expect(await errorOf(ask(hanging, controller.signal))).toMatchObject({ type: "stopped", fault: "host" });
});

/** Its queue of connections is full and nobody takes any: nothing is heard of one more, as of a host that is cut off. */
async function cutOff(): Promise<EngineAddress> {
  const listen = `
    const server = require("node:net").createServer();
    server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
      console.log(server.address().port);
      process.kill(process.pid, "SIGSTOP");
    });`;
  const stopped = spawn(process.execPath, ["-e", listen], { stdio: ["ignore", "pipe", "inherit"] });
  const [port] = (await once(stopped.stdout, "data")) as [Buffer];
  const first = [connect(Number(port), "127.0.0.1"), connect(Number(port), "127.0.0.1")];
  for (const socket of first) {
    socket.on("error", () => undefined);
    await once(socket, "connect");
  }
  closing.push(async () => {
    for (const socket of first) socket.destroy();
    stopped.kill("SIGKILL");
    await once(stopped, "close");
  });
  return { name: "gpu1", url: `http://127.0.0.1:${Number(port)}` };
}

// A connection is given up after ten seconds; a request that is not waited for any longer ends at once.
test("a request ends when it is stopped, also while its connection is being made", { timeout: 8_000 }, async () => {
  const engine = await cutOff();
  const controller = new AbortController();
  const work = errorOf(ask(engine, controller.signal));
  controller.abort();
  expect(await work).toMatchObject({ type: "stopped" });
  expect(await errorOf(ask(engine, controller.signal))).toMatchObject({ type: "stopped" });
  expect(await errorOf(ask(engine))).toMatchObject({ type: "timeout", fault: "host" });
  const download = client.copyDenoised(engine, engine, 1, "a.wav", never);
  expect(await errorOf(download)).toMatchObject({ type: "timeout", fault: "host" });
  await client.close();
});

test("an upload is refused when what arrived is not what was sent, or the file is gone", async () => {
  const engine = await serving((request, response) => {
    request.resume().on("end", () => response.end(JSON.stringify({ bytes: 5, sha256: "0".repeat(64) })));
  });
  expect(await errorOf(client.upload(engine, 1, "a.wav", path, never))).toMatchObject({
    type: "damaged-upload",
    fault: "host",
  });
  // What the request says is what has to arrive, whatever the file holds by now.
  const known = (sha256: string) => client.upload(engine, 1, "a.wav", path, never, sha256);
  expect(await errorOf(known("1".repeat(64)))).toMatchObject({ type: "damaged-upload" });
  expect((await known("0".repeat(64))).answer.bytes).toBe(5);
  await expect(client.upload(engine, 1, "a.wav", join(folder, "gone.wav"), never)).rejects.toThrow(/ENOENT.*gone\.wav/);
});

test("removes the recordings of a batch; a host that has no such route is named", async () => {
  const asked: string[] = [];
  const engine = await serving((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(request.url === "/files/7" ? 204 : 404).end();
  });
  await client.removeFiles(engine, 7, never);
  expect(asked).toEqual(["DELETE /files/7"]);
  const error = await errorOf(client.removeFiles(engine, 8, never));
  expect(error.message).toBe("gpu1 refused to remove files: HTTP 404 (404 http-404).");
});

test("a quote counts only where it stands in the segment that it names", () => {
  const segments = [
    { id: 0, text: "buy two hundred infosys" },
    { id: 1, text: "at fifteen hundred" },
  ];
  const quoting = (segment: number, quote: string) => [{ evidence: [{ segment, start_s: 0, end_s: 1, quote }] }];
  expect(inventedQuote(quoting(0, "two hundred infosys"), segments)).toBeNull();
  expect(inventedQuote(quoting(1, "two hundred"), segments)).toBe("two hundred");
  expect(inventedQuote(quoting(0, "Two hundred"), segments)).toBe("Two hundred");
  expect(inventedQuote(quoting(5, "buy"), segments)).toBe("buy");
  expect(inventedQuote(quoting(0, " "), segments)).toBe(" ");
});
