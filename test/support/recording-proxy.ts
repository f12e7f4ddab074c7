/** A proxy in front of engines and model servers that keeps every byte which goes over the wire, and may change answers. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

interface RecordedExchange {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  request: Buffer;
  status: number;
  response: Buffer;
}

/** What the proxy sends back. `cut`: it breaks the connection after the body, which was announced to be longer. */
export interface ProxiedAnswer {
  status: number;
  body: Buffer | string;
  cut?: boolean;
}

export interface RecordingProxy {
  url: string;
  /** In the order in which they were answered; without looks at `/health`. */
  exchanges: RecordedExchange[];
  close(): Promise<void>;
}

/** `change` sees each answer of `target` before it is sent on. */
export async function startRecordingProxy(
  target: string,
  change: (asked: { method: string; path: string; request: Buffer }, answer: ProxiedAnswer) => ProxiedAnswer = (
    _asked,
    answer,
  ) => answer,
): Promise<RecordingProxy> {
  const exchanges: RecordedExchange[] = [];

  async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = "GET", url: path = "/", headers } = incoming;
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const request = Buffer.concat(chunks);
    const type = headers["content-type"];
    const answer = await fetch(target + path, {
      method,
      ...(type !== undefined && { headers: { "content-type": type } }),
      ...(method !== "GET" && { body: new Uint8Array(request) }),
    });
    const plain = { status: answer.status, body: Buffer.from(await answer.arrayBuffer()) };
    if (path === "/health") return void outgoing.writeHead(plain.status).end(plain.body);
    const { status, body, cut } = change({ method, path, request }, plain);
    const response = Buffer.from(body);
    exchanges.push({ method, path, headers, request, status, response });
    outgoing.writeHead(status, { "content-length": response.length + (cut ? 10 : 0) });
    if (!cut) return void outgoing.end(response);
    outgoing.write(response, () => outgoing.destroy());
  }

  const server = createServer((incoming, outgoing) => {
    handle(incoming, outgoing).catch((error: unknown) => outgoing.destroy(error as Error));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    exchanges,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}
