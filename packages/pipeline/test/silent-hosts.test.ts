/** Hosts that fall silent about what they have in work while nobody knows yet how long a file takes. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { EngineClient } from "@cofi/pipeline/engine-client";
import { simulate, type SimulatedHost } from "@cofi/pipeline/pool-simulation";
import { RemoteRuntime } from "@cofi/pipeline/runtime/remote";
import { startScriptedEngine } from "../../../test/support/scripted-engine.js";
import { CALLS_HEADER, folderWith, TRADES_HEADER } from "./batch-files.js";
import { batchInSqlite } from "./batch-in-sqlite.js";

const GOOD: SimulatedHost = { msPerSecond: 10 };

/** From `from` to `until` no connection can be made to it, and what it has in work then is never answered, or, where that is said, late. */
function cutOff(from: number, until = Number.POSITIVE_INFINITY, lateMs?: number): SimulatedHost {
  const isThere = (now: number): boolean => now < from || now >= until;
  return {
    ...GOOD,
    conduct: (_, now) => {
      if (isThere(now) && now + 1_000 < from) return undefined;
      if (now >= until) return undefined;
      return lateMs === undefined ? "never" : { afterMs: lateMs };
    },
    isWell: isThere,
  };
}

test("a host that is cut off before anything is known is left out, and others do its files at once", () => {
  for (const files of [1, 2, 3, 4]) {
    const run = simulate(
      Array.from({ length: files }, () => 100),
      [cutOff(6), GOOD],
    );
    expect([run.done, run.givenUp, run.failure]).toEqual([files, [], null]);
    // Five seconds of silence, and then those that the other one has to do.
    expect(run.endedAt).toBeLessThan(10_000);
  }
  const run = simulate([100, 100, 100], [cutOff(6), GOOD, GOOD]);
  expect(run.changes.filter(({ host }) => host === 0)[0]).toMatchObject({
    from: "healthy",
    to: "ejected",
    rule: "It was silent about what it has in work, and no connection can be made to it: It is not there",
  });
});

test("a host that takes connections and says nothing is not left out, but an idle one tries its files", () => {
  const silent: SimulatedHost = { ...GOOD, conduct: () => "never", isSilent: () => true };
  const run = simulate([100, 100, 100], [silent, GOOD]);
  expect([run.done, run.givenUp, run.failure]).toEqual([3, [], null]);
  expect(run.endedAt).toBeLessThan(12_000);
  // It may be at work all the same: engines with one thread say nothing meanwhile.
  const blocked: SimulatedHost = { msPerSecond: 200, isSilent: () => true };
  const both = simulate(
    Array.from({ length: 8 }, () => 100),
    [blocked, blocked],
  );
  expect([both.done, both.attempts, both.changes]).toEqual([8, 8, []]);
});

test("hosts that need long for a file are looked at now and then, and nothing comes of it", () => {
  const looks: number[] = [];
  const slow: SimulatedHost = {
    msPerSecond: 6_000,
    isWell: (now) => looks.push(now) > 0,
  };
  const run = simulate([100, 100], [slow]);
  expect([run.done, run.changes, run.attempts]).toEqual([2, [], 2]);
  // Once at its beginning, and for each file after 5, 10, 20 … 320 s of its 600 s.
  expect(looks).toHaveLength(1 + 2 * 7);
});

test("the only host, cut off for a while, is waited for, and keeps what it has in work", () => {
  const run = simulate([100, 100, 100], [cutOff(6, 60_000, 70_000)]);
  expect([run.done, run.givenUp, run.failure, run.attempts]).toEqual([3, [], null, 3]);
  expect(run.changes.map(({ from, to }) => `${from} ${to}`)).toEqual([
    "healthy suspect",
    "suspect probing",
    "probing healthy",
  ]);
  expect(run.endedAt).toBeLessThan(80_000);
});

/** Passes connections on until it is cut off: then what comes is kept, and no other connection is taken. */
async function wireTo(url: string): Promise<{ url: string; cut: () => void }> {
  const { port } = new URL(url);
  const sockets: Socket[] = [];
  const server = createServer((near) => {
    const far = connect(Number(port), "127.0.0.1");
    for (const socket of [near, far]) sockets.push(socket.on("error", () => undefined));
    near.pipe(far).pipe(near);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const cut = (): void => {
    server.close();
    for (const socket of sockets) socket.unpipe().pause();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, cut };
}

test("a batch of a few files ends, though one of its hosts is cut off with the first of them in work", async () => {
  const bench = await batchInSqlite();
  // Longer than the test may take.
  const client = new EngineClient(3_600_000);
  const good = await startScriptedEngine();
  let wire: Awaited<ReturnType<typeof wireTo>> | undefined;
  const bad = await startScriptedEngine({
    until: (stage) => (stage === "denoise" ? Promise.resolve(wire?.cut()) : undefined),
  });
  wire = await wireTo(bad.url);
  onTestFinished(async () => {
    await client.close();
    await Promise.all([good, bad].map((engine) => engine.close()));
    await bench.close();
  });
  const files = ["a.wav", "b.wav", "c.wav", "d.wav"];
  const call = (file: string, n: number) => `C${n},${file},2026-11-20T09:00:00Z,10,IN,+919810000000,,,D1,AB1,1`;
  const folder = await folderWith({
    ...Object.fromEntries(files.map((file) => [file, "audio"])),
    "calls.csv": [CALLS_HEADER, ...files.map(call)].join("\n"),
    "trades.csv": `${TRADES_HEADER}\nT1,,2026-11-20T09:00:05Z,,AB1,+919810000000,D1,INFY,BUY,200,1500,DEALER\n`,
  });
  const urls = [wire.url, good.url];
  const runtime = new RemoteRuntime(() => urls, client, { slotsPerHost: 1 });
  const { batchId, status } = await bench.run({ folder, runtime, client });
  expect(status).toBe("completed");
  expect(bad.requests.filter((request) => request.startsWith("denoise "))).toHaveLength(1);
  const rules = (await bench.events(batchId)).flatMap(({ stage, metadata }) => {
    const { host } = (metadata ?? {}) as { host?: { url: string; to: string; rule: string } };
    return stage === "denoise" && host?.url === wire?.url && host?.to === "ejected" ? [host.rule] : [];
  });
  expect(rules).toEqual([expect.stringMatching(/^It was silent about what it has in work, .*ECONNREFUSED/)]);
});
