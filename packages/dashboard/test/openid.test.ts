/** Log-in at an OpenID provider, a real one and one that lies. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { freePort } from "../../../test/support/free-port.js";
import {
  CLIENT,
  CookieBrowser,
  startForger,
  startProvider,
  type Forger,
  type OpenIdProvider,
} from "../../../test/support/openid-provider.js";
import { guarded, type Guarded } from "./access-support.js";

let it: Guarded;
let dashboardUrl: string;
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

/** The dashboard's address has to be known to the provider, and the provider's to the dashboard. */
async function serveAt(issuer: string, more: NodeJS.ProcessEnv = {}): Promise<void> {
  it = await guarded("sqlite", {
    COFI_PORT: new URL(dashboardUrl).port,
    COFI_PUBLIC_URL: dashboardUrl,
    COFI_OIDC_ISSUER: issuer,
    COFI_OIDC_CLIENT_ID: CLIENT.id,
    COFI_OIDC_CLIENT_SECRET: CLIENT.secret,
    ...more,
  });
  closing.push(() => it.close());
}

beforeEach(async () => {
  dashboardUrl = `http://127.0.0.1:${await freePort()}`;
});

const who = async (browser: CookieBrowser): Promise<{ status: number; body: unknown }> => {
  const response = await browser.step(`${dashboardUrl}/api/session`, { headers: { accept: "application/json" } });
  return { status: response.status, body: await response.json() };
};

describe("a real provider", () => {
  let provider: OpenIdProvider;
  beforeEach(async () => {
    provider = await startProvider(() => dashboardUrl);
    closing.push(() => provider.close());
  });

  test("lets a user in with the role of its claim, and leads back to the link that was opened", async () => {
    await serveAt(provider.issuer, { COFI_ROLES: "compliance=auditor" });
    provider.account = { sub: "248289761001", email: "ann@example.org", roles: ["staff", "viewer", "compliance"] };
    const browser = new CookieBrowser();
    expect(await (await browser.open(`${dashboardUrl}/?batch=1`)).text()).toContain(
      "/login/openid?next=%2F%3Fbatch%3D1",
    );
    const callback = await browser.upTo(
      `${dashboardUrl}/login/openid?next=%2F%3Fbatch%3D1%23event%3D5`,
      `${dashboardUrl}/login/callback`,
    );
    const back = await browser.step(callback);
    expect([back.status, back.headers.get("location")]).toEqual([303, "/?batch=1#event=5"]);
    expect((await who(browser)).body).toMatchObject({
      who: "ann@example.org (248289761001)",
      role: "auditor",
      way: "session",
    });
    expect((await it.log()).at(-1)).toMatchObject({
      action: "log-in",
      who: "ann@example.org (248289761001)",
      what: "openid",
      role: "auditor",
    });

    const out = await browser.open(`${dashboardUrl}/logout`, { method: "POST" });
    expect((await who(browser)).status).toBe(401);
    const [, url = ""] = /content="0; url=([^"]+)"/.exec(await out.text()) ?? [];
    const ending = await browser.open(url.replaceAll("&#38;", "&"));
    expect(ending.url).toContain(provider.issuer);
    expect(ending.status).toBe(200);
  });

  test("nothing of a log-in works a second time, or in another browser", async () => {
    await serveAt(provider.issuer);
    provider.account = { sub: "1", roles: "admin" };
    const browser = new CookieBrowser();
    const callback = await browser.upTo(`${dashboardUrl}/login/openid`, `${dashboardUrl}/login/callback`);
    // Somebody has got hold of the address with the code.
    const thief = new CookieBrowser();
    expect((await thief.open(callback)).status).toBe(401);
    await thief.step(`${dashboardUrl}/login/openid`);
    expect((await thief.open(callback)).status).toBe(401);
    expect((await who(thief)).status).toBe(401);
    expect((await browser.step(callback)).status).toBe(303);
    expect((await who(browser)).status).toBe(200);
    expect((await browser.step(callback)).status).toBe(401);
    const refused = (await it.log()).filter(({ action }) => action === "log-in-refused");
    expect(refused).toHaveLength(3);
  });

  test("a state that is not this browser's, and a code of another log-in, are refused", async () => {
    await serveAt(provider.issuer);
    provider.account = { sub: "1", roles: "viewer" };
    const [victim, attacker] = [new CookieBrowser(), new CookieBrowser()];
    const own = new URL(await victim.upTo(`${dashboardUrl}/login/openid`, `${dashboardUrl}/login/callback`));
    const foreign = new URL(await attacker.upTo(`${dashboardUrl}/login/openid`, `${dashboardUrl}/login/callback`));
    // The attacker's code under the victim's state: the verifier of PKCE is another one.
    own.searchParams.set("code", foreign.searchParams.get("code") ?? "");
    expect((await victim.open(own.href)).status).toBe(401);
    const again = new URL(await victim.upTo(`${dashboardUrl}/login/openid`, `${dashboardUrl}/login/callback`));
    again.searchParams.set("state", "another");
    expect((await victim.open(again.href)).status).toBe(401);
    expect((await who(victim)).status).toBe(401);
  });

  test("without a role here nobody gets in, and is told so", async () => {
    await serveAt(provider.issuer, { COFI_ROLES_CLAIM: "realm.roles" });
    provider.account = { sub: "7", realm: { roles: ["gardener"] } };
    const browser = new CookieBrowser();
    const refused = await browser.open(`${dashboardUrl}/login/openid`);
    expect(refused.status).toBe(401);
    expect(await refused.text()).toContain("gives you no role here");
    expect((await it.log()).at(-1)).toMatchObject({ action: "log-in-refused", who: "7 (openid)" });
    provider.account = { sub: "7", realm: { roles: ["operator"] } };
    await browser.open(`${dashboardUrl}/login/openid`);
    expect((await who(browser)).body).toMatchObject({ role: "operator" });
  });

  test("a provider that is away is a problem that passes", async () => {
    const issuer = `http://127.0.0.1:${await freePort()}`;
    await serveAt(issuer);
    const away = await new CookieBrowser().step(`${dashboardUrl}/login/openid`);
    expect([away.status, away.headers.get("retry-after")]).toEqual([503, "2"]);
    expect(await away.text()).not.toContain("127.0.0.1");
  });
});

describe("a provider that lies", () => {
  let forger: Forger;
  beforeEach(async () => {
    forger = await startForger();
    closing.push(() => forger.close());
    await serveAt(forger.issuer);
  });

  const LIES: [string, Forger["lie"]][] = [
    ["another issuer", { claims: { iss: "http://127.0.0.1:1" } }],
    ["another audience", { claims: { aud: "another" } }],
    ["several audiences, and another party", { claims: { aud: [CLIENT.id, "another"], azp: "another" } }],
    ["expired", { claims: { exp: 1_000_000_000, iat: 999_999_000 } }],
    ["another nonce", { claims: { nonce: "another" } }],
    ["no nonce", { claims: { nonce: undefined } }],
    ["no algorithm", { header: { alg: "none" } }],
    ["signed by somebody else", { header: { otherKey: true } }],
  ];

  test("the truth is believed", async () => {
    const browser = new CookieBrowser();
    await browser.open(`${dashboardUrl}/login/openid`);
    expect((await who(browser)).body).toMatchObject({ who: "1 (openid)", role: "viewer" });
  });

  test.each(LIES)("%s is refused", async (_what, lie) => {
    forger.lie = lie;
    const browser = new CookieBrowser();
    expect((await browser.open(`${dashboardUrl}/login/openid`)).status).toBe(401);
    expect((await who(browser)).status).toBe(401);
  });
});
