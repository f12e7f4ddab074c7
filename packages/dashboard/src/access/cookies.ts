/** The cookies of access. */
import type { FastifyRequest } from "fastify";

export interface Cookie {
  name: "session" | "log-in" | "device";
  value: string;
  /** 0 removes it. */
  seconds: number;
}

/**
 * SameSite=Lax: a link in a message opens for those who are logged in, and the provider leads back to a page that knows them. A request that
 * changes something has to say that it comes from this page (`same-site.ts`).
 */
export function setCookie({ name, value, seconds }: Cookie, behindTls: boolean): string {
  return `${nameOf(name, behindTls)}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Lax${behindTls ? "; Secure" : ""}`;
}

export function readCookie(request: FastifyRequest, name: Cookie["name"], behindTls: boolean): string | undefined {
  const wanted = nameOf(name, behindTls);
  for (const pair of (request.headers.cookie ?? "").split(";")) {
    const [given, value] = pair.trim().split("=", 2);
    if (given === wanted && value) return value;
  }
  return undefined;
}

/** With the prefix, browsers take it from this very host alone (RFC 6265bis): no neighbour can put one in. */
function nameOf(name: Cookie["name"], behindTls: boolean): string {
  return `${behindTls ? "__Host-" : ""}cofi_${name.replace("-", "_")}`;
}
