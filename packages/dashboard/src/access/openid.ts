/** Log-in at an OpenID provider: authorization code with PKCE, state and nonce (RFC 9700, OpenID Connect Core). */
import * as client from "openid-client";
import type { LogIns } from "@cofi/access/log-ins";
import type { Role } from "@cofi/access/roles";
import { ProblemError } from "../routes/problems.js";
import { hasClaim, roleIn } from "./claims.js";
import type { AccessSettings, OpenIdSettings } from "./settings.js";

/** Where the provider leads back to, and where it leads to after a log-out. */
export const CALLBACK = "/login/callback";
const AFTER_LOG_OUT = "/login";
/** Seconds that an answer of the provider may take. */
const TIMEOUT_S = 10;

/** The log-in cannot be finished. The message is for the user. */
export class LogInRefused extends Error {
  override readonly name = "LogInRefused";
  /** Who it was, where the provider has said so. */
  readonly who: string;

  constructor(message: string, who = "", options?: ErrorOptions) {
    super(message, options);
    this.who = who;
  }
}

export class OpenId {
  readonly #settings: OpenIdSettings;
  readonly #access: AccessSettings;
  readonly #logIns: LogIns;
  #configuration: Promise<client.Configuration> | null = null;

  constructor(settings: OpenIdSettings, access: AccessSettings, logIns: LogIns) {
    this.#settings = settings;
    this.#access = access;
    this.#logIns = logIns;
  }

  /** @returns where to send the browser, and the secret that it must bring back. @throws ProblemError while the provider is away */
  async begin(next: string): Promise<{ url: string; secret: string }> {
    const configuration = await this.#provider();
    const logIn = {
      state: client.randomState(),
      nonce: client.randomNonce(),
      verifier: client.randomPKCECodeVerifier(),
      next,
    };
    const url = client.buildAuthorizationUrl(configuration, {
      redirect_uri: this.#redirectUri,
      scope: this.#settings.scope,
      state: logIn.state,
      nonce: logIn.nonce,
      code_challenge: await client.calculatePKCECodeChallenge(logIn.verifier),
      code_challenge_method: "S256",
    });
    return { url: url.href, secret: await this.#logIns.begin(logIn) };
  }

  /**
   * @param query of the request that the provider has led the browser to
   * @param secret of the browser that began; the log-in is taken, so nothing of it works a second time
   * @throws LogInRefused; ProblemError while the provider is away
   */
  async finish(query: string, secret: string | undefined): Promise<{ who: string; role: Role; next: string }> {
    const logIn = secret === undefined ? null : await this.#logIns.take(secret);
    if (!logIn) throw new LogInRefused("This log-in was not begun in this browser, is over, or took too long.");
    const configuration = await this.#provider();
    try {
      const tokens = await client.authorizationCodeGrant(configuration, new URL(`${this.#redirectUri}${query}`), {
        pkceCodeVerifier: logIn.verifier,
        expectedState: logIn.state,
        expectedNonce: logIn.nonce,
        idTokenExpected: true,
      });
      const claims = await this.#claims(configuration, tokens);
      const who = nameIn(claims);
      const role = roleIn(claims, this.#access.claims);
      if (role === null)
        throw new LogInRefused(
          `The provider has let you in, but the claim "${this.#access.claims.claim}" gives you no role here. Ask an administrator.`,
          who,
        );
      return { who, role, next: logIn.next };
    } catch (error) {
      if (error instanceof LogInRefused || error instanceof ProblemError) throw error;
      throw new LogInRefused("The provider's answer was not accepted. Log in again.", "", { cause: error });
    }
  }

  /** Where to send the browser so that the provider ends its own session; null when it has no such page, or is away. */
  async logOutUrl(): Promise<string | null> {
    try {
      const configuration = await this.#provider();
      if (configuration.serverMetadata().end_session_endpoint === undefined) return null;
      return client.buildEndSessionUrl(configuration, {
        post_logout_redirect_uri: `${this.#access.publicUrl ?? ""}${AFTER_LOG_OUT}`,
      }).href;
    } catch (error) {
      // The session here has ended, whatever the provider does.
      if (error instanceof ProblemError) return null;
      throw error;
    }
  }

  get #redirectUri(): string {
    return `${this.#access.publicUrl ?? ""}${CALLBACK}`;
  }

  /** Some providers put the roles into the ID token, others tell them when they are asked. */
  async #claims(
    configuration: client.Configuration,
    tokens: client.TokenEndpointResponse & client.TokenEndpointResponseHelpers,
  ): Promise<{ sub: string; [claim: string]: unknown }> {
    const claims = tokens.claims();
    if (!claims) throw new LogInRefused("The provider has sent no ID token.");
    const hasEndpoint = configuration.serverMetadata().userinfo_endpoint !== undefined;
    if (hasClaim(claims, this.#access.claims) || !hasEndpoint) return claims;
    const more = await client.fetchUserInfo(configuration, tokens.access_token, claims.sub);
    return { ...claims, ...more, sub: claims.sub };
  }

  async #provider(): Promise<client.Configuration> {
    this.#configuration ??= this.#discover();
    try {
      return await this.#configuration;
    } catch (error) {
      this.#configuration = null;
      throw new ProblemError(
        "unavailable",
        "The OpenID provider (COFI_OIDC_ISSUER) does not answer. Try again in a moment.",
        {
          cause: error,
        },
      );
    }
  }

  async #discover(): Promise<client.Configuration> {
    const { issuer, clientId, clientSecret } = this.#settings;
    const server = new URL(issuer);
    const configuration = await client.discovery(
      server,
      clientId,
      undefined,
      clientSecret === null ? client.None() : client.ClientSecretPost(clientSecret),
      { timeout: TIMEOUT_S, execute: server.protocol === "http:" ? [client.allowInsecureRequests] : [] },
    );
    // Signatures are checked too, though the tokens come from the provider itself.
    client.enableNonRepudiationChecks(configuration);
    return configuration;
  }
}

/** `ann@example.org (248289761001)`: for people, and the subject, which nobody can choose. No user of the database has such a name. */
function nameIn({ sub, preferred_username: preferred, email }: { sub: string; [claim: string]: unknown }): string {
  const name = [email, preferred].find(
    (one): one is string => typeof one === "string" && one !== "" && one.length <= 100,
  );
  return name === undefined || name === sub ? `${sub} (openid)` : `${name} (${sub})`;
}
