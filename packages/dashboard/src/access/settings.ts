/** The settings of access: who may use the dashboard, and how they say who they are. */
import type { Environment } from "@cofi/event-log/environment";
import { isRole, ROLES, type Role } from "@cofi/access/roles";
import type { SessionTimes } from "@cofi/access/sessions";

/** Claims of a token, and what they mean here. */
export interface ClaimSettings {
  /** Path of the claim with the roles, such as `realm_access.roles`. */
  claim: string;
  /** By its value; a value that is not here means the role of its own name, or nothing. */
  roles: ReadonlyMap<string, Role>;
}

/** An OpenID provider at which users log in. */
export interface OpenIdSettings {
  issuer: string;
  clientId: string;
  /** null: a public client. */
  clientSecret: string | null;
  scope: string;
}

/** Who issues tokens to machines. */
export interface JwtSettings {
  issuer: string;
  audience: string;
  jwksUrl: string;
  algorithms: readonly string[];
}

export interface AccessSettings {
  /** A viewer who knows it needs no name; null: there is none. */
  accessToken: string | null;
  /** Whoever reaches the dashboard is a viewer: a proxy in front decides who does. */
  isOpen: boolean;
  sessions: SessionTimes;
  openId: OpenIdSettings | null;
  jwt: JwtSettings | null;
  claims: ClaimSettings;
  /** Where browsers reach the dashboard, without a slash at the end; null: not set. */
  publicUrl: string | null;
}

const SHORTEST_TOKEN = 16;
/** Asymmetric ones only: with a symmetric one, whoever can check a token can make one. */
const ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"] as const;

/** Reports what is wrong to `env`. */
export function accessSettings(env: Environment): AccessSettings {
  const accessToken = env.text("COFI_ACCESS_TOKEN") ?? null;
  if (accessToken !== null && accessToken.length < SHORTEST_TOKEN)
    env.wrong(
      "COFI_ACCESS_TOKEN",
      `at least ${SHORTEST_TOKEN} characters (\`openssl rand -hex 24\` makes one)`,
      "too short",
    );
  const publicUrl = urlIn(env, "COFI_PUBLIC_URL")?.replace(/\/+$/, "") ?? null;
  const openId = openIdSettings(env);
  if (openId && publicUrl === null)
    env.wrong(
      "COFI_PUBLIC_URL",
      "the address at which browsers reach the dashboard, to which the provider leads back",
      "not set",
    );
  return {
    accessToken,
    isOpen: env.flag("COFI_ALLOW_OPEN"),
    sessions: {
      idleMs: env.wholeNumber("COFI_SESSION_IDLE_M", 720, 1, 525_600) * 60_000,
      longestMs: env.wholeNumber("COFI_SESSION_HOURS", 168, 1, 8_760) * 3_600_000,
    },
    openId,
    jwt: jwtSettings(env),
    claims: { claim: env.text("COFI_ROLES_CLAIM") ?? "roles", roles: roleNames(env) },
    publicUrl,
  };
}

function openIdSettings(env: Environment): OpenIdSettings | null {
  const issuer = urlIn(env, "COFI_OIDC_ISSUER");
  if (issuer === null) return null;
  const clientId = env.text("COFI_OIDC_CLIENT_ID");
  if (clientId === undefined)
    env.wrong("COFI_OIDC_CLIENT_ID", "the id that the provider knows the dashboard by", "not set");
  return {
    issuer,
    clientId: clientId ?? "",
    clientSecret: env.text("COFI_OIDC_CLIENT_SECRET") ?? null,
    scope: env.text("COFI_OIDC_SCOPE") ?? "openid profile email",
  };
}

function jwtSettings(env: Environment): JwtSettings | null {
  const issuer = env.text("COFI_JWT_ISSUER");
  if (issuer === undefined) return null;
  const audience = env.text("COFI_JWT_AUDIENCE");
  if (audience === undefined)
    env.wrong("COFI_JWT_AUDIENCE", "the audience that tokens for the dashboard name", "not set");
  const jwksUrl = urlIn(env, "COFI_JWT_JWKS_URL");
  if (jwksUrl === null) env.wrong("COFI_JWT_JWKS_URL", "the address of the issuer's keys", "not set");
  const algorithms = (env.text("COFI_JWT_ALGORITHMS") ?? "RS256,PS256,ES256,EdDSA")
    .split(",")
    .map((name) => name.trim());
  if (!algorithms.every((name) => ALGORITHMS.some((known) => known === name)))
    env.wrong("COFI_JWT_ALGORITHMS", `some of ${ALGORITHMS.join(", ")}, comma separated`);
  return { issuer, audience: audience ?? "", jwksUrl: jwksUrl ?? "http://localhost", algorithms };
}

/** `cofi-auditors=auditor, staff=viewer` */
function roleNames(env: Environment): Map<string, Role> {
  const roles = new Map<string, Role>();
  for (const pair of (env.text("COFI_ROLES") ?? "").split(",").filter((part) => part.trim() !== "")) {
    const [name = "", role = ""] = pair.split("=").map((part) => part.trim());
    if (name !== "" && isRole(role)) roles.set(name, role);
    else env.wrong("COFI_ROLES", `pairs such as staff=viewer, comma separated; roles are ${ROLES.join(", ")}`);
  }
  return roles;
}

/** An `https:` address; `http:` on this machine alone, since tokens and keys pass there. null: not set, or wrong and reported. */
function urlIn(env: Environment, name: string): string | null {
  const text = env.text(name);
  if (text === undefined) return null;
  const url = URL.canParse(text) ? new URL(text) : null;
  const isSafe =
    url !== null &&
    (url.protocol === "https:" || (url.protocol === "http:" && isLocal(url)) || name === "COFI_PUBLIC_URL");
  if (isSafe && url.username === "" && url.search === "") return text;
  env.wrong(name, "an address that begins with https:// (http:// on this machine alone), without user or query");
  return null;
}

function isLocal({ hostname }: URL): boolean {
  return hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
}
