/** Where requests come from: by which name, and from which page. */
import { isIP } from "node:net";
import type { FastifyRequest } from "fastify";
import { isLoopback, type DashboardSettings } from "../settings.js";

/** Whether the `Host` header names this server, so that a web page elsewhere cannot reach it by pointing its own name at this address (DNS rebinding). */
export function isAllowedHost(header: string | undefined, settings: DashboardSettings): boolean {
  const name = hostName(header);
  if (name === null) return false;
  if (isLoopback(name) || name === settings.host.toLowerCase() || settings.allowedHosts.includes(name)) return true;
  const { publicUrl } = settings.access;
  if (publicUrl !== null && new URL(publicUrl).hostname === name) return true;
  // Bound to every address: a literal address is always this server's, because rebinding needs a name.
  return (settings.host === "0.0.0.0" || settings.host === "::") && isIP(name) > 0;
}

/** What proxies add: the request was somebody else's. */
const FORWARDED = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"] as const;

/** Whether it was made on this machine, by the name of this machine, and no proxy has passed it on. */
export function isFromHere(request: FastifyRequest): boolean {
  const name = hostName(request.headers.host);
  if (name === null || !isLoopback(name) || FORWARDED.some((header) => request.headers[header] !== undefined))
    return false;
  const { remoteAddress = "" } = request.socket;
  return isLoopback(remoteAddress.replace(/^::ffff:/, ""));
}

const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Whether a request that changes something may come from where it does. Browsers say so in `Sec-Fetch-Site`, older ones in `Origin`; programs
 * say neither, and bring no cookies that they were not given.
 */
export function isSameSite({ method, headers }: FastifyRequest, settings: DashboardSettings): boolean {
  if (SAFE_METHODS.has(method)) return true;
  const site = headers["sec-fetch-site"];
  if (site !== undefined) return site === "same-origin" || site === "none";
  const { origin } = headers;
  if (origin === undefined) return true;
  if (!URL.canParse(origin)) return false;
  const { host } = new URL(origin);
  return host === headers.host || origin === settings.access.publicUrl;
}

/** The host without port and brackets, lower case; null when the header is none. */
function hostName(header: string | undefined): string | null {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(header ?? "");
  return (match?.[1] ?? match?.[2])?.toLowerCase().replace(/\.$/, "") ?? null;
}
