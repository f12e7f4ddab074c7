/**
 * Viewers of a stream, in a process of their own: `node viewers.mjs <url> <viewers> <seconds>`. Events carry the time at
 * which they were sent to the database as their file name (`t` and epoch ms). Says one JSON line when all are connected,
 * and another with what they saw.
 */
import { connect } from "node:net";
import { constants, createGunzip } from "node:zlib";

const [, , url = "", count = "1", seconds = "10"] = process.argv;
const { hostname, port, pathname, search } = new URL(url);
const VIEWERS = Number(count);
const CONNECTING_AT_ONCE = 200;
/** Parsing every frame of every viewer would measure this process: of many viewers a part reads the times. */
const SAMPLED = Math.max(1, Math.floor(VIEWERS / 250));

const state = { connected: 0, frames: 0, closed: 0 };
let isMeasuring = false;
/** @type {number[]} */
const latencies = [];
const TIME = /"fileName":"t([\d.]+)"/g;

/** Reads the times out of a stream, unpacking it where it is packed, as a browser does. @returns {(chunk: Buffer) => void} */
function reader() {
  const gunzip = createGunzip({ flush: constants.Z_SYNC_FLUSH });
  gunzip.on("data", take);
  /** @type {boolean | null} */
  let isPacked = null;
  return (chunk) => {
    if (isPacked !== null) return void (isPacked ? gunzip.write(chunk) : take(chunk));
    const head = chunk.indexOf("\r\n\r\n");
    isPacked = chunk.subarray(0, head).toString("latin1").toLowerCase().includes("content-encoding: gzip");
    if (isPacked && chunk.length > head + 4) gunzip.write(chunk.subarray(head + 4));
  };
}

/** @param {Buffer} text */
function take(text) {
  if (!isMeasuring) return;
  const now = performance.timeOrigin + performance.now();
  for (const [, sent] of text.toString("latin1").matchAll(TIME)) latencies.push(now - Number(sent));
}

/** @param {number} index @returns {Promise<void>} resolves when the first frame has come */
function view(index) {
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    let hasBegun = false;
    const request = `GET ${pathname}${search} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAccept-Encoding: gzip\r\n\r\n`;
    socket.on("connect", () => socket.write(request));
    const read = index % SAMPLED === 0 ? reader() : () => undefined;
    socket.on("data", (chunk) => {
      read(chunk);
      if (isMeasuring) state.frames += 1;
      if (hasBegun) return;
      hasBegun = true;
      state.connected += 1;
      resolve();
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      state.closed += 1;
      resolve();
    });
  });
}

const started = performance.now();
let next = 0;
await Promise.all(
  Array.from({ length: Math.min(CONNECTING_AT_ONCE, VIEWERS) }, async () => {
    while (next < VIEWERS) await view(next++);
  }),
);
console.log(JSON.stringify({ connected: state.connected, connectMs: performance.now() - started }));

await new Promise((resolve) => process.stdin.once("data", resolve));
isMeasuring = true;
await new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1_000));
const sorted = latencies.toSorted((a, b) => a - b);
/** @param {number} share */
const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null;
console.log(
  JSON.stringify({ ...state, events: sorted.length, p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? null }),
);
process.exit(0);
