import { connect, createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { networkInterfaces } from "node:os";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SettingsError } from "@cofi/event-log/environment";
import { Store } from "@cofi/event-log/store";
import { dashboardSettings } from "@cofi/dashboard/settings";
import { ListenError } from "@cofi/dashboard/server";
import { freshDatabase, type FreshDatabase } from "../../../test/support/databases.js";
import { Feed, pageFolder, problem, removeFolder, startDashboard } from "./dashboard-support.js";

const TOKEN = "correct horse battery staple".replaceAll(" ", "-");
let fresh: FreshDatabase;
let store: Store;
let webRoot: string;
beforeAll(async () => {
  fresh = await freshDatabase("sqlite");
  store = new Store(fresh.database);
  webRoot = await pageFolder();
});
afterAll(async () => {
  await fresh.close();
  await removeFolder(webRoot);
});

async function serving(env: NodeJS.ProcessEnv, work: (url: string) => Promise<void>): Promise<void> {
  const { dashboard, url } = await startDashboard(store, env, { webRoot });
  try {
    await work(url);
  } finally {
    await dashboard.close();
  }
}

/** Status of a GET with exactly these headers: fetch sets Host and, on a conditional request, Cache-Control by itself. */
async function statusOf(
  url: string,
  headers: Record<string, string>,
  address = "127.0.0.1",
): Promise<number | undefined> {
  const { port, pathname } = new URL(url);
  const call = request({ host: address, port, path: pathname, headers });
  call.end();
  const [response] = (await once(call, "response")) as [IncomingMessage];
  response.resume();
  return response.statusCode;
}

const statusFor = (url: string, host: string, address?: string): Promise<number | undefined> =>
  statusOf(`${url}/api/health`, { host }, address);

test("the page, with what browsers may keep, compressed, and a strict policy", () =>
  serving({}, async (url) => {
    const index = await fetch(url, { headers: { "accept-encoding": "br" } });
    expect(index.status).toBe(200);
    expect(index.headers.get("cache-control")).toBe("no-cache");
    expect(index.headers.get("content-encoding")).toBe("br");
    expect(await index.text()).toContain("<title>Cofi</title>");
    const policy = index.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain("unsafe");
    expect(policy).not.toContain("upgrade-insecure-requests");
    expect(index.headers.get("strict-transport-security")).toBeNull();
    const asset = await fetch(`${url}/assets/index-B4d5.js`);
    expect(asset.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    expect(asset.headers.get("content-type")).toContain("javascript");
    const etag = index.headers.get("etag") ?? "";
    expect(await statusOf(url, { host: "localhost", "if-none-match": etag })).toBe(304);
    for (const path of [
      "/assets/nothing.js",
      "/../package.json",
      "/%2e%2e/package.json",
      "/assets/..%2f..%2fetc/passwd",
    ])
      expect((await problem(`${url}${path}`)).status).toBe(404);
  }));

test("without a built page / says how to build it", async () => {
  const { dashboard, url } = await startDashboard(store);
  try {
    expect((await problem(url)).detail).toContain("npm run build");
  } finally {
    await dashboard.close();
  }
});

test("the stream is packed for those who can unpack it, plain for others, and forbids proxies to buffer it", () =>
  serving({}, async (url) => {
    const plain = await fetch(`${url}/api/stream`, { headers: { "accept-encoding": "identity" } });
    expect(plain.headers.get("content-encoding")).toBeNull();
    await plain.body?.cancel();
    const stream = await fetch(`${url}/api/stream`, { headers: { "accept-encoding": "gzip, br" } });
    expect(stream.headers.get("content-encoding")).toBe("gzip");
    expect(stream.headers.get("content-type")).toContain("text/event-stream");
    expect(stream.headers.get("cache-control")).toBe("no-store");
    expect(stream.headers.get("x-accel-buffering")).toBe("no");
    await stream.body?.cancel();
  }));

test("a heartbeat keeps an idle stream open, and closing the dashboard ends it", async () => {
  const { dashboard, url } = await startDashboard(store, { COFI_STREAM_HEARTBEAT_S: "1" });
  const stream = await fetch(`${url}/api/stream`);
  const decoder = new TextDecoder();
  let text = "";
  const reading = (async () => {
    for await (const chunk of stream.body!) {
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      if (text.includes(": still here")) void dashboard.close();
    }
  })();
  await reading;
  expect(text).toMatch(/^retry: \d{4}\n/);
  expect(text).toContain("\n\n: still here\n\n");
  await dashboard.close();
});

test("only requests whose Host names this server are answered", () =>
  serving({ COFI_ALLOWED_HOSTS: "Cofi.example, other.example", COFI_ALLOW_OPEN: "1" }, async (url) => {
    const port = new URL(url).port;
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, "[::1]", "cofi.example", "COFI.example:443"])
      expect([host, await statusFor(url, host)]).toEqual([host, 200]);
    for (const host of [
      "evil.example",
      `localhost.evil.example:${port}`,
      "10.0.0.1",
      "a b",
      "cofi.example@evil.example",
    ])
      expect([host, await statusFor(url, host)]).toEqual([host, 403]);
  }));

test("bound to every address, any address serves but no unknown name", async () => {
  await serving({ COFI_HOST: "0.0.0.0", COFI_ALLOW_OPEN: "1" }, async (url) => {
    const own = Object.values(networkInterfaces())
      .flat()
      .find((address) => address?.family === "IPv4" && !address.internal)?.address;
    const address = own ?? "127.0.0.1";
    expect(await statusFor(url, address, address)).toBe(200);
    expect(await statusFor(url, "evil.example", address)).toBe(403);
  });
});

test("with a token, page, API, docs and stream need it, by header or by the login form's cookie", () =>
  serving({ COFI_ACCESS_TOKEN: TOKEN }, async (url) => {
    for (const path of ["/api/health", "/api/stream", "/docs/json", "/api/nothing", "/assets/index-B4d5.js", "/"]) {
      const locked = await problem(`${url}${path}`);
      expect([path, locked.status]).toEqual([path, 401]);
      expect(locked.headers.get("www-authenticate")).toContain("Bearer");
    }
    const wrong = { authorization: `Bearer ${TOKEN}x` };
    expect((await problem(`${url}/api/health`, { headers: wrong })).status).toBe(401);
    const right = { authorization: `Bearer ${TOKEN}` };
    expect((await fetch(`${url}/api/health`, { headers: right })).status).toBe(200);
    const feed = await new Feed(`${url}/api/stream`, right).ready();
    feed.close();

    const page = await fetch(url, { headers: { accept: "text/html" }, redirect: "manual" });
    expect([page.status, page.headers.get("location")]).toEqual([303, "/login"]);
    const form = await fetch(`${url}/login`);
    expect(await form.text()).toContain('<label for="token">');
    const logIn = (token: string): Promise<Response> =>
      fetch(`${url}/login`, { method: "POST", body: new URLSearchParams({ token }), redirect: "manual" });
    const rejected = await logIn("no");
    expect([rejected.status, rejected.headers.get("set-cookie")]).toEqual([401, null]);
    const accepted = await logIn(TOKEN);
    expect([accepted.status, accepted.headers.get("location")]).toEqual([303, "/"]);
    const [cookie = ""] = accepted.headers.getSetCookie();
    expect(cookie).toMatch(/^cofi_session=[\w-]{43}; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/);
    expect(cookie).not.toContain(TOKEN);
    const session = { cookie: `other=1; ${cookie.split(";")[0]}` };
    expect((await fetch(url, { headers: session })).status).toBe(200);
    expect((await fetch(`${url}/api/health`, { headers: session })).status).toBe(200);
    expect((await problem(`${url}/api/health`, { headers: { cookie: "cofi_session=x" } })).status).toBe(401);
  }));

test.each([
  ["/?batch=5&view=files&text=a%20b", "/?batch=5&view=files&text=a%20b"],
  ["/docs/", "/docs/"],
  ["//evil.example/x", "/"],
  ["https://evil.example/", "/"],
  ["\\\\evil.example", "/"],
  ["/\\evil.example", "/"],
  ["/.//evil.example", "/"],
  ["javascript:alert(1)", "/"],
  ["/x\r\nSet-Cookie: a=b", "/xSet-Cookie:%20a=b"],
])("the log-in for %j leads to %j", (next, target) =>
  serving({ COFI_ACCESS_TOKEN: TOKEN }, async (url) => {
    const path = `${url}/login?${new URLSearchParams({ next })}`;
    const [, action = ""] = /action="([^"]*)"/.exec(await (await fetch(path)).text()) ?? [];
    const body = (token: string): RequestInit => ({ ...post(new URLSearchParams({ token })), redirect: "manual" });
    const wrong = await fetch(`${url}${action}`, body("no"));
    expect([wrong.status, /action="([^"]*)"/.exec(await wrong.text())?.[1]]).toEqual([401, action]);
    const right = await fetch(`${url}${action}`, body(TOKEN));
    expect([right.status, right.headers.get("location")]).toEqual([303, target]);
  }),
);

test("a link that is opened without a session leads to the form and back; its looks need no token; there is a way out", () =>
  serving({ COFI_ACCESS_TOKEN: TOKEN }, async (url) => {
    const opened = await fetch(`${url}/?batch=5&view=files`, { headers: { accept: "text/html" }, redirect: "manual" });
    expect([opened.status, opened.headers.get("location")]).toEqual([
      303,
      "/login?next=%2F%3Fbatch%3D5%26view%3Dfiles",
    ]);
    const form = await (await fetch(`${url}/login`)).text();
    const assets = [...form.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, path]) => path);
    expect(assets).toEqual(["/assets/icon-B4d5.svg", "/assets/index-B4d5.css", "/theme.js", "/login.js"]);
    for (const path of assets) expect([path, (await fetch(`${url}${path}`)).status]).toEqual([path, 200]);
    const accepted = await fetch(`${url}/login`, {
      ...post(new URLSearchParams({ token: TOKEN })),
      redirect: "manual",
    });
    const session = { cookie: accepted.headers.getSetCookie()[0]?.split(";")[0] ?? "" };
    const loggedIn = async (headers: Record<string, string>): Promise<unknown> =>
      (await fetch(`${url}/api/session`, { headers })).json();
    const viewer = { who: "access token", role: "viewer", permissions: ["progress"] };
    expect(await loggedIn(session)).toEqual({ ...viewer, way: "session", loggedIn: true });
    expect(await loggedIn({ authorization: `Bearer ${TOKEN}` })).toEqual({ ...viewer, way: "bearer", loggedIn: false });
    const out = await fetch(`${url}/logout`, { method: "POST", headers: session, redirect: "manual" });
    expect([out.status, out.headers.get("location")]).toEqual([303, "/login"]);
    expect(out.headers.get("set-cookie")).toMatch(/^cofi_session=; Path=\/; Max-Age=0;/);
  }));

const post = (body: URLSearchParams | Blob): RequestInit => ({ method: "POST", body });

test("the form's bodies have a limit", () =>
  serving({ COFI_ACCESS_TOKEN: TOKEN }, async (url) => {
    expect((await problem(`${url}/login`, post(new URLSearchParams({ token: "x".repeat(20_000) })))).status).toBe(413);
    expect((await problem(`${url}/login`, post(new Blob(["x"], { type: "text/csv" })))).status).toBe(415);
  }));

test("too many requests are a problem that says when to retry; the stream is not counted", () =>
  serving({ COFI_RATE_LIMIT: "10" }, async (url) => {
    for (let n = 0; n < 10; n++) await (await fetch(`${url}/api/health`)).text();
    const limited = await problem(`${url}/api/health`);
    expect(limited.status).toBe(429);
    expect(Number(limited.headers.get("retry-after"))).toBeGreaterThan(0);
    const feed = await new Feed(`${url}/api/stream`).ready();
    feed.close();
  }));

test("what is not HTTP is a problem too", () =>
  serving({}, async (url) => {
    const send = async (text: string): Promise<string> => {
      const socket = connect(Number(new URL(url).port), "127.0.0.1");
      socket.end(text);
      let answer = "";
      for await (const chunk of socket) answer += String(chunk);
      return answer;
    };
    expect(await send("nonsense\r\n\r\n")).toMatch(
      /^HTTP\/1\.1 400 [\s\S]*application\/problem\+json[\s\S]*"status":400/,
    );
    expect(await send(`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(20_000)}\r\n\r\n`)).toContain(
      '"status":413',
    );
  }));

test("a port in use is named with the remedy", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  try {
    const starting = startDashboard(store, { COFI_PORT: String(port) });
    await expect(starting).rejects.toThrow(ListenError);
    await expect(starting).rejects.toThrow(new RegExp(`Port ${port} .*in use.*COFI_PORT`));
    await expect(startDashboard(store, { COFI_HOST: "192.0.2.1", COFI_ALLOW_OPEN: "1" })).rejects.toThrow(/COFI_HOST/);
  } finally {
    other.close();
  }
});

function refused(env: NodeJS.ProcessEnv): string {
  try {
    dashboardSettings(env);
  } catch (error) {
    expect(error).toBeInstanceOf(SettingsError);
    return (error as Error).message;
  }
  throw new Error("was accepted");
}

test("settings: defaults, and errors that name the variable, what was found and what is expected", () => {
  expect(dashboardSettings({})).toMatchObject({ host: "127.0.0.1", port: 5066, historyLimit: 500, eventsPerStage: 20 });
  expect(dashboardSettings({ COFI_PORT: " ", COFI_ALLOWED_HOSTS: " A.example ,," })).toMatchObject({
    port: 5066,
    allowedHosts: ["a.example"],
  });
  expect(refused({ COFI_PORT: "http" })).toBe('COFI_PORT is "http"; expected a whole number from 0 to 65535.');
  expect(refused({ COFI_PORT: "70000", COFI_POLL_MS: "0x10" }).split("\n")).toHaveLength(2);
  expect(refused({ COFI_ACCESS_TOKEN: "sesame" })).toMatch(/COFI_ACCESS_TOKEN.*16 characters/);
  expect(refused({ COFI_ACCESS_TOKEN: "sesame" })).not.toContain("sesame");
  expect(refused({ COFI_TRUSTED_PROXIES: "proxy" })).toMatch(/COFI_TRUSTED_PROXIES/);
  expect(refused({ COFI_HOST: "0.0.0.0" })).toMatch(
    /COFI_HOST.*COFI_LOGIN=1.*COFI_OIDC_ISSUER.*COFI_ACCESS_TOKEN.*COFI_ALLOW_OPEN=1/,
  );
  expect(dashboardSettings({ COFI_HOST: "0.0.0.0", COFI_ACCESS_TOKEN: TOKEN }).host).toBe("0.0.0.0");
});
