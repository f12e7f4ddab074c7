/** A batch that was killed after its recordings were transcribed is continued: how long it takes, and what it holds in memory. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "vitest";
import { openDatabase } from "@cofi/event-log/database";
import { migrate } from "@cofi/event-log/migrate";
import { STAGES } from "@cofi/event-log/stages";
import { logInterrupted, makeFolder } from "./support/interrupted-batch.js";
import { peakResidentBytes } from "./support/process-figures.js";
import { record } from "./support/results.js";

const COFI = fileURLToPath(new URL("../packages/cli/bin/cofi.js", import.meta.url));
const SIZES = (process.env["COFI_RESUME_FILES"] ?? "1000,10000,100000").split(",").map(Number);
/** Files of the next stage that are done before the run is ended. */
const ASKED = 1_000;

interface Resumed {
  firstAskedMs: number;
  megabytesThen: number;
  megabytesLater: number;
}

/** Answers every request about llm1; all others are refused, for the log says that they were answered. */
async function engine() {
  const unexpected: string[] = [];
  const engines = { onAsked: (): void => undefined, unexpected, url: "" };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request
      .on("data", (chunk: Buffer) => chunks.push(chunk))
      .on("end", () => {
        const send = (value: object): void =>
          void response.setHeader("content-type", "application/json").end(JSON.stringify(value));
        if (request.url === "/health") return send({ status: "ok" });
        if (request.url !== "/v1/llm1") {
          unexpected.push(`${request.method} ${request.url}`);
          return void response.writeHead(400).end();
        }
        const { call_id } = JSON.parse(Buffer.concat(chunks).toString()) as { call_id: string };
        engines.onAsked();
        const said = { language: "en", client_identity: { name: null, code: null }, trades: [] };
        return send({ engine: { name: "bench", version: "1", model: "none" }, elapsed_ms: 1, call_id, ...said });
      });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return Object.assign(engines, { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

/** Continues the batch of a folder until so many files are asked about. */
async function continued(
  folder: string,
  env: Record<string, string>,
  engines: Awaited<ReturnType<typeof engine>>,
  until: { files: number; signal: "SIGTERM" | "SIGKILL" },
): Promise<Resumed> {
  const started = performance.now();
  const child = spawn(process.execPath, [COFI, "run", folder], { env, stdio: ["ignore", "inherit", "inherit"] });
  const ended = once(child, "close");
  const found: Resumed = { firstAskedMs: 0, megabytesThen: 0, megabytesLater: 0 };
  let asked = 0;
  const enough = new Promise<void>((resolve) => {
    engines.onAsked = () => {
      asked += 1;
      if (asked === 1) {
        found.firstAskedMs = performance.now() - started;
        found.megabytesThen = peakResidentBytes(child.pid ?? 0) / 1e6;
      }
      if (asked !== until.files) return;
      found.megabytesLater = peakResidentBytes(child.pid ?? 0) / 1e6;
      resolve();
    };
  });
  const early = ended.then(([code]) => {
    throw new Error(`cofi run ended with ${code} after ${asked} files.`);
  });
  early.catch(() => undefined);
  await Promise.race([enough, early]);
  engines.onAsked = () => undefined;
  child.kill(until.signal);
  await ended;
  return found;
}

async function resumed(files: number): Promise<Resumed> {
  const root = await mkdtemp(join(tmpdir(), "cofi-resume-"));
  const engines = await engine();
  try {
    const folder = join(root, "batch");
    await makeFolder(folder, files);
    const database = await openDatabase(`sqlite:${join(root, "data", "cofi.sqlite")}`);
    await migrate(database);
    await logInterrupted(database, folder, files, engines.url);
    await database.close();
    const urls = STAGES.map(({ name }) => [`COFI_ENGINE_${name.toUpperCase()}_URLS`, engines.url]);
    const { PATH = "" } = process.env;
    const env = { PATH, COFI_DATA_DIR: join(root, "data"), COFI_GRACE_PERIOD_S: "1", ...Object.fromEntries(urls) };
    // The first of the two stores the calls, as the run that was killed had done.
    await continued(folder, env, engines, { files: 1, signal: "SIGTERM" });
    const found = await continued(folder, env, engines, { files: Math.min(ASKED, files / 2), signal: "SIGKILL" });
    if (engines.unexpected.length > 0) throw new Error(`It asked again: ${engines.unexpected.slice(0, 3).join(", ")}`);
    return found;
  } finally {
    engines.server.closeAllConnections();
    engines.server.close();
    await rm(root, { recursive: true, force: true });
  }
}

test("resuming a batch whose transcripts are all there", async () => {
  const found = new Map<number, Resumed>();
  for (const files of SIZES) found.set(files, await resumed(files));
  const rows = (value: (of: Resumed) => number): Record<string, number> =>
    Object.fromEntries([...found].map(([files, of]) => [`${files.toLocaleString("en")} files`, value(of)]));
  const title = "Resuming a batch with a transcript of 20 KB for each file, SQLite";
  await record(
    `${title}: until the first file is asked`,
    "ms",
    rows(({ firstAskedMs }) => firstAskedMs),
    "Bar: <= 10,000 ms for 100,000 files.",
  );
  await record(
    `${title}: most memory until then`,
    "MB",
    rows(({ megabytesThen }) => megabytesThen),
    "Bar: <= 300 MB for 100,000 files.",
  );
  await record(
    `${title}: most memory until ${ASKED.toLocaleString("en")} files more are done`,
    "MB",
    rows(({ megabytesLater }) => megabytesLater),
    "Bar: <= 300 MB for 100,000 files.",
  );
});
