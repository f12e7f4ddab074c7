/** Which requests an engine takes: those that name it, with its token. */
import { request } from "node:http";
import { afterEach, expect, test } from "vitest";
import { startEngine, type StartEngineOptions } from "@cofi/engines/engine";
import { temporaryFolder, type Problem } from "./support.js";

const TOKEN = "0123456789abcdef-engines";
const ENGINE = { name: "cofi-files", version: expect.any(String), model: "none" };
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function started(options: Partial<StartEngineOptions>): Promise<URL> {
  const folder = await temporaryFolder();
  cleanups.push(folder.remove);
  const engine = await startEngine("file_distribution", { port: 0, filesDir: folder.path, ...options });
  cleanups.push(engine.close);
  await engine.ready;
  return new URL(engine.url);
}

interface Answer {
  status: number | undefined;
  challenge: string | undefined;
  body: unknown;
}

/** Over loopback, whatever the Host header says. */
function ask(url: URL, path: string, headers: Record<string, string>, method = "GET"): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port: url.port, path, method, headers, agent: false };
    const asking = request(options, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part: string) => (text += part));
      answer.on("end", () => {
        const challenge = answer.headers["www-authenticate"];
        resolve({ status: answer.statusCode, challenge, body: text === "" ? null : JSON.parse(text) });
      });
    });
    asking.on("error", reject).end();
  });
}

test("with a token every route wants it; a look at the health without one says the status alone", async () => {
  const url = await started({ token: TOKEN });
  const bearer = { authorization: `Bearer ${TOKEN}` };
  expect(await ask(url, "/health", bearer)).toMatchObject({
    status: 200,
    body: { status: "ok", stage: "file_distribution", engine: ENGINE },
  });
  expect(await ask(url, "/health", {})).toEqual({ status: 200, challenge: "Bearer", body: { status: "ok" } });
  for (const [method, path] of [
    ["GET", "/files/1/a.wav"],
    ["PUT", "/files/1/a.wav"],
    ["DELETE", "/files/1"],
    ["POST", "/files/1/keep-only"],
    ["POST", "/v1/denoise"],
    ["GET", "/nowhere"],
  ] as const) {
    const { status, body } = await ask(url, path, {}, method);
    expect([method, path, status, (body as Problem).type]).toEqual([method, path, 401, "unauthorized"]);
  }
  expect((await ask(url, "/files/1", bearer, "DELETE")).status).toBe(204);
  for (const wrong of [`Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(1)}`, "Bearer", `Basic ${TOKEN}`, TOKEN]) {
    const answer = await ask(url, "/health", { authorization: wrong });
    expect(answer, wrong).toMatchObject({
      status: 401,
      challenge: "Bearer",
      body: { type: "unauthorized", status: 401 },
    });
    expect(JSON.stringify(answer.body)).not.toContain(TOKEN);
  }
});

test("without a token an engine does not listen beyond loopback, and says what to set", async () => {
  for (const host of ["0.0.0.0", "::", "192.0.2.7", "gpu1"])
    await expect(started({ host }), host).rejects.toThrow(/COFI_ENGINE_TOKEN.*or listen on 127\.0\.0\.1/);
  for (const host of ["127.0.0.1", "localhost"]) expect((await started({ host })).port, host).toMatch(/\d/);
});

test("a request for another host is refused, so that no web page reaches the engine by its own name", async () => {
  const here = await started({});
  const status = async (url: URL, host: string, headers = {}) =>
    (await ask(url, "/health", { host, ...headers })).status;
  for (const host of ["localhost", "LOCALHOST.:81", "127.0.0.1:9", "[::1]:8080"])
    expect(await status(here, host)).toBe(200);
  for (const host of ["evil.example", "localhost.evil.example", "10.0.0.7", "gpu1", "a b", "127.0.0.1@x"])
    expect(await status(here, host), host).toBe(403);
  expect((await ask(here, "/health", { host: "evil.example" })).body).toMatchObject({
    type: "forbidden",
    detail: expect.stringMatching(/COFI_ENGINE_HOSTS/),
  });

  const everywhere = await started({ host: "0.0.0.0", token: TOKEN, hosts: ["gpu1"] });
  // A page whose name was pointed at this address is refused, even where the browser knows the token.
  for (const host of ["10.0.0.7:8080", "[2001:db8::1]", "gpu1:8080"]) expect(await status(everywhere, host)).toBe(200);
  const bearer = { authorization: `Bearer ${TOKEN}` };
  expect(await status(everywhere, "evil.example", bearer)).toBe(403);
});
