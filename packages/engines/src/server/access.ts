/**
 * Which requests an engine takes. The `Host` header must name this engine, so that a web page elsewhere cannot reach it by
 * pointing its own name at this address (DNS rebinding). With a token every request must carry it; only a look at the health
 * may come without, as load balancers send it, and then learns no more than the status.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { isIP } from "node:net";
import type { FastifyReply, FastifyRequest } from "fastify";
import { EngineProblem } from "./problem.js";

export interface EngineAccess {
  /** Shared by all engines and the pipeline. Without one the engine listens on loopback addresses only. */
  token?: string | undefined;
  /** Names under which the engine is reached, beside those of loopback and the address that it listens on; lower case. */
  hosts?: readonly string[] | undefined;
}

/** The engine would be open to the network. The message says what to set. */
class OpenEngineError extends Error {
  override readonly name = "OpenEngineError";
}

const EVERY_ADDRESS = new Set(["0.0.0.0", "::", ""]);

export class Guard {
  readonly #token: Buffer | null;
  readonly #names: Set<string>;
  /** It listens on every address of the machine. */
  #isEverywhere = false;

  constructor({ token, hosts = [] }: EngineAccess) {
    this.#token = token === undefined ? null : digest(token);
    this.#names = new Set(hosts);
  }

  /** To be called before the engine listens on `host`. @throws OpenEngineError for an address beyond loopback without a token */
  listensOn(host: string): void {
    const name = host.toLowerCase();
    if (this.#token === null && !isLoopback(name))
      throw new OpenEngineError(
        `The engine was asked to listen on ${JSON.stringify(host)}, where others on the network could read the recordings. ` +
          "Set COFI_ENGINE_TOKEN to the same value for the engines and the pipeline (`openssl rand -hex 24` makes one), or listen on 127.0.0.1.",
      );
    if (EVERY_ADDRESS.has(name)) this.#isEverywhere = true;
    else this.#names.add(name);
  }

  /** @throws EngineProblem 403 `forbidden` for another host, 401 `unauthorized` for a token that is missing or wrong */
  check(request: FastifyRequest, reply: FastifyReply): void {
    if (!this.#isThis(request.headers.host))
      throw new EngineProblem(
        403,
        "forbidden",
        "The request is for another host",
        "The Host header does not name this engine. Add the name to COFI_ENGINE_HOSTS of the engine if it is yours.",
      );
    if (this.#token === null) return;
    const { authorization } = request.headers;
    if (authorization === undefined && request.routeOptions.url === "/health") {
      // Says that there is more to see with a token (RFC 9110, 11.6.1): a client without one notices at once.
      reply.header("www-authenticate", "Bearer");
      return;
    }
    if (this.knows(request)) return;
    reply.header("www-authenticate", "Bearer");
    throw new EngineProblem(
      401,
      "unauthorized",
      "The token is missing or wrong",
      "This engine answers requests that carry its token, as `Authorization: Bearer …`. Set COFI_ENGINE_TOKEN of the pipeline to that of the engine.",
    );
  }

  /** Whether the sender may know all that the engine says about itself. */
  knows({ headers }: FastifyRequest): boolean {
    if (this.#token === null) return true;
    const given = /^Bearer +(\S+)$/i.exec(headers.authorization ?? "")?.[1];
    // Digests have one length, and are compared in a time that does not depend on where they differ.
    return given !== undefined && timingSafeEqual(digest(given), this.#token);
  }

  #isThis(header: string | undefined): boolean {
    const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(header ?? "");
    const name = (match?.[1] ?? match?.[2])?.toLowerCase().replace(/\.$/, "");
    if (name === undefined) return false;
    // A literal address is this machine's, because rebinding needs a name.
    return isLoopback(name) || this.#names.has(name) || (this.#isEverywhere && isIP(name) > 0);
  }
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
