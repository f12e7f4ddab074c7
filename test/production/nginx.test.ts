/** The nginx example of deploy/ does not hold back the stream: Debian's nginx runs with it in front of real servers. */
import { once } from "node:events";
import { createServer, request, type IncomingMessage } from "node:http";
import { afterEach, expect, test } from "vitest";
import { Feed, run, until } from "../../packages/dashboard/test/dashboard-support.js";
import { startNginx } from "../support/nginx.js";

const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function get(url: string, host: string): Promise<IncomingMessage> {
  const [response] = (await once(request(url, { headers: { host } }).end(), "response")) as [IncomingMessage];
  return response.resume();
}

test("events reach a browser behind nginx as they are logged, while the stream stays open", async () => {
  const dashboard = await run("sqlite", { COFI_TRUSTED_PROXIES: "127.0.0.1", COFI_ALLOW_OPEN: "1" });
  closing.push(() => dashboard.close());
  const { id: batchId } = await dashboard.store.createBatch({ name: "behind nginx", folder: null });
  const nginx = await startNginx(Number(new URL(dashboard.url).port));
  closing.push(() => nginx.stop());

  const feed = await new Feed(`${nginx.url}/api/stream?batch=${batchId}`).ready();
  closing.push(async () => feed.close());
  // Each event is written after the one before has arrived: a proxy that waits for a full buffer never passes on the first.
  for (let n = 0; n < 10; n++) {
    const fileName = `call-${n}.wav`;
    const id = await dashboard.fresh.insertForeign({ batchId, stage: "stt", eventType: "file_start", fileName });
    await until(() => feed.ids.includes(id), `event ${id} behind nginx`);
  }
  expect(feed.opened).toBe(1);
});

test("the page's routes work through nginx, under the allowed name alone", async () => {
  const dashboard = await run("sqlite", { COFI_ALLOWED_HOSTS: "cofi.example.org", COFI_ALLOW_OPEN: "1" });
  closing.push(() => dashboard.close());
  const nginx = await startNginx(Number(new URL(dashboard.url).port));
  closing.push(() => nginx.stop());
  expect((await get(`${nginx.url}/api/health`, "cofi.example.org")).statusCode).toBe(200);
  expect((await get(`${nginx.url}/api/health`, "elsewhere.example.org")).statusCode).toBe(403);
});

/**
 * Dashboard and nginx each see to it; here the server does not ask nginx for it, so the configuration must. The answer is not
 * chunked: nginx passes chunks on even where it buffers.
 */
test("the configuration alone keeps the stream unbuffered", async () => {
  const server = createServer((_request, response) => {
    response.useChunkedEncodingByDefault = false;
    response.writeHead(200, { "content-type": "text/event-stream" }).write("data: small\n\n");
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  closing.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  const nginx = await startNginx(address.port);
  closing.push(() => nginx.stop());

  const response = await fetch(`${nginx.url}/api/stream`, { signal: AbortSignal.timeout(60_000) });
  const reader = response.body?.getReader();
  const chunk = await reader?.read();
  expect(new TextDecoder().decode(chunk?.value)).toBe("data: small\n\n");
  expect(chunk?.done).toBe(false);
  await reader?.cancel();
});
