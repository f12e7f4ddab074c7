/** The dashboard's settings, read from the environment and checked, with errors that name the variable. */
import { isIP } from "node:net";
import { SettingsError } from "@cofi/event-log/settings";
import { z } from "zod";

export interface DashboardSettings {
  host: string;
  /** 0 lets the system choose. */
  port: number;
  pollMs: number;
  idlePollMs: number;
  longestTransactionMs: number;
  queryTimeoutMs: number;
  /** ms after which a request without an answer gets 503. */
  requestTimeoutMs: number;
  /** Events that `GET /api/batch/{id}/logs` returns when the caller names no limit. */
  historyLimit: number;
  eventsPerStage: number;
  /** Bytes that may wait for one slow reader of the stream. */
  streamBufferBytes: number;
  maxStreams: number;
  heartbeatMs: number;
  viewIdleMs: number;
  /** Requests a minute and address; streams and 304 answers count too, frames do not. */
  rateLimit: number;
  /** Names that may stand in the `Host` header beside localhost and the bound address; lower case. */
  allowedHosts: readonly string[];
  /** null: no token is asked for. */
  accessToken: string | null;
  /** Browsers reach the dashboard by https: cookies are marked Secure. */
  behindTls: boolean;
  /** Addresses or networks of proxies whose `X-Forwarded-For` is believed. */
  trustedProxies: readonly string[];
}

const empty = (value: unknown): unknown => (typeof value === "string" && value.trim() === "" ? undefined : value);

function whole(fallback: number, least: number, most: number) {
  const expected = `a whole number from ${least} to ${most}`;
  const checked = z
    .string()
    .trim()
    .regex(/^\d{1,15}$/, expected)
    .transform(Number)
    .refine((value) => value >= least && value <= most, expected);
  return z.preprocess(empty, checked.optional()).transform((value) => value ?? fallback);
}

const yesNo = z
  .preprocess(empty, z.enum(["0", "1", "true", "false"], "1 or 0").optional())
  .transform((value) => value === "1" || value === "true");

const list = z
  .string()
  .optional()
  .transform((value) =>
    (value ?? "")
      .split(",")
      .map((entry) => entry.trim().toLowerCase())
      .filter(Boolean),
  );

const ENVIRONMENT = z.object({
  COFI_HOST: z.preprocess(empty, z.string().trim().optional()).transform((value) => value ?? "127.0.0.1"),
  COFI_PORT: whole(5066, 0, 65_535),
  COFI_POLL_MS: whole(25, 5, 60_000),
  COFI_IDLE_POLL_MS: whole(250, 5, 60_000),
  COFI_LONGEST_TRANSACTION_S: whole(60, 1, 86_400),
  COFI_QUERY_TIMEOUT_MS: whole(5_000, 100, 600_000),
  COFI_REQUEST_TIMEOUT_MS: whole(30_000, 100, 600_000),
  COFI_HISTORY_LIMIT: whole(500, 1, 5_000),
  COFI_EVENTS_PER_STAGE: whole(20, 1, 500),
  COFI_STREAM_BUFFER_BYTES: whole(4_194_304, 65_536, 1_073_741_824),
  COFI_MAX_STREAMS: whole(10_000, 1, 1_000_000),
  COFI_STREAM_HEARTBEAT_S: whole(15, 1, 3_600),
  COFI_VIEW_IDLE_S: whole(600, 1, 86_400),
  COFI_RATE_LIMIT: whole(6_000, 10, 10_000_000),
  COFI_ALLOWED_HOSTS: list,
  COFI_ACCESS_TOKEN: z.preprocess(
    empty,
    z.string().trim().min(16, "at least 16 characters (`openssl rand -hex 24` makes one)").optional(),
  ),
  COFI_ALLOW_OPEN: yesNo,
  COFI_BEHIND_TLS: yesNo,
  COFI_TRUSTED_PROXIES: list.refine(
    (entries) => entries.every((entry) => isIP(entry.replace(/\/\d{1,3}$/, "")) > 0),
    "addresses or networks such as 127.0.0.1,10.0.0.0/8",
  ),
});

const SECRET: ReadonlySet<string> = new Set(["COFI_ACCESS_TOKEN"]);

/**
 * @throws SettingsError naming every variable that is wrong, what was found and what is expected; also when the dashboard
 * would be open to the network without a token
 */
export function dashboardSettings(env: NodeJS.ProcessEnv): DashboardSettings {
  const parsed = ENVIRONMENT.safeParse(env);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => {
      const name = String(issue.path[0]);
      const found = SECRET.has(name) ? "too short" : JSON.stringify(env[name]);
      return `${name} is ${found}; expected ${issue.message}.`;
    });
    throw new SettingsError([...new Set(problems)].join("\n"));
  }
  const values = parsed.data;
  const accessToken = values.COFI_ACCESS_TOKEN ?? null;
  if (accessToken === null && !isLoopback(values.COFI_HOST) && !values.COFI_ALLOW_OPEN)
    throw new SettingsError(
      `COFI_HOST is ${JSON.stringify(values.COFI_HOST)}: others on the network could read every recording's data. Set ` +
        "COFI_ACCESS_TOKEN (`openssl rand -hex 24` makes one), or COFI_ALLOW_OPEN=1 when something in front asks who they are.",
    );
  return {
    host: values.COFI_HOST,
    port: values.COFI_PORT,
    pollMs: values.COFI_POLL_MS,
    idlePollMs: Math.max(values.COFI_POLL_MS, values.COFI_IDLE_POLL_MS),
    longestTransactionMs: values.COFI_LONGEST_TRANSACTION_S * 1_000,
    queryTimeoutMs: values.COFI_QUERY_TIMEOUT_MS,
    requestTimeoutMs: values.COFI_REQUEST_TIMEOUT_MS,
    historyLimit: values.COFI_HISTORY_LIMIT,
    eventsPerStage: values.COFI_EVENTS_PER_STAGE,
    streamBufferBytes: values.COFI_STREAM_BUFFER_BYTES,
    maxStreams: values.COFI_MAX_STREAMS,
    heartbeatMs: values.COFI_STREAM_HEARTBEAT_S * 1_000,
    viewIdleMs: values.COFI_VIEW_IDLE_S * 1_000,
    rateLimit: values.COFI_RATE_LIMIT,
    allowedHosts: values.COFI_ALLOWED_HOSTS,
    accessToken,
    behindTls: values.COFI_BEHIND_TLS,
    trustedProxies: values.COFI_TRUSTED_PROXIES,
  };
}

/** `localhost`, `127.0.0.0/8` and `::1`, without port or brackets. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
