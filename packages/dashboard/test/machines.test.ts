/** Signed tokens of machines. */
import { once } from "node:events";
import { createHmac } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, type JWK } from "jose";
import { afterEach, beforeEach, expect, test } from "vitest";
import { guarded, post, type Guarded } from "./access-support.js";
import { get, until } from "./dashboard-support.js";

const [ISSUER, AUDIENCE] = ["https://issuer.example", "https://cofi.example"];
type Keys = Awaited<ReturnType<typeof generateKeyPair>>;

let it: Guarded;
let server: Server;
let published: JWK[];
let keys: Keys;

beforeEach(async () => {
  keys = await generateKeyPair("RS256", { extractable: true });
  published = [{ ...(await exportJWK(keys.publicKey)), kid: "one", alg: "RS256", use: "sig" }];
  server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ keys: published }));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  it = await guarded("sqlite", {
    COFI_JWT_ISSUER: ISSUER,
    COFI_JWT_AUDIENCE: AUDIENCE,
    COFI_JWT_JWKS_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`,
  });
});
afterEach(async () => {
  await it.close();
  server.closeAllConnections();
  server.close();
});

interface Made {
  claims?: Record<string, unknown>;
  exp?: number | null;
  kid?: string;
  by?: Keys["privateKey"];
}

async function token({ claims = {}, exp, kid = "one", by = keys.privateKey }: Made = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1_000);
  const all = { iss: ISSUER, aud: AUDIENCE, sub: "night-robot", roles: ["operator"], iat: now, ...claims };
  const jwt = new SignJWT(all).setProtectedHeader({ alg: "RS256", kid });
  if (exp !== null) jwt.setExpirationTime(exp ?? now + 300);
  return jwt.sign(by);
}

const ask = (bearer: string) =>
  get<{ who: string }>(`${it.url}/api/session`, { headers: { authorization: `Bearer ${bearer}` } });

test("a machine has the role of its claim, and is named in the access log", async () => {
  const bearer = await token({ claims: { roles: "auditor" } });
  expect((await ask(bearer)).body).toEqual({
    who: "night-robot (token)",
    role: "auditor",
    permissions: ["progress", "contents", "readAll", "pack"],
    way: "bearer",
    loggedIn: false,
  });
  const batch = await it.store.createBatch({ name: "night", folder: null });
  const id = await it.fresh.insertForeign({ batchId: batch.id, stage: "stt", eventType: "info", payload: "{}" });
  const revealed = await fetch(
    `${it.url}/api/events/${id}/reveal`,
    post({ reason: "a report" }, { authorization: `Bearer ${bearer}` }),
  );
  expect(revealed.status).toBe(200);
  expect((await it.log()).at(-1)).toMatchObject({
    who: "night-robot (token)",
    role: "auditor",
    action: "reveal",
    why: "a report",
  });
});

test("a token that is not for this dashboard, not of this issuer, over, or not signed as it must be, opens nothing", async () => {
  const now = Math.floor(Date.now() / 1_000);
  const other = await generateKeyPair("RS256");
  const spki = await exportSPKI(keys.publicKey);
  const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const body = base64({ iss: ISSUER, aud: AUDIENCE, sub: "x", roles: ["admin"], exp: now + 300 });
  const symmetric = `${base64({ alg: "HS256", kid: "one" })}.${body}`;
  const good = await token();
  const [head, , signature] = good.split(".");
  const wrong: Record<string, string> = {
    "another issuer": await token({ claims: { iss: "https://other.example" } }),
    "another audience": await token({ claims: { aud: "https://other.example" } }),
    expired: await token({ exp: now - 60 }),
    "no expiry": await token({ exp: null }),
    "not yet": await token({ claims: { nbf: now + 300 } }),
    "no subject": await token({ claims: { sub: undefined } }),
    "no role": await token({ claims: { roles: ["gardener"] } }),
    "another key": await token({ by: other.privateKey }),
    "an unknown key": await token({ by: other.privateKey, kid: "two" }),
    "no algorithm": `${base64({ alg: "none" })}.${body}.`,
    "the public key as a secret": `${symmetric}.${createHmac("sha256", spki).update(symmetric).digest("base64url")}`,
    "another body": `${head}.${body}.${signature}`,
    nonsense: "a.b.c",
  };
  for (const [what, bearer] of Object.entries(wrong)) expect([what, (await ask(bearer)).status]).toEqual([what, 401]);
  expect((await ask(good)).status).toBe(200);
});

test("keys change: the new one is taken, the old one is not once it is withdrawn", async () => {
  const before = await token();
  expect((await ask(before)).status).toBe(200);
  const next = await generateKeyPair("RS256", { extractable: true });
  published = [{ ...(await exportJWK(next.publicKey)), kid: "two", alg: "RS256", use: "sig" }];
  const after = await token({ by: next.privateKey, kid: "two" });
  await until(async () => (await ask(after)).status === 200, "the new key is taken");
  expect((await ask(before)).status).toBe(401);
});

test("keys that cannot be read are no reason to say that a token is wrong", async () => {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
  expect((await ask(await token())).status).toBe(503);
});

test("the stream of a token ends with it", async () => {
  const now = Date.now();
  const exp = Math.ceil(now / 1_000) + 2;
  const stream = await fetch(`${it.url}/api/stream`, { headers: { authorization: `Bearer ${await token({ exp })}` } });
  expect(stream.status).toBe(200);
  await stream.text();
  expect(Date.now()).toBeGreaterThanOrEqual(exp * 1_000 - 50);
});
