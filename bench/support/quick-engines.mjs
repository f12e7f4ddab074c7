/**
 * Engines of the contract that use little of the processor, in a process of their own:
 * `node quick-engines.mjs <hosts> <ms> <segments>`. Each answer takes between half and one and a half times so long: were it the
 * same, all files would end at once. Says one JSON line with their URLs, and ends with its input.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

const [, , hosts = "1", ms = "0", segments = "1"] = process.argv;
const MEAN_MS = Number(ms);

const COMMON = { engine: { name: "quick", version: "1", model: "none" }, elapsed_ms: MEAN_MS };
const TRIM = { start_s: 0, end_s: 10 };
const TEXT = "please buy two hundred shares of infosys at fifteen hundred rupees";
const EVIDENCE = [{ segment: 0, start_s: 1, end_s: 4, quote: "two hundred shares of infosys" }];
const TRADE = {
  action: "NEW",
  side: "BUY",
  symbol: "INFY",
  symbol_spoken: "infosys",
  instrument: "EQ",
  quantity: 200,
  unit: "SHARES",
  price_type: "LIMIT",
  price: 1500,
  trigger: null,
  strike: null,
  option_type: null,
  expiry: null,
  read_back: true,
  client_confirmed: true,
  confidence: 0.9,
  evidence: EVIDENCE,
};
const SEGMENTS = Array.from({ length: Number(segments) }, (_, id) => {
  return { id, start_s: 1 + id / 100, end_s: 4, text: TEXT, confidence: 0.9 };
});
const HEARD = { language: "en", duration_s: 10, text: TEXT, confidence: 0.9, segments: SEGMENTS, model: "none" };

/** What is the same about all files, by stage. @type {Record<string, string>} */
const SAME = {
  denoise: JSON.stringify({ ...COMMON, duration_s: 10, sample_rate: 8_000, channels: 1, variant: "denoised" }),
  ivr: JSON.stringify({ ...COMMON, duration_s: 10, segments: [], dtmf: "", trim: TRIM, speech_s: 9, speech: [TRIM] }),
  lid: JSON.stringify({ ...COMMON, language: "en", confidence: 0.9, speech_s: 9 }),
  stt: JSON.stringify({ ...COMMON, ...HEARD }),
};

/** @param {string} stage @param {Buffer} body */
function answer(stage, body) {
  const same = SAME[stage];
  if (same !== undefined) return same;
  const { call_id, questions } = /** @type {{ call_id: string, questions?: { id: string }[] }} */ (
    JSON.parse(body.toString())
  );
  const client = { name: null, code: null };
  if (stage === "llm1")
    return JSON.stringify({ ...COMMON, call_id, language: "en", client_identity: client, trades: [TRADE] });
  const answers = questions?.map(({ id: question_id }) => {
    return { question_id, answer: "YES", confidence: 0.9, evidence: EVIDENCE, rationale: "It was said." };
  });
  return JSON.stringify({ ...COMMON, call_id, answers });
}

/** Its multiples, without whole numbers, are spread as evenly as can be. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;
let turn = 0;

/** What an engine is there for; copies from host to host are not. @param {string | undefined} method @param {string} url */
function isWork(method, url) {
  return method === "POST" || (method === "PUT" && !url.includes("?"));
}

/** @param {string | undefined} method @param {string} url @param {Buffer} body */
function respond(method, url, body) {
  if (url === "/health") return `{"status":"ok"}`;
  if (method === "POST") return answer(url.slice("/v1/".length), body);
  // Denoised audio, for another host.
  if (method === "GET") return "denoised";
  return JSON.stringify({ bytes: body.length, sha256: createHash("sha256").update(body).digest("hex") });
}

const urls = await Promise.all(
  Array.from({ length: Number(hosts) }, async () => {
    const server = createServer((request, response) => {
      /** @type {Buffer[]} */
      const chunks = [];
      request
        .on("data", (chunk) => chunks.push(chunk))
        .on("end", () => {
          const url = request.url ?? "";
          const text = respond(request.method, url, Buffer.concat(chunks));
          const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
          const send = () => response.writeHead(200, headers).end(text);
          if (MEAN_MS === 0 || !isWork(request.method, url)) send();
          else setTimeout(send, MEAN_MS * (0.5 + turn));
          turn = (turn + GOLDEN) % 1;
        });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    return `http://127.0.0.1:${/** @type {import("node:net").AddressInfo} */ (server.address()).port}`;
  }),
);
console.log(JSON.stringify(urls));

for await (const _ of process.stdin);
process.exit(0);
