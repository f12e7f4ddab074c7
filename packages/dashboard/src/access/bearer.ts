/** Credentials in the header `Authorization: Bearer`: the access token, and signed tokens (JWT) of machines. */
import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload } from "jose";
import { isSame, sha256 } from "@cofi/access/secrets";
import type { Role } from "@cofi/access/roles";
import { ProblemError } from "../routes/problems.js";
import { roleIn } from "./claims.js";
import type { Principal } from "./principal.js";
import type { AccessSettings, JwtSettings } from "./settings.js";

/** How far the clocks of issuer and dashboard may differ, in seconds. */
const CLOCK_TOLERANCE_S = 5;
/** ms: an issuer that is asked for its keys has to answer; and so long it is not asked again for a key that it does not have. */
const [KEYS_TIMEOUT_MS, KEYS_COOLDOWN_MS] = [5_000, 1_000];
/** Credentials that were right: whoever has one is not slowed down by those who guess from the same address. */
const MOST_REMEMBERED = 1_000;

export class Bearer {
  readonly #settings: AccessSettings;
  readonly #keys: ReturnType<typeof createRemoteJWKSet> | null;
  readonly #right = new Set<string>();

  constructor(settings: AccessSettings) {
    this.#settings = settings;
    this.#keys = settings.jwt
      ? createRemoteJWKSet(new URL(settings.jwt.jwksUrl), {
          timeoutDuration: KEYS_TIMEOUT_MS,
          cooldownDuration: KEYS_COOLDOWN_MS,
        })
      : null;
  }

  /** Whether there is any credential that could be right. */
  get isConfigured(): boolean {
    return this.#settings.accessToken !== null || this.#settings.jwt !== null;
  }

  /** Whether this credential was right before. */
  isRemembered(credential: string): boolean {
    return this.#right.has(sha256(credential));
  }

  /** null for a wrong credential. @throws ProblemError when the issuer's keys cannot be read */
  async principalOf(credential: string): Promise<Principal | null> {
    const { accessToken, jwt } = this.#settings;
    const principal =
      accessToken !== null && isSame(credential, accessToken)
        ? viewer()
        : jwt && this.#keys
          ? await this.#machine(credential, jwt, this.#keys)
          : null;
    if (principal) this.#remember(sha256(credential));
    return principal;
  }

  async #machine(
    token: string,
    { issuer, audience, algorithms }: JwtSettings,
    keys: ReturnType<typeof createRemoteJWKSet>,
  ): Promise<Principal | null> {
    let payload: JWTPayload;
    try {
      ({ payload } = await jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms: [...algorithms],
        requiredClaims: ["exp", "sub"],
        clockTolerance: CLOCK_TOLERANCE_S,
      }));
    } catch (error) {
      if (isWrongToken(error)) return null;
      throw new ProblemError(
        "unavailable",
        "The keys of the tokens' issuer (COFI_JWT_JWKS_URL) cannot be read. Try again in a moment.",
      );
    }
    const role: Role | null = roleIn(payload, this.#settings.claims);
    if (role === null || payload.sub === undefined || payload.exp === undefined) return null;
    // Marked, so that it is no name of a user.
    return { who: `${payload.sub} (token)`, role, way: "bearer", sessionId: null, expiresAt: payload.exp * 1_000 };
  }

  #remember(hash: string): void {
    this.#right.add(hash);
    const [oldest] = this.#right;
    if (this.#right.size > MOST_REMEMBERED && oldest !== undefined) this.#right.delete(oldest);
  }
}

/** Whoever knows the access token. */
function viewer(): Principal {
  return { who: "access token", role: "viewer", way: "bearer", sessionId: null, expiresAt: null };
}

/** The token is to blame, and not the way to the issuer. */
function isWrongToken(error: unknown): boolean {
  return (
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWTExpired ||
    error instanceof errors.JWTClaimValidationFailed ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JOSEAlgNotAllowed ||
    error instanceof errors.JOSENotSupported ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys
  );
}
