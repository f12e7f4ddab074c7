/** The token that engines ask for: sent to them, and found nowhere else. */
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { SettingsError } from "@cofi/event-log/environment";
import { startEngine } from "@cofi/engines/engine";
import { EngineError } from "@cofi/pipeline/engine-error";
import { engineToken } from "@cofi/pipeline/engine-token";
import { LocalProcessRuntime } from "@cofi/pipeline/runtime/local-process";
import { RemoteRuntime } from "@cofi/pipeline/runtime/remote";
import { batchInSqlite, type BatchBench } from "./batch-in-sqlite.js";

const COFI = fileURLToPath(new URL("../../cli/bin/cofi.js", import.meta.url));
const TOKEN = "f00dfacef00dfacef00dface";
const never = new AbortController().signal;
const limits = { slotsPerHost: 1, engineStartTimeoutMs: 60_000 };

let bench: BatchBench;
let told: string[];
const closing: (() => Promise<unknown>)[] = [];
const listener = {
  info: (message: string, metadata: object) => void told.push(message + JSON.stringify(metadata)),
  error: (message: string, metadata: object) => void told.push(message + JSON.stringify(metadata)),
};

beforeEach(async () => {
  bench = await batchInSqlite();
  told = [];
});
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
  await bench.close();
});

async function engineWithToken(): Promise<string> {
  const filesDir = join(bench.dataDir, "files");
  const engine = await startEngine("file_distribution", { port: 0, filesDir, token: TOKEN });
  closing.push(engine.close);
  await engine.ready;
  return engine.url;
}

function local(token?: string): LocalProcessRuntime {
  const files = join(bench.dataDir, "files");
  const args = [COFI, "engine", "file_distribution", "--files-dir", files, "--until-stdin-closes"];
  return new LocalProcessRuntime({
    ...limits,
    command: () => ({ file: process.execPath, args }),
    files: { place: "folder:test", description: "a folder of the test" },
    client: bench.client,
    token,
    attempts: 3,
  });
}

test("an engine on a host of its own is asked with the token, and says which setting is wrong with another or none", async () => {
  const url = await engineWithToken();
  const start = async (token?: string) =>
    (await new RemoteRuntime(() => [url], bench.client, { ...limits, token }).start("denoise")).hosts[0]!;
  const host = await start(TOKEN);
  await host.look!(never);
  await bench.client.removeFiles(host, 1, never);
  await expect((await start()).look!(never)).rejects.toThrow(
    /asks for a token, and none is set\. Set COFI_ENGINE_TOKEN/,
  );
  await expect((await start(`${TOKEN}0`)).look!(never)).rejects.toThrow(
    /COFI_ENGINE_TOKEN of the pipeline.*\(401 unauthorized\)/,
  );
});

test("engines that the pipeline starts get a token by the environment, another one for each run", async () => {
  const tokens = await Promise.all(
    [undefined, undefined, TOKEN].map(async (token) => {
      const engines = await local(token).start("file_distribution", 1, listener, never);
      closing.push(() => engines.stop());
      const host = engines.hosts[0]!;
      await bench.client.removeFiles(host, 1, never);
      expect((await fetch(`${host.url}/files/1`, { method: "DELETE" })).status).toBe(401);
      return host.token!;
    }),
  );
  expect(tokens[2]).toBe(TOKEN);
  expect(new Set(tokens).size).toBe(3);
  const pids = told.map((line) => Number(/"pid":(\d+)/.exec(line)?.[1]));
  expect(pids).toHaveLength(3);
  for (const pid of pids) {
    const commandLine = await readFile(`/proc/${pid}/cmdline`, "utf8");
    for (const secret of tokens) expect(commandLine + told.join()).not.toContain(secret);
  }
});

test("what a host says of the token is not kept", async () => {
  const seen: (string | undefined)[] = [];
  const echo = createServer((request, response) => {
    seen.push(request.headers.authorization);
    request.resume().on("end", () => {
      const detail = `you sent ${request.headers.authorization}`;
      response.writeHead(500).end(JSON.stringify({ type: "broken", title: detail, detail }));
    });
  }).listen(0, "127.0.0.1");
  await once(echo, "listening");
  closing.push(async () => void echo.close());
  const url = `http://127.0.0.1:${(echo.address() as AddressInfo).port}`;
  const engine = { name: "gpu1", url, token: TOKEN };
  const path = join(bench.dataDir, "a.wav");
  await writeFile(path, "audio");
  const { client } = bench;
  const requests = [
    client.health(engine, never),
    client.upload(engine, 1, "a.wav", path, never),
    client.process(engine, "stt", {}, z.object({}), never),
    client.removeFiles(engine, 1, never),
    client.copyDenoised(engine, engine, 1, "a.wav", never),
  ];
  for (const one of await Promise.allSettled(requests)) {
    const { message, response } = (one as PromiseRejectedResult).reason as EngineError;
    expect(message).toContain("you sent Bearer [key]");
    expect(JSON.stringify([message, String((response as { text: string }).text)])).not.toContain(TOKEN);
  }
  expect(seen).toEqual(Array(5).fill(`Bearer ${TOKEN}`));
});

test("a token that cannot be one is refused by name, and not repeated", () => {
  expect(engineToken({})).toBeUndefined();
  expect(engineToken({ COFI_ENGINE_TOKEN: ` ${TOKEN} ` })).toBe(TOKEN);
  for (const wrong of ["five-chars", "sixteen letters and spaces", `${TOKEN}ü`]) {
    const read = (): unknown => engineToken({ COFI_ENGINE_TOKEN: wrong });
    expect(read).toThrow(SettingsError);
    expect(read).toThrow(/^COFI_ENGINE_TOKEN is too short.*openssl rand -hex 24/);
    expect(read).not.toThrow(wrong);
  }
});
