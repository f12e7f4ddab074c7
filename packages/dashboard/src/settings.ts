/** The dashboard's settings, read from the environment and checked, with errors that name the variable. */
import { isIP } from "node:net";
import { Environment, SettingsError } from "@cofi/event-log/environment";
import { accessSettings, type AccessSettings } from "./access/settings.js";
import { phoneCountrySetting, type PhoneCountry } from "@cofi/evidence/phone-number";
import { readTailSettings, type TailSettings } from "@cofi/views/tail-settings";

export interface DashboardSettings extends TailSettings {
  host: string;
  /** 0 lets the system choose. */
  port: number;
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
  access: AccessSettings;
  /** Everybody logs in, also on this machine, and also while there are no users yet. */
  usersLogIn: boolean;
  /** Browsers reach the dashboard by https: cookies are marked Secure. */
  behindTls: boolean;
  /** Addresses or networks of proxies whose `X-Forwarded-For` is believed. */
  trustedProxies: readonly string[];
  /** Of which numbers without a country code are that somebody searches for. */
  phoneCountry: PhoneCountry | null;
}

/**
 * @throws SettingsError that names each wrong variable, its value and the expected one; also when the network would reach a dashboard
 * on which nobody can log in
 */
export function dashboardSettings(variables: NodeJS.ProcessEnv): DashboardSettings {
  const env = new Environment(variables);
  const settings: DashboardSettings = {
    host: env.text("COFI_HOST") ?? "127.0.0.1",
    port: env.wholeNumber("COFI_PORT", 5066, 0, 65_535),
    ...readTailSettings(env),
    requestTimeoutMs: env.wholeNumber("COFI_REQUEST_TIMEOUT_MS", 30_000, 100, 600_000),
    historyLimit: env.wholeNumber("COFI_HISTORY_LIMIT", 500, 1, 5_000),
    eventsPerStage: env.wholeNumber("COFI_EVENTS_PER_STAGE", 20, 1, 500),
    streamBufferBytes: env.wholeNumber("COFI_STREAM_BUFFER_BYTES", 4_194_304, 65_536, 1_073_741_824),
    maxStreams: env.wholeNumber("COFI_MAX_STREAMS", 10_000, 1, 1_000_000),
    heartbeatMs: env.wholeNumber("COFI_STREAM_HEARTBEAT_S", 15, 1, 3_600) * 1_000,
    viewIdleMs: env.wholeNumber("COFI_VIEW_IDLE_S", 600, 1, 86_400) * 1_000,
    rateLimit: env.wholeNumber("COFI_RATE_LIMIT", 6_000, 10, 10_000_000),
    allowedHosts: env.list("COFI_ALLOWED_HOSTS"),
    access: accessSettings(env),
    usersLogIn: env.flag("COFI_LOGIN"),
    behindTls: env.flag("COFI_BEHIND_TLS"),
    trustedProxies: env.list("COFI_TRUSTED_PROXIES"),
    phoneCountry: phoneCountrySetting(env),
  };
  const { host, access, trustedProxies } = settings;
  if (!trustedProxies.every((entry) => isIP(entry.replace(/\/\d{1,3}$/, "")) > 0))
    env.wrong("COFI_TRUSTED_PROXIES", "addresses or networks such as 127.0.0.1,10.0.0.0/8");
  env.check();
  const { accessToken, openId, jwt, isOpen } = access;
  // Users of the database can log in anywhere; whether there are any is known later, so the network is asked for on purpose.
  const isGuarded = accessToken !== null || openId !== null || jwt !== null || isOpen || settings.usersLogIn;
  if (!isGuarded && !isLoopback(host))
    throw new SettingsError(
      `COFI_HOST is ${JSON.stringify(host)}: others on the network could reach the dashboard. Say how they log in: COFI_LOGIN=1 for the ` +
        "users of `cofi user add`, COFI_OIDC_ISSUER for an OpenID provider, or COFI_ACCESS_TOKEN (`openssl rand -hex 24` makes one) for " +
        "viewers. COFI_ALLOW_OPEN=1 makes everybody a viewer, if a proxy in front decides who comes.",
    );
  return settings;
}

/** `localhost`, `127.0.0.0/8` and `::1`, without port or brackets. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
