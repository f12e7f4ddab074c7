/** OpenID providers for tests: the real one of the package oidc-provider, and one that says whatever it is made to say. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT, type JWK } from "jose";
import { Provider } from "oidc-provider";

export const CLIENT = { id: "cofi", secret: "a-secret-for-the-tests-alone" };

export interface OpenIdProvider {
  issuer: string;
  /** Who logs in next, with which claims. */
  account: { sub: string; [claim: string]: unknown };
  close(): Promise<void>;
}

async function listening(): Promise<{ server: Server; url: string; close: () => Promise<void> }> {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    server,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** @param dashboard the address to which it leads back */
export async function startProvider(dashboard: () => string): Promise<OpenIdProvider> {
  const { server, url: issuer, close } = await listening();
  const { privateKey } = await generateKeyPair("RS256", { extractable: true });
  const it: OpenIdProvider = { issuer, account: { sub: "248289761001" }, close };
  let listener: RequestListener | null = null;

  const provider = (): Provider =>
    new Provider(issuer, {
      clients: [
        {
          client_id: CLIENT.id,
          client_secret: CLIENT.secret,
          token_endpoint_auth_method: "client_secret_post",
          redirect_uris: [`${dashboard()}/login/callback`],
          post_logout_redirect_uris: [`${dashboard()}/login`],
        },
      ],
      jwks: { keys: [jwk] },
      cookies: { keys: ["a key of these tests"] },
      claims: { openid: ["sub"], profile: ["preferred_username", "roles", "realm"], email: ["email"] },
      pkce: { required: () => true },
      features: { devInteractions: { enabled: false } },
      findAccount: (_context: unknown, sub: string) => ({ accountId: sub, claims: () => ({ ...it.account, sub }) }),
      interactions: { url: (_context: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    });
  const jwk: JWK = { ...(await exportJWK(privateKey)), alg: "RS256", use: "sig", kid: "one" };
  let running: Provider | null = null;

  /** Whoever comes is let in, and agrees. */
  const agree = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const op = running!;
    const { prompt, params, session } = await op.interactionDetails(request, response);
    if (prompt.name === "login")
      return op.interactionFinished(
        request,
        response,
        { login: { accountId: it.account.sub } },
        { mergeWithLastSubmission: false },
      );
    const grant = new op.Grant({ accountId: session?.accountId, clientId: params["client_id"] });
    grant.addOIDCScope("openid profile email");
    const consent = { grantId: await grant.save() };
    return op.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true });
  };

  server.on("request", (request, response) => {
    running ??= provider();
    listener ??= running.callback();
    if (request.url?.startsWith("/interaction/")) void agree(request, response);
    else listener(request, response);
  });
  return it;
}

export interface Forger extends OpenIdProvider {
  /** What the next token says instead of the truth. */
  lie: { claims?: Record<string, unknown>; header?: { alg?: "none"; otherKey?: true } };
}

/** A provider that issues tokens for any code, as it is made to. */
export async function startForger(): Promise<Forger> {
  const { server, url: issuer, close } = await listening();
  const [own, other] = await Promise.all([generateKeyPair("RS256", { extractable: true }), generateKeyPair("RS256")]);
  const jwk = { ...(await exportJWK(own.publicKey)), alg: "RS256", use: "sig", kid: "one" };
  let nonce = "";
  const it: Forger = { issuer, account: { sub: "1", roles: ["viewer"] }, lie: {}, close };

  const idToken = async (): Promise<string> => {
    const now = Math.floor(Date.now() / 1_000);
    const claims = { iss: issuer, aud: CLIENT.id, iat: now, exp: now + 300, nonce, ...it.account, ...it.lie.claims };
    if (it.lie.header?.alg === "none") return `${base64({ alg: "none" })}.${base64(claims)}.`;
    const key = it.lie.header?.otherKey ? other.privateKey : own.privateKey;
    return new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: "one" }).sign(key);
  };

  const answer = async ({ url = "" }: IncomingMessage): Promise<{ json?: object; to?: string }> => {
    const { pathname, searchParams } = new URL(url, issuer);
    if (pathname === "/.well-known/openid-configuration")
      return {
        json: {
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          jwks_uri: `${issuer}/keys`,
          response_types_supported: ["code"],
          subject_types_supported: ["public"],
          id_token_signing_alg_values_supported: ["RS256"],
        },
      };
    if (pathname === "/keys") return { json: { keys: [jwk] } };
    if (pathname === "/token")
      return { json: { access_token: "x", token_type: "Bearer", expires_in: 60, id_token: await idToken() } };
    nonce = searchParams.get("nonce") ?? "";
    const back = new URLSearchParams({ code: "any", state: searchParams.get("state") ?? "" });
    return { to: `${searchParams.get("redirect_uri")}?${back.toString()}` };
  };

  server.on("request", (request, response) => {
    void answer(request).then(({ json, to }) =>
      to === undefined
        ? response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(json))
        : response.writeHead(303, { location: to }).end(),
    );
  });
  return it;
}

function base64(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

/** A browser without a page: it keeps cookies by host, and follows where it is led. */
export class CookieBrowser {
  readonly #cookies = new Map<string, Map<string, string>>();

  async open(url: string, init: RequestInit = {}): Promise<Response> {
    let [next, request] = [url, init];
    for (let hops = 0; hops < 20; hops++) {
      const response = await this.step(next, request);
      const location = response.headers.get("location");
      if (location === null) return response;
      await response.body?.cancel();
      [next, request] = [new URL(location, next).href, {}];
    }
    throw new Error(`${url} leads in circles.`);
  }

  /** One request, with the cookies of its host. */
  async step(url: string, init: RequestInit = {}): Promise<Response> {
    const { host } = new URL(url);
    const jar = this.#cookies.get(host) ?? new Map<string, string>();
    this.#cookies.set(host, jar);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await fetch(url, {
      ...init,
      redirect: "manual",
      headers: { accept: "text/html", ...init.headers, cookie },
    });
    for (const set of response.headers.getSetCookie()) {
      const [name = "", value = ""] = (set.split(";", 1)[0] ?? "").split(/=(.*)/s);
      if (value === "") jar.delete(name);
      else jar.set(name, value);
    }
    return response;
  }

  /** Follows up to the first address that begins so, and does not open it. */
  async upTo(url: string, prefix: string): Promise<string> {
    let next = url;
    for (let hops = 0; hops < 20 && !next.startsWith(prefix); hops++) {
      const response = await this.step(next);
      await response.body?.cancel();
      next = new URL(response.headers.get("location") ?? "", next).href;
    }
    return next;
  }
}
