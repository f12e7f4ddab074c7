/** A TCP proxy in front of a server of the tests, for what networks do to connections. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export interface StallingProxy {
  readonly port: number;
  /** From now on bytes go nowhere and no connection is closed: a dead network. */
  stall(): void;
  /** Every connection continues where it stopped. */
  resume(): void;
  /** Those that are open stay dead for good; new ones pass. A firewall that forgot them. */
  forget(): void;
  /** Resets every connection. */
  cut(): void;
  /** Each connection is reset when it has passed its next request on: the request takes effect, but its answer is lost. */
  loseAnswers(): void;
  /** Each piece of data takes so long, ms; 0 ends it. */
  delay(ms: number): void;
  close(): void;
}

/** Passes connections on to `port` of this machine. */
export async function stallingProxy(port: number): Promise<StallingProxy> {
  const sockets = new Set<Socket>();
  const clients = new Set<Socket>();
  const dead = new Set<Socket>();
  const losing = new Set<Socket>();
  let stalled = false;
  let delayMs = 0;
  const proxy = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      if (stalled) from.pause();
      from.on("data", (chunk) => {
        if (delayMs > 0) setTimeout(() => to.write(chunk), delayMs);
        // The answer to what a losing client asked.
        else if (losing.has(to)) to.resetAndDestroy();
        else to.write(chunk);
      });
      from.on("close", () => {
        sockets.delete(from);
        losing.delete(from);
        // The other side never hears of what happened to a forgotten one.
        if (!dead.has(from)) to.destroy();
      });
      from.on("error", () => from.destroy());
    }
    clients.add(client);
    client.on("close", () => clients.delete(client));
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  return {
    port: (proxy.address() as AddressInfo).port,
    stall() {
      stalled = true;
      for (const socket of sockets) socket.pause();
    },
    resume() {
      stalled = false;
      for (const socket of sockets) if (!dead.has(socket)) socket.resume();
    },
    forget() {
      stalled = false;
      for (const socket of sockets) {
        socket.pause();
        dead.add(socket);
      }
    },
    cut() {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    loseAnswers() {
      for (const client of clients) losing.add(client);
    },
    delay(ms) {
      delayMs = ms;
    },
    close() {
      proxy.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
